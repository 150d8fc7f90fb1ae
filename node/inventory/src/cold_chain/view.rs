//! What readers see of the cold chain: units as the board shows them, with all that a report is made of.
//!
//! A view is a value: it does not change, and holds absolute times, so that ages and what is left are right whenever
//! somebody looks ([`UnitView::state`], [`UnitView::left_s`]).

use super::{
    config::Config,
    excursion::Excursion,
    history::History,
    minutes::MINUTE_MS,
    rule::Limit,
    unit::{Probe, Unit, Watch},
};
use aisle_event::{
    Name, Sku, Timestamp,
    cold_chain::{ColdGroup, ColdRule},
    device::AnomalyKind,
};
use std::sync::Arc;

/// A reading may be so far ahead of the clock, in milliseconds, before its age counts as unknown.
const AHEAD_MS: i64 = 3_600_000;

/// All units. Clones share everything.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// By name; those that are no more are among them, for their reports.
    pub units: imbl::OrdMap<Name, Arc<UnitView>>,
    /// Events and readings that were ignored: beyond a bound, too old, from a clock that is not believed, contradicting.
    pub ignored: u64,
    /// Silence for longer than this many seconds means that nothing is known.
    pub silent_s: u32,
}

/// One unit.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitView {
    /// Its name.
    pub name: Name,
    /// What it is held to.
    pub limit: Limit,
    /// How long food may be outside before that is an excursion, in seconds.
    pub grace_s: u32,
    /// What is kept in it.
    pub skus: Arc<[Sku]>,
    /// It is no more.
    pub removed: bool,
    /// What watches it.
    pub probes: Vec<ProbeView>,
    /// Probes that do not any more.
    pub former: Vec<Watch>,
    /// The air at the worst probe, in thousandths of a degree.
    pub air_milli: Option<i32>,
    /// The food, by the filter between air and food, in thousandths of a degree.
    pub product_milli: Option<i32>,
    /// When the newest reading was taken.
    pub as_of: Option<Timestamp>,
    /// Times in which food was outside within the window, in order.
    pub runs: Arc<[Run]>,
    /// Time outside that counts against the hours, in the window, in seconds.
    pub counted_s: u64,
    /// Time in the window of which nothing is known, in seconds.
    pub unknown_s: u64,
    /// How much is allowed in the window, in seconds.
    pub allowed_s: u64,
    /// Food is outside now, so that time is running out.
    pub is_counting: bool,
    /// A probe is in doubt.
    pub is_doubtful: bool,
    /// Readings that no probe can mean, since the unit is known.
    pub implausible: u64,
    /// Its excursions, the newest last.
    pub excursions: imbl::Vector<Arc<Excursion>>,
    /// What was read, for reports.
    pub history: History,
}

/// A probe of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeView {
    /// Which, and since when.
    pub watch: Watch,
    /// Its newest reading: when, and thousandths of a degree.
    pub last: Option<(Timestamp, i32)>,
    /// Whether its device is there; nothing when that was never said.
    pub online: Option<bool>,
    /// What is wrong with it.
    pub doubts: Vec<AnomalyKind>,
}

/// A time without a break in which food was outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
}

/// How a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// As it must be.
    Ok,
    /// The air or the food is outside, and has not been for longer than the grace.
    Warming,
    /// There is an excursion that nobody has acknowledged.
    Excursion,
    /// There is an excursion, and somebody has seen it.
    Acknowledged,
    /// Nothing is known: no probe, or no reading for too long.
    Unknown,
}

impl State {
    /// The name in JSON and in style classes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warming => "warming",
            Self::Excursion => "excursion",
            Self::Acknowledged => "acknowledged",
            Self::Unknown => "unknown",
        }
    }
}

