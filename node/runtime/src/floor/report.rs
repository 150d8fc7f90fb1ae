//! The report of a cold chain unit for a day, with its chart and with where its readings stand in the journal.

use super::Floor;
use aisle_event::Name;
use aisle_inventory::cold_chain::report::{Evidence, Report};
use aisle_journal::{RealIo, VerifyError, head_before};
use data_encoding::HEXLOWER;
use jiff::civil::Date;
use std::path::Path;

impl Floor {
    /// The report; it says itself when there is nothing to report. Reads part of the journal: blocks for as long as that takes.
    ///
    /// # Errors
    /// When the journal's files cannot be read.
    pub(crate) fn report(&self, unit: &Name, day: Date) -> Result<Report, VerifyError> {
        let view = self.view();
        let zone = &self.0.zone;
        let report = Report::new(&view.cold_chain, &self.0.store_name, unit, day, zone, self.now());
        let Some((first_seq, last_seq)) = report.records() else { return Ok(report) };
        let journal = &self.0.journal_dir;
        let head = |seq| head_before(journal, &RealIo, seq);
        // Without both heads the readings can still be compared, but the chain cannot: then the report claims no evidence.
        let (Some(before), Some(after)) = (head(first_seq)?, head(last_seq + 1)?) else { return Ok(report) };
        Ok(report.with_evidence(Evidence {
            journal: HEXLOWER.encode(&self.0.store.journal.id()),
            first_seq,
            last_seq,
            head_before: HEXLOWER.encode(&before),
            head_after: HEXLOWER.encode(&after),
        }))
    }

    /// True when a day's report would hold anything but its own emptiness.
    pub(crate) fn knows_unit(&self, unit: &Name) -> bool {
        self.view().cold_chain.units.contains_key(unit)
    }
}

/// The heads around a report's records, as a journal's files give them now, for who verifies it.
pub(crate) fn heads(
    journal: &Path,
    (first, last): (u64, u64),
) -> Result<Option<(String, String)>, VerifyError> {
    let head = |seq| head_before(journal, &RealIo, seq);
    Ok(head(first)?
        .zip(head(last.saturating_add(1))?)
        .map(|(before, after)| (HEXLOWER.encode(&before), HEXLOWER.encode(&after))))
}
