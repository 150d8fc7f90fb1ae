//! What a device is: its name, its streams, its settings, and the parts that it is built of.
//!
//! Not here: what it does with them (`tasks`).

use crate::{
    clock::Clock,
    filter::{MEDIAN_READINGS_MAX, Tuning},
    flash::{Flash, Layout},
    link::Link,
    sensor::Sensor,
    watchdog::Watchdog,
};
use aisle_firmware_config::{
    fault::Fault,
    message::{Announce, CONTRACT, Encoding, StreamInfo, StreamKind},
    setting::{Field, FieldKind, Settings, Value, check_schema},
    topic::is_name,
    unit::Unit,
};
use core::fmt::Write;
use embassy_sync::blocking_mutex::raw::RawMutex;
use heapless::{String, Vec};

/// A stream of numbers, from one sensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stream<'a> {
    /// Its name, unique in the device, at most 15 bytes.
    pub name: &'a str,
    /// What its numbers count.
    pub unit: Unit,
    /// From the factory: a change of no more than this is not worth sending, in the unit. 0 sends every change.
    pub deadband: f64,
}

/// What a device is, all of it constant.
#[derive(Debug, Clone, Copy)]
pub struct Device<'a, const N: usize> {
    /// The store that it is in.
    pub store: &'a str,
    /// Its name, unique in the store.
    pub id: &'a str,
    /// What it is, at most 32 bytes.
    pub model: &'a str,
    /// What tells it from another one of the same model, at most 32 bytes.
    pub serial: Option<&'a str>,
    /// The version of its software, at most 32 bytes.
    pub firmware: Option<&'a str>,
    /// How it writes. It reads both.
    pub encoding: Encoding,
    /// Its streams, at most 8.
    pub streams: [Stream<'a>; N],
    /// From the factory: seconds between two readings.
    pub interval_s: u32,
    /// Settings of its own, beside those that every device has: `interval_s`, `heartbeat_s`, `median` and
    /// `deadband.<stream>`. At most 16 with those.
    pub fields: &'a [Field],
}

/// The parts that a device is built of, as types.
///
/// `Mutex` guards its channels: `NoopRawMutex` where one executor polls the device and nobody else has a hand in it (the
/// usual case, and the simulator's), `CriticalSectionRawMutex` where sensors or links share state with interrupts.
pub trait Board {
    /// What guards its channels and signals.
    type Mutex: RawMutex;
    /// Its time.
    type Clock: Clock;
    /// Its sensors; an `enum` where they are of several kinds.
    type Sensor: Sensor;
    /// Its way to the node.
    type Link: Link;
    /// Its flash.
    type Flash: Flash;
    /// What restarts it when it hangs.
    type Watchdog: Watchdog;
    /// What it can do beside measuring; `()` for nothing.
    type Actions: Actions;
}

/// The parts themselves.
#[derive(Debug)]
pub struct Parts<B: Board, const N: usize> {
    /// Its time.
    pub clock: B::Clock,
    /// The sensor of each stream.
    pub sensors: [B::Sensor; N],
    /// Its way to the node.
    pub link: B::Link,
    /// Its flash.
    pub flash: B::Flash,
    /// What lies where on the flash.
    pub layout: Layout,
    /// What restarts it when it hangs.
    pub watchdog: B::Watchdog,
    /// What it can do beside measuring.
    pub actions: B::Actions,
}

/// What a device can do beside measuring: switch a plug, show a price.
pub trait Actions {
    /// Does what a command says; nothing when it knows no such command. Must end within
    /// [`watchdog::INSPECTION_MS`](crate::watchdog::INSPECTION_MS).
    async fn perform(&mut self, command: &str, args: &Settings) -> Option<Result<Settings, Fault>>;
}

impl Actions for () {
    async fn perform(&mut self, _: &str, _: &Settings) -> Option<Result<Settings, Fault>> {
        None
    }
}

impl<A: Actions> Actions for &mut A {
    async fn perform(&mut self, command: &str, args: &Settings) -> Option<Result<Settings, Fault>> {
        (**self).perform(command, args).await
    }
}

