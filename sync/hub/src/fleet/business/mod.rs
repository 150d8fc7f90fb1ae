//! Business metrics of stores, hour by hour, from the sales that they have sent.
//!
//! | metric | what | unit |
//! | --- | --- | --- |
//! | `basket-value` | what a sale came to in the mean, lines less adjustments | minor units of its currency |
//! | `price-errors` | lines sold at nothing or less, or above their list price by a plugin's word, of all lines | millionths |
//!
//! Each metric goes its own way: one that finds no stores to compare with holds up no other, and while they are looked for no other gate waits. Stores are paired when their wave begins, by what they did before; they are measured from the
//! first full hour after enough nodes had run it, and only those that run it. An hour counts when it has been over for another hour, so that stores with a slow line have sent it. What a policy keeps
//! back is not there: a store whose sales come without prices has no metric, and is compared with nobody.
//!
//! All is read in pieces ([`sold`]), a piece at a look. Not here: the test itself (`aisle_fleet::sequential`). Guards: no gate goes by an hour in which the release did not run, nor by half a day.

mod pairing;
mod sold;

pub(super) use sold::Budget;

use crate::database::{Database, DatabaseError};
use aisle_event::{StoreId, Timestamp};
use aisle_fleet::{
    Member, Metric, Rollout, RolloutPhase, RolloutSpec,
    gate::{Business, Gates},
    rollout::{Fact, InvalidRollout, Status, WaveState},
};
use pairing::Pairing;
use sold::{HOUR_MS, Sums};
use std::collections::{BTreeMap, BTreeSet};

/// What can be measured.
const METRICS: [&str; 2] = ["basket-value", "price-errors"];

fn is_known(business: &Business) -> bool {
    METRICS.contains(&business.metric.as_str())
}

/// The first metric of a rollout that no hub can measure: its gate would be none.
pub(super) fn unknown(spec: &RolloutSpec) -> Option<InvalidRollout> {
    let of_waves = spec.waves.iter().enumerate();
    let of_waves =
        of_waves.filter_map(|(place, wave)| Some((format!("waves[{place}].gates"), wave.gates.as_ref()?)));
    let mut all = of_waves.chain([("gates".to_owned(), &spec.gates)]);
    all.find_map(|(path, gates): (String, &Gates)| {
        let (place, business) =
            gates.business.iter().enumerate().find(|(_, business)| !is_known(business))?;
        let reason = format!(
            "`{}` is none that the hub measures\nhint: it measures `{}`",
            business.metric,
            METRICS.join("`, `")
        );
        Some(InvalidRollout { path: format!("{path}.business[{place}].metric"), reason })
    })
}

/// What was looked for already and what is under way, by rollout. All of it can be made anew from rows.
#[derive(Debug, Default)]
pub(super) struct Memory(BTreeMap<String, OfWave>);

/// Of the wave that runs.
#[derive(Debug)]
struct OfWave {
    wave: usize,
    began: Timestamp,
    /// In which hour stores to compare with were looked for last.
    paired: Option<i64>,
    pairing: Option<Pairing>,
    /// The last hour that was measured by each metric, also where nobody had sold anything.
    measured: BTreeMap<Metric, i64>,
    /// The hour that is read just now.
    hour: Option<Sums>,
}

impl Memory {
    /// True while something is read that did not fit into a look.
    pub(super) fn is_under_way(&self) -> bool {
        self.0.values().any(|of_wave| of_wave.pairing.is_some() || of_wave.hour.is_some())
    }

    /// What was found of a rollout did not get into its rows: it is looked for again.
    pub(super) fn forget(&mut self, rollout: &str) {
        self.0.remove(rollout);
    }

    /// Only what is of these is worth keeping.
    pub(super) fn retain(&mut self, is_there: impl Fn(&str) -> bool) {
        self.0.retain(|rollout, _| is_there(rollout));
    }

    fn of(&mut self, rollout: &str, wave: usize, began: Timestamp) -> &mut OfWave {
        let new =
            || OfWave { wave, began, paired: None, pairing: None, measured: BTreeMap::new(), hour: None };
        let of_wave = self.0.entry(rollout.to_owned()).or_insert_with(new);
        if (of_wave.wave, of_wave.began) != (wave, began) {
            *of_wave = new();
        }
        of_wave
    }
}

