//! How busy the store is at which hour, learned from all its sales: thefts, sales and fillings happen when it is.
//!
//! A *busy hour* is an hour of mean busyness: a day always has 24 of them, most of them around noon and in the evening.

use aisle_event::Timestamp;
use minicbor::{Decode, Encode};

const HOUR_MS: i64 = 3_600_000;
/// Before so many sales it is not known when the store is open.
const SALES_MIN: f32 = 150.0;
/// With so many sales, older ones begin to count less.
const SALES_MAX: f32 = 20_000.0;

/// Sales of each hour of the day (UTC).
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(array)]
pub(super) struct Rhythm {
    #[n(0)]
    hours: Vec<f32>,
    #[n(1)]
    sales: f32,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { hours: vec![1.0; 24], sales: 0.0 }
    }
}

impl Rhythm {
    pub(super) fn is_sound(&self) -> bool {
        let count = |count: &f32| (0.0..=2.0 * SALES_MAX).contains(count);
        self.hours.len() == 24 && self.hours.iter().all(count) && count(&self.sales)
    }

    pub(super) fn sold(&mut self, at: Timestamp) {
        if let Some(hour) = self.hours.get_mut(hour_of(at.0)) {
            *hour += 1.0;
        }
        self.sales += 1.0;
        if self.sales > SALES_MAX {
            self.sales /= 2.0;
            self.hours.iter_mut().for_each(|hour| *hour /= 2.0);
        }
    }

    /// True when enough was sold to know the store's hours.
    pub(super) fn is_known(&self) -> bool {
        self.sales >= SALES_MIN
    }

    /// How many busy hours the time up to `now` had, of so many milliseconds (a day's worth are told apart by hour,
    /// whole days count 24 each).
    pub(super) fn busy_hours(&self, now: Timestamp, ms: i64) -> f64 {
        let all: f32 = self.hours.iter().sum();
        let weight = |hour: usize| f64::from(self.hours.get(hour).copied().unwrap_or(0.0) / all * 24.0);
        let whole_days = ms / (24 * HOUR_MS);
        let mut left = ms - whole_days * 24 * HOUR_MS;
        let mut end = now.0;
        let mut busy = whole_days as f64 * 24.0;
        while left > 0 {
            let start = (end - 1).div_euclid(HOUR_MS).saturating_mul(HOUR_MS);
            let part = (end.saturating_sub(start)).clamp(1, left);
            busy += weight(hour_of(end.saturating_sub(1))) * part as f64 / HOUR_MS as f64;
            end = end.saturating_sub(part);
            left -= part;
        }
        busy
    }
}

fn hour_of(ms: i64) -> usize {
    (ms.rem_euclid(24 * HOUR_MS) / HOUR_MS) as usize
}
