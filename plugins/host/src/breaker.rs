//! When a plugin is no longer asked, and when it gets another chance. Pure: time is passed in.
//!
//! One breaker for each plugin and hook. While it is open the good version before takes over, or the plugin is left out; who holds
//! the versions decides that.

/// When a breaker opens and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerConfig {
    /// After so many failures in a row.
    pub failures_max: u32,
    /// For so long the first time, in milliseconds; each trial that fails doubles it.
    pub wait_ms_min: u64,
    /// And never longer than this, in milliseconds.
    pub wait_ms_max: u64,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self { failures_max: 5, wait_ms_min: 30_000, wait_ms_max: 3_600_000 }
    }
}

/// Counts failures in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    config: BreakerConfig,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until_ms: u64, wait_ms: u64 },
    Trial { since_ms: u64, wait_ms: u64 },
}

/// What is to be done with the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// Make it.
    Call,
    /// Make it, and this one alone: what comes of it decides.
    Trial,
    /// Do not make it.
    Leave,
}

/// What changed by what was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It opened: the plugin is not asked for so many milliseconds.
    Opened {
        /// For how long.
        wait_ms: u64,
    },
    /// It closed after a trial.
    Closed,
}

impl Breaker {
    /// A closed one.
    #[must_use]
    pub const fn new(config: BreakerConfig) -> Self {
        Self { config, state: State::Closed { failures: 0 } }
    }

    /// Whether the plugin may be asked. `now_ms` is any clock that does not go back; a trial whose outcome is never told gives way
    /// to another after the time it was waited for.
    pub const fn permit(&mut self, now_ms: u64) -> Permit {
        match self.state {
            State::Closed { .. } => Permit::Call,
            State::Open { until_ms, .. } if now_ms < until_ms => Permit::Leave,
            State::Trial { since_ms, wait_ms } if now_ms < since_ms.saturating_add(wait_ms) => Permit::Leave,
            State::Open { wait_ms, .. } | State::Trial { wait_ms, .. } => {
                self.state = State::Trial { since_ms: now_ms, wait_ms };
                Permit::Trial
            }
        }
    }

    /// A call went well.
    pub const fn succeeded(&mut self) -> Option<Change> {
        match self.state {
            State::Closed { .. } => {
                self.state = State::Closed { failures: 0 };
                None
            }
            // An answer to a call from before it opened.
            State::Open { .. } => None,
            State::Trial { .. } => {
                self.state = State::Closed { failures: 0 };
                Some(Change::Closed)
            }
        }
    }

    /// A call failed.
    pub fn failed(&mut self, now_ms: u64) -> Option<Change> {
        let wait_ms = match self.state {
            State::Closed { failures } if failures + 1 < self.config.failures_max => {
                self.state = State::Closed { failures: failures + 1 };
                return None;
            }
            State::Closed { .. } => self.config.wait_ms_min,
            State::Open { .. } => return None,
            State::Trial { wait_ms, .. } => wait_ms.saturating_mul(2).min(self.config.wait_ms_max),
        };
        self.state = State::Open { until_ms: now_ms.saturating_add(wait_ms), wait_ms };
        Some(Change::Opened { wait_ms })
    }

    /// A call that was permitted was not made after all. When it was the trial, the next one may be at once; failures in a row stay
    /// what they are.
    pub const fn not_made(&mut self, now_ms: u64) {
        if let State::Trial { wait_ms, .. } = self.state {
            self.state = State::Open { until_ms: now_ms, wait_ms };
        }
    }

    /// Whether the plugin is not asked as a rule.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !matches!(self.state, State::Closed { .. })
    }

    /// Failures in a row so far, while it is closed.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        match self.state {
            State::Closed { failures } => failures,
            _ => self.config.failures_max,
        }
    }

    /// When the next trial may be, on the clock that was passed in.
    #[must_use]
    pub const fn next_trial_ms(&self) -> Option<u64> {
        match self.state {
            State::Closed { .. } => None,
            State::Open { until_ms, .. } => Some(until_ms),
            State::Trial { since_ms, wait_ms } => Some(since_ms.saturating_add(wait_ms)),
        }
    }
}
