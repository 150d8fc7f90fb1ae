//! A release on its way through all waves and gates, in simulation: the rules of hub and node, a line that comes and goes, boxes that crash.
//!
//! The simulation is that of the rules' own tests, in a process of its own (`AISLE_FLEET_WAVES`); it ends badly when a promise is broken.

use crate::{
    screen,
    table::{self, Table},
};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::{env, process::Command, time::Instant};

/// The variable with the program.
const PROGRAM: &str = "AISLE_FLEET_WAVES";
const SEED: u64 = 7;

/// Measures, and gives the table.
pub(super) fn measure(nodes: usize) -> Result<String> {
    let program = env::var_os(PROGRAM).with_context(|| {
        format!("`{PROGRAM}` is not set; hint: `cargo xtask bench fleet` builds the simulation and sets it")
    })?;
    screen::progress(&format_args!("{nodes} nodes go through waves and gates"));
    let began = Instant::now();
    let output = Command::new(&program).args([nodes.to_string(), SEED.to_string()]).output();
    let output = output.with_context(|| format!("cannot run `{}`", program.display()))?;
    let elapsed = began.elapsed();
    if !output.status.success() {
        bail!("the simulation broke a promise: {}", String::from_utf8_lossy(&output.stderr));
    }
    let said: Value = serde_json::from_slice(&output.stdout).context("the simulation says something else")?;
    let text = |name: &str| {
        said.get(name)
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .unwrap_or_default()
    };
    let is_stopped = said.get("is_bad_stopped").and_then(Value::as_bool) == Some(true);
    let mut table = Table::new(&["what", "measured", "bar", "met"]);
    table.row(["nodes that were stuck at the end".into(), "0".into(), "0".into(), table::met(true)]);
    let stopped = if is_stopped { "stopped by its first wave, taken back" } else { "not stopped" };
    table.row(["a bad release".into(), stopped.into(), "stopped".into(), table::met(is_stopped)]);
    table.row(["tries until a good release ran everywhere".into(), text("tries"), "–".into(), "–".into()]);
    table.row(["in the simulation".into(), text("told"), "–".into(), "–".into()]);
    table.row(["on the clock".into(), table::duration(elapsed), "–".into(), "–".into()]);
    Ok(format!(
        "{table}\n{} nodes in one thread, seed {SEED}: a baseline, a release that traps, one that is good, each through a canary wave, a tenth, a half, the rest, with the gates as they are by \
         default. Nodes go offline for hours and days, crash, have slow and full disks and clocks that leap. It ends only when every node runs the good release, has proved it, goes by the state \
         that it was told last, never was below a minimum, and the bad one never left its first wave.",
        table::count(nodes as f64)
    ))
}
