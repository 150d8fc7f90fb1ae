//! Business metrics of the wave that runs, against stores like its own.
//!
//! One observation is one period: the mean, over all pairs, of how much worse the store with the release did than the one without, each against its own past
//! (a difference of differences; of shares the past only excuses). Stores share weather and holidays, so those of one period are not many observations but one.

use super::Rollout;
use crate::{
    gate::{Business, Scale, Worse},
    name::Metric,
    sequential::{Mean, Pair},
};
use aisle_event::StoreId;
use std::collections::BTreeMap;

/// The most pairs of a metric.
pub(crate) const PAIRS_MAX: usize = 10_000;

impl Rollout {
    fn business(&self, metric: &Metric) -> Option<&Business> {
        self.spec.gates_of(self.current).business.iter().find(|business| business.metric == *metric)
    }

    pub(super) fn paired(&mut self, metric: Metric, mut pairs: Vec<Pair>) {
        let Some(scale) = self.business(&metric).map(|business| business.scale) else { return };
        let Some(wave) = self.waves.get_mut(self.current) else { return };
        wave.sought.insert(metric.clone());
        if pairs.is_empty() {
            return;
        }
        pairs.truncate(PAIRS_MAX);
        // Other pairs are another comparison.
        wave.means.insert(metric.clone(), Mean::sharing(luck_of_pasts(scale, &pairs)));
        wave.periods.remove(&metric);
        wave.pairs.insert(metric, pairs);
    }

    pub(super) fn measured(&mut self, metric: &Metric, period: u64, values: &BTreeMap<StoreId, i64>) {
        let Some(business) = self.business(metric).cloned() else { return };
        let Some(wave) = self.waves.get_mut(self.current) else { return };
        if wave.periods.get(metric).is_some_and(|last| period <= *last) {
            return;
        }
        let Some(pairs) = wave.pairs.get(metric) else { return };
        let apart: Vec<Apart> = pairs.iter().filter_map(|pair| apart(&business, pair, values)).collect();
        let Some(worse) = worse(business.scale, &apart) else { return };
        wave.periods.insert(metric.clone(), period);
        if let Some(mean) = wave.means.get_mut(metric) {
            mean.add(worse);
        }
    }
}

/// How much of the variance of one period the pasts bring into every period.
///
/// A past is a mean of as many periods as were looked at, and as much luck as such a mean is. Each period is divided by the same past, so that its luck does not go away with more
/// periods, as theirs does. To first order (the delta method) `T/T₀ - C/C₀` is off by what `C₀` and `T₀` are off, each in parts of itself. Where periods before and after have the same spread
/// `σ²`, a past of `m` of them is off with variance `σ²/m`; over all pairs that is the mean of `1/m` in parts of a period's own variance. Pasts of many baskets are better than that
/// says: periods in which little is sold have the widest spread, and count least in them. Behind a day of a quarter of the trade they are worse: it is not known here, and stands in the guide to the rules.
///
/// Of shares the past is no divisor, and only excuses: nothing is brought in by it.
fn luck_of_pasts(scale: Scale, pairs: &[Pair]) -> f64 {
    if scale == Scale::Absolute || pairs.is_empty() {
        return 0.0;
    }
    let of = |periods: u32| if periods == 0 { 0.0 } else { 1.0 / f64::from(periods) };
    let both = pairs.iter().map(|pair| f64::midpoint(of(pair.treated_periods), of(pair.control_periods)));
    both.sum::<f64>() / pairs.len() as f64
}

/// How far two stores are apart, a positive number being worse for the one with the release.
struct Apart {
    now: f64,
    /// Where that is not in the numbers of now already.
    before: f64,
}

/// Nothing where one was closed or has no past.
fn apart(business: &Business, pair: &Pair, values: &BTreeMap<StoreId, i64>) -> Option<Apart> {
    let (treated, control) = (*values.get(&pair.treated)?, *values.get(&pair.control)?);
    let (now, before) = match business.scale {
        Scale::Relative => {
            let change = |now: i64, past: i64| (past > 0).then(|| now as f64 / past as f64 * 1000.0);
            (change(treated, pair.treated_past)? - change(control, pair.control_past)?, 0.0)
        }
        Scale::Absolute => {
            (treated as f64 - control as f64, pair.treated_past as f64 - pair.control_past as f64)
        }
    };
    Some(match business.worse {
        Worse::Lower => Apart { now: -now, before: -before },
        Worse::Higher => Apart { now, before },
    })
}

/// How much worse the stores did in a period than those without, in the mean; nothing where none was measured.
///
/// A share of a few hours past is a few errors, and luck. That the stores did better before by it, or the others worse, is taken for chance: else everybody would get worse by
/// becoming usual again, for as long as it is looked. What was before only excuses: who did worse already does not do so because of the release.
fn worse(scale: Scale, apart: &[Apart]) -> Option<f64> {
    let many = apart.len() as f64;
    if apart.is_empty() {
        return None;
    }
    let mean = |of: fn(&Apart) -> f64| apart.iter().map(of).sum::<f64>() / many;
    let (now, before) = (mean(|one| one.now), mean(|one| one.before));
    Some(match scale {
        Scale::Relative => now,
        Scale::Absolute => now - before.max(0.0),
    })
}
