//! Five thousand devices in one process: run by hand, for the figures.
//!
//! `cargo nextest run --release -p aisle-device --features simulator --run-ignored only five_thousand --no-capture`

use super::{Running, broker::Mosquitto};
use std::{
    fs, thread,
    time::{Duration, Instant},
};

fn memory_kib(pid: &str, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Clock ticks of a hundredth of a second, in user and kernel mode.
fn processor_s(pid: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

#[test]
#[ignore = "takes two minutes and all of the machine; run by hand for its figures"]
fn five_thousand_devices_live_in_one_process() {
    let devices: u64 = std::env::var("AISLE_DEVICES").map_or(5_000, |count| count.parse().unwrap());
    let broker = Mosquitto::start_with("allow_anonymous true\n");
    let before_kib = memory_kib("self", "VmRSS");
    let scenario = format!(
        r#"
        simulation = {{ connect_within_s = 20.0 }}
        devices = [
            {{ count = {}, model = "fridge-temperature", prefix = "fridge-", interval_s = 10, encoding = "cbor" }},
            {{ count = {}, model = "plug", prefix = "plug-", interval_s = 10 }},
            {{ count = {}, model = "tasmota-plug", prefix = "tasmota-", interval_s = 10 }},
        ]
        "#,
        devices * 6 / 10,
        devices * 2 / 10,
        devices * 2 / 10,
    );
    let running = Running::start(&scenario, broker.port());
    let deadline = Instant::now() + Duration::from_secs(180);
    while running.handle.progress().connected < devices {
        assert!(Instant::now() < deadline, "{:?}", running.handle.progress());
        thread::sleep(Duration::from_millis(100));
    }
    thread::sleep(Duration::from_secs(10));
    let broker_pid = broker.pid().unwrap().to_string();
    let (busy, broker_busy, first) =
        (processor_s("self"), processor_s(&broker_pid), running.handle.progress());
    let early_kib = memory_kib("self", "VmRSS");
    let since = Instant::now();
    thread::sleep(Duration::from_secs(40));
    let seconds = since.elapsed().as_secs_f64();
    let (used, last) = (processor_s("self") - busy, running.handle.progress());
    let broker_used = processor_s(&broker_pid) - broker_busy;
    let kib = memory_kib("self", "VmRSS");
    println!(
        "{devices} devices: {} connected, {:.0} acknowledged/s, {:.1} % of a processor ({:.1} % mosquitto), \
         {:.1} KiB of memory each ({} MiB in all, {} KiB more than 40 s before), {} dropped, {} refused, {} reconnects",
        last.connected,
        (last.acknowledged - first.acknowledged) as f64 / seconds,
        100.0 * used / seconds,
        100.0 * broker_used / seconds,
        (kib - before_kib) as f64 / devices as f64,
        kib / 1024,
        kib.saturating_sub(early_kib),
        last.dropped,
        last.refused,
        last.reconnects,
    );
    assert_eq!(last.connected, devices);
    assert_eq!(last.reconnects, 0);
    running.stop();
}
