//! What one reading costs in each part of the floor's fold, in processor time, beside a map of last values.

use super::{Bench, shop};
use crate::{
    process,
    rounds::Rounds,
    screen,
    table::{self, Table},
};
use aisle_devices::{registry, telemetry};
use aisle_event::{
    DeviceId, Event, EventType, Measure, Name, Timestamp, Unknown,
    device::{Measured, Reading, ReadingsTaken},
};
use aisle_inventory::{
    cold_chain,
    position::{self, Positions},
    task,
};
use anyhow::{Context, Result};
use rustc_hash::FxHashMap;
use std::hint::black_box;

/// Thermometers, two in each unit.
const SENSORS: usize = 100;
/// Readings of each: half a day, one every ten seconds.
const READINGS_EACH: usize = 4_320;
const EVERY_MS: i64 = 10_000;
/// 2026-01-01T00:00:00Z.
const FIRST_MS: i64 = 1_767_225_600_000;
/// Readings in a record: of a quiet store, and of one that hears a hundred at once.
const RECORDS: [usize; 2] = [1, 100];

/// Measures, and gives the table.
pub(super) fn measure(bench: &Bench) -> Result<String> {
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
            let before_decoding = process::thread_cpu();
            let kind = bytes.first().context("there are no readings")?.0;
            let events: Vec<Event> =
                bytes.iter().map(|(_, bytes)| Event::decode(kind, bytes)).collect::<Result<_, _>>()?;
            let decoding = (process::thread_cpu() - before_decoding).as_secs_f64();
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
        "processor time of one reading of a thermometer",
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
    let started = process::thread_cpu();
    for (event, seq) in events.iter().zip(before.len() as u64 + 1..) {
        apply(seq, event);
    }
    (process::thread_cpu() - started).as_secs_f64()
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
