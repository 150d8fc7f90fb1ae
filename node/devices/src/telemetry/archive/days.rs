//! Which files there are: their names, days and bytes.
//!
//! Not here: what is in them (`file`). Names are in UTC, so no change of a time zone renames anything.

use super::DAY_HOURS;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use std::collections::BTreeMap;

const DAY_S: i64 = 86_400;

/// The files by day, as a number since 1970.
#[derive(Debug, Default)]
pub(super) struct Days(BTreeMap<i64, Day>);

#[derive(Debug, Default)]
struct Day {
    whole: Option<u64>,
    hours: BTreeMap<i64, u64>,
}

impl Day {
    fn bytes(&self) -> u64 {
        self.whole.unwrap_or_default() + self.hours.values().sum::<u64>()
    }
}

/// `2026-11-21`.
pub(super) fn name_of_day(day: i64) -> Option<String> {
    let at = Timestamp::from_second(day.checked_mul(DAY_S)?).ok()?;
    Some(at.to_zoned(TimeZone::UTC).date().to_string())
}

/// `2026-11-21T10.hour`.
pub(super) fn name_of_hour(hour: i64) -> Option<String> {
    Some(format!("{}T{:02}.hour", name_of_day(hour.div_euclid(DAY_HOURS))?, hour.rem_euclid(DAY_HOURS)))
}

fn number_of(day: &str) -> Option<i64> {
    let date: Date = day.parse().ok()?;
    let midnight = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(midnight.as_second().div_euclid(DAY_S))
}

/// The day and, for a file of one hour, the hour that a name is of.
fn parsed(name: &str) -> Option<(i64, Option<i64>)> {
    if let Some(day) = name.strip_suffix(".day") {
        return Some((number_of(day)?, None));
    }
    let (day, hour) = name.strip_suffix(".hour")?.split_once('T')?;
    let hour = hour.parse().ok().filter(|hour| (0..DAY_HOURS).contains(hour))?;
    Some((number_of(day)?, Some(hour)))
}

impl Days {
    /// Notes a file by its name; what has no such name is nobody's.
    pub(super) fn add_named(&mut self, name: &str, bytes: u64) {
        match parsed(name) {
            Some((day, None)) => self.set_day(day, bytes),
            Some((day, Some(hour))) => self.set_hour(day, hour, bytes),
            None => {}
        }
    }

    pub(super) fn remove_named(&mut self, name: &str) {
        match parsed(name) {
            Some((day, None)) => {
                if let Some(of) = self.0.get_mut(&day) {
                    of.whole = None;
                }
                self.drop_empty(day);
            }
            Some((day, Some(hour))) => self.remove_hour(day, hour),
            None => {}
        }
    }

    pub(super) fn set_day(&mut self, day: i64, bytes: u64) {
        self.0.entry(day).or_default().whole = Some(bytes);
    }

    pub(super) fn set_hour(&mut self, day: i64, hour: i64, bytes: u64) {
        self.0.entry(day).or_default().hours.insert(hour, bytes);
    }

    fn remove_hour(&mut self, day: i64, hour: i64) {
        if let Some(of) = self.0.get_mut(&day) {
            of.hours.remove(&hour);
        }
        self.drop_empty(day);
    }

    fn drop_empty(&mut self, day: i64) {
        if self.0.get(&day).is_some_and(|of| of.whole.is_none() && of.hours.is_empty()) {
            self.0.remove(&day);
        }
    }

    pub(super) fn has_day(&self, day: i64) -> bool {
        self.0.get(&day).is_some_and(|of| of.whole.is_some())
    }

    pub(super) fn has_hour(&self, day: i64, hour: i64) -> bool {
        self.0.get(&day).is_some_and(|of| of.hours.contains_key(&hour))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn first(&self) -> Option<i64> {
        self.0.keys().next().copied()
    }

    pub(super) fn last(&self) -> Option<i64> {
        self.0.keys().next_back().copied()
    }

    pub(super) fn files(&self) -> usize {
        self.0.values().map(|of| usize::from(of.whole.is_some()) + of.hours.len()).sum()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.0.values().map(Day::bytes).sum()
    }

    /// The days to be removed, oldest first: those that are too many (`true`), and those that are too much together with all that came
    /// after them. So one that stays takes nothing of the room of younger ones. The latest, which is being written, is never too much:
    /// there is always something.
    pub(super) fn surplus(&self, days_max: usize, bytes_max: u64) -> Vec<(i64, bool)> {
        let (mut bytes, mut surplus) = (0_u64, Vec::new());
        for (younger, (day, of)) in self.0.iter().rev().enumerate() {
            bytes = bytes.saturating_add(of.bytes());
            let is_old = younger >= days_max;
            if is_old || (bytes > bytes_max && younger > 0) {
                surplus.push((*day, is_old));
            }
        }
        surplus.reverse();
        surplus
    }

    pub(super) fn between(&self, first: i64, last: i64) -> Vec<i64> {
        if first > last { Vec::new() } else { self.0.range(first..=last).map(|(day, _)| *day).collect() }
    }

    /// The names of a day's files.
    pub(super) fn names(&self, day: i64) -> Vec<String> {
        let (Some(of), Some(name)) = (self.0.get(&day), name_of_day(day)) else { return Vec::new() };
        let whole = of.whole.map(|_| format!("{name}.day"));
        let hours = of.hours.keys().filter_map(|hour| name_of_hour(day * DAY_HOURS + hour));
        whole.into_iter().chain(hours).collect()
    }

    /// The days whose hours can be joined, with these hours: those that end so many hours before the latest file begins.
    pub(super) fn over(&self, hours_after: i64) -> Vec<(i64, Vec<i64>)> {
        let Some((last, of)) = self.0.last_key_value() else { return Vec::new() };
        let latest = last * DAY_HOURS + of.hours.keys().next_back().copied().unwrap_or_default();
        self.0
            .iter()
            .filter(|(day, of)| !of.hours.is_empty() && (*day + 1) * DAY_HOURS + hours_after <= latest)
            .map(|(day, of)| (*day, of.hours.keys().copied().collect()))
            .collect()
    }
}
