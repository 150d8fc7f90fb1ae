//! How often something that may change all the time is told: the first change soon, and while it goes on changing ever more rarely.
//!
//! Not here: what it is. Guards invariant 6: a shop whose devices come and go does not flood its hub.

use std::time::{Duration, Instant};

/// How long after it was told it may be told again, at first.
const FIRST: Duration = Duration::from_secs(5);

/// When it was told, and how long that holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    last: Duration,
    told: Option<(Instant, Duration)>,
}

impl Pace {
    /// Of something that was never told. No change waits longer than this.
    pub(super) const fn up_to(last: Duration) -> Self {
        Self { last, told: None }
    }

    /// How long a change has to wait; nothing where it may be told now.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let (at, pause) = self.told?;
        Some(pause.saturating_sub(now.saturating_duration_since(at))).filter(|wait| !wait.is_zero())
    }

    /// It is told.
    pub(super) fn told(&mut self, now: Instant) {
        let pause = match self.told {
            // It has gone on changing.
            Some((at, pause)) if now.saturating_duration_since(at) < pause * 2 => (pause * 2).min(self.last),
            _ => FIRST,
        };
        self.told = Some((now, pause));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_all_the_time_is_told_ever_more_rarely_and_soon_again_after_a_quiet_while() {
        let (mut pace, mut now) = (Pace::up_to(Duration::from_secs(300)), Instant::now());
        let start = now;
        let mut told = Vec::new();
        for _ in 0..3_600 {
            if pace.wait(now).is_none() {
                pace.told(now);
                told.push((now - start).as_secs());
            }
            now += Duration::from_secs(1);
        }
        assert_eq!(&told[..7], [0, 5, 15, 35, 75, 155, 315]);
        assert!(told.len() < 20, "{told:?}");
        now += Duration::from_secs(900);
        assert_eq!(pace.wait(now), None);
        pace.told(now);
        assert_eq!(pace.wait(now), Some(FIRST));
    }
}
