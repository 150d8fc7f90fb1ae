//! What persons said of tasks, and for how long it holds.
//!
//! Not here: who is asked what (the fold). Guards that what a person closed is not opened again a second later, and that no more is
//! remembered than the setting says.

use super::{Config, Key, has_passed};
use aisle_event::{
    Timestamp,
    inventory::{TaskClosed, TaskEnd},
};
use serde::{Deserialize, Serialize};

/// What was last said of each kind of task and thing. Clones share everything.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Said {
    #[serde(deserialize_with = "crate::collection::map")]
    words: imbl::OrdMap<Key, Word>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Word {
    end: TaskEnd,
    at: Timestamp,
    confidence_permille: u16,
}

/// For how long what was said holds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rest {
    settle_s: u32,
    dismissed_for_s: u32,
    dismissed_rise_permille: u16,
}

impl Config {
    pub(super) const fn rest(&self) -> Rest {
        Rest {
            settle_s: self.settle_s,
            dismissed_for_s: self.dismissed_for_s,
            dismissed_rise_permille: self.dismissed_rise_permille,
        }
    }
}

impl Said {
    pub(super) fn closed(&mut self, key: Key, event: &TaskClosed, confidence_permille: u16, max: usize) {
        if event.end == TaskEnd::Obsolete {
            self.words.remove(&key);
            return;
        }
        self.words.insert(key, Word { end: event.end, at: event.at, confidence_permille });
        if self.words.len() > max {
            let oldest = self.words.iter().min_by_key(|(_, word)| word.at).map(|(key, _)| key.clone());
            oldest.and_then(|key| self.words.remove(&key));
        }
    }

    /// A person has said something about it that still holds, for one who is so sure that it is needed.
    pub(super) fn holds(&self, key: &Key, confidence_permille: u16, now: Timestamp, rest: Rest) -> bool {
        self.words.get(key).is_some_and(|word| match word.end {
            TaskEnd::Done => !has_passed(word.at, now, rest.settle_s),
            TaskEnd::Dismissed => {
                let rise = confidence_permille.saturating_sub(word.confidence_permille);
                rise < rest.dismissed_rise_permille && !has_passed(word.at, now, rest.dismissed_for_s)
            }
            TaskEnd::Obsolete => false,
        })
    }
}
