//! The floor, shared with the TLS library.

use crate::moment::{from_unix, to_unix};
use aisle_event::Timestamp;
use rustls::time_provider::TimeProvider;
use rustls_pki_types::UnixTime;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// A time that has been, which many hold and which only rises. Whoever has a [`TrustedTime`](super::TrustedTime) raises it every few seconds to what that says.
#[derive(Debug, Clone, Default)]
pub struct Floor(Arc<AtomicI64>);

impl Floor {
    /// From this time on.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(at.0)))
    }

    /// Raises it. Nothing happens when it is higher.
    pub fn raise(&self, at: Timestamp) {
        self.0.fetch_max(at.0, Ordering::Relaxed);
    }

    /// Where it is.
    #[must_use]
    pub fn get(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }

    /// The time to judge a chain by: the floor, or the latest beginning in the chain, because it has been.
    pub(crate) fn to_judge(&self, beginnings: impl Iterator<Item = Timestamp>) -> UnixTime {
        to_unix(beginnings.fold(self.get(), Timestamp::max))
    }
}

impl TimeProvider for Floor {
    fn current_time(&self) -> Option<UnixTime> {
        // Whole seconds, as every other provider gives them.
        Some(to_unix(from_unix(to_unix(self.get()))))
    }
}
