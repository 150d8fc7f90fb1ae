//! Nodes that go silent: because of the release, or because shops close.
//!
//! A release that takes nodes off the line must not look like a holiday, nor a holiday like such a release. Nobody can see the difference at a node that is silent;
//! it is seen by those that do not run it. At night and on a holiday they are silent too; where the release does it, they are not. So the share of those
//! that run it is held against the share of the others, and where many of both are silent it is waited for them, a `deadline_minutes` long at most. Where too few are left to
//! compare with, as in the last wave, only who is silent for longer than shops are closed counts.
//!
//! **Who was given it and has not begun**, because its window is closed or its bytes are not there, is neither. It does not run the release, so that its death takes nothing back. And it is no
//! fair comparison: those that live leave that group by beginning, and those that have died stay, so that what is left of a wave that is nearly through is the dead, and next to them
//! every release looks harmless. Leaving out the dead alone would be worse: at night those that are closed would be left out with them, and the night be held against the release. So who is
//! in the group must not depend on who is silent: those that run it are compared with those that were not given it yet, whom the order of the rollout has chosen by hash. Only where too few
//! of these are left, next to those that run it or next to those that were given it, do those that were given it count as well, silent ones too, until they have been silent for longer than shops are closed: that is no night any more, and they are dead.

use super::Verdict;

/// Longer than shops are closed, in milliseconds: a week.
pub const CLOSED_MS_MAX: u64 = 7 * 24 * 3_600_000;
/// One node alone says nothing.
const DARK_MIN: u64 = 2;
/// Those that do not run it are enough to compare with when there is one for so many that do.
const RUN_IT_PER_OTHER: u64 = 4;

/// How many nodes are silent: of those that run the release, and of those that do not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Silence {
    /// Nodes that run it, or were about to when they were last heard of.
    pub of: u64,
    /// Those of them that are not heard of.
    pub dark: u64,
    /// Those of them that have not been for less than the deadline of a node.
    pub dark_short: u64,
    /// Those of them that have not been for longer than shops are closed, [`CLOSED_MS_MAX`].
    pub dark_long: u64,
    /// Nodes that were not given it, and have been there since the rollout began.
    pub others: u64,
    /// Those of them that are not heard of.
    pub others_away: u64,
    /// Nodes that were given it and have not begun, but for those that have been silent for longer than shops are closed.
    pub given: u64,
    /// Those of them that are not heard of.
    pub given_away: u64,
}

impl Silence {
    /// Counts one that runs it, with for how long it has not been heard of.
    pub(crate) fn add(&mut self, silent_ms: Option<u64>, deadline_ms: u64) {
        self.of += 1;
        self.dark += u64::from(silent_ms.is_some());
        self.dark_short += u64::from(silent_ms.is_some_and(|ms| ms <= deadline_ms));
        self.dark_long += u64::from(silent_ms.is_some_and(|ms| ms > CLOSED_MS_MAX));
    }

    /// Counts one that was not given it.
    pub(crate) fn add_other(&mut self, silent_ms: Option<u64>) {
        self.others += 1;
        self.others_away += u64::from(silent_ms.is_some());
    }

    /// Counts one that was given it and has not begun.
    pub(crate) fn add_given(&mut self, silent_ms: Option<u64>) {
        if silent_ms.is_none_or(|ms| ms <= CLOSED_MS_MAX) {
            self.given += 1;
            self.given_away += u64::from(silent_ms.is_some());
        }
    }

    /// How many are compared with, and how many of them are not heard of.
    pub(super) const fn compared(&self) -> (u64, u64) {
        // A few beside many that were given it say less of the hour than those.
        let is_handful = self.others.saturating_mul(RUN_IT_PER_OTHER) < self.given;
        if self.is_enough(self.others) && !is_handful {
            return (self.others, self.others_away);
        }
        (self.others.saturating_add(self.given), self.others_away.saturating_add(self.given_away))
    }

    /// True when so many are enough to compare with.
    const fn is_enough(&self, others: u64) -> bool {
        others >= DARK_MIN && others.saturating_mul(RUN_IT_PER_OTHER) >= self.of
    }

    /// What follows, where so many of a hundred may go dark, and chance may be taken for the release with probability `alpha`.
    pub(super) fn verdict(&self, percent_max: u64, alpha: f64) -> Verdict {
        let is_many =
            |dark: u64| dark >= DARK_MIN && dark.saturating_mul(100) > self.of.saturating_mul(percent_max);
        let others = self.compared();
        let is_fail = if self.is_enough(others.0) {
            is_many(self.dark) && self.is_more_than(others, percent_max, alpha)
        } else {
            is_many(self.dark_long)
        };
        match () {
            () if is_fail => Verdict::Fail,
            () if is_many(self.dark_short) => Verdict::Wait,
            () => Verdict::Pass,
        }
    }

    /// True when the difference to the others is more than may be, and no chance: were each of those that run it silent as often as one of the others, so many would be
    /// with probability `exp(-n·KL(dark/n ‖ others))` at most (Chernoff, 1952).
    fn is_more_than(&self, (others, away): (u64, u64), percent_max: u64, alpha: f64) -> bool {
        let usual = away as f64 / others as f64;
        let (of, others) = (u128::from(self.of), u128::from(others));
        let (dark, away) = (u128::from(self.dark), u128::from(away));
        if dark * others * 100 <= u128::from(percent_max) * of * others + away * of * 100 {
            return false;
        }
        if away == 0 {
            return true;
        }
        // What is usual is above zero by now, and below the share of those that run it, which is at most one.
        let share = self.dark as f64 / self.of as f64;
        let term = |share: f64, usual: f64| if share > 0.0 { share * (share / usual).ln() } else { 0.0 };
        let apart = term(share, usual) + term(1.0 - share, 1.0 - usual);
        (-(self.of as f64) * apart).exp() <= alpha
    }
}
