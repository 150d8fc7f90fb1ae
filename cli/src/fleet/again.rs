//! When something is asked again, and after how long: a decision, without a clock.
//!
//! Asked again is what surely was not done, and what is done once though it is asked twice: what reads, and what changes with an `Idempotency-Key`. Guards: every retry has a bound.

use std::time::Duration;

/// How often something is asked, at most.
pub(super) const TRIES_MAX: u32 = 4;
/// The first wait; each next one is twice as long.
const WAIT_MS: u64 = 500;
/// The longest wait that a hub can ask for, in seconds.
const WAIT_S_MAX: u64 = 15;

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// It never reached a hub.
    Unreached,
    /// It may have reached one, and there is no answer.
    Broken,
    /// It cannot get better by itself: no such name, a certificate that is not believed.
    Hopeless,
    /// An answer, and in how many seconds it should be tried again, where it says so.
    Answered(u16, Option<u64>),
}

/// How long to wait before it is asked again; nothing where it is not. `once`: it is done once however often it is asked. `tries`: so often it was asked.
pub(super) fn wait(came: Came, once: bool, tries: u32) -> Option<Duration> {
    if tries >= TRIES_MAX {
        return None;
    }
    let own = Duration::from_millis(WAIT_MS << tries.saturating_sub(1).min(8));
    match came {
        Came::Unreached => Some(own),
        Came::Broken => once.then_some(own),
        // 409 with a time is the same request that is being done just now.
        Came::Answered(429 | 502..=504, after) if once => Some(asked(after, own)?),
        Came::Answered(409, Some(after)) if once => asked(Some(after), own),
        Came::Hopeless | Came::Answered(..) => None,
    }
}

fn asked(after: Option<u64>, own: Duration) -> Option<Duration> {
    match after {
        None => Some(own),
        // Nobody sits before a terminal for so long.
        Some(seconds) if seconds > WAIT_S_MAX => None,
        Some(seconds) => Some(Duration::from_secs(seconds).max(own)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Came, TRIES_MAX, wait};
    use std::time::Duration;

    #[test]
    fn only_what_is_safe_is_asked_again() {
        assert!(wait(Came::Unreached, false, 1).is_some());
        assert!(wait(Came::Broken, false, 1).is_none());
        assert!(wait(Came::Broken, true, 1).is_some());
        assert!(wait(Came::Hopeless, true, 1).is_none());
        assert!(wait(Came::Answered(503, None), true, 1).is_some());
        assert!(wait(Came::Answered(503, None), false, 1).is_none());
        assert!(wait(Came::Answered(409, None), true, 1).is_none(), "a conflict is an answer");
        assert!(wait(Came::Answered(409, Some(2)), true, 1).is_some(), "it is being done");
        for status in [200, 400, 401, 403, 404, 500] {
            assert!(wait(Came::Answered(status, None), true, 1).is_none(), "{status}");
        }
    }

    #[test]
    fn waits_grow_and_end() {
        let waits: Vec<_> = (1..=TRIES_MAX).map(|tries| wait(Came::Unreached, true, tries)).collect();
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(waits, [ms(500), ms(1_000), ms(2_000), None]);
        assert_eq!(wait(Came::Answered(429, Some(3)), true, 1), ms(3_000));
        assert_eq!(wait(Came::Answered(429, Some(3_600)), true, 1), None);
    }
}
