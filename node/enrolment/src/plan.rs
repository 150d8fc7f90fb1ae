//! When something is done next. Pure: times and draws are passed in.
//!
//! Guards invariant 6: a hub that is down is not called more often than it can bear, by nobody.

use aisle_event::Timestamp;
use aisle_provisioning::{certificate::Facts, renewal, time::Verdict};

/// The longest wait between two tries of a claim, in milliseconds: somebody stands beside the box.
pub(crate) const CLAIM_WAIT_MS_MAX: u64 = 60_000;
const CLAIM_WAIT_MS_FIRST: u64 = 2_000;
/// A wait that a hub asks for during a claim is at least this, in milliseconds.
const ASKED_MS_MIN: u64 = 500;

/// How long a claim waits before the next try: anything from a quarter of a bound that doubles up to that bound. What the hub asked for counts in its place
/// when it is waiting that it asked for.
pub(crate) fn claim_wait_ms(failed: u32, draw: u64, asked_ms: Option<u64>) -> u64 {
    if let Some(asked) = asked_ms {
        // A tenth later at most, so that boxes that were set up together do not stay together.
        return asked.max(ASKED_MS_MIN) + draw % (asked.max(ASKED_MS_MIN) / 10 + 1);
    }
    let bound = CLAIM_WAIT_MS_FIRST.saturating_mul(1 << failed.min(16)).min(CLAIM_WAIT_MS_MAX);
    let least = bound / 4;
    least + draw % (bound - least + 1)
}

/// How long until the hub is visited again: three quarters of the interval to five.
pub(crate) fn visit_wait_ms(interval_ms: u64, draw: u64) -> u64 {
    let least = interval_ms / 4 * 3;
    least + draw % (interval_ms / 2 + 1)
}

/// Whether a certificate is to be renewed now: its time has come, or it has ended for sure.
pub(crate) fn is_due(facts: &Facts, guess: Timestamp, verdict: Verdict) -> bool {
    verdict != Verdict::Holds || guess >= renewal::due_at(facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_their_bound_and_are_never_nothing() {
        for draw in [0, 1, u64::MAX / 2, u64::MAX] {
            let mut last = 0;
            for failed in 0..40 {
                let bound = claim_wait_ms(failed, u64::MAX, None);
                let wait = claim_wait_ms(failed, draw, None);
                assert!((500..=CLAIM_WAIT_MS_MAX).contains(&wait), "{failed} {draw}: {wait}");
                last = last.max(bound);
            }
            assert!(last <= CLAIM_WAIT_MS_MAX);
        }
    }

    #[test]
    fn what_a_hub_asks_for_is_waited_and_not_much_more() {
        for draw in [0, 7, u64::MAX] {
            assert!((5_000..=5_500).contains(&claim_wait_ms(9, draw, Some(5_000))));
            assert!((500..=550).contains(&claim_wait_ms(0, draw, Some(0))));
        }
    }

    #[test]
    fn visits_are_spread() {
        assert_eq!(visit_wait_ms(900_000, 0), 675_000);
        assert!((675_000..=1_125_000).contains(&visit_wait_ms(900_000, u64::MAX)));
    }
}
