//! [`Excursion`]: one time that a unit was not as it must be, from its opening to its end.

use super::{minutes::Totals, rule::Limit};
use aisle_event::{
    LotId, Measure, Name, Sku, Timestamp,
    cold_chain::{ColdRule, ColdVerdict, ExcursionAcknowledged, ExcursionClosed, ExcursionOpened},
};
use serde::{Deserialize, Serialize};

/// Acknowledgements kept for one excursion; a further one takes the place of the last.
const ACTIONS_MAX: usize = 16;
/// The longest part of a unit's name that goes into the name of an excursion, in bytes.
const UNIT_BYTES_MAX: usize = 180;

/// One time that a unit was not as it must be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Excursion {
    /// Its name, unique in the store.
    pub name: Name,
    /// Where.
    pub unit: Name,
    /// Which rule.
    pub rule: ColdRule,
    /// The limit, in thousandths of a degree.
    pub limit_milli: i32,
    /// Since when, by the readings.
    pub since: Timestamp,
    /// The record that it begins with.
    pub first_seq: u64,
    /// When it was noticed.
    pub opened_at: Timestamp,
    /// The record that says so.
    pub opened_seq: u64,
    /// The value furthest outside so far, in thousandths of a degree.
    pub peak_milli: Option<i32>,
    /// What people did about it, in the order in which they said so.
    pub actions: Vec<Action>,
    /// How it ended.
    pub closed: Option<Closed>,
    /// Until when, by the readings; only of a closed one.
    pub until: Option<Timestamp>,
    /// Lots that were in the unit when it opened.
    pub(crate) lots_then: Vec<LotId>,
    /// Everything up to its first minute.
    pub(crate) mark: Totals,
}

/// A person has seen it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Who.
    pub by: Name,
    /// What was done.
    pub action: Option<Name>,
    /// When.
    pub at: Timestamp,
    /// The record that says so.
    pub seq: u64,
}

/// How an excursion ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// When that was noticed.
    pub at: Timestamp,
    /// The record that says so.
    pub seq: u64,
    /// How long food was outside, in seconds.
    pub outside_s: u64,
    /// The record of the first reading inside.
    pub last_seq: u64,
    /// What became of the food.
    pub verdict: ColdVerdict,
    /// What was in the unit.
    pub skus: Vec<Sku>,
    /// Which lots of that, as far as receipts say.
    pub lots: Vec<LotId>,
}

impl Excursion {
    pub(crate) fn opened(seq: u64, event: &ExcursionOpened, lots: Vec<LotId>, mark: Totals) -> Self {
        let milli = |measure: Measure| i32::try_from(measure.millionths.div_euclid(1000)).ok();
        Self {
            name: event.excursion.clone(),
            unit: event.unit.clone(),
            rule: event.rule,
            limit_milli: milli(event.limit).unwrap_or_default(),
            since: event.since,
            first_seq: event.first_seq,
            opened_at: event.at,
            opened_seq: seq,
            peak_milli: event.measured.and_then(milli),
            actions: Vec::new(),
            closed: None,
            until: None,
            lots_then: lots,
            mark,
        }
    }

    pub(crate) fn acknowledge(&mut self, seq: u64, event: &ExcursionAcknowledged) {
        self.actions.truncate(ACTIONS_MAX - 1);
        self.actions.push(Action { by: event.by.clone(), action: event.action.clone(), at: event.at, seq });
    }

    pub(crate) fn close(&mut self, seq: u64, event: &ExcursionClosed, until: Timestamp) {
        let peak = event.peak.and_then(|peak| i32::try_from(peak.millionths.div_euclid(1000)).ok());
        self.peak_milli = peak.or(self.peak_milli);
        self.until = Some(until);
        self.closed = Some(Closed {
            at: event.at,
            seq,
            outside_s: event.outside_s,
            last_seq: event.last_seq,
            verdict: event.verdict,
            skus: event.skus.clone(),
            lots: event.lots.clone(),
        });
    }

    /// The records that it stands in.
    pub(crate) fn records(&self) -> impl Iterator<Item = u64> + Clone {
        let actions = self.actions.iter().map(|action| action.seq);
        [self.opened_seq].into_iter().chain(actions).chain(self.closed.as_ref().map(|end| end.seq))
    }

    /// Whether the records of another tell the same; what the fold keeps for itself aside.
    pub(crate) fn tells_the_same(&self, other: &Self) -> bool {
        let told = |one: &Self| {
            let what = (one.name.clone(), one.unit.clone(), one.rule, one.limit_milli);
            let begin = (one.since, one.first_seq, one.opened_at, one.opened_seq);
            let peak = one.closed.as_ref().and(one.peak_milli);
            (what, begin, peak, one.actions.clone(), one.closed.clone())
        };
        told(self) == told(other)
    }

    /// It has not ended.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// A person has seen it.
    #[must_use]
    pub const fn is_acknowledged(&self) -> bool {
        !self.actions.is_empty()
    }

    /// Whether it has to do with a time between two, in milliseconds.
    #[must_use]
    pub fn touches(&self, from_ms: i64, to_ms: i64) -> bool {
        self.since.0 < to_ms && self.until.is_none_or(|until| until.0 >= from_ms)
    }

    /// What a worse reading makes its peak, if it does.
    pub(crate) fn higher_peak(&self, milli: i32, limit: Limit) -> Option<i32> {
        let worst =
            self.peak_milli.map_or(milli, |peak| limit.worse(f64::from(peak), f64::from(milli)) as i32);
        (self.rule != ColdRule::Unknown && self.peak_milli != Some(worst)).then_some(worst)
    }
}

/// The name of the excursion of a unit that begins with a record; `again` tells apart several that begin with the same.
pub(crate) fn name(unit: &Name, rule: ColdRule, first_seq: u64, again: u32) -> Option<Name> {
    let text = unit.as_str();
    let end = text.floor_char_boundary(UNIT_BYTES_MAX.min(text.len()));
    let short = text.get(..end).unwrap_or_default();
    // What is cut off must still make a difference.
    let cut = if end < text.len() {
        format!("~{}", &blake3::hash(text.as_bytes()).to_hex().as_str().get(..8).unwrap_or_default())
    } else {
        String::new()
    };
    let again = if again == 0 { String::new() } else { format!(":{again}") };
    Name::new(format!("{short}{cut}:{rule}:{first_seq}{again}")).ok()
}
