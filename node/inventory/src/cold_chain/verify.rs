//! Holding a report against the journal it was made from.
//!
//! The readings are made again from the records and compared five minutes by five minutes, and so is every excursion with what was
//! done about it. Together with the chain's heads this says that nobody changed, left out or put in any of it afterwards. What
//! a page or a table shows is checked too: the version that made it makes it again from its data, and it must be the same to
//! the byte. Not proved are the unit's limit and where probes were placed, which may have been said long before the day; the
//! limit of an excursion is.
//!
//! Not here: the journal; who has it passes its records and the heads that it computes.

use super::{
    excursion::Excursion,
    history::{Canonical, Slot, digest},
    minutes::Totals,
    report::{CSV_DATA, FORM, HTML_DATA, Language, Report, VERSION},
    rule::milli,
    unit::Watch,
};
use aisle_event::{Event, EventType, Name, device::Reading};
use std::collections::BTreeMap;

/// Differences told of; how many there are in all is counted.
const DIFFERENCES_MAX: usize = 32;
/// The largest report read, in bytes: a year's slots of hundreds of probes are less.
const BYTES_MAX: usize = 16 << 20;

/// Why a file is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is too large.
    #[error("the file has {bytes} bytes; a report has at most {BYTES_MAX}")]
    TooLarge {
        /// How many it has.
        bytes: usize,
    },
    /// There is no data in it.
    #[error(
        "the file holds no cold chain data\nhint: pass the HTML or CSV file as it was made, not a copy printed to PDF or saved by a spreadsheet"
    )]
    NoData,
    /// The data does not read.
    #[error("the cold chain data does not read: {reason}")]
    Data {
        /// What is wrong with it.
        reason: String,
    },
    /// Another build made it.
    #[error(
        "the report has form {found}, this build reads {FORM}\nhint: verify it with the version of Aisle that made it"
    )]
    Form {
        /// What it says.
        found: u16,
    },
}

/// Where a report and the journal differ.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// What the file shows is not what its data says.
    #[error(
        "the page or table was changed: it is not what its data makes\nhint: see that this computer knows the report's time zone, and that no program saved the file anew"
    )]
    Shown,
    /// The digest is not that of the readings beside it.
    #[error("the report's readings do not have the report's digest")]
    Digest,
    /// The report names no place in the journal, or another one than its readings say.
    #[error("the report's records {reported:?} are not those of its readings {readings:?}")]
    Records {
        /// What it names.
        reported: Option<(u64, u64)>,
        /// What the readings say.
        readings: Option<(u64, u64)>,
    },
    /// Five minutes differ.
    #[error("readings from {at_ms} ms on differ: {}", told(.reported.as_ref(), .journal.as_ref()))]
    Slot {
        /// When they begin.
        at_ms: i64,
        /// What the report says; nothing when it has none.
        reported: Option<Slot>,
        /// What the journal says; nothing when it has none.
        journal: Option<Slot>,
    },
    /// An excursion differs.
    #[error("excursion `{name}` {differs}")]
    Excursion {
        /// Which.
        name: Name,
        /// In what way.
        differs: &'static str,
    },
    /// The journal does not have records that the report rests on.
    #[error("the journal has no record {from} to {to}")]
    Absent {
        /// The first that is missing.
        from: u64,
        /// The last.
        to: u64,
    },
    /// A record does not decode.
    #[error("record {seq} does not decode: {reason}")]
    Record {
        /// Which.
        seq: u64,
        /// Why.
        reason: String,
    },
    /// The chain is another one.
    #[error("the chain {place} the records is {journal}, the report says {reported}")]
    Head {
        /// `before` or `after`.
        place: &'static str,
        /// What the report says.
        reported: String,
        /// What the journal says.
        journal: String,
    },
}

