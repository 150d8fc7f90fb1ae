//! One to many and many to one: messages that arrived, and how long they took from end to end.

use super::{
    Bench,
    broker::{Both, Broker, SIDES, Setting, Side},
    load::{Load, PAYLOAD_BYTES, Pace, quantile_s},
};
use crate::{
    rounds::Rounds,
    screen,
    table::{self, Table},
};
use anyhow::Result;
use std::time::Duration;

const MANY: u16 = 50;
/// Messages of the one publisher that not everybody has yet.
const OUT_IN_FLIGHT: u16 = 20;
/// Messages of each of the many publishers that the one has not yet.
const IN_IN_FLIGHT: u16 = 10;
const WARM_UP: Duration = Duration::from_secs(1);
const ROUND: Duration = Duration::from_secs(4);

#[derive(Debug)]
struct Case {
    load: Load,
    measured: Both<Measured>,
}

#[derive(Debug, Clone, Default)]
struct Measured {
    delivered_per_s: Rounds,
    p50: Rounds,
    p99: Rounds,
    cpu_per_delivery: Rounds,
}

impl Case {
    fn new(publishers: u16, subscribers: u16, qos: u8) -> Self {
        let in_flight = if publishers == 1 { OUT_IN_FLIGHT } else { IN_IN_FLIGHT };
        let load =
            Load { publishers, in_flight, qos, subscribers, subscriber_qos: qos, pace: Pace::Delivered };
        Self { load, measured: Both::default() }
    }

    fn name(&self) -> String {
        let Load { publishers, subscribers, qos, .. } = self.load;
        format!("{publishers} → {subscribers}, QoS {qos}")
    }

    fn round(&mut self, bench: &Bench, side: Side) -> Result<()> {
        let broker = Broker::start(side, bench.dir(), Setting::default())?;
        let done = self.load.run(&broker, WARM_UP, ROUND, || Ok(()))?;
        let measured = self.measured.of(side);
        measured.delivered_per_s.add(done.delivered_per_s());
        measured.p50.add(quantile_s(&done.to_subscriber, 0.5));
        measured.p99.add(quantile_s(&done.to_subscriber, 0.99));
        measured.cpu_per_delivery.add(done.broker_cpu_s / done.delivered as f64);
        Ok(())
    }
}

/// Measures, and gives the table.
pub(super) fn measure(bench: &mut Bench) -> Result<String> {
    let mut cases = [(1, MANY, 0), (1, MANY, 1), (MANY, 1, 0), (MANY, 1, 1)]
        .map(|(from, to, qos)| Case::new(from, to, qos));
    for round in 1..=bench.rounds {
        for case in &mut cases {
            screen::progress(&format_args!("{}: round {round} of {}", case.name(), bench.rounds));
            bench.probe()?;
            for side in SIDES {
                case.round(bench, side)?;
            }
        }
    }
    let mut table = Table::new(&[
        "publishers → subscribers",
        "the node, delivered/s",
        "mosquitto",
        "ratio",
        "end to end, p50 / p99, the node",
        "mosquitto",
        "processor time for a delivery, the node",
        "mosquitto",
    ]);
    for case in &cases {
        let Both { ours, theirs } = &case.measured;
        let times = |measured: &Measured| {
            format!("{} / {}", table::time(measured.p50.median()), table::time(measured.p99.median()))
        };
        table.row([
            case.name(),
            table::count(ours.delivered_per_s.median()),
            table::count(theirs.delivered_per_s.median()),
            table::ratio(ours.delivered_per_s.ratio(&theirs.delivered_per_s)),
            times(ours),
            times(theirs),
            table::time(ours.cpu_per_delivery.median()),
            table::time(theirs.cpu_per_delivery.median()),
        ]);
    }
    Ok(format!(
        "{table}\nEvery message of {PAYLOAD_BYTES} bytes goes to every subscriber; the one publisher has {OUT_IN_FLIGHT} on their \
         way, of the many each {IN_IN_FLIGHT}, and sends the next when all have got one. QoS 1 is durable with the node. {} \
         rounds of {}, taking turns.",
        bench.rounds,
        table::duration(ROUND)
    ))
}
