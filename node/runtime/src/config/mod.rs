//! What the node runs with: raw settings from files and environment, resolved once into types that cannot be wrong.
//!
//! Order, later over earlier: built-in defaults, what headquarters sets (`DATA/fleet/settings.toml`, the keys of [`overlay::KEYS`] alone), `aisle.toml`, `conf.d/*.toml` beside it by name, `AISLE_<SECTION>__<KEY>`.
//! An unknown key is refused with its path and the nearest key there is.

mod floor;
mod load;
mod mqtt;
pub(crate) mod origin;
pub(crate) mod overlay;
mod raw;
pub(crate) mod reference;

pub(crate) use load::{load, load_for_start, look};
pub(crate) use overlay::Overlay;
pub(crate) use raw::{LogFormat, RawConfig};

use aisle_event::{Currency, StoreId};
use std::{net::SocketAddr, path::PathBuf};

/// The configuration of every part, checked.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub store: StoreId,
    pub currency: Currency,
    pub listen: SocketAddr,
    pub shutdown_timeout_ms: u64,
    pub journal: aisle_journal::Config,
    pub state: aisle_state::Config,
    pub kiosk: aisle_kiosk::Config,
    pub recommend: aisle_recommend::Settings,
    pub rules: aisle_recommend::RulesDocument,
    pub mqtt: aisle_broker::Config,
    pub bridges: Vec<aisle_devices::bridge::Config>,
    pub floor: crate::floor::Settings,
    pub plugins: crate::plugin::Config,
    pub staff: aisle_kiosk::staff::StaffConfig,
    pub sync: Option<crate::sync::Settings>,
    pub enrolment: crate::enrol::Settings,
    pub artefacts: crate::fleet::Settings,
    /// Somebody has said which store this is; otherwise the claim does.
    pub is_store_named: bool,
    pub trainer: crate::trainer::Config,
    pub scrub: crate::scrub::Config,
    pub log_format: LogFormat,
    pub log_level: String,
    /// The file that was named on the command line.
    pub file: Option<PathBuf>,
    /// What headquarters sets.
    pub overlay: Overlay,
    /// What was read, for `config show`.
    pub raw: RawConfig,
}

/// A setting that was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error(
        "cannot read the configuration `{path}`: {reason}\nhint: leave `--config` out to run with the defaults"
    )]
    Read { path: String, reason: String },
    #[error("{origin}: unknown key `{key}`{nearest}\nhint: `aisle-node reference config` lists every key")]
    UnknownKey { origin: String, key: String, nearest: String },
    #[error("{origin}: `{key}`: {reason}")]
    Value { origin: String, key: String, reason: String },
}
