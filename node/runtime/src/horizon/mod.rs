//! The survival horizon: how many days until each thing runs out that would hurt a store without a line, the first one named.
//!
//! ```text
//! certificate, metadata, prices, disk, outbox, budgets ─> Inputs ─> aisle_provisioning::horizon ─> board, /v1/admin/horizon, /metrics, doctor, status, headquarters
//! ```
//!
//! Not here: what is looked at ([`items`]) and when ([`watch`]), how days are counted (`aisle_provisioning::horizon`). Guards invariant 5: the store survives any number of days, and says what
//! will hurt first.

pub(crate) mod growth;
pub(crate) mod items;
pub(crate) mod watch;

pub(crate) use items::{Inputs, free_bytes};
pub(crate) use watch::{Watch, kept_prices};

use aisle_event::Timestamp;
use aisle_provisioning::horizon::{self as days, Item, Nearness};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// How often it is looked at.
pub(crate) const LOOK: Duration = Duration::from_secs(30);
const DAY_MS: f64 = 86_400_000.0;

/// The horizon.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Horizon {
    /// What it comes to: the first one that runs out, in English.
    pub said: String,
    /// The first one's name; nothing when everything lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub first: Option<String>,
    /// All of them, the first first.
    pub items: Vec<HorizonItem>,
}

/// Something that may run out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct HorizonItem {
    /// Its name: `certificate`, `metadata`, `prices`, `disk`, `outbox`; `line-budget` for the line's byte budget of sales, `line-budget-stock`, `line-budget-telemetry` and `line-budget-bulk` for the
    /// others.
    pub name: String,
    /// In how many days; nothing when it lasts, or nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub days: Option<f64>,
    /// `over`, `near` (three days or less), `soon` (a fortnight or less, or nobody knows) or `far`.
    pub nearness: String,
    /// The whole of it, in English.
    pub said: String,
}

impl Horizon {
    /// Of these items, by the best guess of the time that there is.
    pub(crate) fn of(items: Vec<Item>, now: Timestamp) -> Self {
        let counted = days::Horizon::new(items, now);
        let item = |line: &days::Line| HorizonItem {
            name: line.item.name.into(),
            days: line.ms.map(|ms| ms as f64 / DAY_MS),
            nearness: match line.nearness() {
                Nearness::Far => "far",
                Nearness::Soon => "soon",
                Nearness::Near => "near",
                Nearness::Over => "over",
            }
            .into(),
            said: line.to_string(),
        };
        Self {
            said: counted.to_string(),
            first: counted.first().map(|line| line.item.name.into()),
            items: counted.lines().iter().map(item).collect(),
        }
    }

    /// What staff should see: what is near or over, but for a shop's everyday; whether it is over.
    pub(crate) fn alerts(&self) -> impl Iterator<Item = (bool, &str)> {
        let near = self.items.iter().filter(|item| item.is_near() && !item.is_everyday());
        near.map(|item| (item.is_over(), item.said.as_str()))
    }
}

impl HorizonItem {
    /// Whether it has run out.
    pub(crate) fn is_over(&self) -> bool {
        self.nearness == "over"
    }

    /// Whether it has run out or soon does.
    pub(crate) fn is_near(&self) -> bool {
        matches!(self.nearness.as_str(), "near" | "over")
    }

    /// Prices that end are a shop's everyday, and each says so itself; budgets come back with their next window.
    pub(crate) fn is_everyday(&self) -> bool {
        self.name == "prices" || self.name.starts_with(items::BUDGET)
    }
}

#[cfg(test)]
pub(crate) mod tests;
