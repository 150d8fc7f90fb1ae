//! A shop's devices on an ordinary day: many clients, each with a few messages a second, and memory that must not grow.

use super::{
    Bench,
    broker::{Broker, SIDES, Setting, Side},
    load::{Load, PAYLOAD_BYTES, Pace, quantile_s},
};
use crate::{
    bench::growth,
    memory, screen,
    table::{self, Table},
};
use anyhow::Result;
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

/// Measures, and gives the table.
pub(super) fn measure(bench: &mut Bench) -> Result<String> {
    let columns = [
        "steady load",
        "messages/s",
        "PUBLISH to PUBACK, p50 / p99",
        "to the subscriber, p99",
        "processor time for a message",
    ];
    let mut table = Table::new(&[&columns[..], &growth::COLUMNS].concat());
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

fn run(bench: &Bench, side: Side) -> Result<Vec<String>> {
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
            thread::sleep(growth::SAMPLE_EVERY);
        }
        running.join().unwrap_or_else(|_| anyhow::bail!("the generator panicked"))
    })?;
    let to_acknowledgement = |share| table::time(quantile_s(&done.to_acknowledgement, share));
    let cells = [
        side.name().into(),
        table::count(done.acknowledged_per_s()),
        format!("{} / {}", to_acknowledgement(0.5), to_acknowledgement(0.99)),
        table::time(quantile_s(&done.to_subscriber, 0.99)),
        table::time(done.broker_cpu_s / done.acknowledged as f64),
    ];
    Ok(cells.into_iter().chain(growth::cells(&samples, side)?).collect())
}
