//! Pieces that one source has told of and another one not yet: taken from a weighed shelf and not paid, paid and not yet
//! seen to leave, filled in and not entered, entered and not yet seen. Opposite amounts cancel, oldest first.

use minicbor::{Decode, Encode};

/// Amounts in wait at most; the oldest goes when there are more.
const WAITING_MAX: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
#[cbor(array)]
struct Waiting {
    #[n(0)]
    pieces: i32,
    #[n(1)]
    since_ms: i64,
}

/// Amounts in wait.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(array)]
pub(super) struct Ledger(#[n(0)] Vec<Waiting>);

impl Ledger {
    pub(super) fn is_sound(&self) -> bool {
        self.0.len() <= WAITING_MAX && self.0.iter().all(|waiting| waiting.pieces.unsigned_abs() <= 1_000_000)
    }

    /// What is in wait in all; negative for what the other source told of first.
    pub(super) fn sum(&self) -> i64 {
        self.0.iter().map(|waiting| i64::from(waiting.pieces)).sum()
    }

    /// The positive amounts in wait, each with the milliseconds that it has waited.
    pub(super) fn waits(&self, now_ms: i64) -> impl Iterator<Item = (i64, i64)> + '_ {
        let waits = self
            .0
            .iter()
            .map(move |waiting| (i64::from(waiting.pieces), now_ms.saturating_sub(waiting.since_ms).max(0)));
        waits.filter(|(pieces, _)| *pieces > 0)
    }

    /// Adds an amount; gives how much of it cancelled what was in wait.
    pub(super) fn add(&mut self, pieces: i64, now_ms: i64) -> i64 {
        let pieces = pieces.clamp(-1_000_000, 1_000_000) as i32;
        let mut left = pieces;
        for waiting in &mut self.0 {
            if i64::from(waiting.pieces) * i64::from(left) < 0 {
                let cancelled = waiting.pieces.abs().min(left.abs());
                waiting.pieces -= cancelled * waiting.pieces.signum();
                left -= cancelled * left.signum();
            }
        }
        self.0.retain(|waiting| waiting.pieces != 0);
        if left != 0 {
            if self.0.len() >= WAITING_MAX {
                self.0.remove(0);
            }
            self.0.push(Waiting { pieces: left, since_ms: now_ms });
        }
        i64::from((pieces - left).abs())
    }

    /// Takes out what has waited for longer than it may: how much of it was positive, and how much negative.
    pub(super) fn expire(&mut self, now_ms: i64, positive_ms: i64, negative_ms: i64) -> (i64, i64) {
        let (mut positive, mut negative) = (0, 0);
        self.0.retain(|waiting| {
            let waits = if waiting.pieces > 0 { positive_ms } else { negative_ms };
            let over = now_ms.saturating_sub(waiting.since_ms) > waits;
            if over && waiting.pieces > 0 {
                positive += i64::from(waiting.pieces);
            } else if over {
                negative -= i64::from(waiting.pieces);
            }
            !over
        });
        (positive, negative)
    }
}
