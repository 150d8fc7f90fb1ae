//! Session neighbours against a slow, direct reading of the definition, and a delta against one index.

use crate::shop::{Ask, TestShelf, recommender, sku, visits};
use aisle_event::{Timestamp, shopper::Rung};
use aisle_recommend::{Delta, Model, Settings, Visit};
use proptest::{collection::vec, prelude::*};
use std::collections::BTreeMap;

fn nobody() -> std::iter::Empty<Visit<Vec<aisle_event::Sku>>> {
    std::iter::empty()
}

fn distinct(items: &[u32]) -> Vec<u32> {
    let mut seen = Vec::new();
    items.iter().for_each(|item| {
        if !seen.contains(item) {
            seen.push(*item);
        }
    });
    seen
}

/// The definition, step by step, over all sessions. Sessions are oldest first.
fn reference(sessions: &[Vec<u32>], evolving: &[u32], settings: &Settings) -> BTreeMap<u32, f64> {
    let settings = &settings.sessions;
    let sessions: Vec<Vec<u32>> =
        sessions.iter().map(|session| distinct(session)).filter(|session| session.len() > 1).collect();
    let window = &evolving[evolving.len().saturating_sub(settings.items_last)..];
    // A repeated item counts at its newest position.
    let mut positions: Vec<(usize, u32)> = Vec::new();
    for (position, item) in window.iter().rev().enumerate() {
        if !positions.iter().any(|(_, other)| other == item) {
            positions.push((position, *item));
        }
    }

    let mut neighbours: Vec<(f64, usize, usize)> = sessions
        .iter()
        .enumerate()
        .rev()
        .filter_map(|(number, session)| {
            let shared: Vec<usize> = positions
                .iter()
                .filter(|(_, item)| session.contains(item))
                .map(|(position, _)| *position)
                .collect();
            let similarity =
                shared.iter().map(|position| (window.len() - position) as f64 / window.len() as f64).sum();
            Some((similarity, number, *shared.iter().min()?))
        })
        .take(settings.recent_max)
        .collect();
    neighbours.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
    neighbours.truncate(settings.neighbours_max);

    let occurrences: usize = sessions.iter().map(Vec::len).sum();
    let mut scores = BTreeMap::new();
    for (similarity, number, position) in neighbours {
        for item in &sessions[number] {
            let frequency = sessions.iter().filter(|session| session.contains(item)).count();
            let idf = (occurrences as f64 / frequency as f64).ln() * settings.idf_weight;
            let weight = similarity * (1.0 - 0.1 * (position + 1) as f64);
            *scores.entry(*item).or_insert(0.0) += if idf > 1e-12 { weight * idf } else { weight };
        }
    }
    scores.remove(evolving.last().unwrap());
    scores
}

fn small(recent_max: usize, neighbours_max: usize, items_last: usize) -> Settings {
    let mut settings = Settings::default();
    settings.sessions.recent_max = recent_max;
    settings.sessions.neighbours_max = neighbours_max;
    settings.sessions.items_last = items_last;
    settings.category_run_max = 0;
    settings
}

const ITEMS: u32 = 12;

