//! How long to wait after a failure: random between the shortest wait and an upper end that doubles (full jitter), so that
//! many who lost the same broker do not come back at once.

/// The waits after failures in a row.
#[derive(Debug)]
pub(super) struct Backoff {
    min_ms: u64,
    max_ms: u64,
    upper_ms: u64,
}

impl Backoff {
    pub(super) const fn new(min_ms: u64, max_ms: u64) -> Self {
        Self { min_ms, max_ms, upper_ms: min_ms }
    }

    /// Another failure: how long to wait.
    pub(super) fn next_ms(&mut self) -> u64 {
        self.upper_ms = self.upper_ms.saturating_mul(2).min(self.max_ms);
        rand::random_range(self.min_ms..=self.upper_ms.max(self.min_ms))
    }

    /// It went well.
    pub(super) const fn reset(&mut self) {
        self.upper_ms = self.min_ms;
    }

    /// There was no failure since it last went well.
    pub(super) const fn is_reset(&self) -> bool {
        self.upper_ms == self.min_ms
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;

    #[test]
    fn waits_grow_up_to_the_bound_and_stay_between_the_bounds() {
        let mut backoff = Backoff::new(100, 1_000);
        for upper in [200, 400, 800, 1_000, 1_000] {
            let wait = backoff.next_ms();
            assert!((100..=upper).contains(&wait), "{wait} is not within 100 to {upper}");
        }
        backoff.reset();
        assert!(backoff.next_ms() <= 200);
    }

    #[test]
    fn equal_bounds_make_a_constant_wait() {
        let mut backoff = Backoff::new(50, 50);
        assert_eq!((backoff.next_ms(), backoff.next_ms()), (50, 50));
    }
}
