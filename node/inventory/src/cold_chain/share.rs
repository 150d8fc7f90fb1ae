//! What each probe of a unit said in a minute, and for how long that speaks on.
//!
//! Probes do not all speak every minute: one may say nothing for five because nothing changes. What it said last counts beside what
//! the others say, until it says something else, is no probe of the unit any more, or has been silent for too long. So the worst probe
//! counts however often the others speak.
//!
//! Not here: what follows for the food (`minutes`). Guards that a minute is bounded, and with it what is carried into it: that is of so
//! many minutes only as silence may last.

use super::rule::Limit;
use serde::{Deserialize, Serialize};

/// Probes told apart within a minute; those of a further one count with the last.
const SHARES_MAX: usize = 16;
/// Speaks on until silence ends it: more minutes than silence can be set to last.
const ON: u8 = u8::MAX;

/// What one probe said in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u32, i64, u32, bool, u8)", into = "(u32, i64, u32, bool, u8)")]
struct Share {
    probe: u32,
    milli_sum: i64,
    count: u32,
    doubtful: bool,
    /// For how many minutes behind this one at most.
    lasts: u8,
}

/// What the probes said in a minute.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Shares(Vec<Share>);

/// What one probe said last.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Last {
    probe: u32,
    /// In which minute.
    at: i64,
    /// Thousandths of a degree.
    mean: f64,
    doubtful: bool,
    lasts: u8,
}

/// What each probe said last, as far as it still counts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Lasts(Vec<Last>);

/// What all probes together say of a minute.
#[derive(Debug, Clone, Copy)]
pub(super) struct Air {
    /// At the worst probe, in thousandths of a degree.
    pub(super) milli: f64,
    /// A probe is in doubt.
    pub(super) doubt: bool,
    /// A probe that is not in doubt is outside.
    pub(super) sure: bool,
}

impl From<(u32, i64, u32, bool, u8)> for Share {
    fn from((probe, milli_sum, count, doubtful, lasts): (u32, i64, u32, bool, u8)) -> Self {
        Self { probe, milli_sum, count, doubtful, lasts }
    }
}

impl From<Share> for (u32, i64, u32, bool, u8) {
    fn from(share: Share) -> Self {
        (share.probe, share.milli_sum, share.count, share.doubtful, share.lasts)
    }
}

impl Share {
    fn at(&self, at: i64) -> Last {
        let mean = self.milli_sum as f64 / f64::from(self.count.max(1));
        Last { probe: self.probe, at, mean, doubtful: self.doubtful, lasts: self.lasts }
    }
}

impl Last {
    /// Whether it still counts in a minute.
    fn speaks_in(&self, at: i64, silent_minutes: i64) -> bool {
        let age = at.saturating_sub(self.at);
        age <= silent_minutes && (self.lasts == ON || age <= self.lasts.into())
    }
}

impl Shares {
    pub(super) fn add(&mut self, probe: u32, milli: i32, doubtful: bool) {
        let full = self.0.len() >= SHARES_MAX;
        let known = self.0.iter().position(|share| share.probe == probe);
        let place = known.or_else(|| full.then_some(SHARES_MAX - 1));
        match place.and_then(|place| self.0.get_mut(place)) {
            Some(share) => {
                share.milli_sum = share.milli_sum.saturating_add(milli.into());
                share.count = share.count.saturating_add(1);
                share.doubtful |= doubtful;
            }
            None => self.0.push(Share { probe, milli_sum: milli.into(), count: 1, doubtful, lasts: ON }),
        }
    }

    /// A probe cannot be believed.
    pub(super) fn doubt(&mut self, probe: u32) {
        for share in &mut self.0 {
            share.doubtful |= share.probe == probe;
        }
    }

    /// What a probe said in the minute `at` speaks on until the minute `until`.
    pub(super) fn end(&mut self, probe: u32, at: i64, until: i64) {
        for share in self.0.iter_mut().filter(|share| share.probe == probe) {
            share.lasts = share.lasts.min(minutes_until(at, until));
        }
    }

    /// What all probes say of the minute `at`: those that spoke in it, and those that spoke before.
    pub(super) fn air(&self, at: i64, before: &Lasts, silent_minutes: i64, limit: Limit) -> Air {
        let spoke = |last: &&Last| !self.0.iter().any(|share| share.probe == last.probe);
        let carried =
            before.0.iter().filter(|last| last.speaks_in(at, silent_minutes)).filter(spoke).copied();
        let all = || self.0.iter().map(|share| share.at(at)).chain(carried.clone());
        Air {
            milli: all().map(|last| last.mean).reduce(|a, b| limit.worse(a, b)).unwrap_or_default(),
            doubt: all().any(|last| last.doubtful),
            sure: all().any(|last| !last.doubtful && limit.outside(last.mean)),
        }
    }
}

impl Lasts {
    /// Takes what was said in a later minute than all before.
    pub(super) fn hear(&mut self, at: i64, shares: &Shares, silent_minutes: i64) {
        self.0.retain(|last| {
            last.speaks_in(at, silent_minutes) && !shares.0.iter().any(|share| share.probe == last.probe)
        });
        self.0.extend(shares.0.iter().map(|share| share.at(at)));
    }

    /// Takes what was said in an earlier minute than all before, as far as it still counts in the minute `now`.
    pub(super) fn recall(&mut self, at: i64, shares: &Shares, now: i64, silent_minutes: i64) {
        for share in &shares.0 {
            self.add_earlier(share.at(at), now, silent_minutes);
        }
    }

    /// The same for what was said in minutes that were forgotten.
    pub(super) fn recall_all(&mut self, earlier: &Self, now: i64, silent_minutes: i64) {
        for last in &earlier.0 {
            self.add_earlier(*last, now, silent_minutes);
        }
    }

    fn add_earlier(&mut self, last: Last, now: i64, silent_minutes: i64) {
        if last.speaks_in(now, silent_minutes) && !self.0.iter().any(|known| known.probe == last.probe) {
            self.0.push(last);
        }
    }

    /// A probe cannot be believed since a minute.
    pub(super) fn doubt(&mut self, probe: u32, since: i64) {
        for last in self.0.iter_mut().filter(|last| last.probe == probe) {
            last.doubtful |= last.at >= since;
        }
    }

    /// What a probe said speaks on until the minute `until`.
    pub(super) fn end(&mut self, probe: u32, until: i64) {
        for last in self.0.iter_mut().filter(|last| last.probe == probe) {
            last.lasts = last.lasts.min(minutes_until(last.at, until));
        }
    }
}

/// From one minute until another: none when that was before, and less than [`ON`].
fn minutes_until(at: i64, until: i64) -> u8 {
    u8::try_from(until.saturating_sub(at).clamp(0, (ON - 1).into())).unwrap_or_default()
}
