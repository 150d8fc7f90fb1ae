//! Telemetry from outside: what readings become, what is kept of them, and what is odd about them.

mod anomalies;
mod archives;
mod charts;
mod folds;
mod nab;
mod queries;
mod sketches;
mod year;

use aisle_devices::telemetry::{Config, Query, Resolution, StreamKey, Telemetry};
use aisle_event::{
    DeviceId, Event, Measure, Name, Timestamp, Unknown,
    device::{DeviceAnnounced, DeviceStream, Measured, Reading, ReadingsTaken, StreamKind},
    operation::NodeStarted,
};
use jiff::tz::TimeZone;

/// 2026-11-21T00:00:00Z, a Saturday.
pub const DAY: i64 = 1_795_219_200_000;
pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;

pub fn key(device: &str) -> StreamKey {
    StreamKey { device: DeviceId::new(device).unwrap(), stream: Name::new("temperature").unwrap() }
}

pub fn reading(device: &str, at: i64, units: f64) -> Reading {
    let StreamKey { device, stream } = key(device);
    Reading {
        device,
        stream,
        value: Measure::new(units).unwrap(),
        at: Timestamp(at),
        number: None,
        boot: None,
        unknown: Unknown::default(),
    }
}

pub fn taken(readings: Vec<Reading>) -> Event {
    Event::ReadingsTaken(ReadingsTaken { readings, unknown: Unknown::default() })
}

pub fn announced(device: &str, unit: Measured, interval_s: Option<u32>) -> Event {
    let StreamKey { device, stream } = key(device);
    Event::DeviceAnnounced(DeviceAnnounced {
        device,
        model: Name::new("thermometer").unwrap(),
        firmware: None,
        profile: None,
        streams: vec![DeviceStream {
            name: stream,
            kind: StreamKind::Number,
            measured: Some(unit),
            interval_s,
            unknown: Unknown::default(),
        }],
        schema: None,
        boots: None,
        at: Timestamp(DAY),
        serial: None,
        cbor: None,
        unknown: Unknown::default(),
    })
}

pub fn started(at: i64) -> Event {
    Event::NodeStarted(NodeStarted {
        version: Name::new("1").unwrap(),
        at: Timestamp(at),
        cut_bytes: 0,
        unknown: Unknown::default(),
    })
}

pub fn whole(device: &str, from: i64, to: i64, resolution: Resolution) -> Query {
    Query { key: key(device), from: Timestamp(from), to: Timestamp(to), resolution, zone: TimeZone::UTC }
}

/// A fold with a journal of its own.
pub struct Followed {
    pub telemetry: Telemetry,
    pub seq: u64,
}

impl Followed {
    pub fn new(config: Config) -> Self {
        Self { telemetry: Telemetry::new(config), seq: 0 }
    }

    pub fn apply(&mut self, event: &Event) {
        self.seq += 1;
        self.telemetry.apply(self.seq, event);
    }

    pub fn take(&mut self, device: &str, at: i64, units: f64) {
        self.apply(&taken(vec![reading(device, at, units)]));
    }

    /// What is due goes into the journal and comes back.
    pub fn settle(&mut self, now: i64) -> Vec<Event> {
        let due = self.telemetry.due(Timestamp(now));
        for event in &due {
            self.apply(event);
        }
        due
    }
}