fn sessions() -> impl Strategy<Value = Vec<Vec<u32>>> {
    vec(vec(0..ITEMS, 1..6), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn scores_are_those_of_the_definition(
        sessions in sessions(),
        evolving in vec(0..ITEMS + 2, 1..6),
        recent_max in 1_usize..20,
        neighbours_max in 1_usize..10,
        items_last in 1_usize..5,
    ) {
        let settings = small(recent_max, neighbours_max, items_last);
        let expected = reference(&sessions, &evolving, &settings);
        let recommender = recommender(settings.clone());
        recommender.install(Model::train(visits(&sessions), nobody(), Timestamp(0), &settings));
        let answer = Ask::home(&evolving).count(50).of(&recommender, &TestShelf::of(0..ITEMS + 2));

        let found: Vec<_> = answer.items.iter().filter(|item| item.rung == Rung::SessionNeighbours).collect();
        prop_assert_eq!(found.len(), expected.len());
        prop_assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score));
        for (item, score) in &expected {
            let item = found.iter().find(|found| found.sku == sku(*item)).unwrap();
            prop_assert!((item.score - score).abs() < 1e-9, "{:?}: {} is not {}", item.sku, item.score, score);
        }
    }

    #[test]
    fn a_delta_on_a_base_answers_as_one_index_over_both(
        sessions in sessions(),
        cut in 0_usize..40,
        evolving in vec(0..ITEMS, 1..6),
        recent_max in 1_usize..20,
        neighbours_max in 1_usize..10,
        half_life_ms in 60_000_u64..6_000_000,
    ) {
        let mut settings = small(recent_max, neighbours_max, 3);
        settings.popular.half_life_ms = half_life_ms;
        let all = visits(&sessions);
        let (earlier, later) = all.split_at(cut.min(all.len()));
        let train = |visits: &[Visit<Vec<aisle_event::Sku>>]| {
            Model::train(visits.to_vec(), nobody(), Timestamp(0), &settings)
        };
        let one = recommender(settings.clone());
        one.install(train(&all));
        let both = recommender(settings.clone());
        let base = both.install(train(earlier));
        both.install_delta(Delta::build(base, later.to_vec(), nobody(), Timestamp(0), &settings)).unwrap();

        let shelf = TestShelf::of(0..ITEMS);
        for ask in [Ask::home(&evolving), Ask::home(&[])] {
            let (one, both) = (ask.clone().count(50).of(&one, &shelf), ask.count(50).of(&both, &shelf));
            let of = |answer: &aisle_recommend::Answer, rung| {
                answer.items.iter().filter(|item| item.rung == rung).cloned().collect::<Vec<_>>()
            };
            prop_assert_eq!(of(&one, Rung::SessionNeighbours), of(&both, Rung::SessionNeighbours));
            if ask_is_cold(&one) {
                let scores = |answer| {
                    of(answer, Rung::Popular).into_iter().map(|i| (i.sku, i.score)).collect::<BTreeMap<_, _>>()
                };
                let (one, both) = (scores(&one), scores(&both));
                prop_assert_eq!(one.len(), both.len());
                for (sku, score) in one {
                    prop_assert!((both[&sku] - score).abs() < 1e-4 * score.max(1e-3));
                }
            }
        }
    }
}

fn ask_is_cold(answer: &aisle_recommend::Answer) -> bool {
    answer.items.iter().all(|item| item.rung >= Rung::Popular)
}

#[test]
fn an_item_first_seen_today_is_recommended_through_the_delta() {
    let settings = Settings::default();
    let recommender = recommender(settings.clone());
    let base = recommender.install(Model::train(visits(&[vec![1, 2]]), nobody(), Timestamp(0), &settings));
    let shelf = TestShelf::of([1, 2, 99]);
    assert_eq!(Ask::product(1).count(1).of(&recommender, &shelf).items[0].sku, sku(2));

    let today = visits(&[vec![1, 99], vec![1, 99]]);
    recommender.install_delta(Delta::build(base, today, nobody(), Timestamp(1), &settings)).unwrap();
    let answer = Ask::product(99).count(1).of(&recommender, &shelf);
    assert_eq!((answer.items[0].sku.clone(), answer.rung), (sku(1), Rung::SessionNeighbours));
    assert_eq!(answer.as_of, Timestamp(1));
}

#[test]
fn a_delta_of_a_model_that_was_replaced_is_refused() {
    let settings = Settings::default();
    let recommender = recommender(settings.clone());
    let train = || Model::train(visits(&[vec![1, 2]]), nobody(), Timestamp(0), &settings);
    let old = recommender.install(train());
    recommender.install(train());
    let delta = Delta::build(old, nobody(), nobody(), Timestamp(1), &settings);
    assert!(recommender.install_delta(delta).is_err());
}

#[test]
fn a_reader_is_never_without_a_model_while_models_are_swapped() {
    let settings = Settings::default();
    let recommender = recommender(settings.clone());
    let train = || Model::train(visits(&[vec![1, 2], vec![1, 3]]), nobody(), crate::shop::NOW, &settings);
    recommender.install(train());
    let shelf = TestShelf::of([1, 2, 3]);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            (0..2_000).all(|_| {
                let answer = Ask::product(1).count(2).of(&recommender, &shelf);
                !answer.degraded && answer.items.len() == 2 && answer.rung == Rung::SessionNeighbours
            })
        });
        for _ in 0..100 {
            let base = recommender.install(train());
            let today = visits(&[vec![1, 2]]);
            recommender.install_delta(Delta::build(base, today, nobody(), Timestamp(1), &settings)).unwrap();
        }
        assert!(reader.join().unwrap());
    });
}
