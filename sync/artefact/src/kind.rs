//! The kinds of artefacts: how each is named, where its targets lie, how long one may be.
//!
//! A kind is one delegated role: whoever may sign plugins may not sign prices. A new kind is a new line here and a new delegation; nodes that
//! do not know it pass its targets over.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What an artefact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A plugin's package: manifest and component.
    Plugin,
    /// A model's package: card and graph.
    Model,
    /// What is sold.
    Catalogue,
    /// What it costs.
    Prices,
    /// How a foreign device speaks.
    DeviceProfile,
    /// What devices are set to.
    DeviceSettings,
    /// What may leave the store.
    Policy,
    /// Merchandising rules, precomputed lists.
    Rules,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Plugin,
        Self::Model,
        Self::Catalogue,
        Self::Prices,
        Self::DeviceProfile,
        Self::DeviceSettings,
        Self::Policy,
        Self::Rules,
    ];

    /// Its name, as in a manifest of what a store should have.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Model => "model",
            Self::Catalogue => "catalogue",
            Self::Prices => "prices",
            Self::DeviceProfile => "device-profile",
            Self::DeviceSettings => "device-settings",
            Self::Policy => "policy",
            Self::Rules => "rules",
        }
    }

    /// The first part of its targets' paths, and the name of the role that signs them.
    #[must_use]
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Plugin => "plugins",
            Self::Model => "models",
            Self::Catalogue => "catalogues",
            Self::Prices => "prices",
            Self::DeviceProfile => "device-profiles",
            Self::DeviceSettings => "device-settings",
            Self::Policy => "policies",
            Self::Rules => "rules",
        }
    }

    /// How the paths of its targets end.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Model => "model",
            Self::Catalogue => "catalogue",
            Self::Prices => "prices",
            Self::DeviceProfile | Self::DeviceSettings | Self::Rules => "toml",
            Self::Policy => "policy",
        }
    }

    /// The most bytes of one. A longer one is neither signed nor taken.
    #[must_use]
    pub const fn bytes_max(self) -> u64 {
        match self {
            Self::Plugin => 32 << 20,
            Self::Model => 1 << 30,
            Self::Catalogue => 512 << 20,
            Self::Prices => 128 << 20,
            Self::DeviceProfile | Self::DeviceSettings => 256 << 10,
            Self::Policy => 1 << 20,
            Self::Rules => 16 << 20,
        }
    }

    /// The pattern of its targets' paths.
    #[must_use]
    pub fn paths(self) -> String {
        format!("{}/*/*", self.folder())
    }

    /// The kind of that name: the first part of an item's name in a manifest of what a store should have.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The kind whose targets lie there: also the kind that a role signs.
    #[must_use]
    pub fn of_folder(folder: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.folder() == folder)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
