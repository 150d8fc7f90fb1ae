//! Taking the identity over: the store, the line to the hub and the broker get from it what nobody has written down.
//!
//! What is written down counts: a node whose `[sync]` names certificate files is set up as before. Guards: nothing that a hub has said keeps the node from starting; what
//! cannot be used is told, and the store stands alone meanwhile.

use super::config::MqttShows;
use crate::{
    config::{Config, ConfigError},
    sync::{RawSync, words},
};
use aisle_broker::access::{DEVICES_FILE, DevicesFile};
use aisle_enrolment::{LineSettings, files};
use aisle_provisioning::identity::Identity;
use std::{fs, io::Write, path::Path};

/// What the broker shows under `auto`, as it was decided when the box was claimed.
const SHOWS_FILE: &str = "mqtt/shows";

/// The configuration with what the identity says.
///
/// # Errors
/// When the configuration was refused; nothing of the identity is an error.
pub(crate) fn adopt(data: &Path, config: Result<Config, ConfigError>) -> Result<Config, ConfigError> {
    let mut config = config?;
    let facts = match aisle_enrolment::identity_on_disk(data) {
        Ok(Some(facts)) => facts,
        Ok(None) => return Ok(config),
        Err(error) => {
            config.enrolment.problem = Some(words(&error));
            return Ok(config);
        }
    };
    if let Some(store) = facts.identity.as_ref().and_then(Identity::store)
        && !config.is_store_named
    {
        config.store = store.id().clone();
    }
    if config.sync.is_none() {
        match line(data, config.raw.sync.as_ref()) {
            Ok(Some(settings)) => {
                config.sync = Some(settings);
                config.enrolment.is_adopted = true;
            }
            Ok(None) => {}
            Err(problem) => config.enrolment.problem = Some(problem),
        }
    }
    if config.mqtt.certificate_file.is_none() && shows_identity(data, config.enrolment.mqtt) {
        config.mqtt.certificate_file = Some(files::certificate(data));
        config.mqtt.private_key_file = Some(files::private_key(data));
    }
    if config.mqtt.client_ca_file.is_none() && files::roots(data).is_file() {
        config.mqtt.client_ca_file = Some(files::roots(data));
    }
    Ok(config)
}

/// The line to the hub by what the hub said; nothing before it has said anything.
fn line(data: &Path, raw: Option<&RawSync>) -> Result<Option<crate::sync::Settings>, String> {
    let Some(said) = LineSettings::kept(data).map_err(|error| words(&error))? else { return Ok(None) };
    let filled = raw.cloned().unwrap_or_default().filled(&said, data, raw.is_none());
    let settings = filled.resolve().map_err(|error| {
        format!("the line's settings, of `[sync]` and of the hub: `{}` {}", error.field, error.reason)
    })?;
    Ok(Some(settings))
}

fn shows_identity(data: &Path, shows: MqttShows) -> bool {
    match shows {
        MqttShows::Identity => true,
        MqttShows::Own => false,
        MqttShows::Auto => {
            let decided = fs::read_to_string(data.join(SHOWS_FILE));
            decided.is_ok_and(|decided| decided.trim() == "identity")
        }
    }
}

/// Whether devices are listed that may trust the certificate that the box has made itself.
fn keeps_own_certificate(data: &Path, store: &str) -> bool {
    let listed = DevicesFile::at(data.join(DEVICES_FILE), store).list();
    // A file that cannot be read may list some.
    listed.map_or(true, |listed| !listed.is_empty())
}

/// Decides what the broker shows from now on under `auto`, once: devices that trust a certificate are not left behind by a later start.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn note_what_mqtt_shows(data: &Path, store: &str) -> std::io::Result<()> {
    let path = data.join(SHOWS_FILE);
    if path.exists() {
        return Ok(());
    }
    let shows = if keeps_own_certificate(data, store) { "own" } else { "identity" };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = path.with_extension("new");
    let mut file = fs::File::create(&new)?;
    writeln!(file, "{shows}")?;
    file.sync_all()?;
    fs::rename(&new, &path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RawConfig;

    #[test]
    fn a_box_that_nobody_has_claimed_is_as_it_is_written_down() {
        let data = tempfile::tempdir().unwrap();
        let config = adopt(data.path(), RawConfig::default().resolve()).unwrap();
        assert!(config.sync.is_none() && !config.enrolment.is_adopted);
        assert_eq!(config.mqtt.certificate_file, None);
    }

    #[test]
    fn what_the_broker_shows_is_decided_once() {
        let data = tempfile::tempdir().unwrap();
        assert!(!shows_identity(data.path(), MqttShows::Auto));
        note_what_mqtt_shows(data.path(), "store-1").unwrap();
        assert!(shows_identity(data.path(), MqttShows::Auto), "no device trusts anything yet");
        assert!(!shows_identity(data.path(), MqttShows::Own));
        fs::write(data.path().join(SHOWS_FILE), "own\n").unwrap();
        note_what_mqtt_shows(data.path(), "store-1").unwrap();
        assert!(
            !shows_identity(data.path(), MqttShows::Auto) && shows_identity(data.path(), MqttShows::Identity)
        );
    }
}
