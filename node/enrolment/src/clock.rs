//! The time as this node knows it: the hub's signed time, carried on by a clock that does not leap, with a floor on the disk.
//!
//! Not here: what a floor is good for (`aisle_provisioning::time`). Guards invariant 7: nothing that could lock the node out asks the wall clock.

use crate::files::{self, FileError};
use aisle_event::Timestamp;
use aisle_provisioning::{
    moment::Validity,
    time::{Floor, Monotonic, TrustedTime, Verdict, WallClock},
};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// The floor's file, below the folder of the identity.
const FILE: &str = "time";

/// The wall clock, as the caller has it.
pub type Wall = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The time. Clones are one.
#[derive(Clone)]
pub struct Clock(Arc<Shared>);

struct Shared {
    path: PathBuf,
    wall: Wall,
    started: Instant,
    known: Mutex<TrustedTime>,
    floor: Floor,
    /// When a hub last said the time, by its own clock.
    heard_at: Mutex<Option<Timestamp>>,
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock(at least {})", self.at_least().0)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing behind these locks is ever half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Clock {
    /// From what the folder keeps. `built` is a time that has been when the software was made.
    #[must_use]
    pub fn open(folder: &Path, built: Timestamp, wall: Wall) -> Self {
        let path = folder.join(FILE);
        // A floor that cannot be read is as good as none.
        let kept = std::fs::read_to_string(&path).ok().and_then(|text| TrustedTime::from_text(&text));
        let known = TrustedTime::new(kept, built);
        let started = Instant::now();
        let floor = Floor::new(known.at_least(Monotonic(0)));
        Self(Arc::new(Shared {
            path,
            wall,
            started,
            known: Mutex::new(known),
            floor,
            heard_at: Mutex::default(),
        }))
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic(u64::try_from(self.0.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// It is not before this time.
    #[must_use]
    pub fn at_least(&self) -> Timestamp {
        lock(&self.0.known).at_least(self.monotonic())
    }

    /// The best guess: for counting days, and for when to renew. Nothing that can lock anybody out goes by it.
    #[must_use]
    pub fn guess(&self) -> Timestamp {
        lock(&self.0.known).guess((self.0.wall)(), self.monotonic())
    }

    /// A hub has said the time. It is kept on the disk.
    ///
    /// # Errors
    /// When it cannot be kept; it counts all the same, until the process ends.
    pub fn hear(&self, at: Timestamp) -> Result<(), FileError> {
        let now = self.monotonic();
        let moved = lock(&self.0.known).hear(at, now);
        *lock(&self.0.heard_at) = Some(at);
        self.0.floor.raise(self.at_least());
        if moved { self.keep() } else { Ok(()) }
    }

    /// This time has been.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn raise(&self, at: Timestamp) -> Result<(), FileError> {
        let moved = lock(&self.0.known).raise(at);
        self.0.floor.raise(self.at_least());
        if moved { self.keep() } else { Ok(()) }
    }

    /// Keeps the floor as it is now: once in a while, and at the end.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn keep(&self) -> Result<(), FileError> {
        let text = lock(&self.0.known).to_text(self.monotonic());
        files::replace(&self.0.path, text.as_bytes(), files::Access::Owner)
    }

    /// A floor that TLS goes by, as high as is known now.
    #[must_use]
    pub fn floor(&self) -> Floor {
        self.0.floor.raise(self.at_least());
        self.0.floor.clone()
    }

    /// Whether a certificate has ended for sure.
    #[must_use]
    pub fn judge(&self, validity: Validity) -> Verdict {
        lock(&self.0.known).judge(validity, self.monotonic())
    }

    /// What is known of the wall clock.
    #[must_use]
    pub fn wall(&self) -> WallClock {
        lock(&self.0.known).check((self.0.wall)(), self.monotonic())
    }

    /// What a hub last said, since this start.
    #[must_use]
    pub fn heard_at(&self) -> Option<Timestamp> {
        *lock(&self.0.heard_at)
    }
}

/// The floor that a folder keeps, for those who look at it beside a node that runs.
#[must_use]
pub fn kept(folder: &Path) -> Option<Timestamp> {
    TrustedTime::from_text(&std::fs::read_to_string(folder.join(FILE)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR_2026: Timestamp = Timestamp(1_795_219_200_000);

    fn at(wall: i64) -> Wall {
        Arc::new(move || Timestamp(wall))
    }

    #[test]
    fn a_box_that_boots_in_1970_counts_from_what_a_hub_has_signed_over_restarts_too() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::open(folder.path(), Timestamp(0), at(0));
        clock.hear(YEAR_2026).unwrap();
        assert!(clock.guess() >= YEAR_2026 && clock.at_least() >= YEAR_2026);
        assert!(matches!(clock.wall(), WallClock::Behind { .. }));
        let again = Clock::open(folder.path(), Timestamp(0), at(5));
        assert!(again.guess() >= YEAR_2026);
        assert_eq!(again.heard_at(), None);
    }

    #[test]
    fn a_clock_in_2099_ends_no_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::open(folder.path(), YEAR_2026, at(4_070_908_800_000));
        let validity = Validity {
            not_before: Timestamp(YEAR_2026.0 - 1),
            not_after: Timestamp(YEAR_2026.0 + 86_400_000),
        };
        assert_eq!(clock.judge(validity), Verdict::Holds);
    }

    #[test]
    fn a_floor_that_cannot_be_read_is_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "yesterday").unwrap();
        assert_eq!(Clock::open(folder.path(), Timestamp(7), at(9)).at_least(), Timestamp(7));
    }
}
