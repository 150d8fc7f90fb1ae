//! A unit minute by minute: what the air was, what the food then was, and how long that was wrong.
//!
//! # The food
//! Probes hang in the air, and the rules are about food. Food is taken to follow the air as a body with one time constant τ does:
//! `dT/dt = (T_air − T) / τ`, by backward Euler in steps of a minute, `T ← T + (T_air − T) · Δt / (τ + Δt)`, which is stable for any τ and
//! the same on every machine. With τ = 30 min three minutes of an open door move food by a tenth of the step of the air; a
//! cooling that fails moves it all the way.
//!
//! # Order
//! Readings come late and in any order (devices store and forward), so a minute holds sums of what was read in it, and all that
//! follows is computed from the minutes in the order of time. The same readings give the same totals in whatever order
//! they came. A minute without readings between two with readings is taken to be as bad as the worse of them, up to the
//! bound of silence; beyond it nothing is known, and that is counted apart.
//!
//! Not here: what the air of a minute is when its probes do not all speak in it (`share`), what is said about it (`due`), what a
//! report shows (`history`).

use super::{
    config::Config,
    rule::Limit,
    share::{Air, Lasts, Shares},
};
use serde::{Deserialize, Serialize};

/// Milliseconds in a minute.
pub(crate) const MINUTE_MS: i64 = 60_000;
/// Minutes kept behind the window, for excursions that began before it and readings that come late.
const MARGIN_MINUTES: i64 = 120;

/// Seconds, summed up since the unit is known. The difference of two is what was between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Totals {
    /// Food was outside the limit.
    pub(crate) outside_s: u64,
    /// That counts against the hours.
    pub(crate) counted_s: u64,
    /// Of that, what a probe says that nothing is known against.
    pub(crate) sure_s: u64,
    /// A probe was in doubt.
    pub(crate) doubt_s: u64,
    /// Nothing is known.
    pub(crate) unknown_s: u64,
}

impl Totals {
    fn zip(self, other: Self, f: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            outside_s: f(self.outside_s, other.outside_s),
            counted_s: f(self.counted_s, other.counted_s),
            sure_s: f(self.sure_s, other.sure_s),
            doubt_s: f(self.doubt_s, other.doubt_s),
            unknown_s: f(self.unknown_s, other.unknown_s),
        }
    }

    pub(crate) fn minus(self, earlier: Self) -> Self {
        self.zip(earlier, u64::saturating_sub)
    }
}

/// A minute in a snapshot: when, what each probe said, first and last record.
type Read = (i64, Shares, u64, u64);

/// A minute with readings. In a snapshot stands only what was read; the rest follows from it ([`Minutes::refold`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Read", into = "Read")]
pub(crate) struct Minute {
    /// Minutes since 1970.
    pub(crate) at: i64,
    shares: Shares,
    /// The first record with a reading of it, by sequence number.
    pub(crate) first_seq: u64,
    /// The last one.
    pub(crate) last_seq: u64,
    /// The air at the worst probe.
    pub(crate) air: f64,
    /// The food at its end.
    pub(crate) product: f64,
    /// The worst that the food was in it and in the gap before it.
    pub(crate) worst: f64,
    /// The food has been outside since this minute without a break.
    pub(crate) outside_since: Option<i64>,
    /// Everything up to its end.
    pub(crate) totals: Totals,
}

/// What is left of the minutes that were forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Base {
    at: i64,
    air: f64,
    product: f64,
    outside_since: Option<i64>,
    totals: Totals,
}

/// The minutes of a unit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Minutes {
    base: Option<Base>,
    /// What probes said last in the minutes that were forgotten.
    lasts: Lasts,
    kept: Vec<Minute>,
}

/// One believed reading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) seq: u64,
    pub(crate) at_ms: i64,
    pub(crate) milli: i32,
    pub(crate) probe: u32,
    pub(crate) doubtful: bool,
}

impl Minutes {
    /// Takes a reading. `false` when it is from before what is kept.
    pub(crate) fn take(&mut self, taken: Taken, limit: Limit, config: &Config) -> bool {
        let at = taken.at_ms.div_euclid(MINUTE_MS);
        if self.base.is_some_and(|base| at <= base.at) {
            return false;
        }
        let place = match self.kept.last() {
            Some(last) if last.at == at => self.kept.len() - 1,
            Some(last) if last.at > at => match self.kept.binary_search_by_key(&at, |minute| minute.at) {
                Ok(place) => place,
                Err(place) => {
                    self.kept.insert(place, Minute::new(at, taken.seq));
                    place
                }
            },
            _ => {
                self.kept.push(Minute::new(at, taken.seq));
                self.kept.len() - 1
            }
        };
        if let Some(minute) = self.kept.get_mut(place) {
            minute.add(taken);
        }
        self.refold(place, limit, config);
        self.forget(config);
        true
    }

