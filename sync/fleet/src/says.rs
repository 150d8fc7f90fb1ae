//! What a node says of itself in the third field of a REPORT: its report, and the facts that rules and pages go by.
//!
//! ```text
//! REPORT.node = zstd frame, level 3, of {"report": NodeReport, "facts": {"version", "disk_free_bytes", "grants", "kinds", "time_zone", "horizon", "denies"}, "rehearsals": [Played],
//!   "devices": {slot: {"of": {"version", "hash"}, "counts": {status: number}, "results": [{"device", "status", "path", "reason", "since"}]}}}
//! ```
//!
//! Fields that this build does not know are passed over, and names that it does not know are kept as they are, so that a node may be newer than its hub. Not here: what follows from it ([`crate::rollout`],
//! [`crate::preflight`]), who may say it (the connection). Guards invariant 6: what is read is bounded before it is looked at, and what is written fits.

use crate::{
    artefact::{GRANTS_MAX, Kind, SLOTS_MAX, Slot},
    denied::{DENIES_MAX, Denies, WHY_BYTES_MAX},
    device::{DEVICES_MAX, SlotDevices, result::TEXT_CHARS_MAX},
    gate::Durations,
    name::Grant,
    rehearsal::{CANDIDATES_MAX, Played},
    report::NodeReport,
    text::shown,
    version::Version,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
};

/// The most bytes of it on the wire.
pub const SAYS_BYTES_MAX: usize = 32 << 10;
/// The most bytes of it when it is inflated.
pub const PLAIN_BYTES_MAX: usize = 512 << 10;
/// The most slots of a report: those that are wanted, and as many that hold something of which nobody says anything any more.
pub const REPORTED_MAX: usize = 2 * SLOTS_MAX;
/// The most reasons of a slot.
pub const REASONS_MAX: usize = 16;
/// The most dangers to an offline store that are told of.
pub const HORIZON_MAX: usize = 32;
/// The most characters of a danger's name.
const WHAT_CHARS_MAX: usize = 64;
/// The most grants: those of every plugin together.
const ALL_GRANTS_MAX: usize = GRANTS_MAX * 8;
/// The longest name of a zone, in bytes.
const ZONE_BYTES_MAX: usize = 64;
/// The kinds of differences that are told of a candidate where all of them would be too long.
const SHORT_DIFFERENCES: usize = 4;
const LEVEL: i32 = 3;
/// The largest window that is believed, as a power of two: no frame of [`PLAIN_BYTES_MAX`] needs more.
const WINDOW_LOG_MAX: u32 = 20;

/// Something that would hurt a store that stays offline, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Horizon {
    /// What runs out: `certificate`, `metadata`, `disk`, `outbox`, `prices`, `line-budget` (of sales; `line-budget-stock` and so on for the others).
    pub what: String,
    /// In how many days.
    pub days: f64,
}

/// What a node knows of itself beside its slots. What it does not say is not known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Facts {
    /// The version of Aisle that it runs.
    pub version: Option<Version>,
    /// Room on its disk, in bytes.
    pub disk_free_bytes: Option<u64>,
    /// What the store grants to plugins; nothing where it does not say, which is everything.
    pub grants: Option<BTreeSet<Grant>>,
    /// The kinds of artefacts that it can put in place; nothing where it does not say. Those that are not known here are passed over.
    #[serde(deserialize_with = "known_kinds")]
    pub kinds: Option<BTreeSet<Kind>>,
    /// The IANA name of its zone.
    pub time_zone: Option<String>,
    /// What would hurt it offline, the first first.
    pub horizon: Vec<Horizon>,
    /// What the store denies, by kind or slot, and why.
    #[cfg_attr(feature = "schema", schema(value_type = std::collections::BTreeMap<String, String>))]
    pub denies: Denies,
}

/// What a node says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NodeSays {
    /// How its slots stand.
    pub report: NodeReport,
    /// What rules and pages go by.
    #[serde(default)]
    pub facts: Facts,
    /// What came of the candidates that it was asked to rehearse, as long as it is asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rehearsals: Vec<Played>,
    /// What became of the settings of devices, by the slot that says them. What is not known here is passed over.
    #[serde(default, deserialize_with = "known_devices", skip_serializing_if = "BTreeMap::is_empty")]
    pub devices: BTreeMap<Slot, SlotDevices>,
}

