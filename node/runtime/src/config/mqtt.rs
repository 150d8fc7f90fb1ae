//! What is checked of the broker's and the bridges' settings before anything is opened.

use super::{ConfigError, raw::refused};
use aisle_broker::{
    access::{Rights, RightsError},
    transport::Listen,
};
use std::path::Path;

/// Refuses what the broker would refuse at its start, by the path of the key.
pub(super) fn check_broker(
    mqtt: &aisle_broker::Config,
    store: &str,
    record_bytes_max: usize,
) -> Result<(), ConfigError> {
    mqtt.validate(record_bytes_max).map_err(|error| {
        let reason = format!("is {}, expected {}", error.found, error.expected);
        refused(&format!("mqtt.{}", error.field), &reason)
    })?;
    let listens = [
        ("mqtt.tls_listen", &mqtt.tls_listen),
        ("mqtt.tcp_listen", &mqtt.tcp_listen),
        ("mqtt.websocket_listen", &mqtt.websocket_listen),
    ];
    for (key, text) in listens {
        if Listen::parse(text).is_none() {
            let reason = format!(
                "is `{text}`, expected `store:PORT`, `IP:PORT` or `off`\nhint: `store:8883` is every private address of this machine"
            );
            return Err(refused(key, &reason));
        }
    }
    check_files(mqtt)?;
    check_rights(mqtt, store)
}

fn check_files(mqtt: &aisle_broker::Config) -> Result<(), ConfigError> {
    let together = "is missing: certificate and key are given together, or neither";
    match (&mqtt.certificate_file, &mqtt.private_key_file) {
        (Some(_), None) => return Err(refused("mqtt.private_key_file", &together)),
        (None, Some(_)) => return Err(refused("mqtt.certificate_file", &together)),
        _ => {}
    }
    let files = [
        ("mqtt.certificate_file", &mqtt.certificate_file),
        ("mqtt.private_key_file", &mqtt.private_key_file),
        ("mqtt.client_ca_file", &mqtt.client_ca_file),
    ];
    for (key, file) in files {
        if let Some(file) = file {
            readable(file)
                .map_err(|error| refused(key, &format!("`{}` cannot be read: {error}", file.display())))?;
        }
    }
    Ok(())
}

fn readable(file: &Path) -> std::io::Result<()> {
    std::fs::File::open(file).map(drop)
}

fn check_rights(mqtt: &aisle_broker::Config, store: &str) -> Result<(), ConfigError> {
    let (publish, subscribe) = match &mqtt.anonymous {
        Some(anonymous) => (&*anonymous.publish, &*anonymous.subscribe),
        None => (&[][..], &[][..]),
    };
    Rights::new(publish, subscribe, "client", store).map(drop).map_err(|error| match error {
        RightsError::Value { reason, .. } => {
            let hint = "it stands for `%store%` in topics; use letters, digits, `-`, `_` and `.`";
            refused("store.id", &format!("is `{store}`: {reason}\nhint: {hint}"))
        }
        RightsError::Pattern { list, index, pattern, reason } => {
            refused(&format!("mqtt.anonymous.{list}[{index}]"), &format!("is `{pattern}`: {reason}"))
        }
    })
}

/// Refuses what a bridge would refuse at its start, by the path of the key.
pub(super) fn check_bridges(bridges: &[aisle_devices::bridge::Config]) -> Result<(), ConfigError> {
    aisle_devices::bridge::validate(bridges)
        .map_err(|error| refused(&error.field, &format!("{}\nhint: {}", error.reason, error.hint)))
}
