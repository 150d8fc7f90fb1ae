//! What an event costs: the position beside a book of plain numbers, and a reading in each part of the floor's fold.

use super::{Bench, shop};
use crate::{
    probe,
    rounds::Rounds,
    screen,
    table::{self, Table},
};
use aisle_devices::{registry, telemetry};
use aisle_event::{
    DeviceId, Event, EventType, Measure, Name, Quantity, Sku, Timestamp, Unknown,
    device::{Measured, Place, Reading, ReadingsTaken},
};
use aisle_inventory::{
    cold_chain,
    position::{
        self, Positions,
        evaluation::{Scenario, Sources, run},
    },
    task,
};
use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use rustc_hash::FxHashMap;
use std::{collections::BTreeMap, hint::black_box, time::Instant};

/// Seconds for one update.
const BAR_S: f64 = 20e-6;
const SEED: u64 = 1;
const NS_MAX: u64 = 1_000_000_000;
/// Thermometers, two in each unit.
const SENSORS: usize = 100;
/// Readings of each: half a day, one every ten seconds.
const READINGS_EACH: usize = 4_320;
const EVERY_MS: i64 = 10_000;
/// 2026-01-01T00:00:00Z.
const FIRST_MS: i64 = 1_767_225_600_000;
/// Readings in a record: of a quiet store, and of one that hears a hundred at once.
const RECORDS: [usize; 2] = [1, 100];

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

/// Measures, and gives the tables.
pub(super) fn measure(bench: &Bench) -> Result<String> {
    let positions = positions(bench)?;
    let readings = readings(bench)?;
    Ok(format!("{positions}\n\n{readings} Load of the machine: {}.", probe::load()))
}

