//! What became of settings at the devices of one node, as the node tells it: counts, which are always whole, and results, which are as many as there is room for.
//!
//! Those that are not applied come first, so that what is cut is what nobody has to look after. Not here: adding up over stores ([`super::tally`]), how it
//! travels ([`crate::says`]). Guards invariant 6: texts of devices are cut before they are kept.

use crate::{report::Brief, text::shown};
use aisle_event::{DeviceId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most results that one node tells of, all its slots together.
pub const DEVICES_MAX: usize = 500;
/// The longest text of a path or a reason, in characters; what is longer is cut.
pub(crate) const TEXT_CHARS_MAX: usize = 200;

/// What became of settings at a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum DeviceStatus {
    /// It reports them.
    Applied,
    /// They were sent, and it has not answered.
    Pending,
    /// It refuses them whole, and keeps what it had.
    Refused,
    /// It is not there.
    Unreachable,
    /// It had them, and went back to what worked after it did not come up.
    WentBack,
    /// A node of a later build has a name for it.
    #[serde(other)]
    Other,
}

impl DeviceStatus {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Applied, Self::Pending, Self::Refused, Self::Unreachable, Self::WentBack, Self::Other];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Pending => "pending",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::WentBack => "went-back",
            Self::Other => "other",
        }
    }

    /// How much somebody has to look after it: the less, the more.
    const fn rank(self) -> u8 {
        match self {
            Self::Refused => 0,
            Self::WentBack => 1,
            Self::Other => 2,
            Self::Unreachable => 3,
            Self::Pending => 4,
            Self::Applied => 5,
        }
    }
}

/// What became of settings at one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeviceResult {
    /// Which device.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub device: DeviceId,
    /// What became of them.
    pub status: DeviceStatus,
    /// The field that it does not take: `sampling.interval_s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Why, in its words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when.
    #[cfg_attr(feature = "schema", schema(value_type = i64))]
    pub since: Timestamp,
}

/// What became of the settings of one slot at the devices that it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SlotDevices {
    /// The settings.
    pub of: Brief,
    /// How many devices there are in each state, all of them.
    #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<String, u64>))]
    pub counts: BTreeMap<DeviceStatus, u64>,
    /// Device by device, as many as there is room for; those that somebody has to look after first.
    pub results: Vec<DeviceResult>,
}

impl SlotDevices {
    /// Of every device that the settings mean.
    #[must_use]
    pub fn of(of: Brief, results: impl IntoIterator<Item = DeviceResult>) -> Self {
        let mut all = Self { of, counts: BTreeMap::new(), results: Vec::new() };
        for mut result in results {
            *all.counts.entry(result.status).or_default() += 1;
            for text in [&mut result.path, &mut result.reason].into_iter().flatten() {
                *text = shown(text, TEXT_CHARS_MAX);
            }
            all.results.push(result);
            if all.results.len() >= 2 * DEVICES_MAX {
                all.cut(DEVICES_MAX);
            }
        }
        all.cut(DEVICES_MAX);
        all
    }

    /// How many devices there are.
    #[must_use]
    pub fn devices(&self) -> u64 {
        self.counts.values().fold(0, |sum, many| sum.saturating_add(*many))
    }

    /// How many are in one state.
    #[must_use]
    pub fn count(&self, status: DeviceStatus) -> u64 {
        self.counts.get(&status).copied().unwrap_or_default()
    }

    /// True when every device has them.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.count(DeviceStatus::Applied) == self.devices()
    }

    /// Keeps at most so many results. Gives how many it keeps.
    pub(crate) fn cut(&mut self, results_max: usize) -> usize {
        self.results.sort_by(|a, b| (a.status.rank(), &a.device).cmp(&(b.status.rank(), &b.device)));
        self.results.truncate(results_max);
        self.results.len()
    }

    /// Leaves out the results of devices that have them.
    pub(crate) fn forget_applied(&mut self) {
        self.results.retain(|result| result.status != DeviceStatus::Applied);
    }

    /// The longest text of its results, in characters.
    pub(crate) fn longest(&self) -> usize {
        let texts = self.results.iter().flat_map(|result| [&result.path, &result.reason]).flatten();
        texts.map(|text| text.chars().count()).max().unwrap_or_default()
    }
}
