//! Which shopper sees which policy: arms by weight, the same arm for the same session on every node.
//!
//! The arm is `mix(fnv1a64(experiment name, 0x00, session id)) mod total weight`, found in the running sum of the
//! weights. FNV-1a is the 64-bit hash of Fowler, Noll and Vo; `mix` is the finaliser of MurmurHash3, since the low
//! bits of FNV alone are poor. Changing a weight moves only sessions between arms; the name of the experiment makes
//! the arms of one experiment independent of those of another.

use aisle_event::{Name, SessionId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most arms of an experiment.
pub const ARMS_MAX: usize = 16;
/// The largest weight of an arm.
pub const WEIGHT_MAX: u32 = 1_000_000;

/// What an arm changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Ask sessions like this one.
    pub session_neighbours: bool,
    /// Ask what is bought with the items in hand.
    pub item_to_item: bool,
    /// Break up runs of one category.
    pub diversity: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { session_neighbours: true, item_to_item: true, diversity: true }
    }
}

/// One way of doing things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// Its name.
    #[schemars(with = "String")]
    pub name: Name,
    /// Its share of the sessions, beside the weights of the others.
    pub weight: u32,
    /// What it does.
    #[serde(default)]
    pub policy: Policy,
}

/// A comparison of arms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Its name.
    #[schemars(with = "String")]
    pub name: Name,
    /// Its arms.
    pub arms: Vec<Arm>,
}

/// Why an experiment was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExperimentError {
    /// Nothing to compare, or too much.
    #[error("`arms` has {found} entries, expected 2 to {ARMS_MAX}")]
    Arms {
        /// How many there are.
        found: usize,
    },
    /// A weight is out of range.
    #[error("`arms[{index}].weight` is {found}, expected 1 to {WEIGHT_MAX}")]
    Weight {
        /// Which arm.
        index: usize,
        /// Its weight.
        found: u32,
    },
    /// Two arms have one name.
    #[error("`arms[{index}].name` is `{name}`, which another arm has")]
    Duplicate {
        /// The second of them.
        index: usize,
        /// The name.
        name: Name,
    },
    /// `experiment/arm` is too long to stand in an event.
    #[error("`name` and `arms[{index}].name` together are too long for a label")]
    Label {
        /// Which arm.
        index: usize,
    },
}

impl Experiment {
    /// Checks that there is something to compare.
    ///
    /// # Errors
    /// The first thing that is wrong, with its path.
    pub fn check(&self) -> Result<(), ExperimentError> {
        if !(2..=ARMS_MAX).contains(&self.arms.len()) {
            return Err(ExperimentError::Arms { found: self.arms.len() });
        }
        for (index, arm) in self.arms.iter().enumerate() {
            if !(1..=WEIGHT_MAX).contains(&arm.weight) {
                return Err(ExperimentError::Weight { index, found: arm.weight });
            }
            if self.arms.iter().take(index).any(|other| other.name == arm.name) {
                return Err(ExperimentError::Duplicate { index, name: arm.name.clone() });
            }
            if self.label(arm).is_none() {
                return Err(ExperimentError::Label { index });
            }
        }
        Ok(())
    }

    /// The arm of a session. `None` only when no arm has a weight, which [`Experiment::check`] refuses.
    #[must_use]
    pub fn assign(&self, session: &SessionId) -> Option<&Arm> {
        let total: u64 = self.arms.iter().map(|arm| u64::from(arm.weight)).sum();
        let bytes = self.name.as_str().bytes().chain([0]).chain(session.as_str().bytes());
        let mut point = mix(fnv1a64(bytes)).checked_rem(total)?;
        self.arms.iter().find(|arm| {
            let weight = u64::from(arm.weight);
            let here = point < weight;
            point = point.saturating_sub(weight);
            here
        })
    }

    /// `experiment/arm`, as events carry it. `None` when that is too long, which [`Experiment::check`] refuses.
    #[must_use]
    pub fn label(&self, arm: &Arm) -> Option<Name> {
        Name::new(format!("{}/{}", self.name, arm.name)).ok()
    }

    /// The arm that a label names.
    #[must_use]
    pub fn arm(&self, label: &Name) -> Option<&Arm> {
        let rest = label.as_str().strip_prefix(self.name.as_str())?.strip_prefix('/')?;
        self.arms.iter().find(|arm| arm.name.as_str() == rest)
    }
}

fn fnv1a64(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn mix(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a64("".bytes()), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a64("a".bytes()), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a64("foobar".bytes()), 0x8594_4171_f739_67e8);
    }
}