/// Why what a node says cannot be read, or written.
#[derive(Debug, thiserror::Error)]
pub enum SaysError {
    /// More than there may be.
    #[error("what the node says: {what} is {found}, at most {max} may be")]
    Bound {
        /// What.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// How much there may be.
        max: usize,
    },
    /// It is no whole frame of zstd's.
    #[error("what the node says does not inflate")]
    Frame,
    /// It is no report.
    #[error("what the node says is no report: {reason}")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
}

fn known_kinds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<BTreeSet<Kind>>, D::Error> {
    let names = Option::<BTreeSet<String>>::deserialize(deserializer)?;
    let known = |names: BTreeSet<String>| {
        Kind::ALL.into_iter().filter(|kind| names.contains(kind.as_str())).collect()
    };
    Ok(names.map(known))
}

fn known_devices<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<Slot, SlotDevices>, D::Error> {
    let said = BTreeMap::<String, Value>::deserialize(deserializer)?;
    let known =
        |(slot, value): (String, Value)| Some((slot.parse().ok()?, SlotDevices::deserialize(value).ok()?));
    Ok(said.into_iter().filter_map(known).collect())
}

fn bound(what: &'static str, found: usize, max: usize) -> Result<(), SaysError> {
    if found > max { Err(SaysError::Bound { what, found, max }) } else { Ok(()) }
}

/// What is left out where it would be too long, in this order; each says whether it has left anything out.
const CUTS: [fn(&mut NodeSays) -> bool; 13] = [
    NodeSays::with_fewer_differences,
    NodeSays::without_applied,
    NodeSays::fewer_devices,
    NodeSays::fewer_devices,
    NodeSays::fewer_devices,
    NodeSays::fewer_devices,
    NodeSays::fewer_devices,
    NodeSays::fewer_devices,
    NodeSays::fewer_devices,
    NodeSays::fewer_devices,
    NodeSays::fewer_devices,
    NodeSays::without_durations,
    NodeSays::with_first_reasons,
];

impl NodeSays {
    /// As it goes into a REPORT. Where it would be too long, most differences of rehearsals are left out, then devices that have their settings, then so many of the others as there is no room
    /// for, then durations, then all reasons but the first of each slot. How many devices stand how is never left out.
    ///
    /// # Errors
    /// When it is too long even so, or beyond another bound.
    pub fn encode(&self) -> Result<Vec<u8>, SaysError> {
        let mut shorter = self.clone();
        shorter.cut_devices(DEVICES_MAX);
        shorter.check()?;
        let mut packed = shorter.pack();
        for shorten in CUTS {
            if !matches!(packed, Err(SaysError::Bound { .. })) {
                break;
            }
            if shorten(&mut shorter) {
                packed = shorter.pack();
            }
        }
        packed
    }

    /// Of all slots together so many results of devices, those that somebody has to look after first. Gives how many there are.
    fn cut_devices(&mut self, results_max: usize) -> usize {
        let mut room = results_max;
        let slots = self.devices.len().max(1);
        // Each slot has its share of the room, and what those before it leave of theirs.
        for (place, devices) in self.devices.values_mut().enumerate() {
            let share = room.div_ceil(slots.saturating_sub(place).max(1));
            room = room.saturating_sub(devices.cut(share));
        }
        results_max.saturating_sub(room)
    }

    /// Reads what may be anybody's.
    ///
    /// # Errors
    /// When it is beyond a bound, no frame, or no report.
    pub fn decode(bytes: &[u8]) -> Result<Self, SaysError> {
        bound("its length in bytes", bytes.len(), SAYS_BYTES_MAX)?;
        let decoder = zstd::stream::read::Decoder::with_buffer(bytes).map_err(|_| SaysError::Frame)?;
        let mut decoder = decoder.single_frame();
        decoder.window_log_max(WINDOW_LOG_MAX).map_err(|_| SaysError::Frame)?;
        let mut plain = Vec::new();
        // One more than may be, so that what is longer is seen.
        let mut bounded = decoder.take(PLAIN_BYTES_MAX as u64 + 1);
        bounded.read_to_end(&mut plain).map_err(|_| SaysError::Frame)?;
        bound("its inflated length in bytes", plain.len(), PLAIN_BYTES_MAX)?;
        if !bounded.into_inner().finish().is_empty() {
            return Err(SaysError::Frame);
        }
        let malformed =
            |error: serde_json::Error| SaysError::Malformed { reason: shown(&error.to_string(), 200) };
        let says: Self = serde_json::from_slice(&plain).map_err(malformed)?;
        says.check()?;
        Ok(says)
    }