    /// Says that a probe cannot be believed from a time on.
    pub(crate) fn doubt(&mut self, probe: u32, since_ms: i64, limit: Limit, config: &Config) {
        let since = since_ms.div_euclid(MINUTE_MS);
        let from = self.kept.partition_point(|minute| minute.at < since);
        for minute in self.kept.iter_mut().skip(from) {
            minute.shares.doubt(probe);
        }
        self.lasts.doubt(probe, since);
        self.refold(from, limit, config);
    }

    /// Says that a probe is none of the unit any more from a time on: what it said last does not speak on.
    ///
    /// The time is by another clock than the minutes are, and either may be wrong by decades. So nothing that was computed is taken back:
    /// in every minute that the unit has got to, the probe was still one of it.
    pub(crate) fn end(&mut self, probe: u32, at_ms: i64) {
        let newest = self.kept.last().map(|minute| minute.at).or(self.base.map(|base| base.at));
        let until = at_ms.div_euclid(MINUTE_MS).max(newest.unwrap_or(i64::MIN));
        for minute in &mut self.kept {
            minute.shares.end(probe, minute.at, until);
        }
        self.lasts.end(probe, until);
    }

    /// Computes everything from a place on.
    pub(crate) fn refold(&mut self, from: usize, limit: Limit, config: &Config) {
        let mut before = match from.checked_sub(1).and_then(|place| self.kept.get(place)) {
            Some(minute) => Some(minute.as_base()),
            None => self.base,
        };
        let Some(first) = self.kept.get(from).map(|minute| minute.at) else { return };
        let mut lasts = self.lasts_before(from, first, config);
        for minute in self.kept.iter_mut().skip(from) {
            minute.follow(before, &lasts, limit, config);
            before = Some(minute.as_base());
            lasts.hear(minute.at, &minute.shares, config.silent_minutes());
        }
    }

    /// What probes said last before a place, as far as it still counts in a minute.
    fn lasts_before(&self, place: usize, at: i64, config: &Config) -> Lasts {
        let silent = config.silent_minutes();
        let from = at.saturating_sub(silent);
        let mut lasts = Lasts::default();
        let earlier = self.kept.get(..place).unwrap_or_default().iter().rev();
        for minute in earlier.take_while(|minute| minute.at >= from) {
            lasts.recall(minute.at, &minute.shares, at, silent);
        }
        lasts.recall_all(&self.lasts, at, silent);
        lasts
    }

    /// Whether the minutes of a snapshot are in order, which everything rests on.
    pub(crate) fn is_sound(&self) -> bool {
        let after_base = self.base.zip(self.kept.first()).is_none_or(|(base, first)| base.at < first.at);
        // What is further apart than any two times are would not add up.
        let within = |minute: &Minute| (i64::MIN / MINUTE_MS - 1..=i64::MAX / MINUTE_MS).contains(&minute.at);
        let base_within =
            self.base.is_none_or(|base| base.at.unsigned_abs() <= (i64::MAX / MINUTE_MS).unsigned_abs() + 1);
        after_base
            && base_within
            && self.kept.iter().all(within)
            && self.kept.is_sorted_by(|a, b| a.at < b.at)
    }

    fn forget(&mut self, config: &Config) {
        let Some(last) = self.kept.last() else { return };
        let from = last.at.saturating_sub(config.window_minutes() + MARGIN_MINUTES);
        let gone = self.kept.partition_point(|minute| minute.at < from);
        // In bulk: moving all minutes for each that goes would cost more than keeping some longer.
        let Some(newest) = gone.checked_sub(60).and_then(|_| self.kept.get(gone - 1)) else { return };
        let (base, at) = (newest.as_base(), newest.at);
        self.lasts = self.lasts_before(gone, at, config);
        self.base = Some(base);
        self.kept.drain(..gone);
    }

    /// Forgets what is after a time that turned out not to be now.
    pub(crate) fn forget_after(&mut self, ms: i64) {
        let at = ms.div_euclid(MINUTE_MS);
        let from = self.kept.partition_point(|minute| minute.at <= at);
        self.kept.truncate(from);
        if self.base.is_some_and(|base| base.at > at) {
            // What is carried over was summed up in another time; nothing of it can be compared with what comes.
            self.base = None;
            self.lasts = Lasts::default();
        }
    }

    /// The minutes that are kept, in order.
    pub(crate) fn kept(&self) -> &[Minute] {
        &self.kept
    }

    /// The newest minute.
    pub(crate) fn last(&self) -> Option<&Minute> {
        self.kept.last()
    }

