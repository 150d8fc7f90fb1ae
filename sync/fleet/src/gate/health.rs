//! How something has done in live traffic: calls, what went wrong, how long they took, what they cost.
//!
//! All of it adds up, over nodes and over time. Durations are counted in four steps to an octave, so that a quantile over ten thousand nodes is
//! the quantile of all their calls, to within a quarter, and not a mean of quantiles, which would mean nothing.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Steps to an octave.
const STEPS: u64 = 4;
/// The last step: what takes longer (some 19 hours) is counted there.
const LAST: u8 = 143;

/// How many durations fell into which step. Only steps that were met take room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<u8, u64>", into = "BTreeMap<u8, u64>")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(value_type = BTreeMap<String, u64>))]
pub struct Durations(BTreeMap<u8, u64>);

impl From<BTreeMap<u8, u64>> for Durations {
    fn from(steps: BTreeMap<u8, u64>) -> Self {
        let mut durations = Self::default();
        for (step, many) in steps.into_iter().filter(|(_, many)| *many > 0) {
            durations.put(step.min(LAST), many);
        }
        durations
    }
}

impl From<Durations> for BTreeMap<u8, u64> {
    fn from(durations: Durations) -> Self {
        durations.0
    }
}

impl Durations {
    /// Counts one of so many microseconds.
    pub fn add(&mut self, us: u64) {
        self.put(step(us), 1);
    }

    /// Counts those of another.
    pub fn merge(&mut self, other: &Self) {
        for (step, many) in &other.0 {
            self.put(*step, *many);
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.values().fold(0, |sum, many| sum.saturating_add(*many))
    }

    /// What so many of a thousand stay within, in microseconds, rounded up to the end of a step. Nothing where there are none.
    #[must_use]
    pub fn quantile_us(&self, per_mille: u64) -> Option<u64> {
        let count = self.count();
        let wanted = u128::from(count) * u128::from(per_mille.min(1000));
        let mut seen = 0_u128;
        let reached = self.0.iter().find(|(_, many)| {
            seen += u128::from(**many) * 1000;
            seen >= wanted
        });
        reached.filter(|_| count > 0).map(|(step, _)| end_us(*step))
    }

    /// How many were longer than this for certain: those in steps that begin behind it.
    #[must_use]
    pub fn above(&self, us: u64) -> u64 {
        let steps = self.0.range(step(us).saturating_add(1)..);
        steps.fold(0, |sum, (_, many)| sum.saturating_add(*many))
    }

    fn put(&mut self, step: u8, many: u64) {
        let count = self.0.entry(step).or_default();
        *count = count.saturating_add(many);
    }
}

/// The step of a duration: 0 to 3 as they are, then four to an octave.
fn step(us: u64) -> u8 {
    if us < STEPS {
        return us as u8;
    }
    let octave = u64::from(us.ilog2());
    let within = (us >> (octave - 2)) - STEPS;
    u8::try_from((octave - 1) * STEPS + within).map_or(LAST, |step| step.min(LAST))
}

/// The longest duration of a step.
const fn end_us(step: u8) -> u64 {
    let step = step as u64;
    if step < STEPS {
        return step;
    }
    let (octave, within) = (step / STEPS + 1, step % STEPS);
    ((within + STEPS + 1) << (octave - 2)) - 1
}

/// How something has done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Health {
    /// Calls in live traffic.
    pub calls: u64,
    /// Calls that trapped.
    pub traps: u64,
    /// Calls that ended in an error, or too late, or in an answer that could not be.
    pub errors: u64,
    /// Fuel of all calls together.
    pub fuel: u64,
    /// How long calls took.
    pub took: Durations,
}

impl Health {
    /// Adds what another has done.
    pub fn merge(&mut self, other: &Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.traps = self.traps.saturating_add(other.traps);
        self.errors = self.errors.saturating_add(other.errors);
        self.fuel = self.fuel.saturating_add(other.fuel);
        self.took.merge(&other.took);
    }

    /// Fuel of a call in the mean, rounded up.
    #[must_use]
    pub const fn fuel_mean(&self) -> Option<u64> {
        if self.calls == 0 { None } else { Some(self.fuel.div_ceil(self.calls)) }
    }
}
