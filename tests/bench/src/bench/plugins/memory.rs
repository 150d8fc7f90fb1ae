//! What loaded plugins take, in a process that does nothing else: this program again, under another name.

use super::{
    Bench,
    guests::{self, Guest},
};
use crate::{
    memory::{grown, private, resident},
    rounds::Rounds,
    screen,
    table::{self, Table},
};
use aisle_plugin_host::{Case, Host, HostConfig, LoadedFrom, Plugin};
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::{
    env,
    path::Path,
    process::{self, Command, Stdio},
    sync::Arc,
};

/// As many as a store takes by default.
const PLUGINS: usize = 32;
/// Bytes resident for each (issue 5).
const BAR: f64 = 3e6;
/// Processes that are measured: each is the same again.
const ROUNDS_MAX: usize = 5;

/// What a process has at one moment, in bytes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Taken {
    resident: f64,
    private: f64,
    /// Of the allocator, since the process began to count.
    heap: f64,
}

/// What the other process says.
#[derive(Debug, Serialize, Deserialize)]
struct Said {
    empty: Taken,
    loaded: Taken,
    called: Taken,
}

/// Measures, and gives the table.
pub(super) fn measure(bench: &Bench) -> Result<String> {
    let cache = bench.dir().join("loaded");
    let filling = Host::new(config(&cache))?;
    for name in guests::ALL {
        Guest::find(name)?.load(&filling)?;
    }
    drop(filling);
    let mut columns: [[Rounds; 3]; 2] = Default::default();
    let mut empty = Rounds::default();
    let rounds = bench.rounds.min(ROUNDS_MAX);
    for round in 1..=rounds {
        screen::progress(&format_args!("memory: round {round} of {rounds}"));
        let said = ask(&cache)?;
        empty.add(said.empty.resident);
        for (column, now) in columns.iter_mut().zip([said.loaded, said.called]) {
            let all = [
                now.resident - said.empty.resident,
                now.private - said.empty.private,
                now.heap - said.empty.heap,
            ];
            for (rounds, bytes) in column.iter_mut().zip(all) {
                rounds.add(bytes / PLUGINS as f64);
            }
        }
    }
    let mut table = Table::new(&[
        "memory of each of 32 plugins",
        "VmRSS",
        "of it private",
        "of it from the allocator",
        "bar, VmRSS",
        "met",
    ]);
    for (name, column) in ["loaded from the cache", "each called once"].into_iter().zip(&columns) {
        let [resident, private, heap] = column.each_ref().map(Rounds::median);
        table.row([
            name.into(),
            kib(resident),
            kib(private),
            kib(heap),
            "≤ 3 MB".into(),
            table::met(resident <= BAR),
        ]);
    }
    Ok(format!(
        "{table}\nThe {} first-party plugins, each loaded {} times from its own copy of the native code, in a process that had {} with the \
         sandbox set up and none loaded (VmRSS). What a call needs is in the pool, for as many calls as are made at once: it is there once \
         and not for each plugin. {rounds} processes.",
        guests::ALL.len(),
        PLUGINS / guests::ALL.len(),
        table::mib(empty.median()),
    ))
}

fn kib(bytes: f64) -> String {
    format!("{:.0} KiB", bytes / 1024.0)
}

/// Has another process load and call.
fn ask(cache: &Path) -> Result<Said> {
    let mut command = Command::new(env::current_exe()?);
    command.arg("plugins-loaded").arg(cache).stderr(Stdio::inherit());
    let output = command.output().context("cannot start this program again")?;
    ensure!(output.status.success(), "the process that loads plugins ended with {}", output.status);
    serde_json::from_slice(&output.stdout).context("the process that loads plugins said something else")
}

/// Is the other process: loads, calls, and says what it has each time.
pub(crate) fn serve(cache: &Path) -> Result<()> {
    let guests = guests::ALL.into_iter().map(Guest::find).collect::<Result<Vec<_>>>()?;
    let cases = guests.iter().map(|guest| Ok(Case::parse(&guest.case()?)?)).collect::<Result<Vec<_>>>()?;
    let host = Host::new(config(cache))?;
    let empty = taken(0.0)?;
    let load = || -> Result<Vec<Arc<Plugin>>> {
        guests.iter().cycle().take(PLUGINS).map(|guest| guest.load(&host)).collect()
    };
    let (plugins, heap) = grown(load);
    let plugins = plugins?;
    ensure!(plugins.iter().all(|plugin| *plugin.loaded_from() == LoadedFrom::Cache), "one was compiled");
    let loaded = taken(heap)?;
    let call = || -> Result<()> {
        for (plugin, case) in plugins.iter().zip(cases.iter().cycle()) {
            let result = case.run(plugin);
            ensure!(result.passed, "`{}`, {}: {:?}", plugin.id(), case.what, result.differences);
        }
        Ok(())
    };
    let (called, more) = grown(call);
    called?;
    let said = Said { empty, loaded, called: taken(heap + more)? };
    screen::line(&serde_json::to_string(&said)?);
    Ok(())
}

fn config(cache: &Path) -> HostConfig {
    HostConfig { cache_dir: Some(cache.into()), ..guests::config() }
}

fn taken(heap: f64) -> Result<Taken> {
    let pid = process::id();
    Ok(Taken { resident: resident(pid)?, private: private(pid)?, heap })
}
