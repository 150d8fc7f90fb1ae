//! A year of a hundred sensors in files, and one day of it: beside a scan of one sensor's year as CSV.
//!
//! The files are the node's own, written by its [`Archive`]. A day of a sensor is drawn from a pool of days, because drawing is not
//! what is measured; each minute has six readings.

use super::Bench;
use crate::{
    rounds::Rounds,
    screen,
    table::{self, Table},
};
use aisle_devices::telemetry::{
    Archive, Config, Minute, Query, Resolution, Rows, StreamKey, Telemetry, View, query,
};
use aisle_event::{DeviceId, Name, Timestamp};
use anyhow::{Context, Result, bail, ensure};
use jiff::tz::TimeZone;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::fs::{Advice, fadvise};
use std::{
    fmt::Write as _,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Instant,
};

const SEED: u64 = 11;
const SENSORS: usize = 100;
const DAYS: i64 = 365;
/// 2026-01-01T00:00:00Z.
const FIRST_MS: i64 = 1_767_225_600_000;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
const DAY_MINUTES: i64 = 1_440;
/// Days of a sensor that are drawn; a year is put together from them.
const POOL: usize = 128;
/// The sensor whose year is a CSV file as well.
const SCANNED: usize = 42;
/// Seconds for one day.
const BAR_S: f64 = 0.05;

type Day = Vec<Arc<Minute>>;

#[derive(Debug, Default)]
struct Figures {
    p50: Rounds,
    worst: Rounds,
}

/// Measures, and gives the table.
pub(super) fn measure(bench: &Bench) -> Result<String> {
    let dir = bench.dir().join("year");
    let csv = bench.dir().join("sensor.csv");
    fs::create_dir_all(&dir)?;
    screen::progress(&format_args!("writing a year of {SENSORS} sensors (seed {SEED})"));
    let started = Instant::now();
    let csv_bytes = write(&dir, &csv)?;
    let writing = started.elapsed();
    let archive = Archive::open(&dir, &Config::default())?;
    // Joins the hours of the days at the seams.
    archive.keep(&Rows::new())?;
    let status = archive.status();
    ensure!(status.days == DAYS as usize && status.damaged.is_empty(), "the year is not whole: {status:?}");
    let view = Telemetry::new(Config::default()).view();

    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let (mut cold, mut warm, mut by_minute, mut all, mut scan) =
        (Figures::default(), Figures::default(), Figures::default(), Figures::default(), Rounds::default());
    for round in 1..=bench.rounds {
        screen::progress(&format_args!("history: round {round} of {}", bench.rounds));
        let mut times: [Vec<f64>; 3] = Default::default();
        for sensor in 0..SENSORS {
            let day = random.random_range(0..DAYS);
            forget(&dir)?;
            let resolutions = [Resolution::FiveMinutes, Resolution::FiveMinutes, Resolution::Minute];
            for (times, resolution) in times.iter_mut().zip(resolutions) {
                times.push(ask(&view, &archive, sensor, day, resolution)?);
            }
        }
        for (figures, times) in [&mut cold, &mut warm, &mut by_minute].into_iter().zip(times) {
            figures.add(times);
        }
        let mut times = Vec::new();
        for _ in 0..5 {
            let day = random.random_range(0..DAYS);
            let started = Instant::now();
            for sensor in 0..SENSORS {
                ask(&view, &archive, sensor, day, Resolution::FiveMinutes)?;
            }
            times.push(started.elapsed().as_secs_f64());
        }
        all.add(times);
        scan.add(scanned(&csv, random.random_range(0..DAYS))?);
    }

    let mut table = Table::new(&[
        "one day out of a year of 100 sensors",
        "median",
        "longest",
        "sensor's year as CSV, scanned",
        "as fast as the scan",
        "bar",
        "met",
    ]);
    let rows: [(&str, &Figures, f64); 4] = [
        ("one sensor in steps of 5 min, files not in memory", &cold, 1.0),
        ("one sensor in steps of 5 min", &warm, 1.0),
        ("one sensor minute by minute", &by_minute, 1.0),
        ("all 100 one after the other, in steps of 5 min", &all, SENSORS as f64),
    ];
    for (name, figures, sensors) in rows {
        table.row([
            name.into(),
            table::time(figures.p50.median()),
            table::time(figures.worst.median()),
            table::time(scan.median() * sensors),
            table::ratio(scan.ratio(&figures.p50) * sensors),
            format!("< {}", table::time(BAR_S)),
            table::met(figures.p50.median() < BAR_S),
        ]);
    }
    let minutes = SENSORS as f64 * (DAYS * DAY_MINUTES) as f64;
    Ok(format!(
        "{table}\n{} minutes with their spread in {} files of {}, {:.1} bytes a minute; as CSV without the spread {:.1} bytes. Written in {} \
         by two threads. A day is another one for each query. {} rounds of {SENSORS} queries (5 of all sensors); the CSV is in memory, and \
         for 100 sensors its time is a hundred times that of one.",
        table::count(minutes),
        table::count(status.files as f64),
        table::mib(status.bytes as f64),
        status.bytes as f64 / minutes,
        csv_bytes as f64 / (DAYS * DAY_MINUTES) as f64,
        table::duration(writing),
        bench.rounds,
    ))
}

