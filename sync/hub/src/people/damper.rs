//! Keeps somebody who is refused a thousand times a second from filling the audit log.
//!
//! The first few of a minute are written, by person and action; the rest is counted by a metric. Whoever is not known is told apart by the network that they come
//! from, and of all of them together no more than [`STRANGERS_MAX`] rows of an action get into a minute: nobody has as many addresses as they like. Bounded: when too
//! many are looked at, the count of persons begins anew, which writes more and not less; that of strangers does not.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::{audit::By, lockout::Subject};

/// How many of a minute are written.
const WRITTEN_MAX: u32 = 20;
/// How many of a minute are written of all who are not known, for each action.
const STRANGERS_MAX: u32 = 200;
/// The most persons and actions that are looked at.
const LOOKED_AT_MAX: usize = 1_000;
/// A minute, in milliseconds.
const MINUTE_MS: i64 = 60_000;

/// By person and action: which minute it is about, and how many there were.
type Counted<K> = HashMap<K, (i64, u32)>;

/// Counts refusals.
#[derive(Debug, Default)]
pub(super) struct Damper(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    persons: Counted<(String, &'static str)>,
    /// By action alone, so it has their bound.
    strangers: Counted<&'static str>,
}

/// One more of a minute.
const fn add((of, count): &mut (i64, u32), minute: i64) -> u32 {
    if *of != minute {
        (*of, *count) = (minute, 0);
    }
    *count = count.saturating_add(1);
    *count
}

impl Damper {
    /// Whether this one is to be written.
    pub(super) fn lets(&self, by: &By, action: &'static str, now_ms: i64) -> bool {
        let minute = now_ms.div_euclid(MINUTE_MS);
        let is_stranger = by.id.is_empty();
        let actor = if is_stranger { Subject::address(&by.address).key() } else { by.id.clone() };
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Counts { persons, strangers } = &mut *counts;
        if persons.len() >= LOOKED_AT_MAX {
            persons.clear();
        }
        let is_few = add(persons.entry((actor, action)).or_insert((minute, 0)), minute) <= WRITTEN_MAX;
        is_few
            && (!is_stranger || add(strangers.entry(action).or_insert((minute, 0)), minute) <= STRANGERS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(id: &str, address: String) -> By {
        By { id: id.into(), name: id.into(), way: "token", address }
    }

    #[test]
    fn strangers_fill_no_log_however_many_addresses_they_have_and_hide_nobody_who_is_known() {
        let damper = Damper::default();
        // One network of IPv6 is one stranger.
        let of_one = (0..100).filter(|host| damper.lets(&by("", format!("2001:db8::{host:x}")), "a", 0));
        assert_eq!(of_one.count(), WRITTEN_MAX as usize);
        let of_many = (0..5_000)
            .filter(|host| damper.lets(&by("", format!("10.0.{}.{}", host / 250, host % 250)), "a", 0));
        assert_eq!(of_many.count(), (STRANGERS_MAX - WRITTEN_MAX) as usize);
        assert!(damper.lets(&by("u-1", "10.0.0.1".into()), "a", 0), "somebody who is known");
        assert!(damper.lets(&by("", "10.0.0.1".into()), "b", 0), "another action");
        assert!(damper.lets(&by("", "10.0.0.1".into()), "a", MINUTE_MS), "another minute");
    }
}
