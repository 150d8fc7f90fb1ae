//! One item on its way.

use crate::{
    manifest::{Content, Delta, Item},
    shelf::Shelf,
};
use aisle_protocol::Hash;
use std::collections::BTreeSet;

/// How far an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its content is not on the shelf, or nobody has looked yet.
    Missing,
    /// Somebody applies it.
    Applying,
    /// It is applied.
    Applied,
    /// It was not applied; it is tried again.
    Refused,
    /// Nobody here could apply it.
    Unknown,
}

impl Stage {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Applying => "applying",
            Self::Applied => "applied",
            Self::Refused | Self::Unknown => "refused",
        }
    }
}

/// An item and what came of it.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) item: Item,
    pub(super) stage: Stage,
    /// Deltas that led nowhere.
    pub(super) bad: BTreeSet<Hash>,
    pub(super) reason: Option<String>,
    pub(super) attempts: u32,
    pub(super) retry_at: u64,
}

impl Task {
    pub(super) fn new(item: Item) -> Self {
        let bad = BTreeSet::new();
        Self { item, stage: Stage::Missing, bad, reason: None, attempts: 0, retry_at: 0 }
    }

    /// Tries again, but not before.
    pub(super) fn fail(&mut self, reason: String, retry_at: u64) {
        self.reason = Some(reason);
        self.attempts = self.attempts.saturating_add(1);
        self.retry_at = retry_at;
    }

    /// When there is something to do without anybody saying so.
    pub(super) const fn wake_at(&self) -> Option<u64> {
        match self.stage {
            Stage::Missing | Stage::Refused if self.attempts > 0 => Some(self.retry_at),
            _ => None,
        }
    }

    /// What it may be fetched as: itself, and deltas that have not failed.
    pub(super) fn sources(&self) -> impl Iterator<Item = &Content> {
        let deltas = self.item.deltas.iter().map(|delta| &delta.content);
        std::iter::once(&self.item.content).chain(deltas.filter(|content| !self.bad.contains(&content.hash)))
    }

    /// True when this is one of them, or the tree of one.
    pub(super) fn wants(&self, hash: &Hash) -> bool {
        let is_on_its_way = matches!(self.stage, Stage::Missing | Stage::Refused);
        is_on_its_way && self.sources().any(|content| content.hash == *hash || content.tree == Some(*hash))
    }

    /// Goes another way than through this. False where there is no other.
    pub(super) fn give_up(&mut self, hash: &Hash) -> bool {
        let is_meant = |delta: &&Delta| delta.content.hash == *hash || delta.content.tree == Some(*hash);
        let failed: Vec<Hash> =
            self.item.deltas.iter().filter(is_meant).map(|delta| delta.content.hash).collect();
        self.bad.extend(&failed);
        !failed.is_empty()
    }

    /// The shortest delta from something that is there, where it is shorter than the whole.
    pub(super) fn source(&self, shelf: &mut impl Shelf) -> Option<Delta> {
        let whole = Item::cost(&self.item.content);
        let fit = |delta: &&Delta| !self.bad.contains(&delta.content.hash);
        let mut fit: Vec<&Delta> = self.item.deltas.iter().filter(fit).collect();
        fit.sort_by_key(|delta| Item::cost(&delta.content));
        let shorter = fit.into_iter().filter(|delta| Item::cost(&delta.content) < whole);
        shorter.copied().find(|delta| shelf.has(&delta.from))
    }
}
