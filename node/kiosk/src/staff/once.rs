//! [`Once`]: a form that is sent twice is done once.
//!
//! A thumb taps twice, a browser sends again what it had no answer for. What was sent the second time waits for the first and
//! gets its answer. What was refused may be sent again.
//! Guards invariant 6: only so many are remembered, the latest.

use super::{ActError, Action};
use aisle_event::Name;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::OnceCell;

/// How many forms are remembered.
const FORMS_MAX: usize = 1024;

/// What came of a form; empty while it is being worked on.
pub(super) type Outcome = Arc<OnceCell<Result<(), ActError>>>;

/// One sending of one form, whoever carries it.
pub(super) type Form = [u8; 32];

/// Forms that were sent.
#[derive(Default)]
pub(super) struct Once(Mutex<Known>);

#[derive(Default)]
struct Known {
    outcomes: HashMap<Form, Outcome>,
    /// By the order in which they came.
    order: VecDeque<Form>,
}

/// The mark that a page puts into a form, so that two of the same content are told apart.
pub(super) fn mark() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// Which form it is; nothing when it cannot be told from another one that says the same.
pub(super) fn form(action: &Action, by: &Name, mark: Option<&str>) -> Option<Form> {
    // What these are about ends with them.
    let is_its_own =
        matches!(action, Action::FinishTask { .. } | Action::DismissTask { .. } | Action::Acknowledge { .. });
    let mark = if is_its_own { "" } else { mark? };
    Some(blake3::hash(format!("{by:?} {action:?} {mark:?}").as_bytes()).into())
}

impl Once {
    /// What came of a form, or will.
    pub(super) fn outcome(&self, form: Form) -> Outcome {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = known.outcomes.get(&form) {
            return outcome.clone();
        }
        if known.order.len() >= FORMS_MAX
            && let Some(oldest) = known.order.pop_front()
        {
            known.outcomes.remove(&oldest);
        }
        let outcome = Outcome::default();
        known.order.push_back(form);
        known.outcomes.insert(form, outcome.clone());
        outcome
    }

    /// It was not done, and may be sent again.
    pub(super) fn forget(&self, form: &Form) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.outcomes.remove(form);
        known.order.retain(|other| other != form);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded_and_what_was_refused_is_not() {
        let once = Once::default();
        for number in 0..3 * FORMS_MAX as u64 {
            let form = blake3::hash(&number.to_be_bytes()).into();
            let first = once.outcome(form);
            assert!(Arc::ptr_eq(&first, &once.outcome(form)));
            if number % 2 == 0 {
                once.forget(&form);
                assert!(!Arc::ptr_eq(&first, &once.outcome(form)));
            }
        }
        let known = once.0.lock().unwrap();
        assert_eq!((known.outcomes.len(), known.order.len()), (FORMS_MAX, FORMS_MAX));
    }
}
