//! Business metrics of stores, hour by hour, from the sales that they have sent.
//!
//! | metric | what | unit |
//! | --- | --- | --- |
//! | `basket-value` | what a sale came to in the mean, lines less adjustments | minor units of its currency |
//! | `price-errors` | lines sold at nothing or less, or above their list price by a plugin's word, of all lines | millionths |
//!
//! An hour counts when it has been over for another hour, so that stores with a slow line have sent it. What a policy keeps back is not there: a store
//! whose sales come without prices has no metric, and is compared with nobody. Not here: the test itself (`aisle_fleet::sequential`).

use crate::{
    database::{Database, DatabaseError, read::After},
    payload,
};
use aisle_event::{Event, StoreId};
use aisle_fleet::{
    Member, Rollout, RolloutPhase,
    gate::{Business, Scale},
    rollout::Fact,
    sequential::{Baseline, Matching, pairs},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

const HOUR_MS: i64 = 3_600_000;
/// So many hours before a wave are what its stores did before.
const PAST_HOURS: i64 = 24;
/// The most stores of each side that are compared.
const STORES_MAX: usize = 200;
/// The most events of one store that are read for a stretch of time.
const EVENTS_MAX: usize = 5_000;
const PAGE: u32 = 1_000;
/// The most hours that are measured at one look: a hub that was down for a week catches up bit by bit.
const HOURS_MAX: i64 = 4;

/// What one store sold in a stretch of time.
#[derive(Debug, Clone, Copy, Default)]
struct Sold {
    sales: i64,
    minor: i64,
    lines: i64,
    errors: i64,
}

impl Sold {
    fn metric(&self, name: &str) -> Option<i64> {
        match name {
            "basket-value" if self.sales > 0 => Some(self.minor / self.sales),
            "price-errors" if self.lines > 0 => Some(self.errors.saturating_mul(1_000_000) / self.lines),
            _ => None,
        }
    }

    fn add(&mut self, sale: &Value) {
        let Some(lines) = sale.get("lines").and_then(Value::as_array) else { return };
        let mut sum = Some(0_i64);
        for line in lines {
            let Some(unit) = line.get("unit_price").and_then(first) else {
                sum = None;
                continue;
            };
            let list = line.get("repriced").and_then(|repriced| repriced.get("list_price")).and_then(first);
            self.lines += 1;
            self.errors += i64::from(unit <= 0 || list.is_some_and(|list| unit > list));
            let thousandths = line.get("quantity").and_then(first).unwrap_or(1_000);
            sum = sum.and_then(|sum| sum.checked_add(unit.checked_mul(thousandths)? / 1_000));
        }
        let off = sale.get("adjustments").and_then(Value::as_array).into_iter().flatten();
        let off: i64 = off.filter_map(|one| one.get("amount").and_then(first)).fold(0, i64::saturating_add);
        if let Some(sum) = sum.filter(|_| !lines.is_empty()) {
            self.sales += 1;
            self.minor = self.minor.saturating_add(sum.saturating_sub(off));
        }
    }
}

/// Money is minor units and a currency, a quantity thousandths and a unit.
fn first(value: &Value) -> Option<i64> {
    value.as_array()?.first()?.as_i64()
}

/// What was looked for already, so that it is not looked for at every look.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Waves whose pairs were looked for, and in which hour.
    paired: HashMap<(String, usize), i64>,
    /// The last hour that was measured of a wave.
    measured: HashMap<(String, usize), i64>,
}

