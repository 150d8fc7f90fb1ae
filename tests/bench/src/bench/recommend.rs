//! `recommend`: recommendations in one process, per slot, with and without the cache, beside session neighbours with
//! plain hash maps.
//!
//! Both learn from the same sessions, and before anything is timed both must give the same items with the same scores.

use crate::{
    history::{self, History},
    memory,
    peer::neighbours::Neighbours,
    probe,
    rounds::Rounds,
    screen,
    table::{self, Table},
};
use aisle_event::{
    Sku, Timestamp,
    shopper::{Rung, Slot},
};
use aisle_recommend::{Answer, Model, ModelSize, Recommender, Request, Settings, Shelf, Visit};
use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use prometheus_client::registry::Registry;
use std::{collections::BTreeSet, hint::black_box, time::Instant};

const COUNT: usize = 8;
const ROUNDS: usize = 7;
const TRAININGS: usize = 3;
/// Queries of a round; the answers to all of them fit into the cache.
const QUERIES: usize = 3_000;
/// Queries whose answers are compared with the peer's.
const COMPARED: usize = 500;
const SLOTS: [(Slot, &str); 3] = [(Slot::Home, "home"), (Slot::Product, "product"), (Slot::Basket, "basket")];

/// A shelf that offers whatever was ever seen.
#[derive(Debug)]
struct Everything(BTreeSet<Sku>);

impl Shelf for Everything {
    fn offered(&self, sku: &Sku) -> bool {
        self.0.contains(sku)
    }

    fn version(&self) -> u64 {
        1
    }

    fn newest(&self) -> impl Iterator<Item = &Sku> {
        self.0.iter()
    }
}

/// One shopper at one moment.
#[derive(Debug, Clone, Copy)]
struct Query<'a> {
    slot: Slot,
    /// What was viewed or put into the basket, oldest first, not empty.
    items: &'a [Sku],
}

impl<'a> Query<'a> {
    fn request(&self, at: Timestamp) -> Request<'a> {
        let (viewed, basket): (&[Sku], &[Sku]) = match self.slot {
            Slot::Home | Slot::Product => (self.items, &[]),
            Slot::Basket => (&[], self.items),
        };
        let product = self.items.last().filter(|_| self.slot == Slot::Product);
        Request { slot: self.slot, viewed, product, basket, count: COUNT, at, arm: None }
    }
}

/// Seconds at the median and at the 99th percentile, by round.
#[derive(Debug, Default)]
struct Latency {
    p50: Rounds,
    p99: Rounds,
}

impl Latency {
    /// Asks everything once, each query timed alone.
    fn round<'a>(&mut self, queries: &[Query<'a>], mut ask: impl FnMut(&Query<'a>)) -> Result<()> {
        let mut nanos = Histogram::<u64>::new(3)?;
        for query in queries {
            let started = Instant::now();
            ask(query);
            nanos.record(u64::try_from(started.elapsed().as_nanos())?)?;
        }
        self.p50.add(nanos.value_at_quantile(0.5) as f64 / 1e9);
        self.p99.add(nanos.value_at_quantile(0.99) as f64 / 1e9);
        Ok(())
    }

    fn cells(&self) -> String {
        format!("{} / {}", table::time(self.p50.median()), table::time(self.p99.median()))
    }
}

#[derive(Debug, Default)]
struct Measured {
    uncached: Latency,
    cached: Latency,
    peer: Latency,
}

