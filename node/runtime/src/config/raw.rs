//! The settings as they are written: sections and keys, each with its meaning and default.

use crate::{
    config::{Config, ConfigError, Overlay, floor, mqtt},
    enrol, fleet, logging, scrub, sync, trainer,
};
use aisle_event::{Currency, StoreId};
use aisle_recommend::Rules;
use aisle_state::OFFERS_BYTES_MAX;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, path::PathBuf};

/// What an event of a sale may take, in bytes: as its receipt, half of it what plugins made of the basket.
const SALE_BYTES_MAX: usize = 2 * OFFERS_BYTES_MAX;

/// Everything that can be set.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawConfig {
    /// Which shop this is.
    pub store: Store,
    /// Where the node listens.
    pub http: Http,
    /// What the node says about itself.
    pub log: Log,
    /// The log that everything else is made from.
    pub journal: Journal,
    /// What is kept of the past, and for how long.
    pub state: aisle_state::Config,
    /// The kiosk's pages and API.
    pub kiosk: aisle_kiosk::Config,
    /// How recommendations are chosen.
    pub recommend: aisle_recommend::Settings,
    /// What headquarters says about recommendations.
    pub rules: aisle_recommend::RulesDocument,
    /// The store's own MQTT broker.
    pub mqtt: aisle_broker::Config,
    /// Bridges to MQTT brokers that the store already has.
    pub bridge: Vec<aisle_devices::bridge::Config>,
    /// The devices of the store.
    pub devices: Devices,
    /// What is kept of what sensors measure, and what is called odd.
    pub telemetry: aisle_devices::telemetry::Config,
    /// Stock positions: what is sensed of goods, and when staff are sent.
    pub inventory: aisle_inventory::position::Config,
    /// The cold chain: how long food may be outside its limit.
    pub cold_chain: aisle_inventory::cold_chain::Config,
    /// What staff are asked to do.
    pub tasks: aisle_inventory::task::Config,
    /// Plugins: how many, how large, and how much of what they did is kept.
    pub plugins: crate::plugin::Config,
    /// The staff board.
    pub staff: aisle_kiosk::staff::StaffConfig,
    /// How the floor (devices, telemetry, stock positions, cold chain, tasks) is kept in step with the journal.
    pub floor: aisle_state::follow::Config,
    /// The hub, what leaves for it, and what the line to it may cost. Left out, the node stands alone.
    pub sync: Option<sync::RawSync>,
    /// Which box this is.
    pub node: enrol::RawNode,
    /// How the node asks for its certificate: it is claimed by `aisle-node claim`, or on the page `/first-boot`.
    pub enrolment: enrol::RawEnrolment,
    /// What is signed and ordered by headquarters: plugins, prices and the like, how they prove themselves, and whom to believe.
    pub artefacts: fleet::Settings,
    /// How often recommendations learn.
    pub trainer: trainer::Config,
    /// How often the journal is read from its start to its end.
    pub scrub: scrub::Config,
}

/// The devices of the store.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Devices {
    /// Which devices are known, at most.
    pub register: aisle_devices::registry::Config,
    /// How they are listened to.
    pub service: aisle_devices::service::Config,
}

/// Which shop this is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Store {
    /// The chain's number of the shop, 1 to 64 bytes.
    pub id: String,
    /// The currency of imported prices, as in ISO 4217.
    pub currency: String,
}

/// Where the node listens.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Http {
    /// Address and port for kiosks, health and metrics. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// How long requests under way may take to finish when the node is asked to stop.
    pub shutdown_timeout_ms: u64,
}

/// What the node says about itself.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    /// `text` for people, `json` for machines.
    pub format: LogFormat,
    /// The least important level that is logged, or a `tracing` filter such as `info,aisle_journal=debug`.
    pub level: String,
}

