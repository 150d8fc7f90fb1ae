//! VMIS-kNN: what sessions like this one went on to.
//!
//! Kersbergen, Sprangers, Schelter, "Serenade: Low-Latency Session-Based Recommendation in e-Commerce at Scale",
//! SIGMOD 2022. The definition, for the last `n` items of the evolving session at positions 1 (newest) to `n`:
//!
//! 1. Candidates are the `m` most recent past sessions that share an item with it.
//! 2. A candidate's similarity is the sum, over the shared items, of `(n + 1 - position) / n`; a repeated item stands at its
//!    newest position.
//! 3. Neighbours are the `k` most similar candidates, the more recent first among equals.
//! 4. An item's score is the sum, over the neighbours that hold it, of
//!    `similarity * (1 - position of the newest shared item / 10) * idf(item)`, where a non-positive idf counts as 1.
//!
//! The posting lists are sorted by session number, newest first. Merging them gives the candidates in order of
//! recency with their similarity complete, so the merge ends after `m` sessions and needs no heap and no hash map.

use crate::{
    scratch::Scratch,
    session_index::{Idf, SessionIndex},
    settings::SessionSettings,
};
use std::cmp::Ordering;

/// The most items of the evolving session that may count: at position 10 an item's weight would be zero.
pub(crate) const ITEMS_LAST_MAX: usize = 9;

/// The sessions to search: those of the base and, more recent than all of them, those of the delta.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sessions<'a> {
    pub(crate) base: &'a SessionIndex,
    pub(crate) delta: Option<&'a SessionIndex>,
    /// Over both.
    pub(crate) idf: &'a Idf,
    /// How many items there are in both.
    pub(crate) items: usize,
}

/// A past session that is like the evolving one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Neighbour {
    session: u32,
    /// From the end of the evolving session, 0 for its newest item: where the newest shared item stands.
    position: usize,
    similarity: f64,
}

impl Neighbour {
    fn order(&self, other: &Self) -> Ordering {
        other.similarity.total_cmp(&self.similarity).then(other.session.cmp(&self.session))
    }
}

/// One posting list on its way through the merge.
#[derive(Debug, Clone, Copy, Default)]
struct Cursor<'a> {
    position: usize,
    item: u32,
    weight: f64,
    recent: &'a [u32],
    older: &'a [u32],
}

impl Cursor<'_> {
    fn head(&self) -> Option<u32> {
        self.recent.first().or_else(|| self.older.first()).copied()
    }

    fn advance(&mut self) {
        let list = if self.recent.is_empty() { &mut self.older } else { &mut self.recent };
        *list = list.get(1..).unwrap_or_default();
    }
}

impl<'a> Sessions<'a> {
    fn posting(&self, item: u32) -> (&'a [u32], &'a [u32]) {
        (self.delta.map_or(&[], |delta| delta.posting(item)), self.base.posting(item))
    }

    fn session(&self, number: u32) -> &'a [u32] {
        self.delta
            .and_then(|delta| delta.session(number))
            .or_else(|| self.base.session(number))
            .unwrap_or_default()
    }

    /// Puts into the scratch's tally the scores of the items that sessions like `evolving` (oldest first) hold.
    pub(crate) fn score(&self, evolving: &[Option<u32>], settings: &SessionSettings, scratch: &mut Scratch) {
        let last = evolving.len().saturating_sub(settings.items_last.min(ITEMS_LAST_MAX));
        let window = evolving.get(last..).unwrap_or_default();
        let mut cursors = [Cursor::default(); ITEMS_LAST_MAX];
        let mut used = 0;
        for (position, item) in window.iter().rev().enumerate() {
            let Some(item) = *item else { continue };
            if cursors.iter().take(used).any(|cursor| cursor.item == item) {
                continue;
            }
            let (recent, older) = self.posting(item);
            if let Some(cursor) = cursors.get_mut(used) {
                *cursor = Cursor {
                    position,
                    item,
                    weight: (window.len() - position) as f64 / window.len() as f64,
                    recent,
                    older,
                };
                used += 1;
            }
        }
        let Some(cursors) = cursors.get_mut(..used) else { return };
        self.find(cursors, settings, &mut scratch.neighbours);

        scratch.tally.reserve(self.items);
        for neighbour in &scratch.neighbours {
            let because =
                cursors.iter().find(|cursor| cursor.position == neighbour.position).map_or(0, |c| c.item);
            let weight = neighbour.similarity * (1.0 - 0.1 * (neighbour.position + 1) as f64);
            for &item in self.session(neighbour.session) {
                let idf = self.idf.get(item) * settings.idf_weight;
                scratch.tally.add(item, if idf > 0.0 { weight * idf } else { weight }, because);
            }
        }
    }

    fn find(&self, cursors: &mut [Cursor<'a>], settings: &SessionSettings, neighbours: &mut Vec<Neighbour>) {
        neighbours.clear();
        while neighbours.len() < settings.recent_max {
            let Some(session) = cursors.iter().filter_map(Cursor::head).max() else { break };
            let (mut similarity, mut newest) = (0.0, usize::MAX);
            for cursor in cursors.iter_mut().filter(|cursor| cursor.head() == Some(session)) {
                similarity += cursor.weight;
                newest = newest.min(cursor.position);
                cursor.advance();
            }
            neighbours.push(Neighbour { session, position: newest, similarity });
        }
        if neighbours.len() > settings.neighbours_max {
            neighbours.select_nth_unstable_by(settings.neighbours_max, Neighbour::order);
            neighbours.truncate(settings.neighbours_max);
        }
        neighbours.sort_unstable_by(Neighbour::order);
    }
}
