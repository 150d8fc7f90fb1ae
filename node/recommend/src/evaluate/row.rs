//! One line of the report, and the sums that it is made from.

use super::Clock;
use crate::scratch::Candidate;
use rustc_hash::FxHashSet;
use serde::Serialize;
use std::time::Duration;

/// How many items count as shown.
pub const CUT: usize = 20;

/// How one rung did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The rung, or the peer that it is compared with.
    pub name: &'static str,
    /// How many predictions were asked for.
    pub predictions: u64,
    /// The share of predictions with the right item among the first [`CUT`] (HR@20).
    pub hit_rate: f64,
    /// The mean of one over the right item's place, 0 beyond [`CUT`] (MRR@20).
    pub reciprocal_rank: f64,
    /// The share of the training items that were shown at least once.
    pub coverage: f64,
    /// The median time of a prediction.
    pub p50: Duration,
    /// The 99th percentile of the time of a prediction.
    pub p99: Duration,
}

/// A row in the making.
pub(super) struct Score {
    name: &'static str,
    items: usize,
    predictions: u64,
    hits: u64,
    reciprocal: f64,
    shown: FxHashSet<u32>,
    times: Vec<Duration>,
}

impl Score {
    pub(super) fn new(name: &'static str, items: usize) -> Self {
        Self {
            name,
            items,
            predictions: 0,
            hits: 0,
            reciprocal: 0.0,
            shown: FxHashSet::default(),
            times: Vec::new(),
        }
    }

    /// Takes one prediction and the item that came; `predict` leaves the candidates in rank, best first.
    pub(super) fn take<'c>(
        &mut self,
        came: Option<u32>,
        excluded: impl Fn(u32) -> bool,
        clock: Clock<'_>,
        predict: impl FnOnce() -> &'c [Candidate],
    ) {
        let start = clock();
        let candidates = predict();
        self.times.push(clock().saturating_sub(start));
        self.predictions += 1;
        let shown =
            candidates.iter().map(|candidate| candidate.item).filter(|&item| !excluded(item)).take(CUT);
        for (place, item) in shown.enumerate() {
            self.shown.insert(item);
            if Some(item) == came {
                self.hits += 1;
                self.reciprocal += 1.0 / (place + 1) as f64;
            }
        }
    }

    pub(super) fn row(mut self) -> Row {
        self.times.sort_unstable();
        let quantile = |of: usize| {
            let index = (self.times.len() * of).div_ceil(100).saturating_sub(1);
            self.times.get(index).copied().unwrap_or_default()
        };
        let mean = |sum: f64| if self.predictions == 0 { 0.0 } else { sum / self.predictions as f64 };
        Row {
            name: self.name,
            predictions: self.predictions,
            hit_rate: mean(self.hits as f64),
            reciprocal_rank: mean(self.reciprocal),
            coverage: if self.items == 0 { 0.0 } else { self.shown.len() as f64 / self.items as f64 },
            p50: quantile(50),
            p99: quantile(99),
        }
    }
}