fn positions(bench: &Bench) -> Result<String> {
    let mut costs: BTreeMap<&'static str, Cost> = BTreeMap::new();
    let shops: Vec<Vec<Recorded>> = [Scenario::grocery(), Scenario::apparel()].iter().map(recorded).collect();
    for round in 1..=bench.rounds {
        screen::progress(&format_args!("position: round {round} of {}", bench.rounds));
        let mut sums: BTreeMap<&'static str, [f64; 3]> = BTreeMap::new();
        for events in &shops {
            let mut positions = Positions::new(position::Config::default());
            let mut book = Book::default();
            for event in events {
                let started = Instant::now();
                let decoded = Event::decode(event.kind, &event.bytes)?;
                let decode = started.elapsed();
                let started = Instant::now();
                positions.apply(event.seq, &decoded);
                let apply = started.elapsed();
                let started = Instant::now();
                book.apply(&decoded);
                let plain = started.elapsed();
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
        "position update, decoding included",
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

fn readings(bench: &Bench) -> Result<String> {
    const PARTS: [&str; 7] = [
        "decoding",
        "register of devices",
        "telemetry",
        "positions (the sensor weighs nothing)",
        "cold chain",
        "tasks",
        "peer: the last value in a map",
    ];
    let before = opening()?;
    let mut costs: [[Rounds; RECORDS.len()]; PARTS.len()] = Default::default();
    for round in 1..=bench.rounds {
        screen::progress(&format_args!("readings: round {round} of {}", bench.rounds));
        for (column, of_record) in RECORDS.into_iter().enumerate() {
            let bytes = taken(of_record)?;
            let started = Instant::now();
            let kind = bytes.first().context("there are no readings")?.0;
            let events: Vec<Event> =
                bytes.iter().map(|(_, bytes)| Event::decode(kind, bytes)).collect::<Result<_, _>>()?;
            let decoding = started.elapsed().as_secs_f64();
            let mut devices = registry::Devices::new(registry::Config::default());
            let mut telemetry = telemetry::Telemetry::new(telemetry::Config::default());
            let mut positions = Positions::new(position::Config::default());
            let mut cold_chain = cold_chain::ColdChain::new(cold_chain::Config::default());
            let mut tasks = task::Tasks::new(task::Config::default());
            let mut last: FxHashMap<(DeviceId, Name), Measure> = FxHashMap::default();
            let all = [
                decoding,
                timed(&before, &events, |seq, event| devices.apply(seq, event)),
                timed(&before, &events, |seq, event| telemetry.apply(seq, event)),
                timed(&before, &events, |seq, event| positions.apply(seq, event)),
                timed(&before, &events, |seq, event| cold_chain.apply(seq, event)),
                timed(&before, &events, |seq, event| tasks.apply(seq, event)),
                timed(&before, &events, |_, event| {
                    if let Event::ReadingsTaken(taken) = event {
                        for reading in &taken.readings {
                            last.insert((reading.device.clone(), reading.stream.clone()), reading.value);
                        }
                    }
                }),
            ];
            for (part, seconds) in costs.iter_mut().zip(all) {
                if let Some(rounds) = part.get_mut(column) {
                    rounds.add(seconds / (SENSORS * READINGS_EACH) as f64);
                }
            }
            black_box((
                devices.view(),
                telemetry.view(),
                positions.view(),
                cold_chain.view(),
                tasks.view(),
                last,
            ));
        }
    }
    let [.., peer] = &costs;
    let mut table = Table::new(&[
        "one reading of a thermometer",
        "in a record of its own",
        "of the peer",
        "in a record of 100",
        "of the peer",
    ]);
    for (name, part) in PARTS.into_iter().zip(&costs) {
        let [(alone, alone_peer), (together, together_peer)] = [0, 1].map(|column| {
            let of = |rounds: &[Rounds; RECORDS.len()]| rounds.get(column).cloned().unwrap_or_default();
            (of(part), of(peer))
        });
        let is_part = !name.starts_with("peer") && name != PARTS[0];
        let or_dash = |text: String| if is_part { text } else { "–".into() };
        table.row([
            name.into(),
            table::time(alone.median()),
            or_dash(table::ratio(alone.ratio(&alone_peer))),
            table::time(together.median()),
            or_dash(table::ratio(together.ratio(&together_peer))),
        ]);
    }
    Ok(format!(
        "{table}\n{SENSORS} thermometers in {} units, a reading every {} s for half a day, applied one after the other on one thread, {} rounds.",
        SENSORS / 2,
        EVERY_MS / 1000,
        bench.rounds
    ))
}

fn timed(before: &[Event], events: &[Event], mut apply: impl FnMut(u64, &Event)) -> f64 {
    for (event, seq) in before.iter().zip(1..) {
        apply(seq, event);
    }
    let started = Instant::now();
    for (event, seq) in events.iter().zip(before.len() as u64 + 1..) {
        apply(seq, event);
    }
    started.elapsed().as_secs_f64()
}

fn opening() -> Result<Vec<Event>> {
    let (at, mut events) = (Timestamp(FIRST_MS), Vec::new());
    for number in 0..SENSORS {
        let (device, unit) = (format!("fridge-{number}"), format!("unit-{}", number / 2));
        if number.is_multiple_of(2) {
            events.push(shop::unit(&unit, at)?);
        }
        events.extend(shop::device(&device, "temperature", Measured::Celsius, at)?);
        events.push(shop::probe(&device, "temperature", &unit, at)?);
    }
    Ok(events)
}

/// All readings, so many in a record, as bytes.
fn taken(of_record: usize) -> Result<Vec<(EventType, Vec<u8>)>> {
    let stream = Name::new("temperature")?;
    let devices: Vec<DeviceId> =
        (0..SENSORS).map(|number| DeviceId::new(format!("fridge-{number}"))).collect::<Result<_, _>>()?;
    let mut readings = Vec::new();
    for nth in 0..READINGS_EACH {
        for (number, device) in devices.iter().enumerate() {
            // Cold, with a swing of a degree in half an hour and a last digit that moves.
            let celsius =
                3.0 + (nth as f64 / 28.0 + number as f64).sin() + ((nth * 7 + number) % 10) as f64 * 0.01;
            readings.push(Reading {
                device: device.clone(),
                stream: stream.clone(),
                value: Measure::new(celsius)?,
                at: Timestamp(FIRST_MS + nth as i64 * EVERY_MS),
                number: Some(nth as u32 + 1),
                boot: Some(1),
                unknown: Unknown::default(),
            });
        }
    }
    let record = |readings: &[Reading]| {
        let event = Event::from(ReadingsTaken { readings: readings.to_vec(), unknown: Unknown::default() });
        (event.kind(), event.encode())
    };
    Ok(readings.chunks(of_record).map(record).collect())
}