/// What the stores of the running wave did, where its gates ask.
pub(super) async fn facts(
    database: &Database,
    rollout: &Rollout,
    members: &[Member],
    memory: &mut Memory,
    now_ms: i64,
) -> Result<Vec<Fact>, DatabaseError> {
    let mut facts = Vec::new();
    let current = rollout.current();
    let (RolloutPhase::Running, Some(wave)) = (rollout.phase(), rollout.waves().get(current)) else {
        return Ok(facts);
    };
    let asked = &rollout.spec().gates_of(current).business;
    let Some(started) = wave.started_at.filter(|_| !asked.is_empty()) else { return Ok(facts) };
    let key = (rollout.spec().rollout.to_string(), current);
    let hour = now_ms.div_euclid(HOUR_MS);
    let began = started.0.div_euclid(HOUR_MS);
    if asked.iter().any(|business| !wave.pairs.contains_key(&business.metric)) {
        if memory.paired.insert(key, hour) != Some(hour) {
            facts.extend(find_pairs(database, rollout, members, asked, began).await?);
        }
        return Ok(facts);
    }
    let measured = wave.periods.values().min().and_then(|last| i64::try_from(*last).ok());
    let last = measured.unwrap_or(began).max(memory.measured.get(&key).copied().unwrap_or(began)).max(began);
    let end = hour.saturating_sub(2).min(last.saturating_add(HOURS_MAX));
    let stores: BTreeSet<&StoreId> =
        wave.pairs.values().flatten().flat_map(|pair| [&pair.treated, &pair.control]).collect();
    for period in last.saturating_add(1)..=end {
        let mut sold = BTreeMap::new();
        for store in &stores {
            sold.insert((*store).clone(), stretch(database, store, period, period.saturating_add(1)).await?);
        }
        for business in asked {
            let metric = business.metric.clone();
            let value =
                |(store, sold): (&StoreId, &Sold)| Some((store.clone(), sold.metric(metric.as_str())?));
            let values = sold.iter().filter_map(value).collect();
            facts.push(Fact::Measured { metric: metric.clone(), period: period.cast_unsigned(), values });
        }
        memory.measured.insert(key.clone(), period);
    }
    Ok(facts)
}

/// Stores of the wave, and stores like them that were not given the release.
async fn find_pairs(
    database: &Database,
    rollout: &Rollout,
    members: &[Member],
    asked: &[Business],
    began: i64,
) -> Result<Vec<Fact>, DatabaseError> {
    let is_in = |wave: u16| usize::from(wave) <= rollout.current();
    let treated: BTreeSet<&StoreId> = rollout
        .nodes()
        .iter()
        .filter(|(_, progress)| is_in(progress.wave))
        .map(|(node, _)| &node.store)
        .collect();
    let treated: Vec<&Member> =
        one_of_each(members.iter().filter(|member| treated.contains(&member.id.store)));
    let names: BTreeSet<&StoreId> = treated.iter().map(|member| &member.id.store).collect();
    let controls = one_of_each(members.iter().filter(|member| !names.contains(&member.id.store)));
    let mut past: HashMap<&StoreId, Sold> = HashMap::new();
    for member in treated.iter().chain(&controls) {
        let sold = stretch(database, &member.id.store, began.saturating_sub(PAST_HOURS), began).await?;
        past.insert(&member.id.store, sold);
    }
    let mut facts = Vec::new();
    for business in asked {
        let baseline = |member: &&Member| {
            let past = past.get(&member.id.store)?.metric(business.metric.as_str())?;
            let labels = business.same.iter().map(|key| member.labels.get(key).map(str::to_owned)).collect();
            let is_known = past > 0 || business.scale == Scale::Absolute;
            is_known.then(|| Baseline { store: member.id.store.clone(), past, labels })
        };
        let treated: Vec<Baseline> = treated.iter().filter_map(baseline).collect();
        let controls: Vec<Baseline> = controls.iter().filter_map(baseline).collect();
        let how = Matching { apart_percent_max: business.apart_percent_max };
        facts.push(Fact::Paired { metric: business.metric.clone(), pairs: pairs(&treated, &controls, how) });
    }
    Ok(facts)
}

/// A member of each store, of at most [`STORES_MAX`] stores.
fn one_of_each<'a>(members: impl Iterator<Item = &'a Member>) -> Vec<&'a Member> {
    let mut seen = BTreeSet::new();
    members.filter(|member| seen.insert(&member.id.store)).take(STORES_MAX).collect()
}

/// What a store sold from one hour to another.
async fn stretch(database: &Database, store: &StoreId, from: i64, until: i64) -> Result<Sold, DatabaseError> {
    let ms = |hour: i64| u64::try_from(hour.saturating_mul(HOUR_MS)).unwrap_or(0);
    let sale = Event::TYPES.iter().find(|(_, name, _)| *name == "SaleRecorded").map(|(kind, ..)| kind.0);
    let (mut sold, mut after, mut read) = (Sold::default(), After::time(ms(from)), 0_usize);
    loop {
        let rows = database.events_by_time(store, after, ms(until), PAGE).await?;
        for row in rows.iter().filter(|row| Some(row.kind) == sale) {
            sold.add(&payload::to_json(row.kind, &row.payload));
        }
        read = read.saturating_add(rows.len());
        match rows.last() {
            Some(last) if rows.len() == PAGE as usize && read < EVENTS_MAX => after = After::event(last),
            _ => return Ok(sold),
        }
    }
}