/// What the stores of the running wave did, where its gates ask, as far as the budget goes.
pub(super) async fn facts(
    database: &Database,
    rollout: &Rollout,
    members: &[Member],
    (memory, budget): (&mut Memory, &mut Budget),
    now_ms: i64,
) -> Result<Vec<Fact>, DatabaseError> {
    let (name, current) = (rollout.spec().rollout.as_str(), rollout.current());
    let mut facts = Vec::new();
    let wave = rollout.waves().get(current).filter(|_| *rollout.phase() == RolloutPhase::Running);
    let Some((wave, began)) = wave.and_then(|wave| Some((wave, wave.started_at?))) else {
        memory.forget(name);
        return Ok(facts);
    };
    let (asked, odd): (Vec<&Business>, Vec<&Business>) =
        rollout.spec().gates_of(current).business.iter().partition(|business| is_known(business));
    // What nobody here can measure is refused in a draft; one of another build holds nobody up.
    let odd = odd.into_iter().filter(|business| !wave.sought.contains(&business.metric));
    facts.extend(odd.map(|business| Fact::Paired { metric: business.metric.clone(), pairs: Vec::new() }));
    if asked.is_empty() {
        memory.forget(name);
        return Ok(facts);
    }
    let of_wave = memory.of(name, current, began);
    let hour = now_ms.div_euclid(HOUR_MS);
    let (paired, unpaired): (Vec<&Business>, Vec<&Business>) =
        asked.into_iter().partition(|business| wave.pairs.contains_key(&business.metric));
    if !unpaired.is_empty() && of_wave.paired != Some(hour) {
        let began = began.0.div_euclid(HOUR_MS);
        let new = || Pairing::of(rollout, members, &unpaired, began);
        let pairing = of_wave.pairing.get_or_insert_with(new);
        if pairing.read(database, budget).await? {
            facts.extend(pairing.facts());
            (of_wave.pairing, of_wave.paired) = (None, Some(hour));
        }
    }
    match wave.reached_at {
        Some(reached) => {
            let hours = (reached.0.div_euclid(HOUR_MS), hour.saturating_sub(2));
            let measured = measure(database, (rollout, wave), &paired, hours, (of_wave, budget)).await?;
            facts.extend(measured);
        }
        // Too few run it: there is nothing to measure.
        None => of_wave.hour = None,
    }
    Ok(facts)
}

/// What the hours behind one came to, through another.
async fn measure(
    database: &Database,
    (rollout, wave): (&Rollout, &WaveState),
    paired: &[&Business],
    (reached, through): (i64, i64),
    (of_wave, budget): (&mut OfWave, &mut Budget),
) -> Result<Vec<Fact>, DatabaseError> {
    let mut facts = Vec::new();
    let stands = standing(rollout);
    loop {
        let next = |business: &&Business| {
            let saved = wave.periods.get(&business.metric).and_then(|last| i64::try_from(*last).ok());
            let seen = of_wave.measured.get(&business.metric).copied();
            saved.max(seen).unwrap_or(reached).max(reached).saturating_add(1)
        };
        let Some(period) = paired.iter().map(next).min().filter(|period| *period <= through) else {
            of_wave.hour = None;
            return Ok(facts);
        };
        let due: Vec<&Business> =
            paired.iter().copied().filter(|business| next(business) == period).collect();
        let pairs = || due.iter().filter_map(|business| wave.pairs.get(&business.metric)).flatten();
        let treated = pairs().map(|pair| &pair.treated).filter(|store| stands.get(store) == Some(&true));
        // A store that was given the release meanwhile is none to compare with any more.
        let controls = pairs().map(|pair| &pair.control).filter(|store| !stands.contains_key(store));
        // Each once.
        let stores: BTreeSet<&StoreId> = treated.chain(controls).collect();
        let stores: Vec<&StoreId> = stores.into_iter().collect();
        let begun = of_wave.hour.take().filter(|sums| sums.first_hour() == period);
        let mut sums = begun.unwrap_or_else(|| Sums::between(period, period.saturating_add(1)));
        if !sums.read(database, &stores, budget).await? {
            of_wave.hour = Some(sums);
            return Ok(facts);
        }
        for business in due {
            let metric = business.metric.clone();
            let value =
                |store: &&StoreId| Some(((*store).clone(), sums.get(store)?.metric(metric.as_str())?));
            let values = stores.iter().filter_map(value).collect();
            of_wave.measured.insert(metric.clone(), period);
            facts.push(Fact::Measured { metric, period: period.cast_unsigned(), values });
        }
    }
}

/// The stores that were given the release so far; true for those of which every box that takes part runs it.
fn standing(rollout: &Rollout) -> BTreeMap<&StoreId, bool> {
    let is_in = |wave: u16| usize::from(wave) <= rollout.current();
    let mut boxes: BTreeMap<&StoreId, (u32, u32)> = BTreeMap::new();
    for (node, progress) in rollout.nodes().iter().filter(|(_, progress)| is_in(progress.wave)) {
        let (run, all) = boxes.entry(&node.store).or_default();
        *run += u32::from(matches!(progress.status, Status::Live | Status::Passed));
        *all += u32::from(progress.status != Status::Excluded);
    }
    boxes.into_iter().map(|(store, (run, all))| (store, run > 0 && run == all)).collect()
}
