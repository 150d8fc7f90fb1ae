//! Loading a plugin whose native code is in the cache, as at a start of the node, and compiling it.

use super::{
    Bench,
    guests::{self, Guest},
};
use crate::{
    screen,
    table::{self, Table},
};
use aisle_plugin_host::{Host, HostConfig, LoadedFrom};
use anyhow::{Result, ensure};
use rustix::fs::{Advice, fadvise};
use std::{
    fs::{self, File},
    path::Path,
    time::Instant,
};

/// Seconds (issue 5).
const BAR: f64 = 5e-3;
/// Loads of each plugin in a round.
const LOADS: usize = 10;
/// Rounds that compile: it takes long, and does not differ much.
const COMPILED_ROUNDS_MAX: usize = 3;

/// Measures, and gives the table.
pub(super) fn measure(bench: &Bench) -> Result<String> {
    let guests = guests::ALL.into_iter().map(Guest::find).collect::<Result<Vec<_>>>()?;
    let dir = bench.dir().join("native");
    let cached = || HostConfig { cache_dir: Some(dir.clone()), ..guests::config() };
    let (mut cold, mut warm, mut compiled) = (Vec::new(), Vec::new(), Vec::new());
    let first = Host::new(cached())?;
    for guest in &guests {
        guest.load(&first)?;
    }
    drop(first);
    for round in 1..=bench.rounds {
        screen::progress(&format_args!("loading: round {round} of {}", bench.rounds));
        // A sandbox of its own for each round, as at a start.
        let host = Host::new(cached())?;
        for _ in 0..LOADS {
            forget(&dir)?;
            for guest in &guests {
                cold.push(timed(&host, guest, &LoadedFrom::Cache)?);
            }
            for guest in &guests {
                warm.push(timed(&host, guest, &LoadedFrom::Cache)?);
            }
        }
        if round <= COMPILED_ROUNDS_MAX {
            let host = Host::new(guests::config())?;
            for guest in &guests {
                compiled.push(timed(&host, guest, &LoadedFrom::Compiled)?);
            }
        }
    }
    let peer = quantile(&mut compiled, 0.5);
    let mut table = Table::new(&[
        "loading one plugin",
        "p50",
        "p99",
        "longest",
        "as fast as compiling, p50",
        "bar, p99",
        "met",
    ]);
    for (name, times, judged) in [
        ("from the cache, its file not in memory", &mut cold, true),
        ("from the cache, its file in memory", &mut warm, true),
        ("peer: no cache, compiled by cranelift", &mut compiled, false),
    ] {
        let (p50, p99) = (quantile(times, 0.5), quantile(times, 0.99));
        let or_dash = |text: String| if judged { text } else { "–".into() };
        table.row([
            name.into(),
            table::time(p50),
            table::time(p99),
            table::time(quantile(times, 1.0)),
            or_dash(table::ratio(peer / p50)),
            or_dash(format!("≤ {}", table::time(BAR))),
            or_dash(table::met(p99 <= BAR)),
        ]);
    }
    Ok(format!(
        "{table}\nThe {} first-party plugins of {} to {} KiB, native {} KiB in the median, {} loads each with the file in memory and without, {} \
         compilations. With checksum, imports and exports held to the manifest.",
        guests.len(),
        guests.iter().map(|guest| guest.component.len() >> 10).min().unwrap_or_default(),
        guests.iter().map(|guest| guest.component.len() >> 10).max().unwrap_or_default(),
        native_bytes(&dir)? >> 10,
        cold.len() / guests.len(),
        compiled.len(),
    ))
}

/// Seconds to load a plugin and to be ready for its first call.
fn timed(host: &Host, guest: &Guest, from: &LoadedFrom) -> Result<f64> {
    let started = Instant::now();
    let plugin = guest.load(host)?;
    let seconds = started.elapsed().as_secs_f64();
    ensure!(plugin.loaded_from() == from, "`{}` was loaded from {:?}", plugin.id(), plugin.loaded_from());
    Ok(seconds)
}

/// Tells the kernel that nobody needs the cache's files in memory.
fn forget(dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let file = File::open(entry?.path())?;
        // What is not on the disk yet cannot be forgotten.
        file.sync_all()?;
        fadvise(file, 0, None, Advice::DontNeed)?;
    }
    Ok(())
}

/// The median length of the files in the cache.
fn native_bytes(dir: &Path) -> Result<u64> {
    let mut bytes: Vec<u64> =
        fs::read_dir(dir)?.map(|entry| Ok(entry?.metadata()?.len())).collect::<Result<_>>()?;
    bytes.sort_unstable();
    Ok(bytes.get(bytes.len() / 2).copied().unwrap_or_default())
}

/// NaN without times.
fn quantile(times: &mut [f64], share: f64) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    let last = times.len().saturating_sub(1) as f64;
    times.get((last * share).ceil() as usize).copied().unwrap_or(f64::NAN)
}
