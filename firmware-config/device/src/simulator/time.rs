//! Simulated time: real time since the start, times the speed.

use std::{
    sync::OnceLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// One for all devices and the floor. It stands still until the simulation is started.
#[derive(Debug)]
pub(super) struct SimTime {
    speed: f64,
    started: OnceLock<Instant>,
}

impl SimTime {
    pub(super) const fn new(speed: f64) -> Self {
        Self { speed, started: OnceLock::new() }
    }

    pub(super) fn start(&self) {
        self.started.get_or_init(Instant::now);
    }

    /// Simulated milliseconds since the start.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast of a float saturates"
    )]
    pub(super) fn now_ms(&self) -> u64 {
        self.started.get().map_or(0, |started| (started.elapsed().as_secs_f64() * 1000.0 * self.speed) as u64)
    }

    /// Sleeps until so many simulated milliseconds since the start have passed; at once when they have.
    pub(super) async fn sleep_until(&self, simulated_ms: u64) {
        let Some(started) = self.started.get() else { return };
        // `u64::MAX` stands for never.
        let real_s = simulated_ms as f64 / 1000.0 / self.speed;
        match Duration::try_from_secs_f64(real_s).ok().and_then(|real| started.checked_add(real)) {
            // A millisecond more, because timers round down and whoever is woken too early sleeps again.
            Some(until) => tokio::time::sleep_until((until + Duration::from_millis(1)).into()).await,
            None => std::future::pending().await,
        }
    }
}

/// Milliseconds since 1970, by the clock of this machine.
pub(super) fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