    /// Everything up to the end of a minute.
    pub(crate) fn totals_at(&self, at: i64) -> Totals {
        match self.kept.partition_point(|minute| minute.at <= at).checked_sub(1) {
            Some(place) => self.kept.get(place).map(|minute| minute.totals).unwrap_or_default(),
            None => self.base.map(|base| base.totals).unwrap_or_default(),
        }
    }

    /// What was between the end of one minute and the end of another.
    pub(crate) fn between(&self, after: i64, to: i64) -> Totals {
        self.totals_at(to).minus(self.totals_at(after))
    }

    /// The minutes from one to another, both included.
    pub(crate) fn range(&self, from: i64, to: i64) -> &[Minute] {
        let start = self.kept.partition_point(|minute| minute.at < from);
        let end = self.kept.partition_point(|minute| minute.at <= to);
        self.kept.get(start..end).unwrap_or_default()
    }

    /// The worst that the food was from one minute to another; `None` without readings.
    pub(crate) fn worst(&self, from: i64, to: i64, limit: Limit) -> Option<f64> {
        self.range(from, to).iter().map(|minute| minute.worst).reduce(|a, b| limit.worse(a, b))
    }
}

impl From<Minute> for Read {
    fn from(minute: Minute) -> Self {
        (minute.at, minute.shares, minute.first_seq, minute.last_seq)
    }
}

impl From<Read> for Minute {
    fn from((at, shares, first_seq, last_seq): Read) -> Self {
        Self { shares, last_seq, ..Self::new(at, first_seq) }
    }
}

impl Minute {
    fn new(at: i64, seq: u64) -> Self {
        Self {
            at,
            shares: Shares::default(),
            first_seq: seq,
            last_seq: seq,
            air: 0.0,
            product: 0.0,
            worst: 0.0,
            outside_since: None,
            totals: Totals::default(),
        }
    }

    fn add(&mut self, taken: Taken) {
        self.first_seq = self.first_seq.min(taken.seq);
        self.last_seq = self.last_seq.max(taken.seq);
        self.shares.add(taken.probe, taken.milli, taken.doubtful);
    }

    fn as_base(&self) -> Base {
        Base {
            at: self.at,
            air: self.air,
            product: self.product,
            outside_since: self.outside_since,
            totals: self.totals,
        }
    }

    /// Computes what the minute means after what was before it, and what probes said last before it.
    fn follow(&mut self, before: Option<Base>, lasts: &Lasts, limit: Limit, config: &Config) {
        let Air { milli: air, doubt, sure } = self.shares.air(self.at, lasts, config.silent_minutes(), limit);
        self.air = air;
        let (step_s, tau_s) = (60.0, f64::from(config.product_time_constant_s));
        let towards = |product: f64, air: f64| product + (air - product) * step_s / (tau_s + step_s);
        let mut totals = before.map(|base| base.totals).unwrap_or_default();
        let mut outside_since = before.and_then(|base| base.outside_since);
        let mut worst: Option<f64> = None;
        let mut count = |at: i64, product: f64, outside_since: &mut Option<i64>| {
            let outside = limit.outside(product);
            let counts = limit.counts(product);
            totals.outside_s += if outside { 60 } else { 0 };
            totals.counted_s += if counts { 60 } else { 0 };
            totals.sure_s += if counts && (sure || !doubt) { 60 } else { 0 };
            totals.doubt_s += if doubt { 60 } else { 0 };
            *outside_since = if outside { outside_since.or(Some(at)) } else { None };
            worst = Some(worst.map_or(product, |worst| limit.worse(worst, product)));
        };
        match before {
            None => {
                self.product = air;
                count(self.at, air, &mut outside_since);
            }
            Some(before) => {
                let gap = self.at.saturating_sub(before.at);
                if gap > config.silent_minutes() {
                    // Nothing is known of the time between: food is taken to be no better than either end.
                    self.product = limit.worse(before.product, air);
                    count(self.at, self.product, &mut outside_since);
                    totals.unknown_s = totals.unknown_s.saturating_add((gap as u64 - 1).saturating_mul(60));
                } else {
                    let between = limit.worse(before.air, air);
                    let mut product = before.product;
                    for at in before.at + 1..self.at {
                        product = towards(product, between);
                        count(at, product, &mut outside_since);
                    }
                    self.product = towards(product, air);
                    count(self.at, self.product, &mut outside_since);
                }
            }
        }
        self.worst = worst.unwrap_or(self.product);
        self.outside_since = outside_since;
        self.totals = totals;
    }

    /// Nothing is known of the time before it.
    pub(crate) fn after_silence(&self, before: Option<&Self>, config: &Config) -> bool {
        before.is_some_and(|before| self.at - before.at > config.silent_minutes())
    }
}
