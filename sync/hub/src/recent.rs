//! The last refusals of this process: who was cut off or sent away, when and why. For people who look; nothing is decided by it.
//!
//! Not here: forks, which the database keeps. Guards: there are at most [`ALERTS_MAX`]; a further one takes the place of the oldest, and all are
//! counted.

use aisle_event::StoreId;
use aisle_protocol::hub::Alert;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// The most that are kept.
pub const ALERTS_MAX: usize = 256;

/// Something that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// When, in milliseconds since 1970 by the hub's clock.
    pub at_ms: i64,
    /// Whose it was.
    pub store: String,
    /// Why, in one word.
    pub reason: &'static str,
    /// Why, as the store was told or would have been.
    pub text: String,
}

#[derive(Debug, Default)]
struct Ring {
    seen: VecDeque<Seen>,
    count: u64,
}

/// What was refused lately. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Recent(Arc<Mutex<Ring>>);

impl Recent {
    /// Keeps an alert.
    pub fn note(&self, at_ms: i64, store: &StoreId, alert: &Alert) {
        let (reason, text) = told(alert);
        let seen = Seen { at_ms, store: store.to_string(), reason, text };
        // A thread that panicked while it held it has left it whole.
        let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.seen.len() >= ALERTS_MAX {
            ring.seen.pop_front();
        }
        ring.seen.push_back(seen);
        ring.count = ring.count.saturating_add(1);
    }

    /// The latest, that one first.
    #[must_use]
    pub fn latest(&self, max: usize) -> Vec<Seen> {
        let ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ring.seen.iter().rev().take(max).cloned().collect()
    }

    /// How many there were since the process began.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).count
    }
}

/// An alert in one word and in several.
fn told(alert: &Alert) -> (&'static str, String) {
    match alert {
        Alert::CutOff { code, text, .. } => (code.as_str(), text.clone()),
        Alert::TooLong { message, bytes, bytes_max, .. } => {
            ("too_long", format!("message {message} would have {bytes} bytes, and {bytes_max} are allowed"))
        }
        Alert::Refused { log, stop } => match stop.refusal() {
            Some((code, text)) => (code.as_str(), format!("{}: {text}", log.class.as_str())),
            None => {
                let class = log.class.as_str();
                (
                    "gap",
                    format!("{class}: a batch begins after what is here; the store was told where to go on"),
                )
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room_and_all_are_counted() {
        let (recent, store) = (Recent::default(), StoreId::new("store-1").unwrap());
        for number in 0..300 {
            let alert = Alert::TooLong { store: None, message: number, bytes: 9, bytes_max: 8 };
            recent.note(i64::from(number), &store, &alert);
        }
        assert_eq!((recent.count(), recent.latest(1_000).len()), (300, ALERTS_MAX));
        let latest = recent.latest(1);
        assert_eq!((latest[0].at_ms, latest[0].reason), (299, "too_long"));
    }
}
