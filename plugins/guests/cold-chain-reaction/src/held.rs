//! Which excursions hold the goods of a unit back, until when and which: kept under `held/UNIT`, a line for each. Which units hold
//! anything is kept under `units`.
//!
//! A unit may have several at a time, and goods may lie in several units: a short excursion must not let free what another holds.
//! What was held until a time that is past is forgotten. Where it is not known which goods are held, none are let free.

use aisle_plugin_sdk::{Excursion, kv};
use std::collections::BTreeSet;

/// More excursions of one unit are not told apart: the one that would be over first is forgotten.
const HELD_MAX: usize = 8;
/// More units are not told apart: those that would be over first are one, of which nobody knows what it holds.
const UNITS_MAX: usize = 28;
/// A longer name of a unit, in bytes, is cut and told apart by its hash: a key has at most 128 bytes.
const UNIT_BYTES_MAX: usize = 100;
/// The longest value. The excursions of a unit whose goods do not fit are kept without them.
const VALUE_BYTES_MAX: usize = 4096;
/// Where it is kept which units hold anything.
const UNITS: &str = "units";
/// Stands for units that are not told apart.
const SOME: &str = "*";

/// The excursions of one unit.
pub(crate) struct Held {
    key: String,
    now: i64,
    by: Vec<Hold>,
}

/// One of them.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Hold {
    /// Until when, in milliseconds since 1970.
    until: i64,
    name: String,
    /// Which goods; nothing where that is not known.
    skus: Option<Vec<String>>,
}

impl Held {
    /// What holds the unit of an excursion, without that excursion itself.
    pub(crate) fn beside(excursion: &Excursion, now: i64) -> Self {
        let key = key(&excursion.unit);
        let by = holds(&key, now).into_iter().filter(|hold| hold.name != excursion.name).collect();
        Self { key, now, by }
    }

    /// Whether nothing holds it.
    pub(crate) fn is_free(&self) -> bool {
        self.by.is_empty()
    }

    /// Those goods that no other unit holds.
    pub(crate) fn held_nowhere_else<'a>(&self, skus: &'a [String]) -> Vec<&'a String> {
        let mut held = BTreeSet::new();
        for (_, unit) in units(self.now).into_iter().filter(|(_, unit)| *unit != self.key) {
            if unit == SOME {
                return Vec::new();
            }
            for hold in holds(&unit, self.now) {
                let Some(skus) = hold.skus else { return Vec::new() };
                held.extend(skus);
            }
        }
        skus.iter().filter(|sku| !held.contains(sku.as_str())).collect()
    }

    /// An excursion holds it until a time.
    pub(crate) fn hold(mut self, excursion: &Excursion, until: i64) {
        let (name, skus) = (excursion.name.clone(), Some(excursion.skus.clone()));
        self.by.push(Hold { until, name, skus });
        self.by.sort();
        let more = self.by.len().saturating_sub(HELD_MAX);
        self.by.drain(..more);
        self.keep();
    }

    /// Keeps what is held. A plugin may keep something of thousands of units; beyond that nothing is known to hold one.
    pub(crate) fn keep(&self) {
        if self.by.is_empty() {
            kv::delete(&self.key);
        } else {
            let whole = lines(&self.by, Hold::whole);
            let kept = if whole.len() <= VALUE_BYTES_MAX { whole } else { lines(&self.by, Hold::head) };
            let _ = kv::set(&self.key, kept.as_bytes());
        }
        self.keep_units();
    }

    fn keep_units(&self) {
        let before = units(self.now);
        let mut units: Vec<(i64, String)> =
            before.iter().filter(|(_, unit)| *unit != self.key).cloned().collect();
        units.extend(self.by.iter().map(|hold| hold.until).max().map(|until| (until, self.key.clone())));
        units.sort();
        units.reverse();
        let more = units.split_off(units.len().min(UNITS_MAX));
        units.extend(more.first().map(|(until, _)| (*until, SOME.to_owned())));
        if units == before {
            return;
        }
        if units.is_empty() {
            kv::delete(UNITS);
        } else {
            let _ = kv::set(UNITS, lines(&units, |(until, unit)| format!("{until} {unit}")).as_bytes());
        }
    }
}

impl Hold {
    fn parse(line: &str) -> Option<Self> {
        let (head, skus) = line.split_once('\t').map_or((line, None), |(head, skus)| (head, Some(skus)));
        let (until, name) = head.split_once(' ')?;
        let skus =
            skus.map(|skus| skus.split('\t').filter(|sku| !sku.is_empty()).map(str::to_owned).collect());
        Some(Self { until: until.parse().ok()?, name: name.to_owned(), skus })
    }

    fn head(&self) -> String {
        format!("{} {}", self.until, self.name)
    }

    fn whole(&self) -> String {
        match &self.skus {
            Some(skus) => format!("{}\t{}", self.head(), skus.join("\t")),
            None => self.head(),
        }
    }
}

/// What holds a unit, by its key.
fn holds(key: &str, now: i64) -> Vec<Hold> {
    text(key).lines().filter_map(Hold::parse).filter(|hold| hold.until > now).collect()
}

/// Units that hold anything, by their keys, and until when; the latest first.
fn units(now: i64) -> Vec<(i64, String)> {
    let text = text(UNITS);
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    let units = lines.filter_map(|(until, unit)| Some((until.parse::<i64>().ok()?, unit.to_owned())));
    units.filter(|(until, _)| *until > now).collect()
}

fn text(key: &str) -> String {
    kv::get(key).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

fn lines<T>(items: &[T], line: impl Fn(&T) -> String) -> String {
    items.iter().map(line).collect::<Vec<_>>().join("\n")
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
