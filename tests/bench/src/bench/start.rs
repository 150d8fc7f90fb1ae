//! `start`: from spawning the node to its first answers, beside a bare server and beside the process alone.

use crate::{
    client, peer, probe,
    rounds::Rounds,
    screen, store,
    table::{self, Table},
};
use aisle_harness::node::{NodeUnderTest, binary};
use anyhow::{Result, bail};
use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::Instant,
};

const STARTS: usize = 10;
/// Seconds from the spawn to the first answer (DESIGN section 6).
const BAR: f64 = 0.3;

/// How the start before this one ended.
#[derive(Debug, Clone, Copy)]
enum Ended {
    Stopped,
    Killed,
}

/// A store that a node starts on, and seconds from its spawn, by start.
#[derive(Debug)]
struct Case {
    name: &'static str,
    data: PathBuf,
    ended: Ended,
    products: Rounds,
    home: Rounds,
    learnt: Rounds,
}

impl Case {
    fn new(name: &'static str, data: PathBuf, ended: Ended) -> Self {
        let (products, home, learnt) = Default::default();
        Self { name, data, ended, products, home, learnt }
    }

    fn start(&mut self) -> Result<()> {
        let started = Instant::now();
        let mut node = store::node(&self.data, "")?;
        let address = client::address(node.url())?;
        client::json(address, "/v1/products")?;
        self.products.add(started.elapsed().as_secs_f64());
        client::json(address, "/v1/recommendations/home")?;
        self.home.add(started.elapsed().as_secs_f64());
        store::wait_until_learnt(&node)?;
        self.learnt.add(started.elapsed().as_secs_f64());
        self.end(&mut node)
    }

    fn end(&self, node: &mut NodeUnderTest) -> Result<()> {
        let _ = match self.ended {
            Ended::Stopped => node.stop()?,
            Ended::Killed => node.kill()?,
        };
        Ok(())
    }
}

/// Measures, and gives the report.
pub(crate) fn run() -> Result<String> {
    let scratch = store::scratch()?;
    let [small, year, crashed] = ["small", "year", "crashed"].map(|name| scratch.path().join(name));
    store::fill(&small, store::small())?;
    store::learn(&small)?;
    store::year(&year)?;
    store::copy(&year, &crashed)?;
    let mut cases = [
        Case::new("the node, three weeks of a small shop", small, Ended::Stopped),
        Case::new("the node, a year with 100,000 sessions", year, Ended::Stopped),
        Case::new("the same, each start after a SIGKILL", crashed, Ended::Killed),
    ];
    let (mut version, mut bare, mut sync) = (Rounds::default(), Rounds::default(), Rounds::default());
    for round in 1..=STARTS {
        screen::progress(&format_args!("start: round {round} of {STARTS}"));
        sync.add(probe::fdatasync(scratch.path())?);
        version.add(print_version()?);
        bare.add(peer::server::first_answer()?);
        for case in &mut cases {
            case.start()?;
        }
    }

    let mut table = Table::new(&[
        "from the spawn, median (worst)",
        "first `/v1/products`",
        "first `/v1/recommendations/home`",
        "first answer from the model",
        "bar, median",
        "met",
    ]);
    let cell = |rounds: &Rounds| format!("{} ({})", table::time(rounds.median()), table::time(rounds.most()));
    let none = || String::from("–");
    table.row([
        "the process alone: `aisle-node --version`".into(),
        cell(&version),
        none(),
        none(),
        none(),
        none(),
    ]);
    table.row(["a bare server".into(), cell(&bare), none(), none(), none(), none()]);
    for case in &cases {
        let answered = case.products.median().max(case.home.median());
        let bar = format!("≤ {}", table::time(BAR));
        table.row([
            case.name.into(),
            cell(&case.products),
            cell(&case.home),
            cell(&case.learnt),
            bar,
            table::met(answered <= BAR),
        ]);
    }
    let ratios = cases.each_ref().map(|case| table::ratio(case.products.ratio(&bare)));
    Ok(format!(
        "{table}\n{STARTS} starts each, taking turns. Against the bare server, in the order of the table: {}. A start \
         writes one event and does not wait for it. The disk's own write of a page and fdatasync: {} (median). Load of \
         the machine at the end: {}.",
        ratios.join(", "),
        table::time(sync.median()),
        probe::load(),
    ))
}

/// Seconds that the node's binary takes to say its version and exit.
fn print_version() -> Result<f64> {
    let binary = binary()?;
    let started = Instant::now();
    let status = Command::new(&binary).arg("--version").stdout(Stdio::null()).status()?;
    let seconds = started.elapsed().as_secs_f64();
    if !status.success() {
        bail!("`{} --version` failed: {status}", binary.display());
    }
    Ok(seconds)
}
