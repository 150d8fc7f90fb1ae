//! A year of a hundred sensors, measured: bytes on the disk and the time of a query, beside plain CSV and a scan of it.

use super::{DAY, HOUR, MINUTE, key, whole};
use aisle_devices::telemetry::{Archive, Config, Minute, Resolution, Rows, Telemetry, query};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{fmt::Write, fs, sync::Arc, time::Instant};

const SENSORS: usize = 100;
const DAYS: i64 = 365;
const DAY_MS: i64 = 24 * HOUR;

/// Every day of a sensor is six readings a minute, rounded to 0.01.
fn minutes(random: &mut ChaCha8Rng, day: i64, csv: &mut String, sensor: usize) -> Vec<(i64, Arc<Minute>)> {
    (0..1440)
        .map(|of_day| {
            let at = DAY + day * DAY_MS + of_day * MINUTE;
            let mut minute: Option<Minute> = None;
            for nth in 0..6_u16 {
                let base = 3_500_000.0 + (of_day as f64 / 4.0).sin() * 800_000.0;
                let value =
                    ((base + random.random_range(-150_000.0..150_000.0)) / 10_000.0).round() as i64 * 10_000;
                match &mut minute {
                    None => minute = Some(Minute::of(value, nth * 10_000)),
                    Some(minute) => minute.add(value, nth * 10_000),
                }
            }
            let minute = minute.unwrap();
            let (min, max) = (minute.min as f64 / 1e6, minute.max as f64 / 1e6);
            let last = minute.last as f64 / 1e6;
            writeln!(csv, "sensor-{sensor},{at},{},{min},{max},{:.4},{last}", minute.count, minute.mean())
                .unwrap();
            (at / MINUTE, Arc::new(minute))
        })
        .collect()
}

#[test]
#[ignore = "writes a year of a hundred sensors; in a release build, to be read with --no-capture"]
fn one_day_of_a_year_is_found_at_once() {
    let seed = 11;
    eprintln!("seed {seed}");
    let dir = tempfile::tempdir().unwrap();
    let config = Config::default();
    let archive = Archive::open(dir.path(), &config).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut csv_bytes, mut scanned) = (0, String::new());
    for day in 0..DAYS {
        let mut csv = String::new();
        let rows: Rows = (0..SENSORS)
            .map(|sensor| (key(&format!("sensor-{sensor}")), minutes(&mut random, day, &mut csv, sensor)))
            .collect();
        archive.keep(&rows).unwrap();
        csv_bytes += csv.len() as u64;
        if day == DAYS / 2 {
            scanned = csv;
        }
    }
    let status = archive.status();
    let rows = SENSORS as u64 * DAYS as u64 * 1440;
    eprintln!(
        "{rows} minutes in {} files, {} bytes: {:.1} bytes a minute",
        status.files,
        status.bytes,
        status.bytes as f64 / rows as f64
    );
    eprintln!(
        "{:.1} times less than plain CSV without the spread ({csv_bytes} bytes)",
        csv_bytes as f64 / status.bytes as f64
    );
    let view = Telemetry::new(config).view();
    let (from, to) = (DAY + DAYS / 2 * DAY_MS, DAY + (DAYS / 2 + 1) * DAY_MS);
    let mut one = Vec::new();
    let started = Instant::now();
    for sensor in 0..SENSORS {
        let began = Instant::now();
        let asked = whole(&format!("sensor-{sensor}"), from, to, Resolution::FiveMinutes);
        assert_eq!(query(&view, Some(&archive), &asked).unwrap().points.len(), 288);
        one.push(began.elapsed());
    }
    let all = started.elapsed();
    one.sort();
    eprintln!(
        "one day of one sensor: p50 {:?}, p99 {:?}; of all {SENSORS} one after the other: {all:?}",
        one[50], one[98]
    );
    let path = dir.path().join("day.csv");
    fs::write(&path, &scanned).unwrap();
    let began = Instant::now();
    let text = fs::read_to_string(&path).unwrap();
    let found = text
        .lines()
        .filter(|line| line.starts_with("sensor-42,"))
        .filter(|line| line.split(',').skip(1).all(|field| field.parse::<f64>().is_ok()));
    assert_eq!(found.count(), 1440);
    let scan = began.elapsed();
    eprintln!(
        "a scan of the same day as CSV, of one sensor: {scan:?}, {:.1} times as long; of the whole year {DAYS} times that",
        scan.as_secs_f64() / one[50].as_secs_f64()
    );
    let began = Instant::now();
    let year = whole("sensor-42", DAY, DAY + DAYS * DAY_MS, Resolution::Day);
    assert_eq!(query(&view, Some(&archive), &year).unwrap().points.len(), DAYS as usize);
    eprintln!("the whole year of one sensor by days: {:?}", began.elapsed());
}
