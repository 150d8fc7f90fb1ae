//! `plugin.toml`: who a plugin is, what it may ask and how much it may use.
//!
//! Nothing is read from a disk here. A manifest that stands can be trusted: every field was checked, every key is known.
//! Guards invariant 4: what is not granted here is not linked.

mod limits;
mod read;

pub use limits::Limits;

use crate::{hook::Hook, types::Setting};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// The longest `plugin.toml`, in bytes.
pub const MANIFEST_BYTES_MAX: usize = 256 << 10;
/// The most entries of `[settings]` after flattening.
pub const SETTINGS_MAX: usize = 1024;

/// What `plugin.toml` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Its name in the shop: 1 to 64 of a-z, 0-9 and `-`, beginning with a letter.
    pub id: String,
    /// Which version this is.
    pub version: semver::Version,
    /// One sentence for the people who look after the shop. May be empty; at most 200 characters.
    pub description: String,
    /// At which hooks it is asked: at least one, each once.
    pub hooks: Vec<Hook>,
    /// What it may ask beside its input.
    pub grants: BTreeSet<Grant>,
    /// What a call may use.
    pub limits: Limits,
    /// What happens to the answer when a call fails.
    pub on_failure: OnFailure,
    /// Its place among the plugins of a hook: the smaller the earlier; of equal ones the smaller id.
    pub order: i32,
    /// `[settings]`, flattened to dotted keys, sorted by key.
    pub settings: Vec<Setting>,
}

/// What a plugin may ask beside its input. Each is one interface of `plugins/wit/host.wit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grant {
    /// To write lines.
    Log,
    /// The time of the call.
    Clock,
    /// Numbers that follow from the call's seed.
    Random,
    /// The shop's products.
    Catalog,
    /// What there is of them.
    Stock,
    /// What it keeps from call to call.
    Kv,
}

/// What happens when a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// The plugin is left out of this answer.
    #[default]
    Skip,
    /// What was asked about is refused: a basket is not sold. For plugins that keep the law.
    Deny,
    /// The good version before this one is asked instead; without one the plugin is left out.
    LastGood,
}

/// Why a manifest was refused. Names the field by its path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` is {found}, expected {expected}{}", hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default())]
pub struct InvalidManifest {
    /// Which field, as a path: `limits.fuel_max`.
    pub field: String,
    /// What it is.
    pub found: String,
    /// What it may be.
    pub expected: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Manifest {
    /// Reads the text of a `plugin.toml`.
    ///
    /// # Errors
    /// Names the first field that cannot be right; an unknown one with the nearest that is known.
    pub fn parse(toml: &str) -> Result<Self, InvalidManifest> {
        read::manifest(toml)
    }
}

impl Grant {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Log, Self::Clock, Self::Random, Self::Catalog, Self::Stock, Self::Kv];

    /// Its name, which is that of the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Clock => "clock",
            Self::Random => "random",
            Self::Catalog => "catalog",
            Self::Stock => "stock",
            Self::Kv => "kv",
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl OnFailure {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Skip, Self::Deny, Self::LastGood];

    /// Its name in `plugin.toml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Deny => "deny",
            Self::LastGood => "last-good",
        }
    }
}

impl fmt::Display for OnFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Manifest {
    type Err = InvalidManifest;

    fn from_str(toml: &str) -> Result<Self, InvalidManifest> {
        Self::parse(toml)
    }
}
