//! What a node knows of the time: a floor, carried on by the monotonic clock, and what that makes of the wall clock.
//!
//! All of it is pure: the caller brings the clocks.

use crate::moment::{DAY_MS, Validity, to_unix};
use aisle_event::Timestamp;
use rustls_pki_types::UnixTime;

/// Milliseconds of a clock that never leaps, from any beginning, since this start of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Monotonic(pub u64);

/// How far a wall clock may be from the hub's time and still count as right, in milliseconds. Certificates are dated back by far more.
pub const AGREES_MS: u64 = 5 * 60_000;
/// How long a box may have been away for its wall clock to be guessed by, in milliseconds: five years.
pub const AWAY_MS_MAX: u64 = 5 * 365 * DAY_MS.unsigned_abs();

/// A floor under the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedTime {
    floor: Timestamp,
    /// The hub's time and the monotonic clock when it said so, in this start of the process.
    heard: Option<(Timestamp, Monotonic)>,
}

/// What is known of a certificate's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As far as is known for sure, it holds.
    Holds,
    /// It has ended for sure, at least so many milliseconds ago.
    Ended {
        /// How long ago, at least.
        ms: u64,
    },
}

/// What is known of the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WallClock {
    /// It agrees with the hub.
    Right,
    /// It is behind a time that has been, by at least so many milliseconds.
    Behind {
        /// By how many, at least.
        ms: u64,
    },
    /// It is before the hub by so many milliseconds.
    Ahead {
        /// By how many.
        ms: u64,
    },
    /// Nobody knows: it is after the floor, and no hub has said the time since this start.
    Unchecked,
}

impl TrustedTime {
    /// From the floor that was kept, or the time when the software was built for a box that has kept none. Of the two, the later one.
    #[must_use]
    pub fn new(kept: Option<Timestamp>, built: Timestamp) -> Self {
        Self { floor: kept.map_or(built, |kept| kept.max(built)), heard: None }
    }

    /// A hub has said the time, now. True when the floor has moved far enough to be kept on the disk.
    pub fn hear(&mut self, at: Timestamp, now: Monotonic) -> bool {
        let known = self.at_least(now);
        if at > known || self.heard.is_none() {
            self.heard = Some((at.max(known), now));
        }
        self.raise(at)
    }

    /// This time has been: a certificate or a list that was verified is from then. True when the floor has moved.
    pub fn raise(&mut self, at: Timestamp) -> bool {
        let moved = at > self.floor;
        self.floor = self.floor.max(at);
        moved
    }

    /// It is not before this time. Never goes back while the process runs, whatever the wall clock does.
    #[must_use]
    pub fn at_least(&self, now: Monotonic) -> Timestamp {
        let carried = self.heard.map(|(at, heard)| {
            let passed = i64::try_from(now.0.saturating_sub(heard.0)).unwrap_or(i64::MAX);
            at.saturating_add_ms(passed)
        });
        carried.map_or(self.floor, |carried| carried.max(self.floor))
    }

    /// The same for `rustls`.
    #[must_use]
    pub fn unix_at_least(&self, now: Monotonic) -> UnixTime {
        to_unix(self.at_least(now))
    }

    /// What is known of a certificate's time. It is never too early for one: see the head of this module.
    #[must_use]
    pub fn judge(&self, validity: Validity, now: Monotonic) -> Verdict {
        match self.at_least(now).ms_since(validity.not_after) {
            0 => Verdict::Holds,
            ms => Verdict::Ended { ms },
        }
    }

    /// What is known of the wall clock: for the doctor and for people.
    #[must_use]
    pub fn check(&self, wall: Timestamp, now: Monotonic) -> WallClock {
        let known = self.at_least(now);
        let (behind, ahead) = (known.ms_since(wall), wall.ms_since(known));
        match (self.heard, behind, ahead) {
            (_, AGREES_MS.., _) => WallClock::Behind { ms: behind },
            (Some(_), _, AGREES_MS..) => WallClock::Ahead { ms: ahead },
            (Some(_), ..) => WallClock::Right,
            (None, ..) => WallClock::Unchecked,
        }
    }

    /// The best guess, for counting days and for when to renew: the hub's time carried on, else the wall clock when it may be right, else the floor.
    /// Nothing that can lock anybody out may go by it.
    #[must_use]
    pub fn guess(&self, wall: Timestamp, now: Monotonic) -> Timestamp {
        let known = self.at_least(now);
        let may_be_right = wall >= known && wall.ms_since(known) <= AWAY_MS_MAX;
        if self.heard.is_none() && may_be_right { wall } else { known }
    }

    /// The floor, to be kept on the disk: now and then, and when [`hear`](Self::hear) says so.
    #[must_use]
    pub fn to_text(&self, now: Monotonic) -> String {
        format!("{}\n", self.at_least(now).0)
    }

    /// A floor that was kept. `None` when it cannot be read, which is as good as none.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Timestamp> {
        text.trim().parse().ok().map(Timestamp)
    }
}
