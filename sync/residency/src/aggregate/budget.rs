//! What may still be told with noise: epsilon spent for each aggregate and period.
//!
//! A period is counted by the time in the events, not by a clock: a clock that lies (invariant 7) renews nothing, because every row counts in
//! the one window that its own time puts it in. By sequential composition (Dwork and Roth, "The Algorithmic Foundations of Differential
//! Privacy", 2014, theorem 3.16) what is told of rows of one period costs at most the period's budget.

use crate::policy::{AggregateRule, Noise};
use minicbor::{Decode, Encode};
use std::collections::BTreeMap;

/// The most periods that are remembered for one aggregate. When a later one comes up, the oldest is forgotten; when an earlier one does, the
/// one that is furthest ahead: a clock that once was years ahead must not keep out what is true. In what is forgotten, and beyond it,
/// nothing more is spent.
pub const PERIODS_MAX: usize = 512;

/// What was spent. Kept by the caller in the same write as what was told for it: spent first, told after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Budget {
    #[n(0)]
    spent: BTreeMap<String, Periods>,
}

/// What was spent for one aggregate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
struct Periods {
    #[n(0)]
    spent: BTreeMap<i64, u64>,
    /// The last period that was forgotten because it was the oldest.
    #[n(1)]
    forgotten_through: Option<i64>,
    /// The first period that was forgotten because it was furthest ahead.
    #[n(2)]
    forgotten_from: Option<i64>,
}

impl Periods {
    fn is_forgotten(&self, period: i64) -> bool {
        self.forgotten_through.is_some_and(|through| period <= through)
            || self.forgotten_from.is_some_and(|from| period >= from)
    }

    /// Makes room for a period that is not there yet.
    fn make_room(&mut self, period: i64) {
        while self.spent.len() >= PERIODS_MAX {
            if self.spent.last_key_value().is_some_and(|(last, _)| *last > period) {
                self.forgotten_from = self.spent.pop_last().map(|(last, _)| last);
            } else {
                self.forgotten_through = self.spent.pop_first().map(|(first, _)| first);
            }
        }
    }
}

/// Why nothing may be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BudgetError {
    /// The period's budget does not suffice.
    #[error(
        "the noise budget of `{aggregate}` is used up for this period: {spent_micro} of {budget_micro} millionths are spent"
    )]
    Exhausted {
        /// The aggregate.
        aggregate: String,
        /// What is spent.
        spent_micro: u64,
        /// What there was.
        budget_micro: u64,
    },
    /// The period is so old, or so far ahead, that it is not known what was spent in it.
    #[error("the noise budget of `{aggregate}` is not known for so old or so late a period")]
    Forgotten {
        /// The aggregate.
        aggregate: String,
    },
    /// The bytes are not a budget.
    #[error("the bytes are not a noise budget: {0}")]
    Malformed(String),
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Budget {
    /// Nothing is spent.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Spends what telling of one window costs.
    pub(super) fn spend(
        &mut self,
        rule: &AggregateRule,
        noise: Noise,
        window_start: i64,
    ) -> Result<(), BudgetError> {
        let period = window_start.div_euclid(DAY_MS.saturating_mul(i64::from(noise.budget_days)));
        let periods = self.spent.entry(rule.name.clone()).or_default();
        if periods.is_forgotten(period) {
            return Err(BudgetError::Forgotten { aggregate: rule.name.clone() });
        }
        let known = periods.spent.get(&period).copied();
        let spent_micro = known.unwrap_or(0);
        let after = spent_micro.saturating_add(noise.epsilon_micro);
        if after > noise.budget_micro {
            let (aggregate, budget_micro) = (rule.name.clone(), noise.budget_micro);
            return Err(BudgetError::Exhausted { aggregate, spent_micro, budget_micro });
        }
        if known.is_none() {
            periods.make_room(period);
        }
        periods.spent.insert(period, after);
        Ok(())
    }

    /// Spends what telling all windows of a period would have cost that begin before a time in it.
    pub(super) fn forfeit(&mut self, rule: &AggregateRule, noise: Noise, before: i64) {
        let period_ms = DAY_MS.saturating_mul(i64::from(noise.budget_days)).max(1);
        let begin = before.div_euclid(period_ms).saturating_mul(period_ms);
        let mut start = rule.window.floor(begin).unwrap_or(begin);
        // A window that begins before the period counts in the one before.
        while start < before {
            if start >= begin && self.spend(rule, noise, start).is_err() {
                break;
            }
            start = start.saturating_add(rule.window.step_ms());
        }
    }

    /// What is spent for an aggregate in all, in millionths.
    #[must_use]
    pub fn spent_micro(&self, aggregate: &str) -> u64 {
        self.spent
            .get(aggregate)
            .map_or(0, |periods| periods.spent.values().fold(0, |sum, spent| sum.saturating_add(*spent)))
    }

    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Writing to a `Vec` has no way to fail.
        minicbor::to_vec(self).unwrap_or_default()
    }

    /// Reads its bytes.
    ///
    /// # Errors
    /// When they are not a budget. Without a budget nothing may be told.
    pub fn decode(bytes: &[u8]) -> Result<Self, BudgetError> {
        minicbor::decode(bytes).map_err(|error| BudgetError::Malformed(error.to_string()))
    }
}
