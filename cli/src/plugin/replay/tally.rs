//! What many decisions again come to: how many differ, and the difference in money, points, fuel and time.
//!
//! Bounded: sums and histograms, whatever the number of decisions.

use crate::plugin::{
    decision::{self, Change, Decision},
    statistics::Spread,
};
use aisle_plugin_host::{
    Failure,
    types::{Input, Output},
};
use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::BTreeMap;

/// Currencies that are told apart; a store has one.
const CURRENCIES_MAX: usize = 16;
/// The largest value that histograms tell apart: beyond any limit of a call.
const VALUE_MAX: u64 = 1 << 34;
/// Digits that histograms keep.
const DIGITS: u8 = 4;

/// How something was decided, and what that took.
#[derive(Debug)]
pub(crate) struct Decided {
    /// The answer, or why there is none.
    pub(crate) outcome: Result<Output, Failure>,
    /// Fuel that was used.
    pub(crate) fuel: u64,
    /// Microseconds that it took.
    pub(crate) micros: u64,
}

/// What differs in one decision.
#[derive(Debug, Serialize)]
pub(crate) struct Difference {
    /// Document or time.
    pub(crate) of: String,
    /// When, in milliseconds since 1970.
    pub(crate) at: i64,
    /// Item by item.
    pub(crate) changes: Vec<Change>,
    /// How much more the shopper pays, in minor units; nothing where the hook is not about money.
    pub(crate) money: Option<i64>,
    /// Of what currency.
    pub(crate) currency: String,
}

/// Sums over all decisions.
#[derive(Debug)]
pub(crate) struct Tally {
    compared: u64,
    differing: u64,
    /// Of another hook or another plugin.
    pub(crate) skipped: u64,
    failed_before: u64,
    failed_after: u64,
    money: BTreeMap<String, i64>,
    points: i64,
    before: Cost,
    after: Cost,
}

#[derive(Debug)]
struct Cost {
    fuel: Histogram<u64>,
    micros: Histogram<u64>,
}

/// Both sides of what is measured.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Measured {
    /// Of the version before; nothing when it was not measured.
    pub(crate) before: Option<Spread>,
    /// Of the candidate.
    pub(crate) after: Spread,
}

/// What is shown at the end.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// How many decisions were made again.
    pub(crate) compared: u64,
    /// How many of them are others.
    pub(crate) differing: u64,
    /// How many were left out.
    pub(crate) skipped: u64,
    /// Calls without an answer, before.
    pub(crate) failed_before: u64,
    /// Calls without an answer, of the candidate.
    pub(crate) failed_after: u64,
    /// How much more shoppers pay, by currency, in minor units. For orders, how much more they cost.
    pub(crate) money: BTreeMap<String, i64>,
    /// How many more points they get.
    pub(crate) points: i64,
    /// Fuel of a call.
    pub(crate) fuel: Measured,
    /// Microseconds of a call.
    pub(crate) micros: Measured,
}

impl Cost {
    fn new() -> Result<Self> {
        let histogram = || Histogram::new_with_max(VALUE_MAX, DIGITS).context("no histogram");
        Ok(Self { fuel: histogram()?, micros: histogram()? })
    }

    fn add(&mut self, decided: &Decided) {
        self.fuel.saturating_record(decided.fuel);
        self.micros.saturating_record(decided.micros);
    }
}

impl Tally {
    /// Nothing yet.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            compared: 0,
            differing: 0,
            skipped: 0,
            failed_before: 0,
            failed_after: 0,
            money: BTreeMap::new(),
            points: 0,
            before: Cost::new()?,
            after: Cost::new()?,
        })
    }

    /// How many decisions were compared.
    pub(crate) const fn compared(&self) -> u64 {
        self.compared
    }

    /// Takes in one decision; gives what differs. Without a version before, everything that is decided differs from nothing.
    pub(crate) fn add(
        &mut self,
        of: String,
        input: &Input,
        before: Option<&Decided>,
        after: &Decided,
    ) -> Option<Difference> {
        self.compared += 1;
        self.after.add(after);
        self.failed_after += u64::from(after.outcome.is_err());
        if let Some(before) = before {
            self.before.add(before);
            self.failed_before += u64::from(before.outcome.is_err());
        }
        let answer = |decided: &Decided| decided.outcome.as_ref().ok().cloned();
        let (was, is) = (before.and_then(answer), answer(after));
        let changes =
            decision::changes(&before.map_or_else(Vec::new, |it| all(input, it)), &all(input, after));
        let effect = |output: &Option<Output>| match output {
            Some(output) => decision::effect(input, output),
            None => None,
        };
        let money = match (effect(&was), effect(&is)) {
            (None, None) => None,
            (was, is) => Some(is.unwrap_or(0).saturating_sub(was.unwrap_or(0))),
        };
        let currency = &input.context().currency;
        if let Some(money) = money {
            let known = self.money.contains_key(currency) || self.money.len() < CURRENCIES_MAX;
            let name = if known { currency.as_str() } else { "other" };
            let sum = self.money.entry(name.to_owned()).or_insert(0);
            *sum = sum.saturating_add(money);
        }
        let points = |output: &Option<Output>| {
            i64::try_from(output.as_ref().map_or(0, decision::points)).unwrap_or(i64::MAX)
        };
        self.points = self.points.saturating_add(points(&is).saturating_sub(points(&was)));
        if changes.is_empty() {
            return None;
        }
        self.differing += 1;
        Some(Difference { of, at: input.context().now, changes, money, currency: currency.clone() })
    }

    /// What it comes to.
    pub(crate) fn summary(&self) -> Summary {
        let spread = |histogram: &Histogram<u64>| Spread {
            p50: histogram.value_at_quantile(0.5),
            p99: histogram.value_at_quantile(0.99),
        };
        let measured = |before: &Histogram<u64>, after: &Histogram<u64>| Measured {
            before: (!before.is_empty()).then(|| spread(before)),
            after: spread(after),
        };
        Summary {
            compared: self.compared,
            differing: self.differing,
            skipped: self.skipped,
            failed_before: self.failed_before,
            failed_after: self.failed_after,
            money: self.money.clone(),
            points: self.points,
            fuel: measured(&self.before.fuel, &self.after.fuel),
            micros: measured(&self.before.micros, &self.after.micros),
        }
    }
}

/// What was decided; a call that failed is a decision too.
fn all(input: &Input, decided: &Decided) -> Vec<Decision> {
    match &decided.outcome {
        Ok(output) => decision::decisions(input, output),
        Err(failure) => vec![Decision { about: "call".into(), what: format!("failed: {failure}") }],
    }
}
