//! The five points at which a plugin is asked.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Where in the shop's work a plugin is asked. One WIT world each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    /// What one unit costs in a basket, before any offer.
    Pricing,
    /// Offers on a basket.
    Promotion,
    /// The order of recommendations.
    Ranking,
    /// How much to order.
    Replenishment,
    /// What follows from something that happened.
    Reaction,
}

/// A name that is no hook's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no hook\nhint: the hooks are pricing, promotion, ranking, replenishment, reaction")]
pub struct UnknownHook(pub String);

impl Hook {
    /// All of them, in the order in which they come in a basket's life.
    pub const ALL: [Self; 5] =
        [Self::Pricing, Self::Promotion, Self::Ranking, Self::Replenishment, Self::Reaction];

    /// The name of the hook and of its world.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pricing => "pricing",
            Self::Promotion => "promotion",
            Self::Ranking => "ranking",
            Self::Replenishment => "replenishment",
            Self::Reaction => "reaction",
        }
    }

    /// The function that a component exports for it.
    #[must_use]
    pub const fn function(self) -> &'static str {
        match self {
            Self::Pricing => "price",
            Self::Promotion => "promote",
            Self::Ranking => "rank",
            Self::Replenishment => "order",
            Self::Reaction => "react",
        }
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Hook {
    type Err = UnknownHook;

    fn from_str(text: &str) -> Result<Self, UnknownHook> {
        Self::ALL.into_iter().find(|hook| hook.as_str() == text).ok_or_else(|| UnknownHook(text.into()))
    }
}