fn told(reported: Option<&Slot>, journal: Option<&Slot>) -> String {
    let tell = |slot: Option<&Slot>| {
        slot.map_or_else(
            || "nothing".into(),
            |slot| {
                let [min, max] = [slot.min_milli, slot.max_milli].map(|milli| f64::from(milli) / 1000.0);
                format!(
                    "{} readings of {min:.3} to {max:.3} °C in records {} to {}",
                    slot.count, slot.first_seq, slot.last_seq
                )
            },
        )
    };
    format!("the report has {}, the journal {}", tell(reported), tell(journal))
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Records looked at.
    pub records: u64,
    /// Readings of the report's unit and day among them.
    pub readings: u64,
    /// The first differences.
    pub differences: Vec<Difference>,
    /// All differences.
    pub differences_count: u64,
    /// What the file shows was compared with its data; only the version that made it can do that.
    pub is_page_compared: bool,
}

impl Outcome {
    /// The report says what the journal says.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        self.differences_count == 0
    }

    fn differ(&mut self, difference: Difference) {
        self.differences_count += 1;
        if self.differences.len() < DIFFERENCES_MAX {
            self.differences.push(difference);
        }
    }
}

/// The data of a report from its file, HTML or CSV.
///
/// # Errors
/// When there is none in it, or none that reads.
pub fn embedded(file: &str) -> Result<Report, ReadError> {
    if file.len() > BYTES_MAX {
        return Err(ReadError::TooLarge { bytes: file.len() });
    }
    let json = match file.split_once(HTML_DATA.0) {
        Some((_, rest)) => rest.split_once(HTML_DATA.1).map(|(json, _)| json),
        None => file.lines().find_map(|line| line.strip_prefix(CSV_DATA)),
    };
    let report: Report = serde_json::from_str(json.ok_or(ReadError::NoData)?)
        .map_err(|error| ReadError::Data { reason: error.to_string() })?;
    if report.form == FORM { Ok(report) } else { Err(ReadError::Form { found: report.form }) }
}

/// Holds a report's file against the journal's records from the report's first to its last (`seq`, kind, payload), and
/// the heads of the chain before and after them, as hexadecimal digits, where they are known.
///
/// # Errors
/// When the file is no report.
pub fn verify<P: AsRef<[u8]>>(
    file: &str,
    records: impl IntoIterator<Item = (u64, u16, P)>,
    heads: Option<(&str, &str)>,
) -> Result<Outcome, ReadError> {
    let report = embedded(file)?;
    let mut outcome = Outcome { is_page_compared: report.made_by == VERSION, ..Outcome::default() };
    if outcome.is_page_compared && !shows(&report, file) {
        outcome.differ(Difference::Shown);
    }
    if digest(&report.slots) != report.digest {
        outcome.differ(Difference::Digest);
    }
    let range = report.records();
    let evidence = report.evidence.as_ref();
    let reported = evidence.map(|evidence| (evidence.first_seq, evidence.last_seq));
    if reported != range {
        outcome.differ(Difference::Records { reported, readings: range });
    }
    let found = again(&report, range, records, &mut outcome);
    compare_readings(&report, found.slots, &mut outcome);
    compare_excursions(&report, &found.excursions, &mut outcome);
    if let (Some(evidence), Some((before, after))) = (evidence, heads) {
        let pairs = [("before", &evidence.head_before, before), ("after", &evidence.head_after, after)];
        for (place, reported, journal) in pairs {
            if reported != journal {
                let (reported, journal) = (reported.clone(), journal.to_owned());
                outcome.differ(Difference::Head { place, reported, journal });
            }
        }
    }
    Ok(outcome)
}

/// Whether a file is what its data makes, in some language.
fn shows(report: &Report, file: &str) -> bool {
    if file.starts_with(CSV_DATA) {
        return report.csv() == file;
    }
    [Language::En, Language::Zh].into_iter().any(|language| report.html(language) == file)
}

/// What the records say.
#[derive(Default)]
struct Found {
    slots: BTreeMap<i64, Slot>,
    excursions: BTreeMap<Name, Excursion>,
}

