//! Keeps somebody who is refused a thousand times a second from filling the audit log.
//!
//! The first few of a minute are written, by person and action; the rest is counted by a metric. Whoever is not known is told apart by the network that they come
//! from, and of all of them together no more than [`STRANGERS_MAX`] rows of an action get into a minute and [`STRANGERS_A_DAY_MAX`] into a day: nobody has as many addresses
//! as they like, and no network has the whole day for itself. How many came once a day had enough is told with the first one that is let through after it.
//!
//! Bounded: when too many are looked at, the count of persons begins anew, which writes more and not less; that of strangers does not. Each hub counts for itself, from its start.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, PoisonError},
};

use super::{audit::By, lockout::Subject};

/// How many of a minute are written.
const WRITTEN_MAX: u32 = 20;
/// How many of a day are written of one network that is not known: whoever has the patience for it leaves room for the others.
const OF_ONE_A_DAY_MAX: u32 = 500;
/// How many of a minute are written of all who are not known, for each action.
const STRANGERS_MAX: u32 = 200;
/// The same of a day: whoever has the patience for it fills no disk.
pub(super) const STRANGERS_A_DAY_MAX: u32 = 5_000;
/// The most persons and actions that are looked at.
const LOOKED_AT_MAX: usize = 1_000;
/// A minute and a day, in milliseconds.
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// Which minute or day it is about, and how many there were.
type Count = (i64, u32);

