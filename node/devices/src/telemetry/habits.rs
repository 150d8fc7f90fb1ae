//! What is usual for one stream, learned from itself, and what is odd against that.
//!
//! Four statistics, each held to a level of its own history ([`Tail`]), which shares out the rate of false alarms evenly:
//!
//! - **range**: the highest and lowest value of each minute. What the unit rules out is odd at once, without any history.
//! - **stuck**: how long the same value lasts. A sensor whose last digit always moves is stuck sooner than a coarse one.
//! - **drift**: an EWMA chart (S. Roberts, *Control chart tests based on geometric moving averages*, Technometrics 1, 1959; weight 0.2 as
//!   in the NIST/SEMATECH handbook, 6.3.2.4) of the hourly mean against what is usual at that hour of the day (UTC). Its limits are
//!   not `L · sigma`, which supposes independent normal values, but come from the tail of the chart itself. What is usual
//!   follows over a fortnight, by steps that are cut off (P. Huber, 1964), so one bad day does not become the habit.
//! - **silent**: the time between readings.
//!
//! What goes beyond a level is learned as being at the level. So a habit that changes for good becomes usual after weeks and the
//! alarm ends, and one storm does not make the sensor deaf.
//!
//! Not here: readings that come out of order (`stream` keeps them away), events (`fold`).

use super::{
    bytes::{Damaged, Reader, Writer},
    config::Anomalies,
    minute::MINUTE_MS,
    oddity::{Oddity, place},
    stream::TIMES,
    tail::Tail,
};
use aisle_event::{
    Timestamp,
    device::{AnomalyKind, Measured},
};

const HOUR_MS: i64 = 3_600_000;
const HOURS: usize = 24;
/// The weight of the newest hour in the chart.
const CHART_WEIGHT: f64 = 0.2;
/// An hour of the day must have been seen so often before it is compared with.
const USUAL_DAYS_MIN: u32 = 3;
/// Over so many days the usual follows.
const USUAL_DAYS: u32 = 14;
/// A chart of independent values spreads a third as far as they do, at weight 0.2: sqrt(0.2 / 1.8).
const CHART_SPREAD: f64 = 1.0 / 3.0;
/// Gaps that tell an interval without an announcement.
const GAPS_MIN: u64 = 20;
/// So many changes end a stuck value.
const CHANGES_MIN: u32 = 3;
const CALM_MS_MIN: i64 = 600_000;
/// Twice what a measure can be, in units.
const SIZE_MAX: f64 = 2e13;
/// Kinds of anomalies that share the rate.
const KINDS: f64 = 4.0;

/// What a unit allows, in units.
const fn possible(unit: Measured) -> (f64, f64) {
    match unit {
        Measured::Celsius => (-100.0, 200.0),
        Measured::HumidityPercent | Measured::Percent => (0.0, 100.0),
        Measured::Gram => (-1_000.0, 1_000_000.0),
        Measured::Watt => (-100_000.0, 100_000.0),
        Measured::Volt => (-1_000.0, 1_000.0),
        Measured::Open | Measured::On => (0.0, 1.0),
        Measured::Dbm => (-200.0, 30.0),
        Measured::KilowattHour | Measured::Count | Measured::Second => (0.0, 1e9),
    }
}

/// Which of its own habits a unit is held to. A weight follows the stock and not the hour; a counter and a switch have no level.
const fn has_level(unit: Option<Measured>) -> bool {
    !matches!(
        unit,
        Some(
            Measured::Gram
                | Measured::KilowattHour
                | Measured::Open
                | Measured::On
                | Measured::Count
                | Measured::Second
        )
    )
}

const fn has_noise(unit: Option<Measured>) -> bool {
    has_level(unit) || matches!(unit, Some(Measured::Gram))
}

/// The same value again and again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Run {
    value: i64,
    since: i64,
    readings: u32,
    ms: i64,
    /// How often the value changed since it was stuck.
    changes: u32,
}

/// The mean of an hour of the day.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Usual {
    mean: f64,
    days: u32,
}

/// A stretch of time that is not over: its number, and what was seen in it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Extremes {
    minute: i64,
    min: i64,
    max: i64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Hour {
    hour: i64,
    sum: i128,
    count: u32,
}

/// Levels from the tails, in millionths or milliseconds. They follow from the rest, so they are not written.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Levels {
    high: Option<f64>,
    low: Option<f64>,
    run_ms: Option<f64>,
    chart: Option<f64>,
    gap_ms: Option<f64>,
    interval_ms: Option<f64>,
}