impl Found {
    fn hear(&mut self, report: &Report, seq: u64, event: &Event, outcome: &mut Outcome) {
        match event {
            Event::ReadingsTaken(taken) => {
                for reading in &taken.readings {
                    outcome.readings += u64::from(take(report, seq, reading, &mut self.slots));
                }
            }
            Event::ExcursionOpened(event) if event.unit == report.unit => {
                let excursion = Excursion::opened(seq, event, Vec::new(), Totals::default());
                self.excursions.entry(event.excursion.clone()).or_insert(excursion);
            }
            // What came after the report was made is none of its concern.
            Event::ExcursionAcknowledged(event) if seq <= last_told(report, &event.excursion) => {
                if let Some(excursion) = self.excursions.get_mut(&event.excursion) {
                    excursion.acknowledge(seq, event);
                }
            }
            Event::ExcursionClosed(event) if seq <= last_told(report, &event.excursion) => {
                if let Some(excursion) = self.excursions.get_mut(&event.excursion).filter(|one| one.is_open())
                {
                    excursion.close(seq, event, event.at);
                }
            }
            _ => {}
        }
    }
}

/// The last record that a report knows of an excursion.
fn last_told(report: &Report, excursion: &Name) -> u64 {
    let known = report.excursions.iter().find(|one| one.name == *excursion);
    known.and_then(|one| one.records().max()).unwrap_or(u64::MAX)
}

/// Makes slots and excursions again from the records.
fn again<P: AsRef<[u8]>>(
    report: &Report,
    range: Option<(u64, u64)>,
    records: impl IntoIterator<Item = (u64, u16, P)>,
    outcome: &mut Outcome,
) -> Found {
    let mut found = Found::default();
    let Some((first, last)) = range else { return found };
    let mut next = first;
    for (seq, kind, payload) in records {
        if seq < first || seq > last {
            continue;
        }
        if seq > next {
            outcome.differ(Difference::Absent { from: next, to: seq - 1 });
        }
        next = seq.saturating_add(1);
        outcome.records += 1;
        match Event::decode(EventType(kind), payload.as_ref()) {
            Ok(event) => found.hear(report, seq, &event, outcome),
            Err(error) => outcome.differ(Difference::Record { seq, reason: error.to_string() }),
        }
    }
    if next <= last {
        outcome.differ(Difference::Absent { from: next, to: last });
    }
    found
}

fn take(report: &Report, seq: u64, reading: &Reading, found: &mut BTreeMap<i64, Slot>) -> bool {
    let watched = |watch: &Watch| {
        watch.device == reading.device
            && watch.stream == reading.stream
            && watch.from_seq < seq
            && watch.to_seq.is_none_or(|to| seq < to)
    };
    let in_day = (report.from.0..report.to.0).contains(&reading.at.0);
    let Some(milli) = milli(reading.value).filter(|_| in_day && report.probes.iter().any(watched)) else {
        return false;
    };
    let slot = Slot::of(reading.at.0);
    found.entry(slot.at_ms).or_insert(slot).add(&Canonical {
        seq,
        device: reading.device.as_str(),
        stream: reading.stream.as_str(),
        at_ms: reading.at.0,
        milli,
    });
    true
}

fn compare_readings(report: &Report, mut found: BTreeMap<i64, Slot>, outcome: &mut Outcome) {
    for reported in &report.slots {
        let journal = found.remove(&reported.at_ms);
        if journal.as_ref() != Some(reported) {
            outcome.differ(Difference::Slot { at_ms: reported.at_ms, reported: Some(*reported), journal });
        }
    }
    for (at_ms, journal) in found {
        outcome.differ(Difference::Slot { at_ms, reported: None, journal: Some(journal) });
    }
}

fn compare_excursions(report: &Report, found: &BTreeMap<Name, Excursion>, outcome: &mut Outcome) {
    let mut differ =
        |name: &Name, differs| outcome.differ(Difference::Excursion { name: name.clone(), differs });
    for reported in &report.excursions {
        match found.get(&reported.name) {
            None => differ(&reported.name, "is not in the journal"),
            Some(journal) if !journal.tells_the_same(reported) => {
                differ(&reported.name, "is told otherwise in the journal");
            }
            Some(_) => {}
        }
    }
    for (name, journal) in found {
        // One that began in the day is of the day; whether an older one reached into it, its readings say.
        let is_of_day = (report.from.0..report.to.0).contains(&journal.since.0);
        let is_known_then = journal.opened_at <= report.made_at;
        if is_of_day && is_known_then && !report.excursions.iter().any(|one| one.name == *name) {
            differ(name, "of this day is missing in the report");
        }
    }
}