impl<const N: usize> Device<'_, N> {
    /// What it says about itself as it comes from the factory, with the schema of its settings.
    ///
    /// # Errors
    /// When a name or list is longer than the contract has room for, or a setting cannot be what it says.
    pub fn announce(&self, boots: u32) -> Result<Announce, Fault> {
        for (path, name) in [("store", self.store), ("id", self.id)] {
            if !is_name(name) {
                return Err(Fault::new(path, "is no name for a level of a topic"));
            }
        }
        let mut announce = Announce {
            contract: CONTRACT,
            model: text("model", self.model)?,
            serial: self.serial.map(|serial| text("serial", serial)).transpose()?,
            firmware: self.firmware.map(|firmware| text("firmware", firmware)).transpose()?,
            boots,
            streams: Vec::new(),
            settings: Vec::new(),
        };
        for stream in &self.streams {
            let info = StreamInfo {
                name: text("streams.name", stream.name)?,
                kind: StreamKind::Number,
                unit: Some(stream.unit),
                interval_s: Some(self.speaks_every_s(&Settings::new())),
            };
            announce.streams.push(info).map_err(|_| Fault::new("streams", "are more than 8"))?;
        }
        self.schema(&mut announce.settings)?;
        check_schema(&announce.settings)?;
        Ok(announce)
    }

    fn schema(&self, fields: &mut Vec<Field, 16>) -> Result<(), Fault> {
        let seconds = || String::try_from("s").ok();
        let common = [
            (INTERVAL, 1, DAY_S, i64::from(self.interval_s), seconds()),
            (HEARTBEAT, 1, DAY_S, HEARTBEAT_S, seconds()),
            (MEDIAN, 1, MEDIAN_READINGS_MAX as i64, 1, None),
        ];
        for (name, min, max, default, unit) in common {
            let kind = FieldKind::Integer { min, max };
            push(fields, Field { name: text("", name)?, kind, unit, default: Value::Integer(default) })?;
        }
        for stream in &self.streams {
            let field = Field {
                name: deadband(stream.name)?,
                kind: FieldKind::Number { min: 0.0, max: DEADBAND_MAX },
                unit: String::try_from(stream.unit.as_str()).ok(),
                default: Value::Number(stream.deadband),
            };
            push(fields, field)?;
        }
        self.fields.iter().try_for_each(|field| push(fields, field.clone()))
    }

    /// How each stream is filtered under these settings.
    pub(crate) fn tunings(&self, settings: &Settings) -> [Tuning; N] {
        let (median, heartbeat_s) = (whole(settings, MEDIAN).unwrap_or(1), heartbeat_s(settings));
        self.streams.map(|stream| Tuning {
            median: usize::try_from(median).unwrap_or(1),
            deadband: deadband(stream.name)
                .ok()
                .and_then(|name| settings.get(&name)?.number())
                .unwrap_or(stream.deadband),
            heartbeat_ms: heartbeat_s * 1000,
        })
    }

    /// Milliseconds between two readings under these settings.
    pub(crate) fn interval_ms(&self, settings: &Settings) -> u64 {
        whole(settings, INTERVAL).unwrap_or(u64::from(self.interval_s)).max(1) * 1000
    }

    /// Seconds after which each stream has spoken again under these settings: what does not change is said no more often than the
    /// heartbeat says, and nothing more often than it is read.
    pub(crate) fn speaks_every_s(&self, settings: &Settings) -> u32 {
        let seconds = (self.interval_ms(settings) / 1000).max(heartbeat_s(settings));
        u32::try_from(seconds).unwrap_or(u32::MAX)
    }
}

const INTERVAL: &str = "interval_s";
const HEARTBEAT: &str = "heartbeat_s";
const MEDIAN: &str = "median";
const DAY_S: i64 = 86_400;
/// From the factory: a value that does not change is sent so often.
const HEARTBEAT_S: i64 = 300;
const DEADBAND_MAX: f64 = 1e9;

fn whole(settings: &Settings, name: &str) -> Option<u64> {
    match settings.get(name) {
        Some(Value::Integer(value)) => u64::try_from(*value).ok(),
        _ => None,
    }
}

fn heartbeat_s(settings: &Settings) -> u64 {
    whole(settings, HEARTBEAT).unwrap_or(HEARTBEAT_S.unsigned_abs())
}

fn deadband(stream: &str) -> Result<String<24>, Fault> {
    let mut name = String::new();
    write!(name, "deadband.{stream}").map_err(|_| Fault::new("streams.name", "is longer than 15 bytes"))?;
    Ok(name)
}

fn text<const BYTES: usize>(path: &str, text: &str) -> Result<String<BYTES>, Fault> {
    String::try_from(text).map_err(|_| Fault::new(path, format_args!("is longer than {BYTES} bytes")))
}

fn push(fields: &mut Vec<Field, 16>, field: Field) -> Result<(), Fault> {
    fields.push(field).map_err(|_| Fault::new("fields", "are more than 16 with those that every device has"))
}
