//! The temperature in a unit: first order towards what it is set to, or towards the air when its door is open or it is broken.

use super::config::UnitConfig;

/// A unit. Between changes of door and compressor its temperature is known in closed form, so nothing is stepped.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) config: UnitConfig,
    celsius: f64,
    since_ms: i64,
    closes_ms: i64,
    broken: bool,
}

impl Unit {
    pub(super) fn new(config: &UnitConfig, now_ms: i64) -> Self {
        Self {
            config: config.clone(),
            celsius: config.set_celsius,
            since_ms: now_ms,
            closes_ms: now_ms,
            broken: false,
        }
    }

    pub(super) fn is_open(&self, now_ms: i64) -> bool {
        now_ms < self.closes_ms
    }

    pub(super) fn open(&mut self, now_ms: i64, ms: i64) {
        self.settle(now_ms);
        self.closes_ms = self.closes_ms.max(now_ms.saturating_add(ms));
    }

    pub(super) fn close(&mut self, now_ms: i64) {
        self.settle(now_ms);
        self.closes_ms = now_ms;
    }

    pub(super) fn set_broken(&mut self, now_ms: i64, broken: bool) {
        self.settle(now_ms);
        self.broken = broken;
    }

    pub(super) fn celsius(&self, now_ms: i64) -> f64 {
        let swing = if self.broken { 0.0 } else { self.config.swing_celsius };
        let phase = now_ms as f64 / 1000.0 / self.config.swing_s;
        self.core(now_ms) + swing * (std::f64::consts::TAU * phase.fract()).sin()
    }

    fn settle(&mut self, now_ms: i64) {
        self.celsius = self.core(now_ms);
        self.since_ms = now_ms;
    }

    /// Without the swing of the compressor.
    fn core(&self, now_ms: i64) -> f64 {
        let closes = self.closes_ms.clamp(self.since_ms, now_ms.max(self.since_ms));
        let opened =
            towards(self.celsius, self.config.ambient_celsius, closes - self.since_ms, self.config.open_s);
        let (goal, constant_s) = if self.broken {
            (self.config.ambient_celsius, self.config.leak_s)
        } else {
            (self.config.set_celsius, self.config.recover_s)
        };
        towards(opened, goal, now_ms - closes, constant_s)
    }
}

fn towards(from: f64, goal: f64, ms: i64, constant_s: f64) -> f64 {
    goal + (from - goal) * (-(ms.max(0) as f64) / 1000.0 / constant_s).exp()
}
