//! One content on its way: one piece is asked for at a time, in order.

use crate::{manifest::Content, tree::PIECE_BYTES};
use aisle_protocol::control::ChunkWanted;

/// A content that is fetched.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) content: Content,
    /// Where the next piece begins.
    pub(super) at: u64,
    asked_at: Option<u64>,
    held_until: u64,
}

impl Fetch {
    pub(super) const fn new(content: Content, at: u64) -> Self {
        Self { content, at, asked_at: None, held_until: 0 }
    }

    pub(super) const fn is_asked(&self) -> bool {
        self.asked_at.is_some()
    }

    /// Nothing of it is under way.
    pub(super) const fn forget(&mut self) {
        self.asked_at = None;
    }

    pub(super) const fn arrived(&mut self) {
        self.asked_at = None;
    }

    pub(super) const fn hold(&mut self, until: u64) {
        self.asked_at = None;
        self.held_until = until;
    }

    /// When to ask, or to ask again.
    pub(super) fn wake_at(&self, timeout_ms: u64) -> Option<u64> {
        Some(self.asked_at.map_or(self.held_until, |at| at.saturating_add(timeout_ms)))
    }

    /// The next piece, where it is time to ask for it.
    pub(super) fn ask(&mut self, now_ms: u64, timeout_ms: u64) -> Option<ChunkWanted> {
        if self.wake_at(timeout_ms).is_some_and(|at| at > now_ms) {
            return None;
        }
        self.asked_at = Some(now_ms);
        let bytes_max = self.content.bytes.saturating_sub(self.at).min(PIECE_BYTES);
        Some(ChunkWanted { hash: self.content.hash, offset: self.at, bytes_max })
    }
}
