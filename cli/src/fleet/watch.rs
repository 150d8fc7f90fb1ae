//! `fleet rollout watch`: looks on while a rollout runs; a line for each change, at its end what failed and what became of devices, and an exit code.
//!
//! It asks again and again, with a pause that a person does not notice and a hub does not feel. A hub that does not answer for a while is waited for.

use super::{
    desk::{Desk, lines},
    error::FleetError,
    rollout::{
        place,
        told::{ending, headline, view_of},
    },
    time, view,
};
use crate::{Ended, output};
use anyhow::Result;
use serde_json::Value;
use std::{
    thread,
    time::{Duration, Instant},
};

/// How often in a row a hub may not answer.
const SILENT_MAX: u32 = 10;

/// `fleet rollout watch`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Ends with 0 when every node has run it, with 6 when it stopped, went back or was ended, and with 0 after `--for` while it goes on.\n\n\
                        Example:\n  aisle fleet rollout start multi-buy-1-4 && aisle fleet rollout watch multi-buy-1-4"
)]
pub(crate) struct Args {
    /// The rollout
    #[arg(value_name = "ROLLOUT")]
    rollout: String,
    /// How often to look, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    every: u64,
    /// Look on for so many minutes at most
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    r#for: Option<u64>,
}

/// Where a rollout is, as far as looking on goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// It goes on by itself.
    Going,
    /// It waits for people.
    Waiting,
    /// All is well, and nothing follows.
    Done,
    /// It stopped, went back, or was ended.
    Stopped,
}

fn at(view: &Value) -> At {
    let phase = view.pointer("/phase/phase").and_then(Value::as_str);
    let by_gate = view.pointer("/phase/by_gate").and_then(Value::as_bool) == Some(true);
    match phase.unwrap_or_default() {
        "done" => At::Done,
        "paused" if by_gate => At::Stopped,
        "finished" | "rolled-back" | "aborted" => At::Stopped,
        "preflight" | "running" | "settling" | "rolling-back" => At::Going,
        _ => At::Waiting,
    }
}

/// Looks on.
pub(super) fn run(args: &Args, desk: &Desk) -> Result<Ended> {
    let place = place(&args.rollout)?;
    let end = args.r#for.map(|minutes| Instant::now() + Duration::from_secs(minutes.saturating_mul(60)));
    let (mut last, mut silent) = (String::new(), 0);
    loop {
        let answer = match desk.get(&place) {
            Ok(answer) => answer,
            Err(error @ FleetError::NoAnswer { .. }) if silent < SILENT_MAX => {
                silent += 1;
                output::aside(format!("{error}"));
                thread::sleep(Duration::from_secs(args.every));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        silent = 0;
        let view = view_of(&answer);
        let line = line(view);
        if line != last {
            if desk.json {
                output::json(view)?;
            } else {
                let now = view::when(time::now_ms()).unwrap_or_default();
                output::line(format!("{now}  {line}"))?;
            }
            last = line;
        }
        let at = at(view);
        if matches!(at, At::Done | At::Stopped) && !desk.json {
            lines(ending(&answer))?;
        }
        match at {
            At::Done => return Ok(Ended::Well),
            At::Stopped => return Ok(Ended::Stopped),
            At::Going | At::Waiting if end.is_some_and(|end| Instant::now() >= end) => {
                return Ok(Ended::Well);
            }
            At::Going | At::Waiting => thread::sleep(Duration::from_secs(args.every)),
        }
    }
}

/// A rollout in one line: the phase, and the wave that runs.
fn line(view: &Value) -> String {
    let number = |of: &Value, name: &str| of.get(name).and_then(Value::as_u64).unwrap_or_default();
    let current =
        view.get("current").and_then(Value::as_u64).and_then(|current| usize::try_from(current).ok());
    let wave = current.and_then(|current| view.get("waves")?.as_array()?.get(current));
    let of_wave = wave.map(|wave| {
        let tally = wave.get("tally").unwrap_or(&Value::Null);
        format!(
            "; {}: {} of {} passed, {} live, {} working, {} failed, {} away",
            wave.get("name").map(view::text).unwrap_or_default(),
            number(tally, "passed"),
            number(tally, "members"),
            number(tally, "live"),
            number(tally, "working"),
            number(tally, "failed"),
            number(tally, "offline") + number(tally, "dark") + number(tally, "late"),
        )
    });
    let tally = view.get("tally").unwrap_or(&Value::Null);
    format!(
        "{}{}; {} of {} in all",
        headline(view),
        of_wave.unwrap_or_default(),
        number(tally, "passed"),
        number(tally, "members")
    )
}

#[cfg(test)]
mod tests {
    use super::{At, at, line};
    use serde_json::json;

    #[test]
    fn a_rollout_in_one_line() {
        let view = json!({ "rollout": "r", "phase": { "phase": "running" }, "current": 0, "tally": { "members": 100, "passed": 3 },
            "waves": [{ "name": "canary", "tally": { "members": 5, "passed": 3, "live": 1, "offline": 1 } }] });
        assert_eq!(
            line(&view),
            "r is running; canary: 3 of 5 passed, 1 live, 0 working, 0 failed, 1 away; 3 of 100 in all"
        );
    }

    #[test]
    fn looking_on_ends_when_nothing_follows_by_itself() {
        let phase =
            |phase: &str, by_gate: bool| at(&json!({ "phase": { "phase": phase, "by_gate": by_gate } }));
        assert_eq!(phase("done", false), At::Done);
        assert_eq!(phase("paused", true), At::Stopped);
        assert_eq!(phase("paused", false), At::Waiting);
        for (name, expected) in [
            ("running", At::Going),
            ("rolling-back", At::Going),
            ("rolled-back", At::Stopped),
            ("ready", At::Waiting),
        ] {
            assert_eq!(phase(name, false), expected, "{name}");
        }
    }
}
