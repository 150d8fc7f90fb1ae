//! Reports of the cold chain: any text is a report or is refused, and a report can be shown and held against a journal.

use super::story::{NOW, SKU, STORY, UNIT, name, tell};
use aisle_inventory::cold_chain::{
    ColdChain, View, embedded,
    report::{Language, Report},
    verify,
};
use jiff::{civil::Date, tz::TimeZone};

/// The input is a report's file.
///
/// # Panics
/// When a report is not shown as one that can be read again.
pub fn cold_chain_report(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let report = match embedded(text) {
        Ok(report) => report,
        Err(error) => return assert!(!error.to_string().is_empty(), "a refusal without words"),
    };
    for shown in [report.html(Language::En), report.html(Language::Zh), report.csv()] {
        match embedded(&shown) {
            Ok(again) => assert_eq!(again, report),
            Err(error) => panic!("{error}: {report:?}"),
        }
    }
    let records = || (1..).zip(&*STORY).map(|(seq, event)| (seq, event.kind().0, event.encode()));
    let outcome = verify(text, records(), Some(("00", "11"))).expect("it was a report");
    assert_eq!(outcome.is_verified(), outcome.differences_count == 0);
}

fn day() -> Date {
    jiff::civil::date(2025, 11, 21)
}

fn of(view: &View, unit: &aisle_event::Name) -> Report {
    Report::new(view, "store-1", unit, day(), &TimeZone::UTC, NOW)
}

/// Makes the reports of a state.
pub(super) fn each_day(view: &View) {
    for unit in view.units.keys().take(4) {
        drop(of(view, unit).csv());
    }
}

/// One of the story's day, in each form.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    let cold_chain: ColdChain = tell(STORY.len());
    let report = of(&cold_chain.view(), &name(UNIT));
    assert!(!report.slots.is_empty() && report.skus.iter().any(|sku| sku.as_str() == SKU), "{report:?}");
    vec![report.html(Language::En).into(), report.csv().into()]
}