/// The log that everything else is made from.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Journal {
    /// The size of a segment's file, which is also the least that a new one needs on disk.
    pub segment_bytes: u64,
    /// The most bytes that wait for their commit; beyond them writes are answered with 503.
    pub queue_bytes_max: usize,
    /// The longest event; at least 524288, because a sale with all that plugins made of its basket is one event.
    pub record_bytes_max: usize,
    /// What to do when acknowledged records are damaged: `quarantine` sets the segment aside and goes on, `refuse` does not start.
    pub on_corruption: OnCorruption,
}

/// What to do when acknowledged records are damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnCorruption {
    /// Set the segment aside, go on, and say so.
    Quarantine,
    /// Do not start; a person decides.
    Refuse,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl Default for Store {
    fn default() -> Self {
        Self { id: "store-1".into(), currency: Currency::GBP.to_string() }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8480)), shutdown_timeout_ms: 10_000 }
    }
}

impl Default for Journal {
    fn default() -> Self {
        let aisle_journal::Config { segment_bytes, queue_bytes_max, record_bytes_max, .. } =
            aisle_journal::Config::default();
        // A shop that sells without yesterday's damaged records is better than a shop that does not sell.
        Self { segment_bytes, queue_bytes_max, record_bytes_max, on_corruption: OnCorruption::Quarantine }
    }
}

impl Journal {
    fn resolve(&self) -> Result<aisle_journal::Config, ConfigError> {
        let at_least = |key: &str, found: u64, min: u64| {
            let reason = format!("is {found}, expected at least {min}");
            if found < min { Err(refused(&format!("journal.{key}"), &reason)) } else { Ok(()) }
        };
        at_least("segment_bytes", self.segment_bytes, 64 << 10)?;
        at_least("queue_bytes_max", self.queue_bytes_max as u64, 1 << 20)?;
        if self.record_bytes_max < SALE_BYTES_MAX {
            let reason = format!(
                "is {}, expected at least {SALE_BYTES_MAX}: a sale with all that plugins made of its basket is one event, which would be refused at each try",
                self.record_bytes_max
            );
            return Err(refused("journal.record_bytes_max", &reason));
        }
        Ok(aisle_journal::Config {
            segment_bytes: self.segment_bytes,
            queue_bytes_max: self.queue_bytes_max,
            record_bytes_max: self.record_bytes_max,
            on_corruption: match self.on_corruption {
                OnCorruption::Quarantine => aisle_journal::OnCorruption::Quarantine,
                OnCorruption::Refuse => aisle_journal::OnCorruption::Refuse,
            },
        })
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".into() }
    }
}

impl RawConfig {
    /// The files that only the node may read, by their keys. Each may be named `credential:NAME` instead.
    pub(super) fn secrets(&mut self) -> Vec<(String, &mut PathBuf)> {
        let mut secrets = Vec::new();
        if let Some(sync) = &mut self.sync {
            secrets.push(("sync.private_key_file".into(), &mut sync.private_key_file));
            let more = [
                ("sync.token_secret_file", &mut sync.token_secret_file),
                ("sync.receipt_key_file", &mut sync.receipt_key_file),
            ];
            secrets.extend(more.into_iter().filter_map(|(key, file)| Some((key.into(), file.as_mut()?))));
        }
        secrets
            .extend(self.mqtt.private_key_file.as_mut().map(|file| ("mqtt.private_key_file".into(), file)));
        for (at, bridge) in self.bridge.iter_mut().enumerate() {
            let more = [
                ("password_file", &mut bridge.password_file),
                ("private_key_file", &mut bridge.private_key_file),
            ];
            let named = more.into_iter().filter_map(|(key, file)| Some((key, file.as_mut()?)));
            secrets.extend(named.map(|(key, file)| (format!("bridge[{at}].{key}"), file)));
        }
        secrets
    }