/// Counts refusals.
#[derive(Debug, Default)]
pub(super) struct Damper(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// By person and action: of a minute, and of a day where the person is not known.
    persons: HashMap<(String, &'static str), (Count, Count)>,
    /// By action alone, so it has their bound.
    strangers: HashMap<&'static str, Strangers>,
}

/// All who are not known, and one action.
#[derive(Debug, Default)]
struct Strangers {
    minute: Count,
    day: Count,
    /// How many came when the day had enough.
    left_out: u64,
}

/// One more of a minute or a day.
const fn add((of, count): &mut Count, now: i64) -> u32 {
    if *of != now {
        (*of, *count) = (now, 0);
    }
    *count = count.saturating_add(1);
    *count
}

impl Strangers {
    /// One more, who is one of few in this minute or not.
    fn lets(&mut self, is_few: bool, minute: i64, day: i64) -> Option<u64> {
        if self.day.0 == day && self.day.1 >= STRANGERS_A_DAY_MAX {
            self.left_out = self.left_out.saturating_add(1);
            return None;
        }
        if !is_few || add(&mut self.minute, minute) > STRANGERS_MAX {
            return None;
        }
        add(&mut self.day, day);
        Some(mem::take(&mut self.left_out))
    }
}

impl Damper {
    /// Whether this one is to be written; and how many are to be told of with it that were left out when a day had enough.
    pub(super) fn lets(&self, by: &By, action: &'static str, now_ms: i64) -> Option<u64> {
        let (minute, day) = (now_ms.div_euclid(MINUTE_MS), now_ms.div_euclid(DAY_MS));
        let is_stranger = by.id.is_empty();
        let actor = if is_stranger { Subject::address(&by.address).key() } else { by.id.clone() };
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Counts { persons, strangers } = &mut *counts;
        if persons.len() >= LOOKED_AT_MAX {
            persons.clear();
        }
        let (of_minute, of_day) = persons.entry((actor, action)).or_default();
        let is_few = add(of_minute, minute) <= WRITTEN_MAX;
        if is_stranger {
            let is_few = is_few && add(of_day, day) <= OF_ONE_A_DAY_MAX;
            return strangers.entry(action).or_default().lets(is_few, minute, day);
        }
        is_few.then_some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{People, Settings, telemetry::Telemetry},
        *,
    };
    use crate::database::{Bounds, Database, Location};

    fn by(id: &str, address: String) -> By {
        By { id: id.into(), name: id.into(), way: "token", address }
    }

    #[test]
    fn strangers_fill_no_log_however_many_addresses_they_have_and_hide_nobody_who_is_known() {
        let damper = Damper::default();
        // One network of IPv6 is one stranger.
        let lets = |by: &By, action, now_ms| damper.lets(by, action, now_ms).is_some();
        let of_one = (0..100).filter(|host| lets(&by("", format!("2001:db8::{host:x}")), "a", 0));
        assert_eq!(of_one.count(), WRITTEN_MAX as usize);
        let of_many =
            (0..5_000).filter(|host| lets(&by("", format!("10.0.{}.{}", host / 250, host % 250)), "a", 0));
        assert_eq!(of_many.count(), (STRANGERS_MAX - WRITTEN_MAX) as usize);
        assert!(lets(&by("u-1", "10.0.0.1".into()), "a", 0), "somebody who is known");
        assert!(lets(&by("", "10.0.0.1".into()), "b", 0), "another action");
        assert!(lets(&by("", "10.0.0.1".into()), "a", MINUTE_MS), "another minute");
    }

    #[test]
    fn strangers_with_patience_fill_no_log_either_and_how_many_were_left_out_is_told_once() {
        let damper = Damper::default();
        // So few in each minute that no minute has enough.
        let of_day = |day: i64, action| {
            let address = |minute: i64| format!("10.{day}.{}.{}", minute / 250, minute % 250);
            let all = (0..1_440).flat_map(|minute| [minute; 10]);
            all.filter_map(|minute| {
                damper.lets(&by("", address(minute)), action, day * DAY_MS + minute * MINUTE_MS)
            })
            .collect::<Vec<_>>()
        };
        let most = STRANGERS_A_DAY_MAX as usize;
        let first = of_day(0, "a");
        assert_eq!((first.len(), first.iter().sum::<u64>()), (most, 0));
        assert!(
            damper.lets(&by("u-1", "10.0.0.1".into()), "a", DAY_MS - 1).is_some(),
            "somebody who is known"
        );
        assert_eq!(of_day(0, "b").len(), most, "another action");
        // What ten a minute were beyond the bound, with the first of the next day.
        let next = of_day(1, "a");
        assert_eq!((next.len(), next[0], next[1..].iter().sum::<u64>()), (most, 14_400 - most as u64, 0));
    }

    #[test]
    fn one_stranger_with_patience_leaves_room_for_the_others() {
        let damper = Damper::default();
        let one = by("", "192.0.2.1".into());
        let written = (0..1_440).flat_map(|minute| [minute; 20]);
        let written = written.filter(|minute| damper.lets(&one, "a", minute * MINUTE_MS).is_some());
        assert_eq!(written.count(), OF_ONE_A_DAY_MAX as usize);
        let other = by("", "192.0.2.2".into());
        assert_eq!(
            damper.lets(&other, "a", DAY_MS - 1),
            Some(0),
            "nothing was left out of a day that had room"
        );
        assert!(damper.lets(&one, "a", DAY_MS).is_some(), "another day");
    }

    #[tokio::test]
    async fn how_many_were_left_out_stands_in_the_log_before_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(folder.path().join("hub.db"));
        let database = Database::open(&location, &Bounds::default()).await.unwrap();
        let people = People::new(database.clone(), "hub-1", Settings::default(), Telemetry::default());
        let stranger = by("", "192.0.2.1".into());
        for number in 0..i64::from(STRANGERS_A_DAY_MAX) + 7 {
            let one = by("", format!("10.0.0.{}", number % 20));
            people.0.damper.lets(&one, "session.use", number / 10 * MINUTE_MS);
        }
        for at_ms in [DAY_MS - 1, DAY_MS, DAY_MS + 1] {
            let line = people.line(stranger.clone(), "session.use", "", at_ms);
            people.refused(line, "no such session").await.unwrap();
        }
        let rows = database.audit_after(0, 10).await.unwrap();
        let told: Vec<_> = rows.iter().map(|row| (row.address.as_str(), row.reason.as_str())).collect();
        let left_out = "8 more of somebody not known were counted and not written: 5000 of a day are";
        let written = ("192.0.2.1", "no such session");
        assert_eq!(told, [("", left_out), written, written]);
        assert!(rows.iter().all(|row| row.action == "session.use" && row.outcome == "refused"), "{rows:?}");
    }
}