/// What one reading is judged with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) config: &'a Anomalies,
    pub(super) unit: Option<Measured>,
    pub(super) interval_s: Option<u32>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Habits {
    newest: Option<i64>,
    gaps: Tail,
    run: Option<Run>,
    runs: Tail,
    /// The first value: the sketches of range are about distances from it, which are known to a share of themselves.
    origin: i64,
    high: Tail,
    low: Tail,
    minute: Option<Extremes>,
    outside_at: i64,
    hour: Option<Hour>,
    usual: [Usual; HOURS],
    chart: f64,
    charts: Tail,
    levels: Levels,
    odd: [Option<Oddity>; 3],
}

impl Habits {
    /// What is odd by the readings.
    pub(super) fn odd(&self, kind: AnomalyKind) -> Option<&Oddity> {
        self.odd.get(place(kind)).and_then(Option::as_ref)
    }

    /// Forgets what is usual, as the sensor is somewhere else now; not how often it speaks.
    pub(super) fn move_away(&mut self) {
        let gaps = std::mem::take(&mut self.gaps);
        let levels =
            Levels { gap_ms: self.levels.gap_ms, interval_ms: self.levels.interval_ms, ..Levels::default() };
        *self = Self { gaps, levels, newest: self.newest, ..Self::default() };
    }

    /// Takes the next reading in time. `pause` when the node did not listen before it.
    pub(super) fn take(&mut self, at: i64, value: i64, pause: bool, terms: Terms<'_>) {
        let since = self.newest.map_or(0, |newest| at - newest);
        let usual_ms = self.interval_ms(terms).map_or(HOUR_MS, |interval| interval as i64);
        if self.newest.is_none() {
            self.origin = value;
        } else if !pause {
            let learned = self.levels.gap_ms.map_or(since, |level| since.min(level as i64));
            self.gaps.learn(learned, since.unsigned_abs());
            self.levels.gap_ms = level(&self.gaps, terms);
            self.levels.interval_ms = regular(&self.gaps);
        }
        self.newest = Some(at);
        // A pause is no time in which the value was the same.
        let lasted = since.min(usual_ms.saturating_mul(terms.config.silent_intervals.into()));
        if has_noise(terms.unit) {
            self.stuck(at, value, lasted, terms);
        }
        self.range(at, value, usual_ms, terms);
        if has_level(terms.unit) {
            self.extremes(at, value, terms);
            self.drift(at, value, terms);
        }
    }

    /// The interval that it is wont to speak at, in milliseconds: as announced, else as learned when it is regular.
    fn interval_ms(&self, terms: Terms<'_>) -> Option<f64> {
        if let Some(announced) = terms.interval_s.filter(|interval| *interval > 0) {
            return Some(f64::from(announced) * 1000.0);
        }
        self.levels.interval_ms
    }

    /// What is odd when nothing came from `heard` until `now`.
    pub(super) fn silence(&self, heard: Timestamp, now: Timestamp, terms: Terms<'_>) -> Option<Oddity> {
        let interval = self.interval_ms(terms)?;
        let usual = interval * f64::from(terms.config.silent_intervals);
        let level = usual.max(self.levels.gap_ms.unwrap_or_default());
        let found = now.ms_since(heard) as f64;
        (found > level).then_some(Oddity {
            since: heard,
            found: found / 1e3,
            level: level / 1e3,
            about: interval / 1e3,
        })
    }

    fn set(&mut self, kind: AnomalyKind, odd: Option<Oddity>) {
        if let Some(slot) = self.odd.get_mut(place(kind)) {
            *slot = odd;
        }
    }

    fn stuck(&mut self, at: i64, value: i64, lasted: i64, terms: Terms<'_>) {
        let kind = AnomalyKind::Stuck;
        let Some(mut run) = self.run else {
            self.run = Some(Run { value, since: at, readings: 1, ms: 0, changes: 0 });
            return;
        };
        run.ms = run.ms.saturating_add(lasted);
        if run.value == value {
            run.readings = run.readings.saturating_add(1);
            let least = i64::from(terms.config.stuck_s_min) * 1000;
            if run.readings >= terms.config.stuck_readings_min
                && run.ms >= least
                && self.odd(kind).is_none()
                && let Some(level) = self.levels.run_ms.filter(|level| run.ms as f64 > *level)
            {
                run.changes = 0;
                self.set(
                    kind,
                    Some(Oddity {
                        since: Timestamp(run.since),
                        found: run.ms as f64 / 1e3,
                        level: level.max(least as f64) / 1e3,
                        about: value as f64 / 1e6,
                    }),
                );
            }
            self.run = Some(run);
            return;
        }
        let learned = self.levels.run_ms.map_or(run.ms, |level| run.ms.min(level as i64));
        self.runs.learn(learned, run.ms.unsigned_abs());
        self.levels.run_ms = level(&self.runs, terms);
        let changes = run.changes.saturating_add(1);
        if changes >= CHANGES_MIN {
            self.set(kind, None);
        }
        self.run = Some(Run { value, since: at, readings: 1, ms: 0, changes });
    }

