//! What an operator can set about tasks.

use aisle_event::inventory::TaskKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of tasks. Each bound says what happens when it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Tasks open at once. Beyond it only what is worth twice the least of them is opened, and takes its place.
    pub open_max: usize,
    /// Closed tasks remembered to be shown; the oldest is forgotten first.
    pub closed_max: usize,
    /// A task stays open for at least so many seconds before it is closed because nobody wants it any more.
    pub open_min_s: u32,
    /// And nobody must have wanted it for so many seconds in a row.
    pub unwanted_s: u32,
    /// A task that a person dismissed is not opened again for so many seconds …
    pub dismissed_for_s: u32,
    /// … unless the store became surer by so many thousandths.
    pub dismissed_rise_permille: u16,
    /// A task that was done is not opened again for so many seconds, in which what was done shows in the numbers.
    pub settle_s: u32,
    /// What is less sure than so many thousandths is not asked for.
    pub confidence_min_permille: u16,
    /// Dismissed and done tasks remembered for that; the oldest is forgotten first.
    pub remembered_max: usize,
    /// What a kind of task is worth when it is surely needed.
    pub worth: Worth,
}

/// What each kind of task is worth when it is surely needed; only how they compare counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Worth {
    /// A cold chain unit to look after: food is at stake.
    pub check_unit: u16,
    /// Goods to bring to the shelf: sales are at stake.
    pub fill_shelf: u16,
    /// A device to look after.
    pub check_device: u16,
    /// Goods that are in the book only.
    pub find_phantom: u16,
    /// A count.
    pub recount: u16,
    /// What a plugin asks for.
    pub plugin: u16,
}

/// Why a configuration was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` is {found}, expected {expected}")]
pub struct InvalidConfig {
    /// The field.
    pub field: &'static str,
    /// What it holds.
    pub found: String,
    /// What it may hold.
    pub expected: &'static str,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            open_max: 50,
            closed_max: 100,
            open_min_s: 60,
            unwanted_s: 120,
            dismissed_for_s: 4 * 3600,
            dismissed_rise_permille: 200,
            settle_s: 15 * 60,
            confidence_min_permille: 0,
            remembered_max: 10_000,
            worth: Worth::default(),
        }
    }
}

impl Default for Worth {
    fn default() -> Self {
        Self { check_unit: 100, fill_shelf: 30, check_device: 20, find_phantom: 15, recount: 5, plugin: 25 }
    }
}

impl Worth {
    pub(crate) const fn of(&self, kind: TaskKind) -> u16 {
        match kind {
            TaskKind::FillShelf => self.fill_shelf,
            TaskKind::FindPhantom => self.find_phantom,
            TaskKind::Recount => self.recount,
            TaskKind::CheckUnit => self.check_unit,
            TaskKind::CheckDevice => self.check_device,
            TaskKind::Plugin => self.plugin,
        }
    }
}

impl Config {
    /// Checks that every setting leaves room for work.
    ///
    /// # Errors
    /// Names the first field that does not.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let within = |field, found: u64, from: u64, to: u64, expected| {
            if (from..=to).contains(&found) {
                Ok(())
            } else {
                Err(InvalidConfig { field, found: found.to_string(), expected })
            }
        };
        within("open_max", self.open_max as u64, 1, 1000, "1 to 1000")?;
        within("closed_max", self.closed_max as u64, 0, 10_000, "0 to 10000")?;
        within("open_min_s", self.open_min_s.into(), 0, 86_400, "0 to 86400")?;
        within("unwanted_s", self.unwanted_s.into(), 0, 86_400, "0 to 86400")?;
        within("dismissed_for_s", self.dismissed_for_s.into(), 0, 30 * 86_400, "0 to 2592000: 30 days")?;
        within("dismissed_rise_permille", self.dismissed_rise_permille.into(), 1, 1000, "1 to 1000")?;
        within("settle_s", self.settle_s.into(), 0, 86_400, "0 to 86400")?;
        within("confidence_min_permille", self.confidence_min_permille.into(), 0, 1000, "0 to 1000")?;
        within("remembered_max", self.remembered_max as u64, 1, 1_000_000, "1 to 1000000")?;
        let least = TaskKind::ALL.iter().map(|kind| self.worth.of(*kind)).min();
        within("worth", least.unwrap_or(0).into(), 1, u16::MAX.into(), "at least 1 for every kind")
    }
}
