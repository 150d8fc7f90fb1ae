//! The HACCP report of a unit and a day: what was read, what was wrong, what was done, and how to prove it.
//!
//! A [`Report`] is made from the view alone, without the journal. It holds everything that its forms show ([`Report::html`],
//! [`Report::csv`]), and both forms carry it whole as JSON, so that [`super::verify`] can hold it against the journal years later.
//! [`Evidence`] is filled in by who has the journal.
//!
//! Not here: the journal, where files go.

mod chart;
mod csv;
mod html;
mod words;

pub(crate) use csv::DATA as CSV_DATA;
pub(crate) use html::DATA as HTML_DATA;
pub use words::Language;

use super::{Excursion, Slot, View, Watch, digest, history::SLOT_MS, rule::Limit};
use aisle_event::{
    LotId, Name, Sku, Timestamp,
    cold_chain::{ColdGroup, ColdVerdict},
};
use jiff::{civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// The form of the data in a report.
pub const FORM: u16 = 1;
/// The version that lays out pages and tables as this build does.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where a report's readings stand in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The journal's id, as hexadecimal digits.
    pub journal: String,
    /// The first record of the range.
    pub first_seq: u64,
    /// The last record of it.
    pub last_seq: u64,
    /// The chain's head before the first record, as 64 hexadecimal digits.
    pub head_before: String,
    /// The chain's head after the last one.
    pub head_after: String,
}

/// What kind of day it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The day is over.
    Over,
    /// The day goes on; more can come.
    Ongoing,
    /// The day has not begun.
    Future,
    /// No such unit was ever defined.
    NoUnit,
}

/// What the day was, all in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayVerdict {
    /// Within the limit all the time, and all the time known.
    Kept,
    /// There were excursions, and the food was within what time as a control allows.
    Safe,
    /// A person has to judge.
    Judge,
    /// Food had to be thrown away.
    Discard,
    /// An excursion goes on.
    Open,
    /// There is nothing to judge by.
    Nothing,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The form of this data, [`FORM`].
    pub form: u16,
    /// The version of Aisle that made it: another one may lay out the same data otherwise.
    pub made_by: String,
    /// The shop.
    pub store: String,
    /// The unit.
    pub unit: Name,
    /// The day in the shop's time, `2026-11-21`.
    pub day: String,
    /// The zone of that time, as in the IANA database.
    pub zone: String,
    /// When the day begins.
    pub from: Timestamp,
    /// When it ends.
    pub to: Timestamp,
    /// When the report was made.
    pub made_at: Timestamp,
    /// What kind of day it is.
    pub standing: Standing,
    /// What the unit is held to.
    pub limit: Option<Limit>,
    /// The grace, in seconds.
    pub grace_s: u32,
    /// Probes that watched it at some time and until when; also those that watch it now.
    pub probes: Vec<Watch>,
    /// The readings.
    pub slots: Vec<Slot>,
    /// The digest over the readings.
    pub digest: String,
    /// Time of the day for which there are no readings, in seconds.
    pub missing_s: u64,
    /// The excursions that have to do with the day.
    pub excursions: Vec<Excursion>,
    /// What is kept in the unit.
    pub skus: Vec<Sku>,
    /// The products that excursions touched.
    pub skus_touched: Vec<Sku>,
    /// The lots that excursions touched, as far as receipts say.
    pub lots_touched: Vec<LotId>,
    /// What the day was.
    pub verdict: DayVerdict,
    /// Where the readings stand in the journal; nothing when there are none, or nobody filled it in.
    pub evidence: Option<Evidence>,
}

impl Report {
    /// The report of a unit and a day in a zone, as things stand at `now`.
    #[must_use]
    pub fn new(view: &View, store: &str, unit: &Name, day: Date, zone: &TimeZone, now: Timestamp) -> Self {
        let (from, to) = (start(day, zone), day.tomorrow().map_or(i64::MAX, |next| start(next, zone)));
        let known = view.units.get(unit);
        let standing = match known {
            None => Standing::NoUnit,
            Some(_) if now.0 < from => Standing::Future,
            Some(_) if now.0 < to => Standing::Ongoing,
            Some(_) => Standing::Over,
        };
        let slots = known.map(|unit| unit.history.slots(from, to)).unwrap_or_default();
        let excursions: Vec<Excursion> = known
            .into_iter()
            .flat_map(|unit| &unit.excursions)
            .filter(|excursion| excursion.touches(from, to))
            .map(|excursion| Excursion::clone(excursion))
            .collect();
        let probes: Vec<Watch> = known
            .into_iter()
            .flat_map(|unit| unit.former.iter().chain(unit.probes.iter().map(|probe| &probe.watch)))
            .filter(|watch| watch.placed_at.0 < to)
            .cloned()
            .collect();
        let watched_from = probes.iter().map(|watch| watch.placed_at.0).min().unwrap_or(to);
        let missing_s = missing_s(&slots, from.max(watched_from), to.min(now.0), view.silent_s);
        let mut skus_touched: Vec<Sku> = excursions
            .iter()
            .filter_map(|one| one.closed.as_ref())
            .flat_map(|end| end.skus.clone())
            .collect();
        let mut lots_touched: Vec<LotId> = excursions
            .iter()
            .filter_map(|one| one.closed.as_ref())
            .flat_map(|end| end.lots.clone())
            .collect();
        for open in excursions.iter().filter(|excursion| excursion.is_open()) {
            skus_touched.extend(known.into_iter().flat_map(|unit| unit.skus.iter().cloned()));
            lots_touched.extend(open.lots_then.iter().cloned());
        }
        skus_touched.sort();
        skus_touched.dedup();
        lots_touched.sort();
        lots_touched.dedup();
        Self {
            form: FORM,
            made_by: VERSION.into(),
            store: store.into(),
            unit: unit.clone(),
            day: day.to_string(),
            zone: zone.iana_name().unwrap_or("UTC").into(),
            from: Timestamp(from),
            to: Timestamp(to),
            made_at: now,
            standing,
            limit: known.map(|unit| unit.limit),
            grace_s: known.map_or(0, |unit| unit.grace_s),
            digest: digest(&slots),
            verdict: verdict(&slots, &excursions, missing_s),
            missing_s,
            probes,
            slots,
            excursions,
            skus: known.map(|unit| unit.skus.to_vec()).unwrap_or_default(),
            skus_touched,
            lots_touched,
            evidence: None,
        }
    }

