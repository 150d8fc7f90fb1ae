//! One cold chain unit as its page on the staff board shows it, and its report of a day.

use super::board::Seen;
use aisle_event::Sku;
use aisle_inventory::cold_chain::Excursion;
use aisle_kiosk::staff::{ExcursionRow, Product, UnitPage};
use jiff::{Timestamp as Instant, ToSpan, civil::Date, tz::TimeZone};

/// Days that a page offers reports of.
const DAYS_MAX: usize = 35;

/// The page of a unit; nothing when it was never defined.
pub(super) fn page(seen: &Seen<'_>, zone: &TimeZone, unit: &str) -> Option<UnitPage> {
    let known = seen.view.cold_chain.units.get(unit)?;
    let goods =
        known.skus.iter().map(|sku: &Sku| Product { sku: sku.clone(), name: seen.product(sku.as_str()) });
    Some(UnitPage {
        row: seen.unit_row(known),
        goods: goods.collect(),
        sensors: known
            .probes
            .iter()
            .map(|probe| (probe.watch.device.clone(), probe.watch.stream.clone()))
            .collect(),
        excursions: known.excursions.iter().rev().map(|excursion| row(excursion)).collect(),
        days: days(seen, zone, known.history.days()),
    })
}

fn row(excursion: &Excursion) -> ExcursionRow {
    let acknowledged = excursion.actions.last();
    ExcursionRow {
        excursion: excursion.name.clone(),
        rule: excursion.rule,
        peak: excursion.peak_milli.map(|milli| f64::from(milli) / 1000.0),
        since: excursion.since,
        closed: excursion.closed.as_ref().map(|closed| (closed.at, closed.verdict)),
        outside_s: excursion.closed.as_ref().map_or(0, |closed| closed.outside_s),
        acknowledged: acknowledged.map(|action| (action.by.clone(), action.action.clone(), action.at)),
        lots: excursion.closed.as_ref().map(|closed| closed.lots.clone()).unwrap_or_default(),
    }
}

/// The days that readings are kept of, newest first.
fn days(seen: &Seen<'_>, zone: &TimeZone, kept: usize) -> Vec<Date> {
    let Ok(now) = Instant::from_millisecond(seen.now.0) else { return Vec::new() };
    let today = now.to_zoned(zone.clone()).date();
    let kept = i64::try_from(kept.min(DAYS_MAX)).unwrap_or(0);
    (0..kept).filter_map(|back| today.checked_sub(back.days()).ok()).collect()
}