    fn range(&mut self, at: i64, value: i64, usual_ms: i64, terms: Terms<'_>) {
        let found = value as f64 / 1e6;
        let outside = terms
            .unit
            .and_then(|unit| {
                let (low, high) = possible(unit);
                let level = if found < low {
                    low
                } else if found > high {
                    high
                } else {
                    return None;
                };
                Some((level, 0.0))
            })
            .or_else(|| {
                let (low, high) = self.band();
                let beyond =
                    |level: Option<f64>, sign: f64| level.filter(|level| (found - level) * sign > 0.0);
                beyond(high, 1.0).or_else(|| beyond(low, -1.0)).map(|level| (level, 1.0))
            });
        let kind = AnomalyKind::Range;
        match (outside, self.odd(kind)) {
            (Some((level, about)), None) => {
                self.outside_at = at;
                self.set(kind, Some(Oddity { since: Timestamp(at), found, level, about }));
            }
            (Some(_), Some(_)) => self.outside_at = at,
            (None, Some(_)) if self.is_near_the_edge(found) => self.outside_at = at,
            (None, Some(_)) if at - self.outside_at >= CALM_MS_MIN.max(3 * usual_ms) => self.set(kind, None),
            (None, _) => {}
        }
    }

    /// Between what it usually is, in units.
    fn band(&self) -> (Option<f64>, Option<f64>) {
        let origin = self.origin as f64;
        (self.levels.low.map(|low| (origin - low) / 1e6), self.levels.high.map(|high| (origin + high) / 1e6))
    }

    /// Within a twentieth of the band from its edges: not odd, and not yet calm.
    fn is_near_the_edge(&self, found: f64) -> bool {
        let (Some(low), Some(high)) = self.band() else { return false };
        let margin = (high - low) / 20.0;
        found < low + margin || found > high - margin
    }

    fn extremes(&mut self, at: i64, value: i64, terms: Terms<'_>) {
        let minute = at.div_euclid(MINUTE_MS);
        let Some(mut seen) = self.minute else {
            self.minute = Some(Extremes { minute, min: value, max: value });
            return;
        };
        if seen.minute == minute {
            (seen.min, seen.max) = (seen.min.min(value), seen.max.max(value));
            self.minute = Some(seen);
            return;
        }
        let since = minute.abs_diff(seen.minute).saturating_mul(MINUTE_MS.unsigned_abs());
        let origin = self.origin;
        let cut = |value: i64, level: Option<f64>| level.map_or(value, |level| value.min(level as i64));
        self.high.learn(cut(seen.max.saturating_sub(origin), self.levels.high), since);
        self.low.learn(cut(origin.saturating_sub(seen.min), self.levels.low), since);
        // Two sides share what the kind has.
        self.levels.high = level_at(&self.high, terms, 2.0);
        self.levels.low = level_at(&self.low, terms, 2.0);
        self.minute = Some(Extremes { minute, min: value, max: value });
    }

    fn drift(&mut self, at: i64, value: i64, terms: Terms<'_>) {
        let hour = at.div_euclid(HOUR_MS);
        match &mut self.hour {
            Some(open) if open.hour == hour => {
                open.sum += i128::from(value);
                open.count = open.count.saturating_add(1);
            }
            over => {
                let over = over.replace(Hour { hour, sum: value.into(), count: 1 });
                if let Some(over) = over {
                    self.chart(over, hour, terms);
                }
            }
        }
    }

