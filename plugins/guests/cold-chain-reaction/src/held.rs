//! Which excursions hold the goods of a unit back, and until when: kept under `held/UNIT`, a line for each.
//!
//! A unit may have several at a time, and a short one must not let free what another holds. What was held until a time that is
//! past is forgotten.

use aisle_plugin_sdk::{Excursion, kv};

/// More excursions of one unit are not told apart: the one that would be over first is forgotten.
const HELD_MAX: usize = 8;
/// A longer name of a unit, in bytes, is cut and told apart by its hash: a key has at most 128 bytes.
const UNIT_BYTES_MAX: usize = 100;

/// The excursions of one unit.
pub(crate) struct Held {
    key: String,
    /// Until when, in milliseconds since 1970, and by which.
    by: Vec<(i64, String)>,
}

impl Held {
    /// What holds the unit of an excursion, without that excursion itself.
    pub(crate) fn beside(excursion: &Excursion, now: i64) -> Self {
        let key = key(&excursion.unit);
        let text = kv::get(&key).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        let held = lines.filter_map(|(until, name)| Some((until.parse::<i64>().ok()?, name.to_owned())));
        let by = held.filter(|(until, name)| *until > now && *name != excursion.name).collect();
        Self { key, by }
    }

    /// Whether nothing holds it.
    pub(crate) fn is_free(&self) -> bool {
        self.by.is_empty()
    }

    /// An excursion holds it until a time.
    pub(crate) fn hold(mut self, excursion: &Excursion, until: i64) {
        self.by.push((until, excursion.name.clone()));
        self.by.sort();
        let more = self.by.len().saturating_sub(HELD_MAX);
        self.by.drain(..more);
        self.keep();
    }

    /// Keeps what is held. A plugin may keep something of thousands of units; beyond that nothing is known to hold one.
    pub(crate) fn keep(&self) {
        if self.by.is_empty() {
            kv::delete(&self.key);
            return;
        }
        let lines: Vec<String> = self.by.iter().map(|(until, name)| format!("{until} {name}")).collect();
        let _ = kv::set(&self.key, lines.join("\n").as_bytes());
    }
}

fn key(unit: &str) -> String {
    if unit.len() <= UNIT_BYTES_MAX {
        return format!("held/{unit}");
    }
    let short = unit.get(..unit.floor_char_boundary(UNIT_BYTES_MAX)).unwrap_or_default();
    format!("held/{short}~{:016x}", hash(unit))
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    text.bytes().fold(BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}
