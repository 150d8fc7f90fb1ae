//! What an announcement changes in a device that is known, and what it makes of one that is not.

use super::{
    numbers::Numbers,
    view::{DeviceState, DeviceView, Json, StreamView, Suspension, Twin, Unsaid},
};
use crate::words::name;
use aisle_event::{
    Timestamp,
    device::{DeviceAnnounced, DeviceProblem, DeviceStream},
};

/// The same is said again of a device after so long at the earliest.
const SAID_AGAIN_AFTER_MS: u64 = 3_600_000;

impl DeviceView {
    /// A device that was not heard before.
    pub(super) fn heard(event: &DeviceAnnounced, streams_max: usize) -> Self {
        let mut this = Self {
            device: event.device.clone(),
            state: DeviceState::Heard,
            state_by: None,
            state_at: event.at,
            suspended: None,
            model: event.model.clone(),
            profile: None,
            firmware: None,
            serial: None,
            serial_before: None,
            boots: None,
            cbor: false,
            streams: Vec::new(),
            schema: None,
            online: None,
            online_since: None,
            last_heard: event.at,
            twin: Twin::new(),
            commands: Vec::new(),
            problems: Vec::new(),
            unsaid: None,
        };
        this.describe(event, streams_max);
        this
    }

    /// It describes itself, perhaps differently.
    pub(super) fn announced(&mut self, event: &DeviceAnnounced, streams_max: usize) {
        let is_another = self.model != event.model || self.profile != event.profile;
        if is_another && self.state == DeviceState::Approved && self.suspended.is_none() {
            self.suspended = Some(Suspension {
                approved_model: self.model.clone(),
                since: event.at,
                detail: name(&format!(
                    "approved as `{}`, and now says that it is `{}`; its approval is suspended: approve it again if that is right, \
                     or find the device that took its name",
                    self.model, event.model
                )),
            });
            self.unsaid = Some(Unsaid::Model);
        }
        if let (Some(now), Some(before)) = (&event.serial, &self.serial)
            && now != before
        {
            if self.serial_before.as_ref() == Some(now)
                && !self.said_lately(DeviceProblem::TwoDevices, event.at)
            {
                self.unsaid.get_or_insert(Unsaid::TwoDevices);
            }
            self.serial_before = Some(before.clone());
        }
        self.describe(event, streams_max);
    }

    fn said_lately(&self, problem: DeviceProblem, now: Timestamp) -> bool {
        let lately = |at: Timestamp| at.0.abs_diff(now.0) < SAID_AGAIN_AFTER_MS;
        self.problems.iter().any(|known| known.problem == problem && lately(known.at))
    }

    fn describe(&mut self, event: &DeviceAnnounced, streams_max: usize) {
        self.model = event.model.clone();
        self.profile = event.profile.clone();
        self.firmware = event.firmware.clone();
        if event.serial.is_some() {
            self.serial = event.serial.clone();
        }
        self.boots = event.boots;
        self.cbor = event.cbor.unwrap_or(false);
        self.schema = event.schema.clone().map(Json);
        let mut before = std::mem::take(&mut self.streams);
        for stream in event.streams.iter().take(streams_max) {
            let old = before.iter().position(|old| old.name == stream.name).map(|at| before.swap_remove(at));
            self.streams.push(described(stream, old));
        }
        // A placement is a person's work: it outlasts a firmware that lost the stream.
        for mut old in before {
            if old.placement.is_some() && self.streams.len() < streams_max {
                old.unannounced = true;
                self.streams.push(old);
            }
        }
    }
}

fn described(stream: &DeviceStream, old: Option<StreamView>) -> StreamView {
    let (placement, numbers) = old.map_or((None, Numbers::default()), |old| (old.placement, old.numbers));
    StreamView {
        name: stream.name.clone(),
        kind: stream.kind,
        measured: stream.measured,
        interval_s: stream.interval_s,
        placement,
        numbers,
        unannounced: false,
    }
}
