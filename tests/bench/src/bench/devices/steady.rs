//! 500 simulated devices of every kind on one node: memory over time, and whether all that they said was heard.

use super::{
    Bench,
    broker::Broker,
    shop,
    simulation::{Devices, SEED},
    staff::Staff,
};
use crate::{
    bench::{
        growth,
        side::{SIDES, Side},
    },
    client, memory, process, screen,
    table::{self, Table},
};
use aisle_device::simulator::{Simulation, Target, builtin};
use aisle_event::Timestamp;
use anyhow::{Context, Result};
use std::{
    fs, thread,
    time::{Duration, Instant},
};

const SCENARIO: &str = "five-hundred";
const WARM_UP: Duration = Duration::from_secs(20);

/// Measures, and gives the table.
pub(super) fn measure(bench: &mut Bench) -> Result<String> {
    let columns = [
        "500 simulated devices",
        "acknowledged/s",
        "messages acknowledged",
        "refused, dropped, reconnected",
        "dropped by the node, by reason",
        "readings in the journal/s",
        "processor time for a message",
    ];
    let mut table = Table::new(&[&columns[..], &growth::COLUMNS].concat());
    for side in SIDES {
        let seconds = bench.steady.as_secs();
        screen::progress(&format_args!("500 devices for {seconds} s: {}", side.name()));
        bench.probe()?;
        table.row(run(bench, side)?);
    }
    Ok(format!(
        "{table}\nThe built-in scenario `{SCENARIO}` (seed {SEED}): devices of eleven kinds, of which three know nothing of the contract; all \
         approved at the staff board, scales, readers and thermometers placed. {} after {} of warm-up. Memory is the median of a tenth of the \
         run.",
        table::duration(bench.steady),
        table::duration(WARM_UP)
    ))
}

fn run(bench: &Bench, side: Side) -> Result<Vec<String>> {
    let scenario = builtin(SCENARIO)?;
    let data = bench.dir().join("steady");
    if side == Side::Ours {
        let nowhere =
            Target { host: String::new(), port: 0, store: String::new(), user: None, password: None };
        let devices = Simulation::new(scenario.clone(), SEED, nowhere).handle().devices();
        fs::create_dir_all(&data)?;
        let at = Timestamp(jiff::Timestamp::now().as_millisecond());
        crate::store::append(&data, &shop::of(&devices, at)?)?;
    }
    let broker = Broker::start(side, &data)?;
    let devices = Devices::start(scenario, &broker)?;
    if let Some(node) = broker.node() {
        Staff::sign_in(node)?.approve_all(devices.handle.progress().devices)?;
    }
    thread::sleep(WARM_UP);
    let metrics = || broker.node().map_or(Ok(Metrics::default()), |node| Metrics::of(node.url()));
    let (before, metrics_before, cpu_before) =
        (devices.handle.progress(), metrics()?, process::cpu_s(broker.pid)?);
    let (started, mut samples) = (Instant::now(), Vec::new());
    while started.elapsed() < bench.steady {
        samples.push(memory::resident(broker.pid)?);
        thread::sleep(growth::SAMPLE_EVERY);
    }
    let seconds = started.elapsed().as_secs_f64();
    let (after, metrics_after) = (devices.handle.progress(), metrics()?);
    let cpu_s = process::cpu_s(broker.pid)? - cpu_before;
    devices.stop()?;

    let acknowledged = (after.acknowledged - before.acknowledged) as f64;
    let ours = side == Side::Ours;
    let or_dash = |text: String| if ours { text } else { "–".into() };
    let cells = [
        side.name().into(),
        table::count(acknowledged / seconds),
        table::count(acknowledged),
        format!(
            "{}, {}, {}",
            after.refused - before.refused,
            after.dropped - before.dropped,
            after.reconnects - before.reconnects
        ),
        or_dash(metrics_after.dropped_since(&metrics_before)),
        or_dash(table::count((metrics_after.readings - metrics_before.readings) / seconds)),
        table::time(cpu_s / acknowledged),
    ];
    Ok(cells.into_iter().chain(growth::cells(&samples, side)?).collect())
}

/// What the node counted of its devices.
#[derive(Debug, Default)]
struct Metrics {
    readings: f64,
    dropped: Vec<(String, f64)>,
}

impl Metrics {
    fn of(url: &str) -> Result<Self> {
        let (_, text) = client::get(client::address(url)?, "/metrics")?;
        Self::parse(&text).context("the node has no metric of its devices")
    }

    fn parse(text: &str) -> Option<Self> {
        let value = |line: &str| line.rsplit_once(' ')?.1.parse::<f64>().ok();
        let find = |name: &str| text.lines().filter(|line| line.starts_with(name)).find_map(value);
        let dropped = text.lines().filter_map(|line| {
            let (_, rest) = line.strip_prefix("aisle_devices_dropped_total{")?.split_once("=\"")?;
            Some((rest.split('"').next()?.to_owned(), value(line)?))
        });
        Some(Self { readings: find("aisle_devices_readings_total")?, dropped: dropped.collect() })
    }

    fn dropped_since(&self, before: &Self) -> String {
        let then = |reason: &str| {
            before.dropped.iter().find(|(other, _)| other == reason).map_or(0.0, |(_, count)| *count)
        };
        let grown = self.dropped.iter().map(|(reason, count)| (reason, count - then(reason)));
        let told: Vec<String> = grown
            .filter(|(_, count)| *count > 0.0)
            .map(|(reason, count)| format!("{count:.0} {reason}"))
            .collect();
        if told.is_empty() { "none".into() } else { told.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn only_what_grew_is_told() {
        let of = |flood, unknown| {
            Metrics::parse(&format!(
                "aisle_devices_readings_total 12\naisle_devices_dropped_total{{reason=\"flood\"}} {flood}\naisle_devices_dropped_total{{reason=\"unknown\"}} {unknown}\n"
            ))
            .unwrap()
        };
        assert_eq!(of(7, 3).dropped_since(&of(2, 3)), "5 flood");
        assert_eq!(of(2, 3).dropped_since(&of(2, 3)), "none");
        assert_eq!(of(1, 1).readings, 12.0);
    }
}
