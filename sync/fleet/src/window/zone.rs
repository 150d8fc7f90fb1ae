//! A store's time zone, out of the database that is built in: hub and node of one version agree, and a box needs none on its disk.

use crate::text::{shown, text_form};
use aisle_event::Timestamp;
use jiff::{
    civil::{Date, DateTime},
    tz::{AmbiguousOffset, AmbiguousTimestamp, TimeZone, TimeZoneDatabase},
};
use std::{fmt, str::FromStr, sync::OnceLock};

/// The longest name of a zone, in bytes.
const ZONE_BYTES_MAX: usize = 64;

/// A time zone by its IANA name.
#[derive(Clone)]
pub struct Zone {
    name: Box<str>,
    zone: TimeZone,
}

/// Why a text names no zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone `{text}`\nhint: write its IANA name, such as `Europe/Berlin`")]
pub struct InvalidZone {
    /// The text, cut where it is too long.
    pub text: String,
}

fn database() -> &'static TimeZoneDatabase {
    static DATABASE: OnceLock<TimeZoneDatabase> = OnceLock::new();
    DATABASE.get_or_init(TimeZoneDatabase::bundled)
}

fn jiffs(at: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(at.0).ok()
}

fn ours(at: jiff::Timestamp) -> Timestamp {
    Timestamp(at.as_millisecond())
}

impl Zone {
    /// Its IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The day there; nothing for a time beyond the calendar.
    pub(super) fn date(&self, at: Timestamp) -> Option<Date> {
        Some(self.zone.to_datetime(jiffs(at)?).date())
    }

    /// For people: day of the week and time there, `Mon 02:00`.
    #[must_use]
    pub fn told(&self, at: Timestamp) -> String {
        let local = jiffs(at).map(|at| self.zone.to_datetime(at));
        local.map_or_else(|| "never".into(), |local| local.strftime("%a %H:%M").to_string())
    }

    /// When a window that begins then begins.
    pub(super) fn begin(&self, date: Date, minute: u16) -> Option<Timestamp> {
        self.instant(date, minute, AmbiguousTimestamp::earlier)
    }

    /// When a window that ends then ends.
    pub(super) fn end(&self, date: Date, minute: u16) -> Option<Timestamp> {
        self.instant(date, minute, AmbiguousTimestamp::later)
    }

    fn instant(
        &self,
        date: Date,
        minute: u16,
        of_two: impl Fn(AmbiguousTimestamp) -> Result<jiff::Timestamp, jiff::Error>,
    ) -> Option<Timestamp> {
        let (hour, minute) = (i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?);
        let local: DateTime = date.at(hour, minute, 0, 0);
        let at = self.zone.to_ambiguous_timestamp(local);
        match at.offset() {
            // The hour is missing: what should be in it is when it is over.
            AmbiguousOffset::Gap { .. } => {
                let before = at.earlier().ok()?;
                let over = self.zone.following(before).next()?;
                Some(ours(over.timestamp()))
            }
            _ => of_two(at).ok().map(ours),
        }
    }
}

impl FromStr for Zone {
    type Err = InvalidZone;

    fn from_str(text: &str) -> Result<Self, InvalidZone> {
        let invalid = || InvalidZone { text: shown(text, ZONE_BYTES_MAX) };
        if text.len() > ZONE_BYTES_MAX {
            return Err(invalid());
        }
        let zone = database().get(text).map_err(|_| invalid())?;
        // As the database writes it, however it was typed.
        let name = zone.iana_name().unwrap_or(text).into();
        Ok(Self { name, zone })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name)
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

text_form!(Zone);
