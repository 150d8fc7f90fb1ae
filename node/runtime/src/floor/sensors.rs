//! What is odd about each device's streams, gathered once for a board.

use super::fold::View;
use aisle_devices::telemetry::Anomaly;
use aisle_event::{DeviceId, Name};
use std::collections::BTreeMap;

/// Anomalies by device.
pub(super) struct Odd(BTreeMap<DeviceId, Vec<(Name, Anomaly)>>);

impl Odd {
    pub(super) fn of_all(view: &View) -> Self {
        let mut odd: BTreeMap<DeviceId, Vec<(Name, Anomaly)>> = BTreeMap::new();
        for stream in view.telemetry.streams() {
            let key = stream.key();
            for anomaly in stream.anomalies() {
                odd.entry(key.device.clone()).or_default().push((key.stream.clone(), anomaly));
            }
        }
        Self(odd)
    }

    /// Those of one device, with the stream.
    pub(super) fn of(&self, device: &DeviceId) -> &[(Name, Anomaly)] {
        self.0.get(device).map_or(&[], Vec::as_slice)
    }
}
