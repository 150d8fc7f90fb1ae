//! Keeps somebody who is refused a thousand times a second from filling the audit log.
//!
//! The first few of a minute are written, by person and action; the rest is counted by a metric. Bounded: when too many are looked at, the count begins anew, which
//! writes more and not less.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// How many of a minute are written.
const WRITTEN_MAX: u32 = 20;
/// The most persons and actions that are looked at.
const LOOKED_AT_MAX: usize = 1_000;
/// A minute, in milliseconds.
const MINUTE_MS: i64 = 60_000;

/// By person and action: which minute it is about, and how many there were.
type Counted = HashMap<(String, &'static str), (i64, u32)>;

/// Counts refusals.
#[derive(Debug, Default)]
pub(super) struct Damper(Mutex<Counted>);

impl Damper {
    /// Whether this one is to be written.
    pub(super) fn lets(&self, actor: &str, action: &'static str, now_ms: i64) -> bool {
        let minute = now_ms.div_euclid(MINUTE_MS);
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() >= LOOKED_AT_MAX {
            counted.clear();
        }
        let (of, count) = counted.entry((actor.to_owned(), action)).or_insert((minute, 0));
        if *of != minute {
            (*of, *count) = (minute, 0);
        }
        *count = count.saturating_add(1);
        *count <= WRITTEN_MAX
    }
}