impl UnitView {
    pub(crate) fn of<'a>(
        name: &Name,
        unit: &Unit,
        probes: impl Iterator<Item = &'a Probe>,
        config: &Config,
    ) -> Self {
        let last = unit.minutes.last();
        let (after, to) = unit.window(last.map_or(i64::MIN, |minute| minute.at), config);
        let window = unit.minutes.between(after, to);
        // Only the six hours depend on it, and it takes a look at every minute.
        let worst = if config.six_hour_rule && window.counted_s > 0 {
            unit.minutes.worst(after.saturating_add(1), to, unit.limit).unwrap_or_default()
        } else {
            0.0
        };
        let probes: Vec<ProbeView> = probes.map(ProbeView::of).collect();
        let newest = probes.iter().filter_map(|probe| probe.last.map(|(at, _)| at)).max();
        Self {
            name: name.clone(),
            limit: unit.limit,
            grace_s: unit.grace_s.unwrap_or(config.grace_s),
            skus: Arc::clone(&unit.skus),
            removed: unit.removed,
            former: unit.former.clone(),
            air_milli: last.map(|minute| minute.air.round() as i32),
            product_milli: last.map(|minute| minute.product.round() as i32),
            as_of: newest.or_else(|| last.map(|minute| Timestamp(minute.at.saturating_mul(MINUTE_MS)))),
            runs: runs(unit, to.saturating_sub(config.window_minutes()), to),
            counted_s: window.counted_s,
            unknown_s: window.unknown_s,
            allowed_s: unit.limit.allowed_s(worst, config),
            is_counting: last.is_some_and(|minute| unit.limit.counts(minute.product)),
            is_doubtful: probes.iter().any(|probe| !probe.doubts.is_empty()),
            implausible: unit.implausible,
            excursions: unit.excursions.clone(),
            history: unit.history.clone(),
            probes,
        }
    }

    /// How the unit is, at a time.
    #[must_use]
    pub fn state(&self, now: Timestamp, silent_s: u32) -> State {
        let mut open = self.open().filter(|excursion| excursion.rule != ColdRule::Unknown).peekable();
        if open.peek().is_some() {
            return if open.all(Excursion::is_acknowledged) { State::Acknowledged } else { State::Excursion };
        }
        let outside = |milli: Option<i32>| milli.is_some_and(|milli| self.limit.outside(f64::from(milli)));
        let newest = self.newest(silent_s).map(|(_, milli)| milli);
        if self.probes.is_empty() || self.as_of.is_none_or(|as_of| is_silent(as_of, now, silent_s)) {
            State::Unknown
        } else if outside(newest) || outside(self.air_milli) || outside(self.product_milli) {
            State::Warming
        } else {
            State::Ok
        }
    }

    /// The newest reading of the probe that is worst now: when, and thousandths of a degree. Minutes, which all rules are about, hold
    /// means. A probe that has been silent for longer than so many seconds has no say beside one that speaks.
    #[must_use]
    pub fn newest(&self, silent_s: u32) -> Option<(Timestamp, i32)> {
        let last = self.probes.iter().filter_map(|probe| probe.last);
        let newest = last.clone().map(|(at, _)| at.0).max()?;
        let since = newest.saturating_sub(i64::from(silent_s) * 1000);
        let fresh = last.filter(|(at, _)| at.0 >= since);
        if self.limit.group == ColdGroup::Hot {
            fresh.min_by_key(|(_, milli)| *milli)
        } else {
            fresh.max_by_key(|(_, milli)| *milli)
        }
    }

    /// Excursions that have not ended.
    pub fn open(&self) -> impl Iterator<Item = &Excursion> {
        self.excursions.iter().map(AsRef::as_ref).filter(|excursion: &&Excursion| excursion.is_open())
    }

    /// How old the newest reading is, in seconds; nothing when there is none.
    #[must_use]
    pub fn age_s(&self, now: Timestamp) -> Option<u64> {
        self.as_of.map(|as_of| now.ms_since(as_of) / 1000)
    }

    /// How long food was outside since a time (the start of a day), within the window, in seconds.
    #[must_use]
    pub fn outside_since_s(&self, from: Timestamp) -> u64 {
        self.runs.iter().map(|run| run.to.ms_since(run.from.max(from)) / 1000).sum()
    }

    /// How long there is until food must go, in seconds. Nothing when no time is running out; time of which nothing is known
    /// runs on.
    #[must_use]
    pub fn left_s(&self, now: Timestamp) -> Option<u64> {
        let left = self.allowed_s.saturating_sub(self.counted_s);
        let since = self.as_of?;
        self.is_counting.then(|| left.saturating_sub(now.ms_since(since) / 1000))
    }

    /// When food must go, if nothing gets better.
    #[must_use]
    pub fn discard_at(&self) -> Option<Timestamp> {
        let left_ms = self.allowed_s.saturating_sub(self.counted_s).saturating_mul(1000);
        let since = self.as_of.filter(|_| self.is_counting)?;
        Some(since.saturating_add_ms(i64::try_from(left_ms).unwrap_or(i64::MAX)))
    }
}

/// Nothing was read for too long, or what was read is of a time that has not come.
pub(crate) fn is_silent(last: Timestamp, now: Timestamp, silent_s: u32) -> bool {
    let silent_ms = i64::from(silent_s) * 1000;
    let age = now.0.saturating_sub(last.0);
    age > silent_ms || age < -AHEAD_MS.max(silent_ms)
}

impl ProbeView {
    fn of(probe: &Probe) -> Self {
        Self {
            watch: probe.watch.clone(),
            last: probe.last.map(|(at, milli)| (Timestamp(at), milli)),
            online: probe.online,
            doubts: probe.doubts.iter().map(|(kind, _)| *kind).collect(),
        }
    }
}

/// The times outside from one minute to another.
fn runs(unit: &Unit, from: i64, to: i64) -> Arc<[Run]> {
    if unit.minutes.between(from, to).outside_s == 0 {
        return Arc::default();
    }
    let mut runs: Vec<Run> = Vec::new();
    let time = |minute: i64| Timestamp(minute.saturating_mul(MINUTE_MS));
    for minute in unit.minutes.range(from.saturating_add(1), to) {
        let Some(since) = minute.outside_since else { continue };
        match runs.last_mut() {
            Some(run) if run.from == time(since.max(from)) => run.to = time(minute.at + 1),
            _ => runs.push(Run { from: time(since.max(from)), to: time(minute.at + 1) }),
        }
    }
    runs.into()
}
