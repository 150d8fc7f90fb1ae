//! Rates and shares that are learned, with a conjugate prior each.

use minicbor::{Decode, Encode};

/// A rate per busy hour: Gamma(shape, hours).
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
#[cbor(array)]
pub(super) struct Rate {
    #[n(0)]
    shape: f32,
    #[n(1)]
    hours: f32,
}

impl Rate {
    pub(super) const fn prior(shape: f32, hours: f32) -> Self {
        Self { shape, hours }
    }

    pub(super) fn is_sound(&self) -> bool {
        (1e-6..=1e9).contains(&self.shape) && (1e-6..=1e9).contains(&self.hours)
    }

    /// So much happened in so many busy hours.
    pub(super) fn learn(&mut self, times: f64, hours: f64) {
        // With more than this, what was long ago begins to count less.
        const HOURS_MAX: f32 = 60.0 * 24.0;
        self.shape = (self.shape + times.clamp(-1e4, 1e4) as f32).max(0.02);
        self.hours = (self.hours + hours.clamp(0.0, 1e4) as f32).max(0.1);
        if self.hours > HOURS_MAX {
            self.shape = (self.shape * 0.9).max(0.02);
            self.hours *= 0.9;
        }
    }

    /// The mean, per busy hour.
    pub(super) fn mean(self) -> f64 {
        f64::from(self.shape) / f64::from(self.hours)
    }
}

/// A share: Beta(yes, no).
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
#[cbor(array)]
pub(super) struct Share {
    #[n(0)]
    yes: f32,
    #[n(1)]
    no: f32,
}

impl Share {
    pub(super) const fn prior(yes: f32, no: f32) -> Self {
        Self { yes, no }
    }

    pub(super) fn is_sound(&self) -> bool {
        (1e-6..=1e9).contains(&self.yes) && (1e-6..=1e9).contains(&self.no)
    }

    pub(super) fn learn(&mut self, yes: f64, no: f64) {
        const COUNT_MAX: f32 = 20_000.0;
        self.yes += yes.clamp(0.0, 1e4) as f32;
        self.no += no.clamp(0.0, 1e4) as f32;
        if self.yes + self.no > COUNT_MAX {
            self.yes = (self.yes * 0.8).max(0.5);
            self.no = (self.no * 0.8).max(0.5);
        }
    }

    pub(super) fn mean(self) -> f64 {
        f64::from(self.yes) / f64::from(self.yes + self.no)
    }
}
