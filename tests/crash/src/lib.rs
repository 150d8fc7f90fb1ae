//! What the crash tests' child and parent agree on: the payloads, and how an acknowledgement is spelled; and a whole node
//! killed under [`mqtt`], a hub and its stores under [`sync`].
//!
//! The child (`aisle-crash-child`) appends to a journal from several threads and writes one line to its parent for each
//! acknowledged batch, after the acknowledgement. The parent kills it with SIGKILL and holds the journal to those lines.
//!
//! Not here: power cuts, which need a disk that forgets (`aisle-journal`, `tests/it/power.rs`). Guards invariant 1.

pub mod mqtt;
pub mod sync;

use std::fmt;

/// A batch that the child was told is durable: who wrote it, which turn it was, and the numbers it got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    /// Which of the child's threads.
    pub writer: u64,
    /// The thread's how-many-th batch.
    pub turn: u64,
    /// The first sequence number.
    pub first: u64,
    /// The last one.
    pub last: u64,
}

impl fmt::Display for Acknowledged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.writer, self.turn, self.first, self.last)
    }
}

impl Acknowledged {
    /// Reads a line of the child's; `None` for the part of one that a kill leaves.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let mut numbers = line.strip_suffix('\n')?.split(' ').map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self { writer: next()?, turn: next()?, first: next()?, last: next()? })
    }
}

/// How many entries a batch has: one to five.
#[must_use]
pub const fn entries(turn: u64) -> u64 {
    1 + turn % 5
}

/// The payload of an entry, which nobody else writes: the round, the writer, the turn, the entry, and filling.
#[must_use]
pub fn payload(round: u64, writer: u64, turn: u64, entry: u64) -> Vec<u8> {
    let mut payload = Vec::new();
    for number in [round, writer, turn, entry] {
        payload.extend_from_slice(&number.to_le_bytes());
    }
    let filling = usize::try_from(turn % 700).unwrap_or_default();
    payload.resize(payload.len() + filling, 0xA5);
    payload
}
