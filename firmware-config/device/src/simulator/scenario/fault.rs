//! What goes wrong with which devices, from when to when.

use super::DevicePlan;
use rand::{SeedableRng as _, seq::IteratorRandom as _};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Something that goes wrong with some devices for some time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultConfig {
    /// What.
    pub kind: FaultKind,
    /// With which devices: an id in which `*` stands for anything.
    pub devices: String,
    /// With so many of them, chosen by the seed; without a number, all.
    #[serde(default)]
    pub chosen: Option<u32>,
    /// From when, in simulated seconds since the start.
    pub from_s: f64,
    /// For how long, in simulated seconds; without a number, to the end.
    #[serde(default)]
    pub for_s: Option<f64>,
    /// How much; what that means depends on the kind.
    #[serde(default)]
    pub size: Option<f64>,
}

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Numbers go away from the truth, by `size` in an hour (1 without).
    Drift,
    /// The device has no connection. What it measures meanwhile comes later.
    Dropout,
    /// Numbers stay what they were.
    Stuck,
    /// What is published is published twice.
    Duplicate,
    /// The device's clock is off by `size` seconds (a year without).
    ClockSkew,
    /// Settings that cannot be are desired of the device, once.
    BadSettings,
    /// The device starts anew every `size` simulated seconds (10 without).
    RebootLoop,
    /// Numbers that are none.
    Nan,
    /// Numbers come with another unit than announced.
    WrongUnit,
    /// Numbers are below zero.
    Negative,
    /// Every second message is held back until after the next.
    OutOfOrder,
    /// Another device has the same id.
    TwoDevicesOneId,
    /// The device announces itself as another model.
    ChangesType,
}

impl FaultKind {
    /// Its name, as in the scenario.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::Dropout => "dropout",
            Self::Stuck => "stuck",
            Self::Duplicate => "duplicate",
            Self::ClockSkew => "clock_skew",
            Self::BadSettings => "bad_settings",
            Self::RebootLoop => "reboot_loop",
            Self::Nan => "nan",
            Self::WrongUnit => "wrong_unit",
            Self::Negative => "negative",
            Self::OutOfOrder => "out_of_order",
            Self::TwoDevicesOneId => "two_devices_one_id",
            Self::ChangesType => "changes_type",
        }
    }

    const fn size(self) -> f64 {
        match self {
            Self::Drift => 1.0,
            Self::ClockSkew => 31_536_000.0,
            Self::RebootLoop => 10.0,
            _ => 0.0,
        }
    }
}

/// A fault of one device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) struct Window {
    pub(in super::super) kind: FaultKind,
    /// The device's number in the scenario.
    pub(in super::super) device: usize,
    /// In simulated milliseconds since the start.
    pub(in super::super) from_ms: u64,
    /// `u64::MAX` for one that does not end.
    pub(in super::super) until_ms: u64,
    pub(in super::super) size: f64,
}

impl Window {
    pub(in super::super) const fn holds(&self, now_ms: u64) -> bool {
        self.from_ms <= now_ms && now_ms < self.until_ms
    }
}

/// The faults of all devices.
#[derive(Debug, Default)]
pub(in super::super) struct FaultPlan {
    /// In the order of the scenario and of the devices.
    pub(in super::super) windows: Vec<Window>,
}

impl FaultPlan {
    pub(in super::super) fn new(
        faults: &[FaultConfig],
        devices: &[DevicePlan],
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let mut windows = Vec::new();
        for fault in faults {
            let fitting =
                devices.iter().filter(|device| fits(&fault.devices, &device.id)).map(|device| device.index);
            let mut struck: Vec<usize> = match fault.chosen {
                Some(count) => fitting.sample(rng, count as usize),
                None => fitting.collect(),
            };
            struck.sort_unstable();
            let from_ms = milliseconds(fault.from_s);
            let until_ms =
                fault.for_s.map_or(u64::MAX, |length| from_ms.saturating_add(milliseconds(length)));
            let size = fault.size.unwrap_or_else(|| fault.kind.size());
            windows.extend(struck.into_iter().map(|device| Window {
                kind: fault.kind,
                device,
                from_ms,
                until_ms,
                size,
            }));
        }
        Self { windows }
    }

    /// The faults of one device.
    pub(in super::super) fn of(&self, device: usize) -> Vec<Window> {
        self.windows.iter().filter(|window| window.device == device).copied().collect()
    }
}

/// Who is struck is drawn apart from all that the shop draws.
pub(in super::super) fn fault_seed(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed ^ 0x6661_756c_7473)
}

/// Seconds that were checked to be from 0 to 1e9.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
pub(in super::super) fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1000.0).round() as u64
}

/// Whether an id fits a pattern in which `*` stands for anything.
pub(super) fn fits(pattern: &str, id: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('*') else { return pattern == id };
    let Some(mut left) = id.strip_prefix(before) else { return false };
    let mut rest = rest;
    // Each star takes as little as it can, which finds a fit whenever there is one; the last one takes what is left.
    while let Some((middle, after)) = rest.split_once('*') {
        let Some(found) = left.find(middle) else { return false };
        left = left.get(found + middle.len()..).unwrap_or_default();
        rest = after;
    }
    left.ends_with(rest)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, id, expected) in [
            ("fridge-1", "fridge-1", true),
            ("fridge-1", "fridge-10", false),
            ("fridge-*", "fridge-10", true),
            ("*", "anything", true),
            ("*-1", "door-1", true),
            ("*-1", "door-11", false),
            ("f*e-*", "fridge-2", true),
            ("f*x*", "fridge-2", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(fits(pattern, id), expected, "{pattern} and {id}");
        }
    }
}
