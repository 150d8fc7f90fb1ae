//! The rules, as numbers: what is outside, what counts against the hours, how many hours there are, what becomes of the food.
//!
//! Sources: FDA Food Code 2022, sections named at each rule. Not here: what was measured (`minutes`), when to say so (`due`).
//! Guards: readings that are missing or doubtful never lead to [`ColdVerdict::Safe`].

use super::{config::Config, minutes::Totals};
use aisle_event::{
    Measure,
    cold_chain::{ColdGroup, ColdVerdict, UnitDefined},
};
use serde::{Deserialize, Serialize};

/// The least a probe can believably measure, in thousandths of a degree: −100 °C.
pub const MILLI_MIN: i32 = -100_000;
/// The most a probe can believably measure, in thousandths of a degree: 300 °C.
pub const MILLI_MAX: i32 = 300_000;
/// 3-501.16(A)(2): cold holding at 5 °C (41 °F) or less.
pub const CHILLED_MILLI: i32 = 5_000;
/// 3-501.16(A)(1): hot holding at 57 °C (135 °F) or more.
pub const HOT_MILLI: i32 = 57_000;
/// Codex Alimentarius CXC 8-1976: −18 °C or colder. The Food Code names no number: 3-501.11 "maintained frozen".
pub const FROZEN_MILLI: i32 = -18_000;
/// Above this food is not frozen any more (3-501.11): most of its water is ice below −1 °C.
const THAWED_MILLI: i32 = -1_000;
/// 3-501.19(C)(1): not above 21 °C (70 °F) in the six hours.
const SIX_HOURS_MILLI: i32 = 21_000;
/// 3-501.19(B): at most four hours without temperature control.
const FOUR_HOURS_S: u64 = 4 * 3600;
/// 3-501.19(C): at most six hours.
const SIX_HOURS_S: u64 = 6 * 3600;

/// What a unit is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// How its food is kept.
    pub group: ColdGroup,
    /// The limit, in thousandths of a degree.
    pub milli: i32,
}

impl Limit {
    /// The limit of a unit: its own, if that can be one, else its group's.
    #[must_use]
    pub fn of(unit: &UnitDefined) -> Self {
        let own = unit.limit.and_then(milli);
        let milli = own.unwrap_or(match unit.group {
            ColdGroup::Chilled => CHILLED_MILLI,
            ColdGroup::Hot => HOT_MILLI,
            ColdGroup::Frozen => FROZEN_MILLI,
        });
        Self { group: unit.group, milli }
    }

    /// Whether a temperature is not as it must be.
    pub(crate) fn outside(self, milli: f64) -> bool {
        match self.group {
            ColdGroup::Hot => milli < f64::from(self.milli),
            ColdGroup::Chilled | ColdGroup::Frozen => milli > f64::from(self.milli),
        }
    }

    /// Whether time at a temperature counts against the four or six hours. For chilled and hot food that is all time outside; frozen
    /// food counts from where it would be outside as chilled food.
    pub(crate) fn counts(self, milli: f64) -> bool {
        match self.group {
            ColdGroup::Frozen => self.outside(milli) && milli > f64::from(CHILLED_MILLI),
            ColdGroup::Chilled | ColdGroup::Hot => self.outside(milli),
        }
    }

    /// The temperature of the two that is further on the bad side.
    pub(crate) fn worse(self, a: f64, b: f64) -> f64 {
        if self.group == ColdGroup::Hot { a.min(b) } else { a.max(b) }
    }

    /// How long food may be outside in all, in seconds, if its worst temperature was this.
    pub(crate) fn allowed_s(self, worst_milli: f64, config: &Config) -> u64 {
        let six = config.six_hour_rule
            && self.group == ColdGroup::Chilled
            && self.milli <= CHILLED_MILLI
            && worst_milli <= f64::from(SIX_HOURS_MILLI);
        if six { SIX_HOURS_S } else { FOUR_HOURS_S }
    }

    /// What became of food after this, in the window that ends now. `unknown` says that readings are missing.
    pub(crate) fn verdict(
        self,
        window: &Totals,
        worst_milli: f64,
        unknown: bool,
        config: &Config,
    ) -> ColdVerdict {
        let allowed = self.allowed_s(worst_milli, config);
        if window.sure_s >= allowed {
            ColdVerdict::Discard
        } else if unknown || window.counted_s >= allowed || window.doubt_s > 0 {
            ColdVerdict::Judge
        } else if self.group == ColdGroup::Frozen && worst_milli > f64::from(THAWED_MILLI) {
            // What thawed is not dangerous yet, and not what 3-501.11 asks for either.
            ColdVerdict::Judge
        } else {
            ColdVerdict::Safe
        }
    }
}

/// Thousandths of a degree; `None` for what no probe can measure.
#[must_use]
pub fn milli(celsius: Measure) -> Option<i32> {
    let milli = celsius.millionths.div_euclid(1000);
    i32::try_from(milli).ok().filter(|milli| (MILLI_MIN..=MILLI_MAX).contains(milli))
}

/// Degrees of thousandths.
pub(crate) fn measure(milli: f64) -> Measure {
    Measure { millionths: (milli * 1000.0) as i64 }
}
