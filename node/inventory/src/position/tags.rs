//! The RFID tags of one product: which were seen where lately, and how many pieces that makes of each place.
//!
//! A scan misses tags, and it misses the same ones again (metal, stacks). So a tag that was seen a few scans ago is still
//! counted, unless pieces are known to have left meanwhile. A tag of one place that the reader of the other sees once is a
//! stray; seen twice, or missed at home, it has moved. Not here: the likelihood, which is the belief's.

use aisle_event::{Timestamp, device::Place};
use minicbor::{Decode, Encode};

/// A tag that so many scans of its place have missed is gone.
const MISSES_MAX: u8 = 3;

/// One tag.
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
#[cbor(array)]
struct Tag {
    #[n(0)]
    serial: u32,
    #[n(1)]
    back: bool,
    #[n(2)]
    missed: u8,
    #[n(3)]
    elsewhere: u8,
    /// The number of the reader that saw it last.
    #[n(4)]
    reader: u32,
}

/// A complete scan, as far as it is of one product.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) place: Place,
    /// The number of the reader.
    pub(super) reader: u32,
    /// Other readers that look at the product in this place.
    pub(super) others: &'a [u32],
    /// The serial numbers that it saw, sorted.
    pub(super) serials: &'a [u32],
    pub(super) at: Timestamp,
}

/// What the reader of a place last said.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(array)]
pub(super) struct Zone {
    #[n(0)]
    pub(super) at: Timestamp,
    #[n(1)]
    pub(super) passed_ms: i64,
    /// Pieces that are there by the tags.
    #[n(2)]
    pub(super) pieces: u32,
    /// Pieces that left since the last scan, by what the store was told.
    #[n(3)]
    pub(super) left: u32,
    #[n(4)]
    pub(super) scans: u32,
}

/// The tags of one product.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(array)]
pub(super) struct Tags {
    #[n(0)]
    tags: Vec<Tag>,
    #[n(1)]
    pub(super) shelf: Option<Zone>,
    #[n(2)]
    pub(super) back: Option<Zone>,
}

/// What a scan adds: how many pieces are there by it, how many of them it saw, and whether that differs from the last one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scanned {
    pub(super) pieces: u32,
    pub(super) changed: bool,
    /// Tags that were here before and were seen again, and those that were missed between.
    pub(super) seen: u32,
    pub(super) missed: u32,
    /// Milliseconds since the scan before.
    pub(super) since_ms: i64,
}

impl Tags {
    pub(super) fn is_sound(&self, tags_max: usize) -> bool {
        self.tags.len() <= tags_max
    }

    /// Any reader ever saw one.
    pub(super) const fn is_used(&self) -> bool {
        self.shelf.is_some() || self.back.is_some()
    }

    pub(super) const fn zone(&self, place: Place) -> Option<&Zone> {
        match place {
            Place::Shelf => self.shelf.as_ref(),
            Place::Backroom => self.back.as_ref(),
        }
    }

    fn zone_mut(&mut self, place: Place) -> &mut Option<Zone> {
        match place {
            Place::Shelf => &mut self.shelf,
            Place::Backroom => &mut self.back,
        }
    }

    /// Pieces left a place, by what the store was told.
    pub(super) fn leave(&mut self, place: Place, pieces: u32) {
        if let Some(zone) = self.zone_mut(place) {
            zone.left = zone.left.saturating_add(pieces).min(10_000);
        }
    }

    /// A reader that sees none of them in a place says something by it: there are no others there, or one of the tags is none of theirs.
    pub(super) fn is_looked_at(&self, place: Place, others: &[u32]) -> bool {
        let back = place == Place::Backroom;
        others.is_empty() || self.tags.iter().any(|tag| tag.back == back && !others.contains(&tag.reader))
    }

    /// Takes a complete scan.
    pub(super) fn scan(&mut self, seen: &Seen<'_>, passed_ms: i64, tags_max: usize) -> Scanned {
        let Seen { place, reader, others, serials, at } = *seen;
        let back = place == Place::Backroom;
        let (mut seen, mut missed) = (0, 0);
        for tag in &mut self.tags {
            let here = serials.binary_search(&tag.serial).is_ok();
            match (tag.back == back, here) {
                (true, true) => {
                    seen += 1;
                    missed += u32::from(tag.missed);
                    (tag.missed, tag.elsewhere, tag.reader) = (0, 0, reader);
                }
                (true, false) => {
                    tag.missed = tag.missed.saturating_add(u8::from(!others.contains(&tag.reader)));
                }
                (false, true) => {
                    tag.elsewhere += 1;
                    if tag.elsewhere >= 2 || tag.missed > 0 {
                        *tag = Tag { serial: tag.serial, back, missed: 0, elsewhere: 0, reader };
                    }
                }
                (false, false) => tag.elsewhere = 0,
            }
        }
        self.tags.retain(|tag| tag.missed <= MISSES_MAX);
        let known: std::collections::BTreeSet<u32> = self.tags.iter().map(|tag| tag.serial).collect();
        let new = serials.iter().filter(|serial| !known.contains(serial));
        let room = tags_max.saturating_sub(self.tags.len());
        let mut beyond = 0;
        for (count, serial) in new.enumerate() {
            if count < room {
                self.tags.push(Tag { serial: *serial, back, missed: 0, elsewhere: 0, reader });
            } else {
                beyond += 1;
            }
        }
        let here = || self.tags.iter().filter(|tag| tag.back == back);
        let now = here().filter(|tag| tag.missed == 0).count() as u32 + beyond;
        let lately = here().filter(|tag| tag.missed > 0).count() as u32;
        let zone = self.zone(place).cloned().unwrap_or_default();
        // Who left since is among those that are missed.
        let left = zone.left.min(lately);
        let pieces = now + (lately - left);
        let since_ms = if zone.scans == 0 { i64::MAX } else { passed_ms - zone.passed_ms };
        let changed = zone.scans == 0 || zone.pieces != pieces;
        // A piece that left stays among the missed until it is forgotten.
        *self.zone_mut(place) =
            Some(Zone { at, passed_ms, pieces, left, scans: zone.scans.saturating_add(1) });
        Scanned { pieces, changed, seen, missed, since_ms }
    }
}