    fn chart(&mut self, over: Hour, next: i64, terms: Terms<'_>) {
        let mean = over.sum as f64 / f64::from(over.count.max(1)) / 1e6;
        let hours = next.abs_diff(over.hour);
        let at = usize::try_from(over.hour.rem_euclid(HOURS as i64)).unwrap_or_default();
        let Some(usual) = self.usual.get_mut(at) else { return };
        let off = mean - usual.mean;
        let expected = usual.mean;
        let limit = self.levels.chart;
        let step = limit.map_or(off, |level| {
            let cut = level / 1e6 / CHART_SPREAD;
            off.clamp(-cut, cut)
        });
        let compared = usual.days >= USUAL_DAYS_MIN;
        usual.days = (usual.days + 1).min(USUAL_DAYS);
        usual.mean += if usual.days == 1 { off } else { step / f64::from(usual.days) };
        if !compared {
            return;
        }
        self.chart += CHART_WEIGHT * (off - self.chart);
        let found = self.chart.abs() * 1e6;
        if let Some(level) = limit {
            let kind = AnomalyKind::Drift;
            if found > level && self.odd(kind).is_none() {
                self.set(
                    kind,
                    Some(Oddity {
                        since: Timestamp(over.hour.saturating_mul(HOUR_MS)),
                        found: self.chart,
                        level: level / 1e6,
                        about: expected,
                    }),
                );
            } else if found < level / 2.0 {
                self.set(kind, None);
            }
        }
        self.charts.learn(
            limit.map_or(found, |level| found.min(level)) as i64,
            hours.saturating_mul(HOUR_MS.unsigned_abs()),
        );
        self.levels.chart = level(&self.charts, terms);
        if hours > HOURS as u64 {
            // Nothing carries over a day without readings.
            self.chart = 0.0;
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.maybe_signed(self.newest);
        for tail in [&self.gaps, &self.runs, &self.high, &self.low, &self.charts] {
            tail.write(writer);
        }
        writer.flag(self.run.is_some());
        if let Some(run) = self.run {
            writer.signed(run.value);
            writer.signed(run.since);
            writer.number(run.readings);
            writer.signed(run.ms);
            writer.number(run.changes);
        }
        writer.signed(self.origin);
        writer.flag(self.minute.is_some());
        if let Some(seen) = self.minute {
            writer.signed(seen.minute);
            writer.signed(seen.min);
            writer.signed(seen.max);
        }
        writer.signed(self.outside_at);
        writer.flag(self.hour.is_some());
        if let Some(open) = self.hour {
            writer.signed(open.hour);
            writer.wide_signed(open.sum);
            writer.number(open.count);
        }
        for usual in &self.usual {
            writer.float(usual.mean);
            writer.number(usual.days);
        }
        writer.float(self.chart);
        for odd in &self.odd {
            writer.flag(odd.is_some());
            if let Some(odd) = odd {
                odd.write(writer);
            }
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>, terms: Terms<'_>) -> Result<Self, Damaged> {
        let mut habits = Self { newest: reader.maybe_signed()?, ..Self::default() };
        for tail in
            [&mut habits.gaps, &mut habits.runs, &mut habits.high, &mut habits.low, &mut habits.charts]
        {
            *tail = Tail::read(reader)?;
        }
        if reader.flag()? {
            habits.run = Some(Run {
                value: reader.signed()?,
                since: reader.signed()?,
                readings: reader.number()?,
                ms: reader.signed()?,
                changes: reader.number()?,
            });
        }
        habits.origin = reader.signed()?;
        if reader.flag()? {
            let (minute, min, max) = (reader.signed()?, reader.signed()?, reader.signed()?);
            habits.minute = Some(Extremes { minute, min, max });
        }
        habits.outside_at = reader.signed()?;
        if reader.flag()? {
            let (hour, sum, count) = (reader.signed()?, reader.wide_signed()?, reader.number()?);
            habits.hour = Some(Hour { hour, sum, count });
        }
        for usual in &mut habits.usual {
            *usual = Usual { mean: reader.float()?, days: reader.number()? };
        }
        habits.chart = reader.float()?;
        for odd in &mut habits.odd {
            *odd = if reader.flag()? { Some(Oddity::read(reader)?) } else { None };
        }
        if !habits.can_be() {
            return Err(Damaged);
        }
        habits.levels = Levels {
            high: level_at(&habits.high, terms, 2.0),
            low: level_at(&habits.low, terms, 2.0),
            run_ms: level(&habits.runs, terms),
            chart: level(&habits.charts, terms),
            gap_ms: level(&habits.gaps, terms),
            interval_ms: regular(&habits.gaps),
        };
        Ok(habits)
    }
}

impl Habits {
    /// What was read is such that going on from it overflows nothing.
    fn can_be(&self) -> bool {
        let time = |at: i64| at == 0 || TIMES.contains(&at);
        let size = |number: f64| number.abs() <= SIZE_MAX;
        self.newest.is_none_or(time)
            && self.run.is_none_or(|run| time(run.since))
            && self.minute.is_none_or(|seen| time(seen.minute.saturating_mul(MINUTE_MS)))
            && time(self.outside_at)
            && self.hour.is_none_or(|open| {
                (0..=TIMES.end / HOUR_MS).contains(&open.hour)
                    && open.sum.unsigned_abs() <= u128::from(open.count) << 63
            })
            && size(self.chart)
            && self.usual.iter().all(|usual| size(usual.mean) && usual.days <= USUAL_DAYS)
    }
}

/// The interval that gaps show when nine of ten are about alike.
fn regular(gaps: &Tail) -> Option<f64> {
    let (middle, long) = (gaps.quantile(0.5)?, gaps.quantile(0.9)?);
    (gaps.count() >= GAPS_MIN && long <= middle.saturating_mul(2)).then_some(middle as f64)
}

fn level(tail: &Tail, terms: Terms<'_>) -> Option<f64> {
    level_at(tail, terms, 1.0)
}

/// The level of one of so many sides of a kind.
fn level_at(tail: &Tail, terms: Terms<'_>, sides: f64) -> Option<f64> {
    tail.level(terms.config.false_alarms_per_day / KINDS / sides, terms.config.learn_days)
}
