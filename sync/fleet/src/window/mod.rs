//! Maintenance windows: when something may be changed in a store, by the clock on its wall.
//!
//! A window is written `mon-fri 22:00-04:00`: days, a beginning, an end. An end that is not behind its beginning is on the day after. Where the clock
//! is put forward, what begins or ends in the missing hour does so when that hour is over; a window that lies wholly in it does not take place.
//! Where the clock is put back, a window begins with the first of the doubled hours and ends with the second. No window shuts shoppers out by that: it only
//! says when something may be activated.
//!
//! Not here: who waits for a window ([`crate::converge`]) and who looks whether it is long enough ([`crate::preflight`]). Guards invariant 7 in so
//! far as the time is passed in, and whoever has none is told so and not guessed for.

mod text;
mod zone;

pub use text::InvalidWindow;
pub use zone::{InvalidZone, Zone};

use aisle_event::Timestamp;
use jiff::{ToSpan as _, civil::Date};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// The most windows of a store.
pub const WINDOWS_MAX: usize = 16;
/// How many days are searched for the next opening. A window opens at least once a week, or the week after where a missing hour swallows it.
const DAYS_AHEAD: i32 = 15;
/// A window of yesterday may still be open, whatever an hour more or less does to it.
const DAYS_BACK: i32 = 2;
/// Minutes of a day on the wall.
pub(crate) const DAY_MINUTES: u16 = 24 * 60;

/// One window: days of the week, and from when to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// A bit for each day, Monday the lowest.
    days: u8,
    from_minute: u16,
    until_minute: u16,
}

/// When something may be changed in a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(deny_unknown_fields)]
#[cbor(map)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Maintenance {
    /// The store's zone: `Europe/Berlin`.
    #[n(1)]
    pub zone: Zone,
    /// At least one window, at most [`WINDOWS_MAX`]. A store that may be changed at any time has no maintenance at all.
    #[n(2)]
    pub windows: Vec<Window>,
}

/// Whether a window is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Something may be changed, until then.
    Open {
        /// When the window closes.
        until: Timestamp,
    },
    /// Nothing may be changed before then.
    Closed {
        /// When the next window opens; nothing where none does within two weeks.
        opens: Option<Timestamp>,
    },
}

impl Window {
    /// How long it is by the wall clock, in minutes.
    #[must_use]
    pub const fn minutes(&self) -> u16 {
        match self.until_minute.saturating_sub(self.from_minute) {
            0 => DAY_MINUTES - self.from_minute + self.until_minute,
            minutes => minutes,
        }
    }

    const fn is_on(self, weekday: i8) -> bool {
        self.days & (1 << weekday) != 0
    }

    /// From when to when it is open if it begins on this day.
    fn on(self, date: Date, zone: &Zone) -> Option<(Timestamp, Timestamp)> {
        let end = if self.until_minute > self.from_minute { date } else { date.tomorrow().ok()? };
        let from = zone.begin(date, self.from_minute)?;
        let until = zone.end(end, self.until_minute)?;
        (from < until).then_some((from, until))
    }
}

impl Maintenance {
    /// What cannot be about it.
    pub(crate) fn fault(&self) -> Option<String> {
        let many = self.windows.len();
        let is_fit = (1..=WINDOWS_MAX).contains(&many);
        (!is_fit).then(|| format!("`maintenance.windows` has {many} windows, expected 1 to {WINDOWS_MAX}"))
    }

    /// The longest time for which it is open at a stretch on an ordinary day, in minutes, where windows that meet are counted alone.
    #[must_use]
    pub fn longest_minutes(&self) -> u16 {
        self.windows.iter().map(Window::minutes).max().unwrap_or(0)
    }

    /// How it stands at a time. Windows that overlap or meet are one.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Standing {
        let mut openings = self.openings(now);
        openings.sort_unstable();
        let mut open: Option<Timestamp> = None;
        for (from, until) in openings {
            match open {
                // What comes later than the end of what is open changes nothing.
                Some(end) if from > end => return Standing::Open { until: end },
                Some(end) => open = Some(end.max(until)),
                None if until <= now => {}
                None if from <= now => open = Some(until),
                None => return Standing::Closed { opens: Some(from) },
            }
        }
        open.map_or(Standing::Closed { opens: None }, |until| Standing::Open { until })
    }

    fn openings(&self, now: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let Some(today) = self.zone.date(now) else { return Vec::new() };
        let day = |offset: i32| today.checked_add(offset.days()).ok();
        let days = (-DAYS_BACK..=DAYS_AHEAD).filter_map(day);
        let on = |date: Date| {
            let weekday = date.weekday().to_monday_zero_offset();
            let on = self.windows.iter().filter(move |window| window.is_on(weekday));
            on.filter_map(move |window| window.on(date, &self.zone))
        };
        days.flat_map(on).collect()
    }
}
