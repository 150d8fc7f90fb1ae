//! What runs since before this start, until those have seen it who have to.
//!
//! One is shown after the other, by the hand that changes what runs: what is shown never comes in the place of what was put there meanwhile, and no order waits for
//! more than one. Not here: the hand ([`crate::worker`]), what seeing it takes ([`crate::applier`]).
//! Guards: what could not be shown is not taken for what runs. What may pass is tried again, for ever and seldom: what runs is wanted.

use crate::applier::Outcome;
use aisle_fleet::{ContentHash, Slot, converge::Trouble};
use std::collections::{BTreeMap, BTreeSet};

/// How long one that could not be shown waits, in milliseconds.
const AGAIN_MS: u64 = 30_000;
/// So often it fails for something that may pass, and it counts as broken.
const TRIES_MAX: u8 = 3;

/// What could not be shown.
struct Failed {
    hash: ContentHash,
    trouble: Trouble,
    tries: u8,
    not_before_ms: u64,
}

/// How far it is. There is one entry for each slot of the machine at most.
#[derive(Default)]
pub(crate) struct Resuming {
    /// What was shown or put in each place since the start.
    shown: BTreeMap<Slot, ContentHash>,
    failed: BTreeMap<Slot, Failed>,
    /// Where something is changed just now.
    changing: BTreeSet<Slot>,
    is_busy: bool,
}

impl Resuming {
    /// Something is changed in a place, and this is to run there then.
    pub(crate) fn changes(&mut self, slot: Slot, to: Option<ContentHash>) {
        self.failed.remove(&slot);
        self.shown.extend(to.map(|hash| (slot.clone(), hash)));
        self.changing.insert(slot);
    }

    /// It was changed, or could not be.
    pub(crate) fn changed(&mut self, slot: &Slot) {
        self.changing.remove(slot);
    }

    /// Whether this, which runs, is to be shown now. `now_ms` is of the running clock.
    pub(crate) fn is_due(&self, slot: &Slot, hash: &ContentHash, now_ms: u64) -> bool {
        let failed = self.failed.get(slot).filter(|failed| failed.hash == *hash);
        let waits = failed.is_some_and(|failed| failed.trouble.is_final || now_ms < failed.not_before_ms);
        !self.is_busy && !waits && !self.changing.contains(slot) && self.shown.get(slot) != Some(hash)
    }

    /// One is being shown.
    pub(crate) const fn begun(&mut self) {
        self.is_busy = true;
    }

    /// This came of it.
    pub(crate) fn ended(&mut self, slot: Slot, hash: ContentHash, outcome: Outcome, now_ms: u64) {
        self.is_busy = false;
        if self.changing.contains(&slot) {
            // Something else comes in its place behind it.
            return;
        }
        let before = self.failed.remove(&slot).filter(|failed| failed.hash == hash);
        match outcome {
            Ok(()) => drop(self.shown.insert(slot, hash)),
            Err(trouble) => {
                let tries = before.map_or(0, |failed| failed.tries).saturating_add(1);
                let not_before_ms = now_ms.saturating_add(AGAIN_MS);
                self.failed.insert(slot, Failed { hash, trouble, tries, not_before_ms });
            }
        }
    }

    /// Why what is to run does not.
    pub(crate) fn broken(&self, slot: &Slot, hash: &ContentHash) -> Option<String> {
        let failed = self.failed.get(slot).filter(|failed| failed.hash == *hash)?;
        let is_told = failed.trouble.is_final || failed.tries >= TRIES_MAX;
        is_told.then(|| format!("it is not loaded since the node started: {}", failed.trouble.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::applier::{never, not_now};

    fn slot() -> Slot {
        "model/ranker".parse().unwrap()
    }

    fn hash(of: u8) -> ContentHash {
        ContentHash([of; 32])
    }

    #[test]
    fn what_may_pass_is_tried_again_in_a_while_and_counts_as_broken_when_it_does_not() {
        let (mut resuming, mut now_ms) = (Resuming::default(), 0);
        for tries in 1..=TRIES_MAX {
            assert_eq!(resuming.broken(&slot(), &hash(1)), None);
            assert!(resuming.is_due(&slot(), &hash(1), now_ms));
            resuming.begun();
            assert!(!resuming.is_due(&slot(), &hash(1), now_ms), "one at a time");
            resuming.ended(slot(), hash(1), Err(not_now(format!("no memory, {tries}"))), now_ms);
            assert!(!resuming.is_due(&slot(), &hash(1), now_ms), "not at once");
            now_ms += AGAIN_MS;
        }
        assert!(resuming.broken(&slot(), &hash(1)).is_some_and(|why| why.ends_with("no memory, 3")));
        assert_eq!(resuming.broken(&slot(), &hash(2)), None, "another one is not to blame");
        assert!(resuming.is_due(&slot(), &hash(1), now_ms), "it is tried on");
        resuming.ended(slot(), hash(1), Ok(()), now_ms);
        assert_eq!(resuming.broken(&slot(), &hash(1)), None);
        assert!(!resuming.is_due(&slot(), &hash(1), now_ms + AGAIN_MS));
    }

    #[test]
    fn what_would_come_to_the_same_is_broken_at_once_until_something_else_is_put_there() {
        let mut resuming = Resuming::default();
        resuming.ended(slot(), hash(1), Err(never("its cases fail")), 0);
        assert!(resuming.broken(&slot(), &hash(1)).is_some());
        assert!(!resuming.is_due(&slot(), &hash(1), u64::MAX));
        resuming.changes(slot(), Some(hash(2)));
        assert_eq!(resuming.broken(&slot(), &hash(1)), None);
    }

    #[test]
    fn nothing_is_shown_where_something_is_changed_and_what_was_put_there_needs_no_showing() {
        let mut resuming = Resuming::default();
        resuming.changes(slot(), Some(hash(2)));
        assert!(!resuming.is_due(&slot(), &hash(1), 0));
        // The one that was shown just then goes.
        resuming.ended(slot(), hash(1), Ok(()), 0);
        resuming.changed(&slot());
        assert!(!resuming.is_due(&slot(), &hash(2), 0));
        assert!(
            resuming.is_due(&slot(), &hash(1), 0),
            "it could not be changed, so what ran before has to run"
        );
    }
}
