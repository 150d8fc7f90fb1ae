//! What was read in a unit, five minutes by five minutes: the part of the evidence that a report is made of without the journal.
//!
//! A slot keeps count, least, sum and greatest of its readings, the records they stand in, and a check over each of them in the order of
//! the journal, so that whoever has the journal can make the same slot again ([`super::verify`]). A day that is not the newest
//! is kept packed, at some 25 bytes a slot. Not here: what readings mean (`minutes`).

use minicbor::{Decoder, Encoder};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::sync::Arc;

/// Milliseconds in a slot.
pub const SLOT_MS: i64 = 300_000;
/// Milliseconds in a day of the store of slots (UTC; a report's day is made of slots of two of them).
pub(crate) const DAY_MS: i64 = 86_400_000;

/// Five minutes of readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// When it begins, in milliseconds since 1970; a multiple of [`SLOT_MS`].
    pub at_ms: i64,
    /// Readings.
    pub count: u32,
    /// The least, in thousandths of a degree.
    pub min_milli: i32,
    /// The greatest.
    pub max_milli: i32,
    /// Their sum.
    pub sum_milli: i64,
    /// The first record with one of them.
    pub first_seq: u64,
    /// The last one.
    pub last_seq: u64,
    /// The first 8 bytes of BLAKE3 over the check before and a reading, reading by reading in the order of the journal.
    pub check: u64,
}

/// One reading, as it is written for a check: every implementation must come to these bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Canonical<'a> {
    pub(crate) seq: u64,
    pub(crate) device: &'a str,
    pub(crate) stream: &'a str,
    pub(crate) at_ms: i64,
    pub(crate) milli: i32,
}

impl Slot {
    /// The empty slot that a time falls into.
    pub(crate) const fn of(at_ms: i64) -> Self {
        Self {
            at_ms: at_ms.div_euclid(SLOT_MS).saturating_mul(SLOT_MS),
            count: 0,
            min_milli: i32::MAX,
            max_milli: i32::MIN,
            sum_milli: 0,
            first_seq: u64::MAX,
            last_seq: 0,
            check: 0,
        }
    }

    /// Takes a reading that falls into it.
    pub(crate) fn add(&mut self, reading: &Canonical<'_>) {
        self.count = self.count.saturating_add(1);
        self.min_milli = self.min_milli.min(reading.milli);
        self.max_milli = self.max_milli.max(reading.milli);
        self.sum_milli = self.sum_milli.saturating_add(reading.milli.into());
        self.first_seq = self.first_seq.min(reading.seq);
        self.last_seq = self.last_seq.max(reading.seq);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.check.to_le_bytes());
        hasher.update(&reading.seq.to_le_bytes());
        for text in [reading.device, reading.stream] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.update(&reading.at_ms.to_le_bytes());
        hasher.update(&reading.milli.to_le_bytes());
        let hash = hasher.finalize();
        self.check = hash.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    }

    /// The mean, in thousandths of a degree.
    #[must_use]
    pub fn mean_milli(&self) -> f64 {
        self.sum_milli as f64 / f64::from(self.count.max(1))
    }
}

