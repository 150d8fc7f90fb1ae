//! What contacts say of doors, gathered once for a board.

use super::fold::View;
use aisle_devices::telemetry::StreamKey;
use aisle_event::{Name, device::Measured};
use aisle_kiosk::staff::Door;
use std::collections::BTreeMap;

/// Doors by unit.
pub(super) struct Doors(BTreeMap<Name, Door>);

impl Doors {
    /// What contacts of trusted devices that are there said last; of several at one unit the one that is open.
    pub(super) fn of_all(view: &View) -> Self {
        let mut doors: BTreeMap<Name, Door> = BTreeMap::new();
        let devices = view.devices.devices.values();
        for device in devices.filter(|device| device.is_trusted() && device.online != Some(false)) {
            for stream in device.streams.iter().filter(|stream| stream.measured == Some(Measured::Open)) {
                let Some(unit) = stream.placement.as_ref().and_then(|placement| placement.unit.as_ref())
                else {
                    continue;
                };
                let key = StreamKey { device: device.device.clone(), stream: stream.name.clone() };
                let Some(said) = view.telemetry.stream(&key).and_then(|stream| stream.newest()) else {
                    continue;
                };
                let said = Door { open: said.value.units() > 0.5, as_of: said.at };
                let door = doors.entry(unit.clone()).or_insert(said);
                if (said.open, said.as_of) > (door.open, door.as_of) {
                    *door = said;
                }
            }
        }
        Self(doors)
    }

    /// That of one unit.
    pub(super) fn of(&self, unit: &Name) -> Option<Door> {
        self.0.get(unit).copied()
    }
}
