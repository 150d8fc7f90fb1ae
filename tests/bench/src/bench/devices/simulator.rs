//! What simulated devices themselves cost: five thousand in this process, on mosquitto.

use super::{broker::Broker, simulation::Devices};
use crate::{
    bench::side::Side,
    memory, process, screen,
    table::{self, Table},
};
use aisle_device::simulator::Scenario;
use anyhow::Result;
use std::{
    env, thread,
    time::{Duration, Instant},
};

const DEVICES: u64 = 5_000;
const SETTLING: Duration = Duration::from_secs(10);
const MEASURED: Duration = Duration::from_secs(40);

/// Three in five run the firmware's tasks and write CBOR, one in five writes JSON, one in five is somebody else's.
fn scenario() -> String {
    format!(
        r#"
        simulation = {{ connect_within_s = 20.0 }}
        devices = [
            {{ count = {}, model = "fridge-temperature", prefix = "fridge-", interval_s = 10, encoding = "cbor" }},
            {{ count = {}, model = "plug", prefix = "plug-", interval_s = 10 }},
            {{ count = {}, model = "tasmota-plug", prefix = "tasmota-", interval_s = 10 }},
        ]
        "#,
        DEVICES * 6 / 10,
        DEVICES * 2 / 10,
        DEVICES * 2 / 10,
    )
}

/// Measures, and gives the table.
pub(super) fn measure() -> Result<String> {
    screen::progress(&format_args!("{DEVICES} devices in one process"));
    let broker = Broker::start(Side::Theirs, &env::temp_dir())?;
    let pids = [std::process::id(), broker.pid];
    let resident = || -> Result<[f64; 2]> { Ok([memory::resident(pids[0])?, memory::resident(pids[1])?]) };
    let cpu_s = || -> Result<[f64; 2]> { Ok([process::cpu_s(pids[0])?, process::cpu_s(pids[1])?]) };
    let bytes_before = resident()?;
    let devices = Devices::start(Scenario::parse(&scenario())?, &broker)?;
    thread::sleep(SETTLING);
    let (started, before, cpu_before) = (Instant::now(), devices.handle.progress(), cpu_s()?);
    thread::sleep(MEASURED);
    let (after, cpu_after, bytes) = (devices.handle.progress(), cpu_s()?, resident()?);
    let seconds = started.elapsed().as_secs_f64();
    devices.stop()?;

    let mut table = Table::new(&[
        "5,000 simulated devices in one process",
        "connected",
        "acknowledged/s",
        "VmRSS, grown by",
        "a device",
        "cores used",
        "processor time for a message",
        "dropped, reconnected",
        "bar",
        "met",
    ]);
    let acknowledged = (after.acknowledged - before.acknowledged) as f64;
    let sides = ["the simulator", "mosquitto, for the same connections"];
    for (index, name) in sides.into_iter().enumerate() {
        let of = |pair: &[f64; 2]| pair.get(index).copied().unwrap_or_default();
        let (grown, cpu_s) = (of(&bytes) - of(&bytes_before), of(&cpu_after) - of(&cpu_before));
        let ours = index == 0;
        let or_dash = |text: String| if ours { text } else { "–".into() };
        table.row([
            name.into(),
            or_dash(table::count(after.connected as f64)),
            table::count(acknowledged / seconds),
            table::mib(grown),
            format!("{:.1} KiB", grown / DEVICES as f64 / 1024.0),
            format!("{:.2}", cpu_s / seconds),
            table::time(cpu_s / acknowledged),
            or_dash(format!("{}, {}", after.dropped, after.reconnects)),
            or_dash(format!("≥ {} connected", table::count(DEVICES as f64))),
            or_dash(table::met(after.connected >= DEVICES && after.reconnects == 0)),
        ]);
    }
    Ok(format!(
        "{table}\n3,000 thermometers that run the firmware's own tasks and write CBOR, 1,000 plugs that do so in JSON, 1,000 Tasmota plugs; each \
         measures every 10 s and says what is new. {} after {} of settling.",
        table::duration(MEASURED),
        table::duration(SETTLING)
    ))
}
