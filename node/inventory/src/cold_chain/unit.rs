//! [`Unit`]: one fridge, counter or freezer as the fold knows it, and the probes that watch it.

use super::{
    config::Config,
    excursion::{self, Excursion},
    history::History,
    minutes::{MINUTE_MS, Minutes},
    rule::Limit,
};
use aisle_event::{
    DeviceId, Name, Sku, Timestamp,
    cold_chain::{ColdRule, UnitDefined},
    device::AnomalyKind,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Probes that watched a unit once and are remembered for reports; the oldest is forgotten first.
const FORMER_MAX: usize = 32;

/// A stream of temperatures that watches a unit, or did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Which device.
    pub device: DeviceId,
    /// Which of its streams.
    pub stream: Name,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Its readings count from behind this record on.
    pub from_seq: u64,
    /// And up to this one; nothing when it still watches.
    pub to_seq: Option<u64>,
}

/// A probe that watches a unit now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Probe {
    pub(crate) number: u32,
    pub(crate) unit: Name,
    pub(crate) watch: Watch,
    /// The newest reading: when, and thousandths of a degree.
    pub(crate) last: Option<(i64, i32)>,
    pub(crate) online: Option<bool>,
    /// What is wrong with it, and since when.
    pub(crate) doubts: Vec<(AnomalyKind, Timestamp)>,
}

impl Probe {
    pub(crate) fn is_doubtful(&self, at_ms: i64) -> bool {
        self.doubts.iter().any(|(_, since)| since.0 <= at_ms)
    }
}

/// One unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Unit {
    pub(crate) limit: Limit,
    pub(crate) grace_s: Option<u32>,
    pub(crate) skus: Arc<[Sku]>,
    pub(crate) removed: bool,
    pub(crate) minutes: Minutes,
    pub(crate) history: History,
    #[serde(deserialize_with = "crate::collection::list")]
    pub(crate) excursions: imbl::Vector<Arc<Excursion>>,
    /// The minute up to which time outside has been dealt with: food of that time is gone.
    pub(crate) counted_from: i64,
    /// Probes that do not watch it any more.
    pub(crate) former: Vec<Watch>,
    /// Readings that no probe can mean.
    pub(crate) implausible: u64,
}

impl Unit {
    pub(crate) fn new(event: &UnitDefined) -> Self {
        Self {
            limit: Limit::of(event),
            grace_s: event.grace_s,
            skus: event.skus.as_slice().into(),
            removed: event.removed == Some(true),
            minutes: Minutes::default(),
            history: History::default(),
            excursions: imbl::Vector::new(),
            counted_from: i64::MIN,
            former: Vec::new(),
            implausible: 0,
        }
    }

    pub(crate) fn redefine(&mut self, event: &UnitDefined, config: &Config) {
        let limit = Limit::of(event);
        if limit != self.limit {
            self.limit = limit;
            // What is kept is held to the new limit: nobody makes a warm day good by a milder one afterwards unless they say so.
            self.minutes.refold(0, limit, config);
        }
        self.grace_s = event.grace_s;
        self.skus = event.skus.as_slice().into();
        self.removed = event.removed == Some(true);
    }

    pub(crate) fn grace_minutes(&self, config: &Config) -> i64 {
        i64::from(self.grace_s.unwrap_or(config.grace_s).min(7200).div_ceil(60)).max(1)
    }

    pub(crate) fn end_watch(&mut self, watch: &Watch, seq: u64) {
        self.former.push(Watch { to_seq: Some(seq), ..watch.clone() });
        if self.former.len() > FORMER_MAX {
            self.former.remove(0);
        }
    }

    /// The excursion of a rule that has not ended.
    pub(crate) fn open(&self, rule: ColdRule) -> Option<&Arc<Excursion>> {
        self.excursions.iter().rev().find(|excursion| excursion.rule == rule && excursion.is_open())
    }

    /// Whether there already is an excursion of a rule about some of these minutes.
    pub(crate) fn is_told(&self, rule: ColdRule, from: i64, to: i64) -> bool {
        let (from, to) = (from.saturating_mul(MINUTE_MS), to.saturating_add(1).saturating_mul(MINUTE_MS));
        self.excursions.iter().any(|excursion| {
            excursion.rule == rule
                && excursion.since.0 < to
                && excursion.until.is_none_or(|until| until.0 > from)
        })
    }

    /// A name that no excursion of this unit has.
    pub(crate) fn free_name(&self, unit: &Name, rule: ColdRule, first_seq: u64) -> Option<Name> {
        let taken = |name: &Name| self.excursions.iter().any(|excursion| excursion.name == *name);
        // There are at most as many names taken as excursions remembered.
        (0..=self.excursions.len())
            .filter_map(|again| excursion::name(unit, rule, first_seq, again as u32))
            .find(|name| !taken(name))
    }

    /// The minutes whose time outside counts against the hours, up to the newest: after this one, to that one.
    pub(crate) fn window(&self, to: i64, config: &Config) -> (i64, i64) {
        (self.counted_from.max(to.saturating_sub(config.window_minutes())), to)
    }

    /// The first minute after one from which on readings have been there without silence, and food inside if that is asked, for as long
    /// as the hysteresis.
    pub(crate) fn well_from(&self, after: i64, inside: bool, config: &Config) -> Option<i64> {
        let minutes = self.minutes.range(after.saturating_add(1), i64::MAX);
        let mut from: Option<i64> = None;
        let mut before = None;
        for minute in minutes {
            let well = !inside || minute.outside_since.is_none();
            from = match from {
                _ if !well => None,
                Some(from) if !minute.after_silence(before, config) => Some(from),
                _ => Some(minute.at),
            };
            if from.is_some_and(|from| minute.at - from + 1 >= config.hysteresis_minutes()) {
                return from;
            }
            before = Some(minute);
        }
        None
    }
}
