//! How long a device waits after wrong passwords. Time is passed in.
//!
//! Guards the bound on guessing: after a few free failures each further one doubles the wait, up to a minute. The table is
//! bounded; who floods it with names pays a password check for each.

use super::recent::Recent;
use std::time::{Duration, Instant};

/// The first wait.
const WAIT_FIRST: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Backoff {
    failures: Recent<Box<str>, Failures>,
    free: u32,
    wait_max: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    until: Instant,
}

impl Backoff {
    pub(crate) fn new(devices_max: usize, free: u32, wait_max: Duration) -> Self {
        Self { failures: Recent::new(devices_max), free, wait_max }
    }

    /// How long this device still has to wait.
    pub(crate) fn wait(&mut self, device: &str, now: Instant) -> Option<Duration> {
        let failures = self.failures.get(device)?;
        failures.until.checked_duration_since(now).filter(|wait| !wait.is_zero())
    }

    pub(crate) fn failed(&mut self, device: &str, now: Instant) {
        let count = self.failures.get(device).map_or(0, |failures| failures.count).saturating_add(1);
        let doublings = count.checked_sub(self.free.saturating_add(1));
        let wait = doublings.map_or(Duration::ZERO, |doublings| {
            WAIT_FIRST.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX)).min(self.wait_max)
        });
        self.failures.insert(device.into(), Failures { count, until: now + wait });
    }

    pub(crate) fn succeeded(&mut self, device: &str) {
        self.failures.remove(device);
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;
    use std::time::{Duration, Instant};

    #[test]
    fn waits_double_after_the_free_failures_up_to_their_bound_and_end_with_a_success() {
        let mut backoff = Backoff::new(16, 2, Duration::from_secs(5));
        let now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..6 {
            backoff.failed("fridge-7", now);
            waits.push(backoff.wait("fridge-7", now).map_or(0, |wait| wait.as_secs()));
        }
        assert_eq!(waits, [0, 0, 1, 2, 4, 5]);
        assert_eq!(backoff.wait("fridge-8", now), None);
        assert_eq!(backoff.wait("fridge-7", now + Duration::from_secs(6)), None);
        backoff.succeeded("fridge-7");
        backoff.failed("fridge-7", now);
        assert_eq!(backoff.wait("fridge-7", now), None);
    }
}