    /// The records of the journal that hold the readings and the excursions, first and last; nothing when there are none.
    #[must_use]
    pub fn records(&self) -> Option<(u64, u64)> {
        let readings = self.slots.iter().flat_map(|slot| [slot.first_seq, slot.last_seq]);
        let excursions = self.excursions.iter().flat_map(Excursion::records);
        let (first, last) =
            (readings.clone().chain(excursions.clone()).min()?, readings.chain(excursions).max()?);
        Some((first, last))
    }

    /// The same report with where its readings stand in the journal.
    #[must_use]
    pub fn with_evidence(self, evidence: Evidence) -> Self {
        Self { evidence: Some(evidence), ..self }
    }

    fn zone(&self) -> TimeZone {
        TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC)
    }

    /// A time in the shop's time.
    fn local(&self, at: Timestamp, format: &str) -> String {
        jiff::Timestamp::from_millisecond(at.0)
            .map_or_else(|_| "?".into(), |at| at.to_zoned(self.zone()).strftime(format).to_string())
    }

    /// Readings by the half hour: when it begins, and one slot for all of it.
    fn half_hours(&self) -> Vec<Slot> {
        let mut rows: Vec<Slot> = Vec::new();
        for slot in &self.slots {
            let begin = slot.at_ms.div_euclid(6 * SLOT_MS) * 6 * SLOT_MS;
            match rows.last_mut() {
                Some(row) if row.at_ms == begin => {
                    row.count = row.count.saturating_add(slot.count);
                    row.min_milli = row.min_milli.min(slot.min_milli);
                    row.max_milli = row.max_milli.max(slot.max_milli);
                    row.sum_milli = row.sum_milli.saturating_add(slot.sum_milli);
                    row.first_seq = row.first_seq.min(slot.first_seq);
                    row.last_seq = row.last_seq.max(slot.last_seq);
                }
                _ => rows.push(Slot { at_ms: begin, ..*slot }),
            }
        }
        rows
    }

    fn is_hot(&self) -> bool {
        self.limit.is_some_and(|limit| limit.group == ColdGroup::Hot)
    }
}

/// When a day begins, in milliseconds; the end of time for a day that never comes.
fn start(day: Date, zone: &TimeZone) -> i64 {
    day.to_zoned(zone.clone()).map_or(i64::MAX, |midnight| midnight.timestamp().as_millisecond())
}

/// The time between two without readings, in seconds, apart from what is shorter than the bound of silence.
fn missing_s(slots: &[Slot], from: i64, to: i64, silent_s: u32) -> u64 {
    let (mut missing_ms, mut known_to) = (0_u64, from);
    let silent_ms = u64::from(silent_s) * 1000;
    let ends = slots.iter().map(|slot| (slot.at_ms, slot.at_ms + SLOT_MS)).chain([(to, to)]);
    for (begin, end) in ends {
        let gap = Timestamp(begin.min(to)).ms_since(Timestamp(known_to));
        if gap > silent_ms {
            missing_ms = missing_ms.saturating_add(gap);
        }
        known_to = known_to.max(end);
    }
    missing_ms / 1000
}

fn verdict(slots: &[Slot], excursions: &[Excursion], missing_s: u64) -> DayVerdict {
    let is =
        |verdict| excursions.iter().any(|one| one.closed.as_ref().is_some_and(|end| end.verdict == verdict));
    if is(ColdVerdict::Discard) {
        DayVerdict::Discard
    } else if excursions.iter().any(Excursion::is_open) {
        DayVerdict::Open
    } else if slots.is_empty() && excursions.is_empty() {
        DayVerdict::Nothing
    } else if is(ColdVerdict::Judge) || missing_s > 0 {
        DayVerdict::Judge
    } else if excursions.is_empty() {
        DayVerdict::Kept
    } else {
        DayVerdict::Safe
    }
}
