//! Where the batches of the running epoch lie, in memory: what the protocol's machine reads.
//!
//! Guards: nothing is in here before it is durable.

use crate::form::{Past, Stone};
use aisle_protocol::{Epoch, LogId, Point};
use std::collections::VecDeque;

/// Batches that lie next to each other; one, until there are too many places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Before their first event.
    pub(crate) start: Point,
    /// After their last event.
    pub(crate) end: Point,
    /// The record of the first of them.
    pub(crate) record: u64,
    /// The last record of the store's journal that was gone through for them.
    pub(crate) cursor: u64,
    /// When the last of them was sealed.
    pub(crate) sealed_ms: u64,
    /// What they take.
    pub(crate) bytes: u64,
}

#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) log: LogId,
    pub(crate) acked: Point,
    pub(crate) last: Point,
    pub(crate) past: Vec<(Epoch, Point)>,
    places: VecDeque<Place>,
    places_max: usize,
    /// What all batches take.
    bytes: u64,
    /// What other records take since the class was last trimmed.
    pub(crate) other_bytes: u64,
}

impl Index {
    pub(crate) fn new(log: LogId, places_max: usize) -> Self {
        let start = log.start();
        Self {
            log,
            acked: start,
            last: start,
            past: Vec::new(),
            places: VecDeque::new(),
            places_max,
            bytes: 0,
            other_bytes: 0,
        }
    }

    /// Begins with another epoch. The batches of the one before are no longer shown.
    pub(crate) fn begin(&mut self, log: LogId, past: &[Past]) {
        let start = log.start();
        (self.log, self.acked, self.last) = (log, start, start);
        self.past = past.iter().map(|past| (past.epoch, past.end)).collect();
        self.other_bytes = self.other_bytes.saturating_add(self.bytes);
        self.places.clear();
        self.bytes = 0;
    }

    /// The last event that is no longer kept.
    pub(crate) fn floor(&self) -> Point {
        self.places.front().map_or(self.last, |place| place.start)
    }

    pub(crate) fn push(&mut self, place: Place) {
        self.last = place.end;
        self.bytes = self.bytes.saturating_add(place.bytes);
        self.places.push_back(place);
        if self.places.len() > self.places_max {
            let mut pairs = VecDeque::with_capacity(self.places_max);
            let mut all = std::mem::take(&mut self.places).into_iter();
            while let Some(first) = all.next() {
                pairs.push_back(match all.next() {
                    None => first,
                    Some(second) => Place {
                        start: first.start,
                        record: first.record,
                        bytes: first.bytes.saturating_add(second.bytes),
                        ..second
                    },
                });
            }
            self.places = pairs;
        }
    }

    /// Where the event after a number lies.
    pub(crate) fn after(&self, seq: u64) -> Option<Place> {
        let at = self.places.partition_point(|place| place.end.seq <= seq);
        self.places.get(at).copied().filter(|place| place.start.seq <= seq)
    }

    pub(crate) fn places(&self) -> impl DoubleEndedIterator<Item = &Place> {
        self.places.iter()
    }

    /// What the batches take.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Forgets the batches before a record, which are gone.
    pub(crate) fn forget_before(&mut self, record: u64) {
        while let Some(place) = self.places.front().copied() {
            if place.record >= record {
                break;
            }
            self.places.pop_front();
            self.bytes = self.bytes.saturating_sub(place.bytes);
        }
    }

    /// What the hub is not known to have, and what of it takes which room.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Place> {
        let acked = self.acked.seq;
        self.places.iter().filter(move |place| place.end.seq > acked)
    }
}

/// The most places that are remembered of events whose batches are gone.
const STONES_MAX: usize = 64;

/// Adds a stone; of too many the one goes that lies closest between its neighbours.
pub(crate) fn add_stone(stones: &mut Vec<Stone>, stone: Stone) {
    if stones.last().is_some_and(|last| last.seq >= stone.seq) {
        return;
    }
    stones.push(stone);
    if stones.len() > STONES_MAX {
        let before = std::iter::once(0).chain(stones.iter().map(|stone| stone.seq));
        let gaps = before.zip(stones.iter().skip(1)).map(|(before, after)| after.seq.saturating_sub(before));
        if let Some((closest, _)) = gaps.enumerate().min_by_key(|(_, gap)| *gap) {
            stones.remove(closest);
        }
    }
}

/// The record that everything after a number came after, as far as it is remembered: never too late a one.
pub(crate) fn place_after(begun: u64, stones: &[Stone], seq: u64) -> u64 {
    stones.iter().rev().find(|stone| stone.seq <= seq).map_or(begun, |stone| stone.place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_event::{LogClass, StoreId};
    use aisle_protocol::Head;

    fn point(seq: u64) -> Point {
        Point { seq, head: Head([seq as u8; 32]) }
    }

    #[test]
    fn too_many_places_share_and_every_event_is_still_found() {
        let log = LogId {
            store: StoreId::new("s").unwrap_or_else(|error| unreachable!("{error}")),
            class: LogClass::Sales,
            epoch: Epoch([1; 16]),
        };
        let mut index = Index::new(log, 16);
        for at in 0..1000 {
            index.push(Place {
                start: point(at * 3),
                end: point(at * 3 + 3),
                record: at + 10,
                cursor: at,
                sealed_ms: at,
                bytes: 7,
            });
            assert!(index.places().count() <= 16);
        }
        assert_eq!((index.bytes(), index.last.seq, index.floor().seq), (7000, 3000, 0));
        for seq in 0..3000 {
            let place = index.after(seq);
            assert!(place.is_some_and(|place| place.start.seq <= seq && seq < place.end.seq), "{seq}");
            assert!(place.is_some_and(|place| place.record <= seq / 3 + 10), "{seq}");
        }
        assert_eq!(index.after(3000), None);
    }

    #[test]
    fn stones_stay_few_and_never_name_too_late_a_place() {
        let mut stones = Vec::new();
        for seq in 1..10_000 {
            add_stone(&mut stones, Stone { seq, place: seq * 2 });
        }
        assert!(stones.len() <= STONES_MAX);
        for seq in 0..10_000 {
            let place = place_after(0, &stones, seq);
            assert!(place <= seq * 2 && place + 2 * 700 > seq * 2, "{seq}: {place}");
        }
    }
}
