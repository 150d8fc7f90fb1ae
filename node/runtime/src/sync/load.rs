//! How busy the kiosk is: the requests that are being worked on, counted as they come and go.
//!
//! Not here: what follows from it (`aisle_transport`'s governor). Guards invariant 5: sync takes what the shopper leaves.

use super::config::RawKiosk;
use aisle_transport::client::{Load, Pressure};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The requests that are being worked on.
#[derive(Debug)]
pub(crate) struct InFlight {
    count: AtomicUsize,
    bounds: RawKiosk,
}

impl InFlight {
    pub(super) const fn new(bounds: RawKiosk) -> Self {
        Self { count: AtomicUsize::new(0), bounds }
    }
}

impl Load for InFlight {
    fn pressure(&self) -> Pressure {
        let count = self.count.load(Ordering::Relaxed);
        if count >= self.bounds.saturated_requests {
            Pressure::Saturated
        } else if count >= self.bounds.busy_requests {
            Pressure::Busy
        } else {
            Pressure::Idle
        }
    }
}

/// One of them; it is over when this is dropped, however it ended.
struct Counted<'a>(&'a InFlight);

impl<'a> Counted<'a> {
    fn new(load: &'a InFlight) -> Self {
        load.count.fetch_add(1, Ordering::Relaxed);
        Self(load)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts a request until its answer begins.
pub(crate) async fn count(State(load): State<Arc<InFlight>>, request: Request, next: Next) -> Response {
    let _counted = Counted::new(&load);
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_follows_the_requests_that_are_being_worked_on() {
        let load = InFlight::new(RawKiosk { busy_requests: 1, saturated_requests: 2 });
        assert_eq!(load.pressure(), Pressure::Idle);
        let one = Counted::new(&load);
        assert_eq!(load.pressure(), Pressure::Busy);
        let two = Counted::new(&load);
        assert_eq!(load.pressure(), Pressure::Saturated);
        drop((one, two));
        assert_eq!(load.pressure(), Pressure::Idle);
    }
}