impl Figures {
    fn add(&mut self, mut times: Vec<f64>) {
        times.sort_by(f64::total_cmp);
        self.p50.add(times.get(times.len() / 2).copied().unwrap_or(f64::NAN));
        self.worst.add(times.last().copied().unwrap_or(f64::NAN));
    }
}

fn key(sensor: usize) -> Result<StreamKey> {
    Ok(StreamKey { device: DeviceId::new(format!("sensor-{sensor}"))?, stream: Name::new("temperature")? })
}

/// Writes the year, half of it on each of two threads, and one sensor's as CSV, whose bytes it gives.
fn write(dir: &Path, csv: &Path) -> Result<usize> {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let pool: Vec<Day> = (0..POOL).map(|_| day(&mut random)).collect();
    let keys: Vec<StreamKey> = (0..SENSORS).map(key).collect::<Result<_>>()?;
    let chosen: Vec<Vec<usize>> =
        (0..DAYS).map(|_| (0..SENSORS).map(|_| random.random_range(0..POOL)).collect()).collect();
    let of = |day: i64, sensor: usize| -> Option<&Day> {
        pool.get(*chosen.get(usize::try_from(day).ok()?)?.get(sensor)?)
    };
    // Both are opened before either writes: whoever opens the directory removes what is unfinished.
    let halves = [
        (0..DAYS / 2, Archive::open(dir, &Config::default())?),
        (DAYS / 2..DAYS, Archive::open(dir, &Config::default())?),
    ];
    thread::scope(|scope| {
        let writers = halves.map(|(days, archive)| {
            let (keys, of) = (&keys, &of);
            scope.spawn(move || {
                for day in days {
                    let first = (FIRST_MS + day * DAY_MS) / MINUTE_MS;
                    let rows: Rows = keys
                        .iter()
                        .enumerate()
                        .filter_map(|(sensor, key)| {
                            Some((key.clone(), (first..).zip(of(day, sensor)?.iter().cloned()).collect()))
                        })
                        .collect();
                    archive.keep(&rows)?;
                }
                Ok::<_, anyhow::Error>(())
            })
        });
        for writer in writers {
            writer.join().unwrap_or_else(|_| bail!("a writer panicked"))?;
        }
        Ok::<_, anyhow::Error>(())
    })?;
    let mut text = String::new();
    for day in 0..DAYS {
        for (minute, nth) in of(day, SCANNED).context("the pool is too small")?.iter().zip(0..) {
            let at = FIRST_MS + day * DAY_MS + nth * MINUTE_MS;
            let units = |millionths: i64| millionths as f64 / 1e6;
            writeln!(
                text,
                "{at},{},{},{},{:.4},{}",
                minute.count,
                units(minute.min),
                units(minute.max),
                minute.mean(),
                units(minute.last)
            )?;
        }
    }
    fs::write(csv, &text)?;
    Ok(text.len())
}

/// Six readings a minute, rounded to 0.01.
fn day(random: &mut ChaCha8Rng) -> Day {
    let of_day = 0..DAY_MINUTES;
    of_day
        .map(|of_day| {
            let mut value = || {
                let base = 3_500_000.0 + (of_day as f64 / 4.0).sin() * 800_000.0;
                let near: f64 = base + random.random_range(-150_000.0..150_000.0);
                (near / 10_000.0).round() as i64 * 10_000
            };
            let mut minute = Minute::of(value(), 0);
            (1..6_u16).for_each(|nth| minute.add(value(), nth * 10_000));
            Arc::new(minute)
        })
        .collect()
}

/// Tells the kernel that nobody needs the files of the archive in memory.
fn forget(dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path: PathBuf = entry?.path();
        fadvise(File::open(&path)?, 0, None, Advice::DontNeed)?;
    }
    Ok(())
}

/// Seconds for one day of one sensor.
fn ask(view: &View, archive: &Archive, sensor: usize, day: i64, resolution: Resolution) -> Result<f64> {
    let (from, to) = (Timestamp(FIRST_MS + day * DAY_MS), Timestamp(FIRST_MS + (day + 1) * DAY_MS));
    let asked = Query { key: key(sensor)?, from, to, resolution, zone: TimeZone::UTC };
    let started = Instant::now();
    let found = query(view, Some(archive), &asked)?;
    let seconds = started.elapsed().as_secs_f64();
    let expected = if resolution == Resolution::Minute { 1_440 } else { 288 };
    ensure!(found.points.len() == expected, "{} points instead of {expected}", found.points.len());
    Ok(seconds)
}

/// Seconds to read a sensor's year and to understand one day of it.
fn scanned(csv: &Path, day: i64) -> Result<f64> {
    let (from, to) = (FIRST_MS + day * DAY_MS, FIRST_MS + (day + 1) * DAY_MS);
    let started = Instant::now();
    let text = fs::read_to_string(csv)?;
    let found = text.lines().filter(|line| {
        let mut fields = line.split(',');
        let at = fields.next().and_then(|at| at.parse::<i64>().ok());
        at.is_some_and(|at| (from..to).contains(&at)) && fields.all(|field| field.parse::<f64>().is_ok())
    });
    let found = found.count();
    let seconds = started.elapsed().as_secs_f64();
    ensure!(found == DAY_MINUTES as usize, "the scan found {found} minutes");
    Ok(seconds)
}