/// Measures, and gives the report.
pub(crate) fn run() -> Result<String> {
    screen::progress(&"generating a year of trade");
    let history = History::of(history::plan())?;
    let offered =
        history.sessions.iter().chain(&history.baskets).flat_map(|visit| visit.items.iter().cloned());
    let shelf = Everything(offered.collect());
    let settings = Settings::default();
    let now = history::now();

    let (mut training, mut trained) = (Rounds::default(), None);
    for _ in 0..TRAININGS {
        screen::progress(&"learning");
        let started = Instant::now();
        trained = Some(memory::grown(|| learn(&history, now, &settings)));
        training.add(started.elapsed().as_secs_f64());
    }
    let (model, model_bytes) = trained.context("nothing was learnt")?;
    let size = model.size();

    let cached = Recommender::new(settings.clone(), &mut Registry::default());
    cached.install(model);
    let mut no_cache = settings.clone();
    no_cache.cache.bytes_max = 0;
    let uncached = Recommender::new(no_cache, &mut Registry::default());
    uncached.install(learn(&history, now, &settings));
    let peer = Neighbours::of(&history.sessions, settings.sessions.clone());
    for query in queries(&history, Slot::Product).iter().take(COMPARED) {
        agree(&uncached.recommend(&query.request(now), &shelf), &peer.answer(query.items, usize::MAX))
            .with_context(|| format!("after {:?}", query.items))?;
    }

    let mut measured: [Measured; 3] = Default::default();
    let mut hits = Rounds::default();
    for round in 1..=ROUNDS {
        screen::progress(&format_args!("recommend: round {round} of {ROUNDS}"));
        for ((slot, _), measured) in SLOTS.into_iter().zip(&mut measured) {
            let queries = queries(&history, slot);
            measured.uncached.round(&queries, |query| {
                black_box(uncached.recommend(&query.request(now), &shelf));
            })?;
            if slot != Slot::Basket {
                measured.peer.round(&queries, |query| {
                    black_box(peer.answer(query.items, COUNT));
                })?;
            }
            for query in &queries {
                cached.recommend(&query.request(now), &shelf);
            }
            let mut found = 0_u32;
            measured.cached.round(&queries, |query| {
                found += u32::from(black_box(cached.recommend(&query.request(now), &shelf)).cached);
            })?;
            hits.add(f64::from(found) / queries.len() as f64);
        }
    }
    let mut table = Table::new(&[
        "slot",
        "computed, p50 / p99",
        "from the cache, p50 / p99",
        "plain session-kNN, p50 / p99",
        "computed against plain, p50",
    ]);
    for ((slot, name), measured) in SLOTS.into_iter().zip(&measured) {
        let beside = slot != Slot::Basket;
        table.row([
            name.into(),
            measured.uncached.cells(),
            measured.cached.cells(),
            if beside { measured.peer.cells() } else { "–".into() },
            if beside {
                format!("{} as fast", table::ratio(measured.peer.p50.ratio(&measured.uncached.p50)))
            } else {
                "–".into()
            },
        ]);
    }
    let ModelSize { items, sessions, pairs } = size;
    Ok(format!(
        "{table}\nLearnt from {} sessions, of which {} have two products or more and are indexed, and {} sales of {} \
         products: in {} (median of {TRAININGS}, one thread), into {} of memory with {} pairs of products. {COMPARED} \
         answers were compared with the peer's first: the same items with the same scores. {ROUNDS} rounds of \
         {QUERIES} queries a slot, {COUNT} items each, one thread; {:.0} % of the repeated queries came from the cache. \
         Load of the machine at the end: {}.",
        table::count(history.sessions.len() as f64),
        table::count(sessions as f64),
        table::count(history.baskets.len() as f64),
        table::count(items as f64),
        table::time(training.median()),
        table::mib(model_bytes),
        table::count(pairs as f64),
        100.0 * hits.median(),
        probe::load(),
    ))
}

fn learn(history: &History, now: Timestamp, settings: &Settings) -> Model {
    Model::train(borrowed(&history.sessions), borrowed(&history.baskets), now, settings)
}

fn borrowed(visits: &[Visit<Vec<Sku>>]) -> impl Iterator<Item = Visit<&[Sku]>> {
    visits.iter().map(|visit| Visit { at: visit.at, items: visit.items.as_slice() })
}

/// One query of each session that was kept back, some cut early and some late.
fn queries(history: &History, slot: Slot) -> Vec<Query<'_>> {
    let asked = history.asked.iter().cycle().enumerate().take(QUERIES);
    asked
        .filter_map(|(number, items)| {
            Some(Query { slot, items: items.get(..number % (items.len() - 1) + 1)? })
        })
        .collect()
}

/// Makes sure that the neighbours' part of an answer is the head of the peer's, score by score.
fn agree(answer: &Answer, peer: &[(&Sku, f64)]) -> Result<()> {
    let ours: Vec<_> = answer.items.iter().filter(|item| item.rung == Rung::SessionNeighbours).collect();
    let (found, expected) = (ours.len(), peer.len().min(COUNT));
    ensure!(found == expected, "{found} items instead of {expected}");
    for (item, (_, score)) in ours.iter().zip(peer) {
        let same = |other: f64| (item.score - other).abs() < 1e-9;
        // Items with equal scores may stand in any order.
        let there = peer.iter().any(|(sku, score)| **sku == item.sku && same(*score));
        ensure!(same(*score) && there, "`{}` has {} instead of {score}", item.sku, item.score);
    }
    Ok(())
}
