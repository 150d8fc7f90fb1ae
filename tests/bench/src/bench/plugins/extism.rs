//! The same logic as a plugin of Extism's, with JSON in and out as its users have it. The peer is a process of its own
//! (`tests/bench/extism`), because it brings a wasmtime of its own; rounds take turns all the same.

use super::{
    Bench,
    call::each,
    guests::{self, Guest},
};
use crate::{
    rounds::Rounds,
    screen,
    table::{self, Table},
};
use aisle_plugin_host::{Host, Output, Plugin, types::Adjustment};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::{
    env,
    ffi::OsString,
    fs,
    hint::black_box,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// How many times as fast (issue 5).
const BAR: f64 = 3.0;
const CALLS: u32 = 300;
/// What the peer understands, in words; the one that is like ours is judged.
const WAYS: [(&str, &str, bool); 3] = [
    ("fresh", "Extism, a fresh plugin for each call", true),
    ("pooled", "Extism, the same with wasmtime's pool", true),
    ("kept", "Extism, one plugin for all calls", false),
];

/// Measures, and gives the table.
pub(super) fn measure(bench: &Bench) -> Result<String> {
    let guest = Guest::find(guests::MEASURED)?;
    let host = Host::new(guests::config())?;
    let plugin = guest.load(&host)?;
    let (scene, asked) = (guests::scene(), guests::asked(&guest));
    let mut peer = Peer::start(bench.dir())?;
    let answer = discounts(&plugin)?;
    ensure!(peer.answer == answer, "Extism's plugin answers {}, ours {answer}", peer.answer);

    let (mut ours, mut theirs) = (Rounds::default(), WAYS.map(|_| Rounds::default()));
    for round in 1..=bench.rounds {
        screen::progress(&format_args!("extism: round {round} of {}", bench.rounds));
        ours.add(each(CALLS, || {
            ensure!(plugin.call(&scene, black_box(&asked)).outcome.is_ok(), "our own call failed");
            Ok(())
        })?);
        for ((way, ..), rounds) in WAYS.iter().zip(&mut theirs) {
            rounds.add(peer.ask(way)?);
        }
    }
    let mut table =
        Table::new(&["the same offers on ten lines", "median (least)", "ours as fast", "bar", "met"]);
    let cell =
        |rounds: &Rounds| format!("{} ({})", table::time(rounds.median()), table::time(rounds.least()));
    table.row([
        "ours, a fresh instance for each call".into(),
        cell(&ours),
        "–".into(),
        "–".into(),
        "–".into(),
    ]);
    for ((_, name, judged), rounds) in WAYS.iter().zip(&theirs) {
        let ratio = rounds.ratio(&ours);
        let or_dash = |text: String| if *judged { text } else { "–".into() };
        table.row([
            (*name).into(),
            cell(rounds),
            table::ratio(ratio),
            or_dash(format!("≥ {}", table::ratio(BAR))),
            or_dash(table::met(ratio >= BAR)),
        ]);
    }
    Ok(format!(
        "{table}\nBoth gave the same discounts. Extism's plugin has the same limits of fuel, time and memory and takes {} bytes of JSON. One that \
         is kept finds in its memory what the call before left there, which ours never does. {} rounds of {CALLS} calls each, taking turns.",
        peer.input_bytes, bench.rounds,
    ))
}

/// What our own plugin answers, in the words of the peer's.
fn discounts(plugin: &Plugin) -> Result<Value> {
    let input = guests::basket(plugin.manifest().settings.clone());
    let call = plugin.call(&guests::scene(), &aisle_plugin_host::Input::Promotion(input));
    let Ok(Output::Promotion(adjustments)) = call.outcome else { bail!("our own call failed") };
    let discount = |adjustment: &Adjustment| match adjustment {
        Adjustment::LineDiscount(it) => {
            Ok(json!({ "line": it.line, "amount": it.amount, "reason": it.reason }))
        }
        other => bail!("{other:?} is no discount on a line"),
    };
    adjustments.iter().map(discount).collect()
}

/// The other process.
struct Peer {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    answer: Value,
    input_bytes: usize,
}

impl Peer {
    fn start(dir: &Path) -> Result<Self> {
        let named = |name: &str| -> Result<OsString> {
            env::var_os(name).with_context(|| {
                format!("`{name}` is not set; hint: `cargo xtask bench plugins` builds the peer and sets it")
            })
        };
        let input = input()?;
        let file = dir.join("extism-input.json");
        fs::write(&file, &input)?;
        let mut child = Command::new(named("AISLE_EXTISM_PEER")?)
            .arg(named("AISLE_EXTISM_GUEST")?)
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the peer")?;
        let (to, from) = child.stdin.take().zip(child.stdout.take()).context("the peer has no pipes")?;
        let input_bytes = input.len();
        let mut peer = Self { child, to, from: BufReader::new(from), answer: Value::Null, input_bytes };
        peer.answer = serde_json::from_str(&peer.line()?)?;
        Ok(peer)
    }

    /// Seconds for one call.
    fn ask(&mut self, way: &str) -> Result<f64> {
        writeln!(self.to, "{way} {CALLS}")?;
        self.line()?.trim().parse().context("the peer said no time")
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.from.read_line(&mut line)? > 0, "the peer ended");
        Ok(line)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended already; there is nobody left to tell.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The measured basket as JSON, with the offers of the manifest.
fn input() -> Result<String> {
    let mut input = serde_json::to_value(guests::basket(Vec::new()))?;
    let offers = json!([
        { "categories": ["fruit"], "buy": 3, "reduced": 1, "percent": 100, "reason": "3 for 2" },
        { "skus": ["COFFEE", "TEA"], "buy": 2, "reduced": 1, "percent": 50, "reason": "The second at half price" },
    ]);
    input.as_object_mut().context("a basket is no object")?.insert("offers".into(), offers);
    Ok(input.to_string())
}
