//! A shop's devices on an ordinary day: many clients, each with a few messages a second, and memory that must not grow.

use super::{
    Bench,
    broker::{Broker, SIDES, Setting, Side},
    load::{Load, PAYLOAD_BYTES, Pace, quantile_s},
};
use crate::{
    memory, screen,
    table::{self, Table},
};
use anyhow::{Context, Result};
use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

const CLIENTS: u16 = 500;
const PER_SECOND: u32 = 10;
/// Messages that a client has on their way at most; ten seconds of them.
const IN_FLIGHT: u16 = 100;
const WARM_UP: Duration = Duration::from_secs(10);
const SAMPLE_EVERY: Duration = Duration::from_millis(500);
/// How much larger the last tenth of the run may be than the tenth in its middle.
const GROWTH_BAR: f64 = 1.05;

/// Measures, and gives the table.
pub(super) fn measure(bench: &mut Bench) -> Result<String> {
    let mut table = Table::new(&[
        "steady load",
        "messages/s",
        "PUBLISH to PUBACK, p50 / p99",
        "to the subscriber, p99",
        "processor time for a message",
        "VmRSS at the start",
        "in the middle",
        "at the end",
        "end of middle",
        "bar",
        "met",
    ]);
    for side in SIDES {
        let seconds = bench.steady.as_secs();
        screen::progress(&format_args!("steady load for {seconds} s: {}", side.name()));
        bench.probe()?;
        table.row(run(bench, side)?);
    }
    Ok(format!(
        "{table}\n{CLIENTS} clients with {PER_SECOND} messages of {PAYLOAD_BYTES} bytes a second each, QoS 1, and one subscriber \
         to all of them, QoS 1, for {} after {} of warm-up. Times count from when a message was due. Memory is the median of a \
         tenth of the run.",
        table::duration(bench.steady),
        table::duration(WARM_UP)
    ))
}

fn run(bench: &Bench, side: Side) -> Result<[String; 11]> {
    let load = Load {
        publishers: CLIENTS,
        in_flight: IN_FLIGHT,
        qos: 1,
        subscribers: 1,
        subscriber_qos: 1,
        pace: Pace::Every(Duration::from_secs(1) / PER_SECOND),
    };
    let broker = Broker::start(side, bench.dir(), Setting::default())?;
    let (sampling, mut samples) = (AtomicBool::new(false), Vec::new());
    let done = thread::scope(|scope| {
        let running = scope.spawn(|| {
            let done = load.run(&broker, WARM_UP, bench.steady, || {
                sampling.store(true, Relaxed);
                Ok(())
            });
            sampling.store(false, Relaxed);
            done
        });
        while !running.is_finished() {
            if sampling.load(Relaxed) {
                samples.push(memory::resident(broker.pid)?);
            }
            thread::sleep(SAMPLE_EVERY);
        }
        running.join().unwrap_or_else(|_| anyhow::bail!("the generator panicked"))
    })?;
    let tenth = samples.len() / 10;
    let part = |from: usize| -> Result<f64> {
        let mut rounds = crate::rounds::Rounds::default();
        let part = samples.get(from..=from + tenth).context("the run was too short to see memory grow")?;
        part.iter().for_each(|bytes| rounds.add(*bytes));
        Ok(rounds.median())
    };
    let (start, middle) = (part(0)?, part((samples.len() - tenth) / 2)?);
    let end = part(samples.len() - tenth - 1)?;
    let to_acknowledgement = |share| table::time(quantile_s(&done.to_acknowledgement, share));
    Ok([
        side.name().into(),
        table::count(done.acknowledged_per_s()),
        format!("{} / {}", to_acknowledgement(0.5), to_acknowledgement(0.99)),
        table::time(quantile_s(&done.to_subscriber, 0.99)),
        table::time(done.broker_cpu_s / done.acknowledged as f64),
        table::mib(start),
        table::mib(middle),
        table::mib(end),
        table::ratio(end / middle),
        if side == Side::Ours { format!("≤ {}", table::ratio(GROWTH_BAR)) } else { "–".into() },
        if side == Side::Ours { table::met(end / middle <= GROWTH_BAR) } else { "–".into() },
    ])
}