    fn results(&self) -> usize {
        self.devices.values().map(|devices| devices.results.len()).sum()
    }

    fn without_applied(&mut self) -> bool {
        let before = self.results();
        self.devices.values_mut().for_each(SlotDevices::forget_applied);
        self.results() < before
    }

    /// Half of them, and at last none.
    fn fewer_devices(&mut self) -> bool {
        let before = self.results();
        before > 0 && self.cut_devices(before / 2) < before
    }

    fn with_fewer_differences(&mut self) -> bool {
        let mut is_shorter = false;
        for played in &mut self.rehearsals {
            is_shorter |= played.found.differences.len() > SHORT_DIFFERENCES;
            played.found.differences.truncate(SHORT_DIFFERENCES);
        }
        is_shorter
    }

    fn without_durations(&mut self) -> bool {
        let health = self.report.slots.values_mut().filter_map(|slot| slot.health.as_mut());
        health.for_each(|health| health.took = Durations::default());
        true
    }

    fn with_first_reasons(&mut self) -> bool {
        self.report.slots.values_mut().for_each(|slot| slot.reasons.truncate(1));
        true
    }

    fn pack(&self) -> Result<Vec<u8>, SaysError> {
        let malformed = |error: serde_json::Error| SaysError::Malformed { reason: error.to_string() };
        let plain = serde_json::to_vec(self).map_err(malformed)?;
        bound("its inflated length in bytes", plain.len(), PLAIN_BYTES_MAX)?;
        let packed = zstd::bulk::compress(&plain, LEVEL).map_err(|_| SaysError::Frame)?;
        bound("its length in bytes", packed.len(), SAYS_BYTES_MAX)?;
        Ok(packed)
    }

    fn check(&self) -> Result<(), SaysError> {
        let NodeReport { slots, others, .. } = &self.report;
        bound("the number of slots", slots.len().saturating_add(others.len()), REPORTED_MAX)?;
        for slot in self.report.slots.values() {
            bound("the number of a slot's reasons", slot.reasons.len(), REASONS_MAX)?;
        }
        bound("the number of the settings' reasons", self.report.settings.reasons.len(), REASONS_MAX)?;
        let Facts { grants, horizon, time_zone, denies, .. } = &self.facts;
        bound("the number of grants", grants.as_ref().map_or(0, BTreeSet::len), ALL_GRANTS_MAX)?;
        bound(
            "the length of its time zone in bytes",
            time_zone.as_ref().map_or(0, String::len),
            ZONE_BYTES_MAX,
        )?;
        bound("the number of what is denied", denies.len(), DENIES_MAX)?;
        for (_, why) in denies.iter() {
            bound("the length in bytes of why something is denied", why.len(), WHY_BYTES_MAX)?;
        }
        bound("the number of dangers", horizon.len(), HORIZON_MAX)?;
        for danger in horizon {
            bound("the length of a danger's name", danger.what.chars().count(), WHAT_CHARS_MAX)?;
        }
        bound("the number of rehearsals", self.rehearsals.len(), CANDIDATES_MAX)?;
        for (what, found, max) in self.rehearsals.iter().filter_map(Played::fault) {
            bound(what, found, max)?;
        }
        bound("the number of slots of devices", self.devices.len(), SLOTS_MAX)?;
        bound("the number of results of devices", self.results(), DEVICES_MAX)?;
        for devices in self.devices.values() {
            bound("the length of a device's reason", devices.longest(), TEXT_CHARS_MAX)?;
        }
        Ok(())
    }
}
