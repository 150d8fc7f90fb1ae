//! Time as a device knows it.
//!
//! Two kinds, never mixed: the uptime only goes forward and decides everything; the wall clock may be unknown or lie by
//! years, and only ever labels a sample. Guards invariant 7.

/// Wall times outside of this are not believed: a device without a battery wakes up in 1970.
const BELIEVED_MS: core::ops::Range<i64> = YEAR_2024_MS..YEAR_2100_MS;
const YEAR_2024_MS: i64 = 1_704_067_200_000;
const YEAR_2100_MS: i64 = 4_102_444_800_000;

/// The clock of a device.
pub trait Clock {
    /// Milliseconds since the device started. Never goes back.
    fn uptime_ms(&self) -> u64;

    /// Milliseconds since 1970 in UTC, when something has told the device.
    fn wall_ms(&self) -> Option<i64>;

    /// Returns when the uptime has come; at once when it is past. Dropping the future ends the sleep.
    async fn sleep_until(&self, uptime_ms: u64);
}

impl<C: Clock> Clock for &C {
    fn uptime_ms(&self) -> u64 {
        (*self).uptime_ms()
    }

    fn wall_ms(&self) -> Option<i64> {
        (*self).wall_ms()
    }

    async fn sleep_until(&self, uptime_ms: u64) {
        (*self).sleep_until(uptime_ms).await;
    }
}

/// When something happened, as well as the device could say at that moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// By the wall clock, milliseconds since 1970.
    Wall(i64),
    /// By the uptime of that boot, in milliseconds, because the wall clock was not believable.
    Uptime(u64),
}

impl Moment {
    /// Now.
    pub fn now(clock: &impl Clock) -> Self {
        believed(clock).map_or_else(|| Self::Uptime(clock.uptime_ms()), Self::Wall)
    }

    /// The wall time in milliseconds, as well as the device can say now: a moment of *this* boot that was
    /// taken before the clock was set is dated by how long ago it was.
    pub fn wall_ms(self, clock: &impl Clock, this_boot: bool) -> Option<i64> {
        match self {
            Self::Wall(at) => Some(at),
            Self::Uptime(_) if !this_boot => None,
            Self::Uptime(at) => {
                let ago = i64::try_from(clock.uptime_ms().checked_sub(at)?).ok()?;
                believed(clock)?.checked_sub(ago)
            }
        }
    }
}

fn believed(clock: &impl Clock) -> Option<i64> {
    clock.wall_ms().filter(|now| BELIEVED_MS.contains(now))
}
