//! Business metrics of the wave that runs, against stores like its own.
//!
//! One observation is one period: the mean, over all pairs, of how much worse the store with the release did than the one without, each against its own past
//! (a difference of differences). Stores share weather and holidays, so those of one period are not many observations but one.

use super::Rollout;
use crate::{
    gate::{Business, Scale, Worse},
    name::Metric,
    sequential::Pair,
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
        if self.business(&metric).is_none() || pairs.is_empty() {
            return;
        }
        pairs.truncate(PAIRS_MAX);
        if let Some(wave) = self.waves.get_mut(self.current) {
            // Other pairs are another comparison.
            wave.means.insert(metric.clone(), crate::sequential::Mean::default());
            wave.periods.remove(&metric);
            wave.pairs.insert(metric, pairs);
        }
    }

    pub(super) fn measured(&mut self, metric: &Metric, period: u64, values: &BTreeMap<StoreId, i64>) {
        let Some(business) = self.business(metric).cloned() else { return };
        let Some(wave) = self.waves.get_mut(self.current) else { return };
        if wave.periods.get(metric).is_some_and(|last| period <= *last) {
            return;
        }
        let Some(pairs) = wave.pairs.get(metric) else { return };
        let worse = pairs.iter().filter_map(|pair| worse(&business, pair, values));
        let (sum, many) = worse.fold((0.0, 0_u32), |(sum, many), worse| (sum + worse, many + 1));
        if many == 0 {
            return;
        }
        wave.periods.insert(metric.clone(), period);
        if let Some(mean) = wave.means.get_mut(metric) {
            mean.add(sum / f64::from(many));
        }
    }
}

/// How much worse one store did than the other, each against its past; nothing where one was closed or has none.
fn worse(business: &Business, pair: &Pair, values: &BTreeMap<StoreId, i64>) -> Option<f64> {
    let (treated, control) = (*values.get(&pair.treated)?, *values.get(&pair.control)?);
    let change = match business.scale {
        Scale::Relative => {
            let change = |now: i64, past: i64| (past > 0).then(|| now as f64 / past as f64 * 1000.0);
            change(treated, pair.treated_past)? - change(control, pair.control_past)?
        }
        Scale::Absolute => {
            let change = |now: i64, past: i64| now as f64 - past as f64;
            change(treated, pair.treated_past) - change(control, pair.control_past)
        }
    };
    Some(match business.worse {
        Worse::Lower => -change,
        Worse::Higher => change,
    })
}