    /// Checks every value and gives each part its own configuration.
    pub(crate) fn resolve(self) -> Result<Config, ConfigError> {
        let store = StoreId::new(&self.store.id).map_err(|error| refused("store.id", &error))?;
        let currency: Currency =
            self.store.currency.parse().map_err(|error| refused("store.currency", &error))?;
        let journal = self.journal.resolve()?;
        self.state.validate().map_err(|error| refused("state", &error))?;
        self.kiosk.validate().map_err(|error| refused("kiosk", &error))?;
        self.recommend.check().map_err(|error| refused("recommend", &error))?;
        Rules::new(self.rules.clone(), |_| true).map_err(|error| refused("rules", &error))?;
        mqtt::check_broker(&self.mqtt, store.as_str(), journal.record_bytes_max)?;
        mqtt::check_bridges(&self.bridge)?;
        let floor = floor::resolve(&self)?;
        self.plugins.validate().map_err(|error| {
            let reason = format!("is {}, expected {}", error.found, error.expected);
            refused(&format!("plugins.{}", error.field), &reason)
        })?;
        self.staff.validate().map_err(|error| refused("staff", &error))?;
        let sync = match &self.sync {
            // What is missing comes with the claim, from the data.
            Some(sync) if sync.is_of_identity() => sync.check_before_claim().map(|()| None),
            Some(sync) => sync.resolve().map(Some),
            None => Ok(None),
        };
        let sync = sync.map_err(|error| refused(&format!("sync.{}", error.field), &error.reason))?;
        let hub = self.sync.as_ref().and_then(|sync| sync.hub.first()).map(|hub| hub.name.as_str());
        let enrolment = enrol::config::resolve(&self.node, &self.enrolment, hub);
        let enrolment = enrolment.map_err(|(key, reason)| refused(key, &reason))?;
        self.artefacts.validate().map_err(|(key, reason)| refused(key, &reason))?;
        self.trainer.validate().map_err(|error| refused("trainer", &error))?;
        logging::check(&self.log.level).map_err(|reason| refused("log.level", &reason))?;
        self.scrub.validate().map_err(|error| refused("scrub", &error))?;
        Ok(Config {
            store,
            currency,
            listen: self.http.listen,
            shutdown_timeout_ms: self.http.shutdown_timeout_ms,
            journal,
            state: aisle_state::Config { zone: self.kiosk.time_zone.zone().clone(), ..self.state.clone() },
            kiosk: self.kiosk.clone(),
            recommend: self.recommend.clone(),
            rules: self.rules.clone(),
            mqtt: self.mqtt.clone(),
            bridges: self.bridge.clone(),
            floor,
            plugins: self.plugins.clone(),
            staff: self.staff.clone(),
            sync,
            enrolment,
            artefacts: self.artefacts.clone(),
            is_store_named: self.store.id != Store::default().id,
            trainer: self.trainer.clone(),
            scrub: self.scrub.clone(),
            log_format: self.log.format,
            log_level: self.log.level.clone(),
            file: None,
            overlay: Overlay::default(),
            raw: self,
        })
    }

    /// As a file that could be read back.
    pub(crate) fn to_toml(&self) -> anyhow::Result<String> {
        Ok(toml::to_string_pretty(self)?)
    }
}

pub(super) fn refused(key: &str, reason: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::Value { origin: "configuration".into(), key: key.into(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_records_of(record_bytes_max: usize) -> Result<Config, ConfigError> {
        let journal = Journal { record_bytes_max, ..Journal::default() };
        RawConfig { journal, ..RawConfig::default() }.resolve()
    }

    #[test]
    fn a_journal_whose_events_are_too_short_for_a_sale_is_refused_and_told_why() {
        let config = with_records_of(2 * OFFERS_BYTES_MAX).unwrap();
        assert_eq!(config.journal.record_bytes_max, 512 << 10);
        for short in [16 << 10, OFFERS_BYTES_MAX + 4_096, 2 * OFFERS_BYTES_MAX - 1] {
            let told = with_records_of(short).unwrap_err().to_string();
            let says = |part: &str| told.contains(part);
            assert!(says("`journal.record_bytes_max`") && says(&short.to_string()), "{told}");
            assert!(says("at least 524288") && says("a sale"), "{told}");
        }
    }
}