/// BLAKE3 over slots in the order of time: the digest of a report's readings, as 64 hexadecimal digits.
#[must_use]
pub fn digest(slots: &[Slot]) -> String {
    let mut hasher = blake3::Hasher::new();
    for slot in slots {
        hasher.update(&slot.at_ms.to_le_bytes());
        hasher.update(&slot.count.to_le_bytes());
        hasher.update(&slot.min_milli.to_le_bytes());
        hasher.update(&slot.max_milli.to_le_bytes());
        hasher.update(&slot.sum_milli.to_le_bytes());
        hasher.update(&slot.first_seq.to_le_bytes());
        hasher.update(&slot.last_seq.to_le_bytes());
        hasher.update(&slot.check.to_le_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// The slots of a day that have readings, in order: as they are, or packed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Day {
    open: Vec<Slot>,
    packed: Option<Box<[u8]>>,
}

impl Day {
    fn slots(&self) -> Vec<Slot> {
        match &self.packed {
            // What this process packed unpacks, and what came from a snapshot was tried when it came.
            Some(bytes) => unpack(bytes).unwrap_or_default(),
            None => self.open.clone(),
        }
    }

    fn open(&mut self) -> &mut Vec<Slot> {
        if let Some(bytes) = self.packed.take() {
            self.open = unpack(&bytes).unwrap_or_default();
        }
        &mut self.open
    }

    fn pack(&mut self) {
        if self.packed.is_none() {
            self.packed = Some(pack(&std::mem::take(&mut self.open)).into());
        }
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = self.packed.as_ref().map_or_else(|| pack(&self.open), |bytes| bytes.to_vec());
        (self.packed.is_some(), Bytes(bytes)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (packed, Bytes(bytes)) = <(bool, Bytes)>::deserialize(deserializer)?;
        let open = unpack(&bytes).ok_or_else(|| D::Error::custom("a day of readings does not unpack"))?;
        Ok(if packed {
            Self { open: Vec::new(), packed: Some(bytes.into()) }
        } else {
            Self { open, packed: None }
        })
    }
}

/// A byte string, which serde takes for a list of numbers unless it is told.
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a byte string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

/// Slots as CBOR numbers, most of them as a difference from one that is near.
fn pack(slots: &[Slot]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::with_capacity(slots.len() * 28));
    let (mut at, mut seq) = (0_i64, 0_u64);
    for slot in slots {
        let mean = slot.sum_milli / i64::from(slot.count.max(1));
        let rest = slot.sum_milli - mean * i64::from(slot.count.max(1));
        let fields = [
            slot.at_ms.saturating_sub(at) / SLOT_MS,
            slot.count.into(),
            slot.min_milli.into(),
            i64::from(slot.max_milli) - i64::from(slot.min_milli),
            mean - i64::from(slot.min_milli),
            rest,
        ];
        // A `Vec` takes everything.
        for field in fields {
            let _ = encoder.i64(field);
        }
        let _ = encoder.i64(slot.first_seq.wrapping_sub(seq) as i64);
        let _ = encoder.u64(slot.last_seq.wrapping_sub(slot.first_seq));
        let _ = encoder.u64(slot.check);
        (at, seq) = (slot.at_ms, slot.last_seq);
    }
    encoder.into_writer()
}

fn unpack(bytes: &[u8]) -> Option<Vec<Slot>> {
    let mut decoder = Decoder::new(bytes);
    let (mut slots, mut at, mut seq) = (Vec::new(), 0_i64, 0_u64);
    while decoder.position() < bytes.len() {
        at = at.checked_add(decoder.i64().ok()?.checked_mul(SLOT_MS)?)?;
        let count = u32::try_from(decoder.i64().ok()?).ok().filter(|count| *count > 0)?;
        let min = decoder.i64().ok()?;
        let max = min.checked_add(decoder.i64().ok()?)?;
        let mean = min.checked_add(decoder.i64().ok()?)?;
        let sum = mean.checked_mul(count.into())?.checked_add(decoder.i64().ok()?)?;
        let first_seq = seq.wrapping_add(decoder.i64().ok()? as u64);
        seq = first_seq.wrapping_add(decoder.u64().ok()?);
        slots.push(Slot {
            at_ms: at,
            count,
            min_milli: min.try_into().ok()?,
            max_milli: max.try_into().ok()?,
            sum_milli: sum,
            first_seq,
            last_seq: seq,
            check: decoder.u64().ok()?,
        });
    }
    slots.is_sorted_by_key(|slot| slot.at_ms).then_some(slots)
}

/// The readings of a unit, day by day. Clones share them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct History {
    #[serde(deserialize_with = "crate::collection::map")]
    days: imbl::OrdMap<i64, Arc<Day>>,
    /// The slot that readings come into, ahead of the one of its time in `days`, which is brought up when another slot is begun: days
    /// are shared with readers, so that each change of one is a copy of it.
    newest: Option<Slot>,
}

impl History {
    /// Takes a reading. Days beyond `days_max` go, those furthest from `now_ms` first.
    pub(crate) fn take(&mut self, reading: &Canonical<'_>, now_ms: i64, days_max: usize) {
        let begun = Slot::of(reading.at_ms);
        if let Some(slot) = self.newest.as_mut().filter(|slot| slot.at_ms == begun.at_ms) {
            slot.add(reading);
            return;
        }
        self.bring_up();
        let number = reading.at_ms.div_euclid(DAY_MS);
        if !self.days.contains_key(&number) {
            self.pack();
            self.days.insert(number, Arc::default());
        }
        if let Some(day) = self.days.get_mut(&number) {
            let slots = Arc::make_mut(day).open();
            let place = slots.binary_search_by_key(&begun.at_ms, |slot| slot.at_ms).unwrap_or_else(|place| {
                slots.insert(place, begun);
                place
            });
            if let Some(slot) = slots.get_mut(place) {
                slot.add(reading);
                self.newest = Some(*slot);
            }
        }
        let today = now_ms.div_euclid(DAY_MS);
        while self.days.len() > days_max {
            let ends = [self.days.get_min(), self.days.get_max()];
            let furthest =
                ends.into_iter().flatten().map(|(day, _)| *day).max_by_key(|day| day.abs_diff(today));
            if furthest.and_then(|day| self.days.remove(&day)).is_none() {
                break;
            }
        }
        if !self.days.contains_key(&number) {
            self.newest = None;
        }
    }

    /// Puts the slot that readings came into where it belongs.
    fn bring_up(&mut self) {
        let Some(newest) = self.newest.take() else { return };
        let Some(day) = self.days.get_mut(&newest.at_ms.div_euclid(DAY_MS)) else { return };
        let slots = Arc::make_mut(day).open();
        if let Ok(place) = slots.binary_search_by_key(&newest.at_ms, |slot| slot.at_ms)
            && let Some(slot) = slots.get_mut(place)
        {
            *slot = newest;
        }
    }

    /// Packs the days that are open.
    fn pack(&mut self) {
        let open = |(_, day): &(&i64, &Arc<Day>)| day.packed.is_none();
        let open: Vec<i64> = self.days.iter().filter(open).map(|(number, _)| *number).collect();
        for number in open {
            if let Some(day) = self.days.get_mut(&number) {
                Arc::make_mut(day).pack();
            }
        }
    }

    /// The slots that begin from one time on and before another, in order.
    #[must_use]
    pub fn slots(&self, from_ms: i64, to_ms: i64) -> Vec<Slot> {
        if from_ms >= to_ms {
            return Vec::new();
        }
        let days = self.days.range(from_ms.div_euclid(DAY_MS)..=to_ms.div_euclid(DAY_MS));
        let newest = |slot: Slot| self.newest.filter(|newest| newest.at_ms == slot.at_ms).unwrap_or(slot);
        let slots = days.flat_map(|(_, day)| day.slots()).map(newest);
        slots.filter(|slot| (from_ms..to_ms).contains(&slot.at_ms)).collect()
    }

    /// How many days there are readings of.
    #[must_use]
    pub fn days(&self) -> usize {
        self.days.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_packed_is_the_same_when_it_is_unpacked(
            readings in prop::collection::vec((any::<u64>(), 0..DAY_MS, -100_000..300_000_i32), 1..300),
        ) {
            let mut history = History::default();
            for (seq, at_ms, milli) in readings {
                history.take(&Canonical { seq, device: "probe", stream: "t", at_ms, milli }, 0, 2);
            }
            let before = history.slots(0, DAY_MS);
            history.pack();
            prop_assert_eq!(history.slots(0, DAY_MS), before);
        }

        #[test]
        fn bytes_that_are_no_day_are_refused_or_read_but_never_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(&bytes);
        }
    }
}
