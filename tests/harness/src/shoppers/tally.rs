//! What a crowd did so far, counted without locks.

use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters that all shoppers of a crowd share.
#[derive(Debug, Default)]
pub struct Tally {
    pub(super) requests: AtomicU64,
    pub(super) refusals: AtomicU64,
    pub(super) errors: AtomicU64,
    pub(super) active: AtomicU64,
    pub(super) sessions: AtomicU64,
    pub(super) views: AtomicU64,
    pub(super) shown: AtomicU64,
    pub(super) followed: AtomicU64,
    pub(super) sales: AtomicU64,
    pub(super) request_us: AtomicU64,
    pub(super) request_us_max: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Answers received, good or bad.
    pub requests: u64,
    /// Answers that say no for a reason (4xx), such as sold out.
    pub refusals: u64,
    /// Requests without an answer, answers of the node's fault (5xx), answers that cannot be read.
    pub errors: u64,
    /// Shoppers in a session now.
    pub active: u64,
    /// Sessions started.
    pub sessions: u64,
    /// Product pages opened.
    pub views: u64,
    /// Rows of recommendations seen.
    pub shown: u64,
    /// Recommendations followed.
    pub followed: u64,
    /// Baskets paid.
    pub sales: u64,
    /// Microseconds of an average request.
    pub request_us_mean: u64,
    /// Microseconds of the slowest request.
    pub request_us_max: u64,
}

impl Tally {
    /// The counters now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let requests = self.requests.load(Relaxed);
        Counts {
            requests,
            refusals: self.refusals.load(Relaxed),
            errors: self.errors.load(Relaxed),
            active: self.active.load(Relaxed),
            sessions: self.sessions.load(Relaxed),
            views: self.views.load(Relaxed),
            shown: self.shown.load(Relaxed),
            followed: self.followed.load(Relaxed),
            sales: self.sales.load(Relaxed),
            request_us_mean: self.request_us.load(Relaxed) / requests.max(1),
            request_us_max: self.request_us_max.load(Relaxed),
        }
    }
}

/// Adds one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
