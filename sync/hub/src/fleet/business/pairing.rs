//! Which stores are compared with which: those of the running wave, and stores of the same labels that were not given the release.
//!
//! Labels come first, so that a wave in one country finds controls there, whatever their names; then so many of each side are looked at, of every combination of
//! labels as many as of any other. Not here: whose pasts are near enough (`aisle_fleet::sequential::matching`).

use super::sold::{Budget, Sums};
use crate::database::{Database, DatabaseError};
use aisle_event::StoreId;
use aisle_fleet::{
    Member, Rollout,
    gate::{Business, Scale},
    rollout::{Fact, Status},
    sequential::{Baseline, Matching, pairs},
};
use std::collections::{BTreeMap, BTreeSet};

/// So many hours before a wave are what its stores did before.
const PAST_HOURS: i64 = 24;
/// The most stores of a wave that are compared.
const TREATED_MAX: usize = 200;
/// The most stores among which those that are like them are looked for.
const CONTROLS_MAX: usize = 400;

/// A store and its labels that count.
type Candidate = (StoreId, Vec<Option<String>>);

/// Stores that may be compared by a metric.
#[derive(Debug)]
struct Compared {
    business: Business,
    treated: Vec<Candidate>,
    controls: Vec<Candidate>,
}

/// Pairs that are looked for.
#[derive(Debug)]
pub(super) struct Pairing {
    of: Vec<Compared>,
    past: Sums,
}

impl Pairing {
    /// For some metrics of the running wave, which began in this hour.
    pub(super) fn of(rollout: &Rollout, members: &[Member], asked: &[&Business], began: i64) -> Self {
        let is_in = |wave: u16| usize::from(wave) <= rollout.current();
        let mut given: BTreeMap<&StoreId, bool> = BTreeMap::new();
        for (node, progress) in rollout.nodes().iter().filter(|(_, progress)| is_in(progress.wave)) {
            *given.entry(&node.store).or_default() |= progress.status != Status::Excluded;
        }
        let mut seen = BTreeSet::new();
        let stores: Vec<&Member> = members.iter().filter(|member| seen.insert(&member.id.store)).collect();
        let of = asked.iter().map(|business| {
            let candidate = |member: &&Member| -> Candidate {
                let label = |key: &String| member.labels.get(key).map(str::to_owned);
                (member.id.store.clone(), business.same.iter().map(label).collect())
            };
            let is_treated = |member: &&&Member| given.get(&member.id.store) == Some(&true);
            let is_control = |member: &&&Member| !given.contains_key(&member.id.store);
            let treated = stores.iter().filter(is_treated).map(candidate).collect();
            let controls = stores.iter().filter(is_control).map(candidate).collect();
            let (treated, controls) = chosen(treated, controls);
            Compared { business: (*business).clone(), treated, controls }
        });
        Self { of: of.collect(), past: Sums::between(began.saturating_sub(PAST_HOURS), began) }
    }

    /// Reads on what they did before. True when nothing is missing.
    pub(super) async fn read(
        &mut self,
        database: &Database,
        budget: &mut Budget,
    ) -> Result<bool, DatabaseError> {
        let both = self.of.iter().flat_map(|of| of.treated.iter().chain(&of.controls));
        let stores: Vec<&StoreId> = both.map(|(store, _)| store).collect();
        self.past.read(database, &stores, budget).await
    }

    /// Who is compared with whom.
    pub(super) fn facts(&self) -> Vec<Fact> {
        let fact = |Compared { business, treated, controls }: &Compared| {
            let baseline = |(store, labels): &Candidate| {
                let sold = self.past.get(store)?;
                let (past, periods) = (sold.metric(business.metric.as_str())?, sold.hours());
                let is_known = past > 0 || business.scale == Scale::Absolute;
                is_known.then(|| Baseline { store: store.clone(), past, periods, labels: labels.clone() })
            };
            let treated: Vec<Baseline> = treated.iter().filter_map(baseline).collect();
            let controls: Vec<Baseline> = controls.iter().filter_map(baseline).collect();
            let how = Matching { apart_percent_max: business.apart_percent_max };
            Fact::Paired { metric: business.metric.clone(), pairs: pairs(&treated, &controls, how) }
        };
        self.of.iter().map(fact).collect()
    }
}

/// Those with somebody of the same labels on the other side, within the bounds of each.
fn chosen(treated: Vec<Candidate>, controls: Vec<Candidate>) -> (Vec<Candidate>, Vec<Candidate>) {
    let labels = |side: &[Candidate]| -> BTreeSet<Vec<Option<String>>> {
        side.iter().map(|(_, labels)| labels.clone()).collect()
    };
    let both: BTreeSet<_> = labels(&treated).intersection(&labels(&controls)).cloned().collect();
    let within = |side: Vec<Candidate>, stores_max: usize| {
        let mut ranks: BTreeMap<Vec<Option<String>>, usize> = BTreeMap::new();
        let ranked = side.into_iter().filter(|(_, labels)| both.contains(labels)).map(|candidate| {
            let rank = ranks.entry(candidate.1.clone()).or_default();
            *rank += 1;
            (*rank, candidate)
        });
        let mut ranked: Vec<(usize, Candidate)> = ranked.collect();
        // The first of all labels, then the second of all: stable, so in the order of their names.
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().take(stores_max).map(|(_, candidate)| candidate).collect()
    };
    (within(treated, TREATED_MAX), within(controls, CONTROLS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, country: &str) -> Candidate {
        (StoreId::new(name).unwrap(), vec![Some(country.to_owned())])
    }

    fn named(side: &[Candidate]) -> Vec<&str> {
        side.iter().map(|(store, _)| store.as_str()).collect()
    }

    #[test]
    fn stores_late_in_the_alphabet_find_those_of_their_labels() {
        let many = (0..5_000).map(|number| of(&format!("a-{number:04}"), "de"));
        let controls = many.chain([of("zh-8", "ch"), of("zh-9", "ch")]).collect();
        let (treated, controls) = chosen(vec![of("zh-1", "ch"), of("zz-1", "fr")], controls);
        assert_eq!(named(&treated), ["zh-1"], "nobody is like the other one");
        assert_eq!(named(&controls), ["zh-8", "zh-9"]);
    }

    #[test]
    fn where_there_are_too_many_each_combination_of_labels_has_its_share() {
        let side = |letter: &str| -> Vec<Candidate> {
            let of = |number| of(&format!("{letter}-{number:04}"), if number < 1_000 { "de" } else { "fr" });
            (0..2_000).map(of).collect()
        };
        let (treated, controls) = chosen(side("a"), side("b"));
        assert_eq!((treated.len(), controls.len()), (TREATED_MAX, CONTROLS_MAX));
        let french =
            |side: &[Candidate]| side.iter().filter(|(_, labels)| labels[0].as_deref() == Some("fr")).count();
        assert_eq!((french(&treated), french(&controls)), (TREATED_MAX / 2, CONTROLS_MAX / 2));
    }
}
