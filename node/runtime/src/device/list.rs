//! `aisle-node device list`.

use crate::{
    admin::{
        remote::{Remote, ago},
        view::device::DeviceLine,
    },
    cli::floor::DeviceState,
    output::{self, plain},
    store::wall_clock,
};
use aisle_devices::registry::DeviceState as Standing;
use aisle_event::Timestamp;

/// Prints devices, as a table or as a JSON object a line.
pub(super) async fn list(node: &Remote, state: Option<DeviceState>, json: bool) -> anyhow::Result<()> {
    let state = match state {
        None => "",
        Some(DeviceState::Heard) => "&state=heard",
        Some(DeviceState::Approved) => "&state=approved",
        Some(DeviceState::Retired) => "&state=retired",
    };
    let devices: Vec<DeviceLine> = node.pages(&format!("/v1/admin/devices?limit=1000{state}")).await?;
    if json {
        return Ok(devices.iter().try_for_each(output::json)?);
    }
    if devices.is_empty() {
        output::line("no such device; a device appears when it announces itself or matches a profile")?;
        return Ok(());
    }
    let now = wall_clock();
    let rows: Vec<_> = devices.iter().map(|device| row(device, now)).collect();
    output::table(["DEVICE", "MODEL", "STATE", "THERE", "HEARD", "SET", "ALERT"], &rows)?;
    Ok(())
}

fn row(device: &DeviceLine, now: Timestamp) -> [String; 7] {
    let there = match device.online {
        Some(true) => "yes",
        Some(false) => "no",
        None => "-",
    };
    let alert = device.alert.as_deref().and_then(|alert| alert.lines().next()).unwrap_or("-");
    [
        plain(&device.device),
        plain(&device.model),
        standing(device.state).into(),
        there.into(),
        ago(device.last_heard, now),
        if device.in_sync { "yes" } else { "not yet" }.into(),
        plain(alert),
    ]
}

/// Where a device stands, in a word.
pub(super) const fn standing(state: Standing) -> &'static str {
    match state {
        Standing::Heard => "heard",
        Standing::Approved => "approved",
        Standing::Retired => "retired",
    }
}
