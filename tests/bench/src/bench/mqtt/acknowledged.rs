//! Eight publishers with a hundred messages on their way each, which wait for their acknowledgements.

use super::{
    Bench,
    broker::{Both, Broker, SIDES, Setting, Side, can_slow_syncs},
    commits::Commits,
    load::{Done, Load, PAYLOAD_BYTES, Pace, quantile_s},
};
use crate::{
    rounds::Rounds,
    screen,
    table::{self, Table},
};
use anyhow::Result;
use std::time::Duration;

const PUBLISHERS: u16 = 8;
const IN_FLIGHT: u16 = 100;
const WARM_UP: Duration = Duration::from_secs(1);
const ROUND: Duration = Duration::from_secs(5);
/// Of the messages that mosquitto acknowledges without keeping them (DESIGN section 6).
const RATE_BAR: f64 = 1.5;
/// Of what a commit takes at the 99th percentile: a message waits for the commit before its own, too. QoS 2 is
/// acknowledged twice, one commit after the other.
const P99_BAR: f64 = 2.0;
/// The disk of a shop's computer takes milliseconds; that of a build machine a tenth of one.
const SLOWER_SYNC: Duration = Duration::from_millis(2);

#[derive(Debug)]
struct Case {
    qos: u8,
    subscribers: u16,
    slower_sync: Option<Duration>,
    measured: Both<Measured>,
    commit_p50: Rounds,
    commit_p99: Rounds,
}

#[derive(Debug, Clone, Default)]
struct Measured {
    per_s: Rounds,
    delivered_share: Rounds,
    p50: Rounds,
    p99: Rounds,
    cpu_per_message: Rounds,
    generator_share: Rounds,
}

impl Measured {
    fn add(&mut self, done: &Done) {
        let acknowledged = done.acknowledged as f64;
        self.per_s.add(done.acknowledged_per_s());
        self.delivered_share.add(done.delivered as f64 / acknowledged);
        self.p50.add(quantile_s(&done.to_acknowledgement, 0.5));
        self.p99.add(quantile_s(&done.to_acknowledgement, 0.99));
        self.cpu_per_message.add(done.broker_cpu_s / acknowledged);
        self.generator_share.add(done.generator_cpu_s / done.elapsed.as_secs_f64());
    }
}

impl Case {
    fn new(qos: u8, subscribers: u16, slower_sync: Option<Duration>) -> Self {
        let (measured, commit_p50, commit_p99) = Default::default();
        Self { qos, subscribers, slower_sync, measured, commit_p50, commit_p99 }
    }

    fn name(&self) -> String {
        let subscribers = match self.subscribers {
            0 => "nobody subscribes".into(),
            subscribers => format!("{subscribers} subscriber, QoS 0"),
        };
        let sync = self
            .slower_sync
            .map_or_else(String::new, |slower| format!(", each sync {} longer", table::duration(slower)));
        format!("QoS {}, {subscribers}{sync}", self.qos)
    }

    fn round(&mut self, bench: &Bench, side: Side) -> Result<()> {
        let load = Load {
            publishers: PUBLISHERS,
            in_flight: IN_FLIGHT,
            qos: self.qos,
            subscribers: self.subscribers,
            subscriber_qos: 0,
            pace: Pace::Acknowledged,
        };
        let setting = Setting { slower_sync: self.slower_sync, ..Setting::default() };
        let broker = Broker::start(side, bench.dir(), setting)?;
        let mut before = Commits::default();
        let done = load.run(&broker, WARM_UP, ROUND, || {
            if let Some(url) = broker.node_url() {
                before = Commits::of(url)?;
            }
            Ok(())
        })?;
        self.measured.of(side).add(&done);
        if let Some(url) = broker.node_url() {
            let after = Commits::of(url)?;
            self.commit_p50.add(after.quantile_since(&before, 0.5)?);
            self.commit_p99.add(after.quantile_since(&before, 0.99)?);
        }
        Ok(())
    }

    fn p99_bar(&self) -> f64 {
        P99_BAR * f64::from(self.qos)
    }
}

/// Measures, and gives the tables.
pub(super) fn measure(bench: &mut Bench) -> Result<String> {
    let mut cases =
        vec![Case::new(1, 0, None), Case::new(1, 1, None), Case::new(2, 0, None), Case::new(2, 1, None)];
    if can_slow_syncs() {
        cases.extend([1, 2].map(|qos| Case::new(qos, 0, Some(SLOWER_SYNC))));
    }
    for round in 1..=bench.rounds {
        for case in &mut cases {
            screen::progress(&format_args!("{}: round {round} of {}", case.name(), bench.rounds));
            bench.probe()?;
            for side in SIDES {
                case.round(bench, side)?;
            }
        }
    }
    Ok(report(&cases, bench.rounds))
}

fn report(cases: &[Case], rounds: usize) -> String {
    let mut rates = Table::new(&[
        "acknowledged when durable",
        "the node, messages/s",
        "mosquitto, keeping nothing",
        "ratio",
        "bar",
        "met",
        "reached the subscriber, node / mosquitto",
    ]);
    let mut latencies = Table::new(&[
        "from PUBLISH to the last acknowledgement",
        "the node, p50 / p99",
        "mosquitto, p50 / p99",
        "commit, p50 / p99",
        "p99 of commit p99",
        "bar",
        "met",
    ]);
    let mut costs = Table::new(&[
        "processor time for a message",
        "the node",
        "mosquitto",
        "ratio",
        "generator, cores used with node / mosquitto",
    ]);
    for case in cases {
        let Both { ours, theirs } = &case.measured;
        let ratio = ours.per_s.ratio(&theirs.per_s);
        let percent =
            |share: f64| if case.subscribers == 0 { "–".into() } else { format!("{:.1} %", share * 100.0) };
        rates.row([
            case.name(),
            table::count(ours.per_s.median()),
            table::count(theirs.per_s.median()),
            table::ratio(ratio),
            format!("≥ {}", table::ratio(RATE_BAR)),
            table::met(ratio >= RATE_BAR),
            format!(
                "{} / {}",
                percent(ours.delivered_share.median()),
                percent(theirs.delivered_share.median())
            ),
        ]);
        let of_commit = ours.p99.ratio(&case.commit_p99);
        latencies.row([
            case.name(),
            pair(&ours.p50, &ours.p99),
            pair(&theirs.p50, &theirs.p99),
            pair(&case.commit_p50, &case.commit_p99),
            table::ratio(of_commit),
            format!("≤ {}", table::ratio(case.p99_bar())),
            table::met(of_commit <= case.p99_bar()),
        ]);
        costs.row([
            case.name(),
            table::time(ours.cpu_per_message.median()),
            table::time(theirs.cpu_per_message.median()),
            table::ratio(ours.cpu_per_message.ratio(&theirs.cpu_per_message)),
            format!("{:.2} / {:.2}", ours.generator_share.median(), theirs.generator_share.median()),
        ]);
    }
    format!(
        "{rates}\n{latencies}\n{costs}\n{PUBLISHERS} publishers with {IN_FLIGHT} messages of {PAYLOAD_BYTES} bytes on their \
         way each, {rounds} rounds of {}, taking turns. QoS 2 is acknowledged twice, one commit after the other. A commit's \
         times lie within the buckets of the node's own histogram.",
        table::duration(ROUND)
    )
}

fn pair(p50: &Rounds, p99: &Rounds) -> String {
    format!("{} / {}", table::time(p50.median()), table::time(p99.median()))
}
