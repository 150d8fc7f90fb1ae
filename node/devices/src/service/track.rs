//! What is kept in memory of each device between two messages: rates, what was said to be wrong, and words that wait.
//!
//! All of it may be lost at a restart: what waits is retained at the broker, and comes again.

use super::{
    Config,
    bucket::{Bucket, Rate},
};
use crate::registry::{DeviceView, Numbers, Seen};
use aisle_event::{
    DeviceId,
    device::{DeviceAnnounced, DeviceProblem, SettingsReported},
};
use std::collections::HashMap;

/// What a device says of itself may change this often at once, and a second; beyond it only the newest counts, later.
const STATE_RATE: Rate = Rate { per_s: 0.2, most: 20.0 };
/// A start counter that falls so often within an hour is two.
const FALLS_MAX: u32 = 3;
const HOUR_MS: u64 = 3_600_000;
/// Streams whose numbers are watched.
const STREAMS_MAX: usize = 16;
/// Unapproved devices that were silent for so long make room.
const IDLE_MS: u64 = 60_000;

/// One device.
#[derive(Debug)]
pub(super) struct Track {
    messages: Bucket,
    bytes: Bucket,
    state: Bucket,
    /// When each kind of problem was said last, by the running clock.
    said_ms: [Option<u64>; DeviceProblem::ALL.len()],
    numbers: Vec<(String, Numbers)>,
    falls: Falls,
    /// When it said something itself, rather than the broker for it.
    pub live_ms: Option<u64>,
    heard_ms: u64,
    pub waiting: Waiting,
}

/// Words of a device that are not in the journal: the newest of each kind.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub announced: Option<DeviceAnnounced>,
    pub online: Option<bool>,
    pub reported: Option<SettingsReported>,
}

impl Waiting {
    pub(super) const fn is_empty(&self) -> bool {
        self.announced.is_none() && self.online.is_none() && self.reported.is_none()
    }
}

/// How often a counter that only rises has fallen.
#[derive(Debug, Default)]
struct Falls {
    last: Option<u32>,
    count: u32,
    since_ms: u64,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    by_device: HashMap<DeviceId, Track>,
    swept_ms: Option<u64>,
}

impl Track {
    fn new(config: &Config, now_ms: u64) -> Self {
        Self {
            messages: Bucket::full(messages(config), now_ms),
            bytes: Bucket::full(bytes(config), now_ms),
            state: Bucket::full(STATE_RATE, now_ms),
            said_ms: [None; DeviceProblem::ALL.len()],
            numbers: Vec::new(),
            falls: Falls::default(),
            live_ms: None,
            heard_ms: now_ms,
            waiting: Waiting::default(),
        }
    }

    /// Whether a message may pass.
    pub(super) fn may_pass(&mut self, config: &Config, size: usize, is_stock: bool, now_ms: u64) -> bool {
        self.messages.take(messages(config), 1.0, is_stock, now_ms)
            && self.bytes.take(bytes(config), size as f64, is_stock, now_ms)
    }

    /// Whether what it says of itself may go to the journal now.
    pub(super) fn may_change(&mut self, now_ms: u64) -> bool {
        self.state.take(STATE_RATE, 1.0, false, now_ms)
    }

    /// Whether a problem may be said, which is then said.
    pub(super) fn may_say(&mut self, problem: DeviceProblem, config: &Config, now_ms: u64) -> bool {
        let again_ms = u64::from(config.fault_again_s) * 1_000;
        let at = DeviceProblem::ALL.iter().position(|known| *known == problem);
        let Some(said) = at.and_then(|at| self.said_ms.get_mut(at)) else { return false };
        if said.is_some_and(|said| now_ms.saturating_sub(said) < again_ms) {
            return false;
        }
        *said = Some(now_ms);
        true
    }

    /// What the number of a message is. Numbers that are in the journal since before this start are known, too.
    pub(super) fn number(&mut self, known: &DeviceView, stream: &str, boot: u32, number: u32) -> Seen {
        if let Some((_, numbers)) = self.numbers.iter_mut().find(|(name, _)| name == stream) {
            return numbers.see(boot, number);
        }
        let mut numbers = known.stream(stream).map_or_else(Numbers::default, |it| it.numbers.clone());
        let seen = numbers.see(boot, number);
        if self.numbers.len() < STREAMS_MAX {
            self.numbers.push((stream.to_owned(), numbers));
        }
        seen
    }

    /// True when its start counter has fallen too often.
    pub(super) fn falls(&mut self, boot: u32, now_ms: u64) -> bool {
        let falls = &mut self.falls;
        if falls.last.replace(boot).is_none_or(|last| boot >= last) {
            return false;
        }
        if falls.count == 0 || now_ms.saturating_sub(falls.since_ms) > HOUR_MS {
            falls.count = 0;
            falls.since_ms = now_ms;
        }
        falls.count += 1;
        falls.count >= FALLS_MAX
    }
}

fn messages(config: &Config) -> Rate {
    rate(config.device_messages_per_s_max, config)
}

fn bytes(config: &Config) -> Rate {
    let rate = rate(config.device_bytes_per_s_max, config);
    // The longest payload passes when nothing else did.
    Rate { most: rate.most.max(config.payload_bytes_max as f64), ..rate }
}

fn rate(per_s: u32, config: &Config) -> Rate {
    let per_s = f64::from(per_s);
    Rate { per_s, most: per_s * f64::from(config.device_burst_s) }
}

impl Tracks {
    /// The track of a device; a device that is not `kept` may find no room.
    pub(super) fn of(
        &mut self,
        device: &DeviceId,
        kept: bool,
        config: &Config,
        now_ms: u64,
    ) -> Option<&mut Track> {
        if !self.by_device.contains_key(device) {
            if self.by_device.len() >= config.tracked_max {
                self.sweep(now_ms);
            }
            // Approved devices are bounded by the register.
            if self.by_device.len() >= config.tracked_max && !kept {
                return None;
            }
        }
        let track = self.by_device.entry(device.clone()).or_insert_with(|| Track::new(config, now_ms));
        track.heard_ms = now_ms;
        Some(track)
    }

    fn sweep(&mut self, now_ms: u64) {
        if self.swept_ms.is_some_and(|swept| now_ms.saturating_sub(swept) < 1_000) {
            return;
        }
        self.swept_ms = Some(now_ms);
        self.by_device.retain(|_, track| now_ms.saturating_sub(track.heard_ms) < IDLE_MS);
    }

    pub(super) fn get(&self, device: &DeviceId) -> Option<&Track> {
        self.by_device.get(device)
    }

    pub(super) fn get_mut(&mut self, device: &DeviceId) -> Option<&mut Track> {
        self.by_device.get_mut(device)
    }

    pub(super) fn forget(&mut self, device: &DeviceId) {
        self.by_device.remove(device);
    }

    pub(super) fn len(&self) -> usize {
        self.by_device.len()
    }

    /// Devices with words that wait.
    pub(super) fn waiting(&self) -> Vec<DeviceId> {
        let waits = |(device, track): (&DeviceId, &Track)| {
            if track.waiting.is_empty() { None } else { Some(device.clone()) }
        };
        self.by_device.iter().filter_map(waits).collect()
    }
}
