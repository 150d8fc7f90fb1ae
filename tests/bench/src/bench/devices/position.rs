//! What an event costs the position, in processor time, beside a book of plain numbers.

use super::Bench;
use crate::{
    process,
    rounds::Rounds,
    screen,
    table::{self, Table},
};
use aisle_event::{Event, EventType, Quantity, Sku, device::Place};
use aisle_inventory::position::{
    self, Positions,
    evaluation::{Scenario, Sources, run},
};
use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use rustc_hash::FxHashMap;
use std::{collections::BTreeMap, hint::black_box, time::Duration};

/// Seconds for one update.
const BAR_S: f64 = 20e-6;
const SEED: u64 = 1;
const NS_MAX: u64 = 1_000_000_000;
/// An event as it lies in the journal, and how many products it is about.
struct Recorded {
    seq: u64,
    kind: EventType,
    bytes: Vec<u8>,
    name: &'static str,
    updates: usize,
}

/// What one kind of event costs, in nanoseconds an update.
struct Cost {
    ours: Histogram<u64>,
    decode: Rounds,
    mean: Rounds,
    book: Rounds,
    updates: usize,
}

/// Measures, and gives the table.
pub(super) fn measure(bench: &Bench) -> Result<String> {
    let mut costs: BTreeMap<&'static str, Cost> = BTreeMap::new();
    let shops: Vec<Vec<Recorded>> = [Scenario::grocery(), Scenario::apparel()].iter().map(recorded).collect();
    let looking = looking();
    for round in 1..=bench.rounds {
        screen::progress(&format_args!("position: round {round} of {}", bench.rounds));
        let mut sums: BTreeMap<&'static str, [f64; 3]> = BTreeMap::new();
        for events in &shops {
            let mut positions = Positions::new(position::Config::default());
            let mut book = Book::default();
            for event in events {
                let started = process::thread_cpu();
                let decoded = Event::decode(event.kind, &event.bytes)?;
                let read = process::thread_cpu();
                positions.apply(event.seq, &decoded);
                let applied = process::thread_cpu();
                book.apply(&decoded);
                let booked = process::thread_cpu();
                let [decode, apply, plain] = [read - started, applied - read, booked - applied]
                    .map(|took| took.saturating_sub(looking));
                let sums = sums.entry(event.name).or_default();
                for (sum, took) in sums.iter_mut().zip([decode, apply, plain]) {
                    *sum += took.as_secs_f64();
                }
                if !costs.contains_key(event.name) {
                    costs.insert(event.name, Cost::new()?);
                }
                let Some(cost) = costs.get_mut(event.name) else { continue };
                let each = (decode + apply).as_nanos() as u64 / event.updates as u64;
                cost.ours.saturating_record(each);
                cost.updates += if round == 1 { event.updates } else { 0 };
            }
            black_box((positions.view(), book));
        }
        for (name, [decode, apply, plain]) in sums {
            let cost = costs.get_mut(name).context("a kind came from nowhere")?;
            let updates = cost.updates as f64;
            cost.decode.add(decode / updates);
            cost.mean.add((decode + apply) / updates);
            cost.book.add((decode + plain) / updates);
        }
    }
    let mut table = Table::new(&[
        "processor time of a position update, decoding included",
        "updates",
        "mean",
        "p50 / p99",
        "decoding alone",
        "book of plain numbers, decoding included",
        "of the book",
        "bar, mean",
        "met",
    ]);
    for (name, cost) in &costs {
        let at = |share| table::time(cost.ours.value_at_quantile(share) as f64 / 1e9);
        table.row([
            (*name).into(),
            table::count(cost.updates as f64),
            table::time(cost.mean.median()),
            format!("{} / {}", at(0.5), at(0.99)),
            table::time(cost.decode.median()),
            table::time(cost.book.median()),
            table::ratio(cost.mean.ratio(&cost.book)),
            format!("≤ {}", table::time(BAR_S)),
            table::met(cost.mean.median() <= BAR_S),
        ]);
    }
    Ok(format!(
        "{table}\nFour weeks of two simulated shops (`grocery` with a scale under each shelf, `apparel` with RFID; seed {SEED}) as events from \
         bytes, one after the other on one thread, {} rounds. A record of 20 readings and a scan of 20 products count as 20 updates each. The \
         book adds and subtracts what tills, deliveries, moves and counts say, and passes over the rest.",
        bench.rounds
    ))
}

/// What it takes to look at the clock: the median of many times.
fn looking() -> Duration {
    let mut times: Vec<Duration> = (0..1_001)
        .map(|_| {
            let started = process::thread_cpu();
            process::thread_cpu() - started
        })
        .collect();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

impl Cost {
    fn new() -> Result<Self> {
        let (decode, mean, book) = Default::default();
        Ok(Self { ours: Histogram::new_with_bounds(1, NS_MAX, 3)?, decode, mean, book, updates: 0 })
    }
}

/// What a shop's node would have in its journal.
fn recorded(scenario: &Scenario) -> Vec<Recorded> {
    screen::progress(&format_args!("letting `{}` live for four weeks", scenario.name));
    let (mut events, products) = (Vec::new(), scenario.floor.items.len());
    run(scenario, SEED, Sources::ALL, |seq, event| {
        let (name, updates) = match event {
            Event::SaleRecorded(sale) => ("a line of a sale", sale.lines.len()),
            Event::ReturnRecorded(back) => ("a line of a return", back.lines.len()),
            Event::StockReceived(_) => ("a delivery", 1),
            Event::StockMoved(_) => ("a move", 1),
            Event::PlaceCounted(_) => ("a count", 1),
            Event::ReadingsTaken(taken) => ("a reading of a scale", taken.readings.len()),
            Event::TagsRead(_) => ("a product in an RFID scan", products),
            _ => ("anything else", 1),
        };
        if updates > 0 {
            events.push(Recorded { seq, kind: event.kind(), bytes: event.encode(), name, updates });
        }
    });
    events
}

/// What a till's book of stock does.
#[derive(Debug, Default)]
struct Book(FxHashMap<(Sku, Place), i64>);

impl Book {
    fn apply(&mut self, event: &Event) {
        let mut add = |sku: &Sku, place, quantity: Quantity, sign: i64| {
            *self.0.entry((sku.clone(), place)).or_default() += sign * quantity.thousandths;
        };
        match event {
            Event::SaleRecorded(sale) => {
                sale.lines.iter().for_each(|line| add(&line.sku, Place::Shelf, line.quantity, -1));
            }
            Event::ReturnRecorded(back) => {
                back.lines.iter().for_each(|line| add(&line.sku, Place::Shelf, line.quantity, 1));
            }
            Event::StockReceived(received) => add(&received.sku, Place::Backroom, received.quantity, 1),
            Event::StockAdjusted(adjusted) => add(&adjusted.sku, Place::Shelf, adjusted.delta, 1),
            Event::StockMoved(moved) => {
                add(&moved.sku, moved.from, moved.quantity, -1);
                add(&moved.sku, moved.to, moved.quantity, 1);
            }
            Event::PlaceCounted(counted) => {
                self.0.insert((counted.sku.clone(), counted.place), counted.on_hand.thousandths);
            }
            _ => {}
        }
    }
}
