//! Stores to compare with: for each store that has a release one that has not, that carries the same labels and did about as well before.
//!
//! Within the stores of the same labels each takes the free one whose past is nearest, in the order of the stores' ids; nobody is compared
//! with twice. Other orders would find pairs that are a little nearer; this one finds the same ones every time.

use aisle_event::StoreId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A store before anything was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Baseline {
    /// Which store.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub store: StoreId,
    /// What it was there in the mean, in whatever unit the metric has: minor units of money, millionths.
    pub past: i64,
    /// Of how many periods it is the mean, of those in which there was something to measure; 0 where that is not known, and the past is taken as exact.
    #[serde(default)]
    pub periods: u32,
    /// The labels that must be the same, in a fixed order; nothing for one that it has not.
    pub labels: Vec<Option<String>>,
}

/// How near is near enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matching {
    /// The most that two pasts may differ, in hundredths of the larger one.
    pub apart_percent_max: u32,
}

/// Two stores that are compared. Kept in rollouts: what another build adds to it is passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Pair {
    /// The one with the release.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub treated: StoreId,
    /// Its past.
    pub treated_past: i64,
    /// Of how many periods that is the mean; 0 where it is taken as exact.
    #[serde(default)]
    pub treated_periods: u32,
    /// The one without.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub control: StoreId,
    /// Its past.
    pub control_past: i64,
    /// Of how many periods that is the mean; 0 where it is taken as exact.
    #[serde(default)]
    pub control_periods: u32,
}

/// Finds pairs. The work grows with the stores, and the logarithm of their number.
#[must_use]
pub fn pairs(treated: &[Baseline], controls: &[Baseline], how: Matching) -> Vec<Pair> {
    let taken: BTreeSet<&StoreId> = treated.iter().map(|one| &one.store).collect();
    let periods: BTreeMap<&StoreId, u32> = controls.iter().map(|one| (&one.store, one.periods)).collect();
    let mut free: BTreeMap<&[Option<String>], BTreeSet<(i64, &StoreId)>> = BTreeMap::new();
    for one in controls.iter().filter(|one| !taken.contains(&one.store)) {
        free.entry(&one.labels).or_default().insert((one.past, &one.store));
    }
    let mut in_order: Vec<&Baseline> = treated.iter().collect();
    in_order.sort_by(|a, b| a.store.cmp(&b.store));
    in_order.dedup_by(|a, b| a.store == b.store);
    let mut pairs = Vec::new();
    for one in in_order {
        let Some(free) = free.get_mut(one.labels.as_slice()) else { continue };
        let here = (one.past, &one.store);
        let above = free.range(here..).next().copied();
        let below = free.range(..here).next_back().copied();
        let apart = |(past, _): &(i64, &StoreId)| past.abs_diff(one.past);
        let nearest = [above, below].into_iter().flatten().min_by_key(|other| (apart(other), other.1));
        let Some(nearest) = nearest.filter(|other| is_near(other.0, one.past, how)) else { continue };
        free.remove(&nearest);
        pairs.push(Pair {
            treated: one.store.clone(),
            treated_past: one.past,
            treated_periods: one.periods,
            control: nearest.1.clone(),
            control_past: nearest.0,
            control_periods: periods.get(nearest.1).copied().unwrap_or_default(),
        });
    }
    pairs
}

fn is_near(a: i64, b: i64, how: Matching) -> bool {
    let larger = a.unsigned_abs().max(b.unsigned_abs());
    u128::from(a.abs_diff(b)) * 100 <= u128::from(larger) * u128::from(how.apart_percent_max)
}
