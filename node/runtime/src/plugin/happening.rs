//! What happened in the store, as plugins hear of it.
//!
//! Nothing that a plugin can have done is among it (prices, labels, tasks, suppressions), so that no plugin can answer itself.

use aisle_event::{Event, Measure, Name, Sku};
use aisle_inventory::cold_chain;
use aisle_plugin_host::types::{Anomaly, Excursion, GoodsReceived, Happening, StockChanged};

/// The types that something may follow from: receipts, positions, anomalies, excursions.
const GROUPS: [u16; 4] = [0x03, 0x06, 0x07, 0x08];

/// False for records that need not be decoded.
pub(super) fn may_be(kind: u16) -> bool {
    GROUPS.contains(&(kind >> 8))
}

/// What an event is for plugins; nothing when it is nothing for them.
pub(super) fn of(event: &Event, cold_chain: &cold_chain::View) -> Option<Happening> {
    match event {
        Event::PositionSensed(event) => Some(Happening::StockChanged(StockChanged {
            sku: event.sku.to_string(),
            on_hand: event.on_hand.thousandths,
            none_permille: event.none_permille,
            sellable: event.sellable,
        })),
        Event::StockReceived(event) => Some(Happening::GoodsReceived(GoodsReceived {
            sku: event.sku.to_string(),
            quantity: event.quantity.thousandths,
            lot: event.lot.as_ref().map(ToString::to_string),
        })),
        Event::ExcursionOpened(event) => Some(Happening::Excursion(Excursion {
            name: event.excursion.to_string(),
            unit: event.unit.to_string(),
            open: true,
            millidegrees: millidegrees(event.measured.unwrap_or(event.limit)),
            lasted: event.at.ms_since(event.since).cast_signed(),
            skus: skus_in(&event.unit, cold_chain),
        })),
        Event::ExcursionClosed(event) => {
            let (unit, excursion) = cold_chain.units.values().find_map(|unit| {
                let found = unit.excursions.iter().find(|known| known.name == event.excursion)?;
                Some((unit.name.clone(), found.clone()))
            })?;
            let worst = event.peak.map_or(excursion.limit_milli, millidegrees);
            Some(Happening::Excursion(Excursion {
                name: event.excursion.to_string(),
                unit: unit.to_string(),
                open: false,
                millidegrees: worst,
                lasted: i64::try_from(event.outside_s.saturating_mul(1000)).unwrap_or(i64::MAX),
                skus: event.skus.iter().map(Sku::to_string).collect(),
            }))
        }
        Event::AnomalyOpened(event) => Some(anomaly(event.device.as_str(), &event.stream, true)),
        Event::AnomalyClosed(event) => Some(anomaly(event.device.as_str(), &event.stream, false)),
        _ => None,
    }
}

/// The cold chain unit that it is about.
pub(super) fn unit(happening: &Happening) -> Option<Name> {
    match happening {
        Happening::Excursion(excursion) => Name::new(&excursion.unit).ok(),
        _ => None,
    }
}

fn anomaly(device: &str, stream: &Name, open: bool) -> Happening {
    Happening::Anomaly(Anomaly { device: device.into(), stream: stream.to_string(), open })
}

fn skus_in(unit: &Name, cold_chain: &cold_chain::View) -> Vec<String> {
    let unit = cold_chain.units.get(unit);
    unit.map(|unit| unit.skus.iter().map(Sku::to_string).collect()).unwrap_or_default()
}

fn millidegrees(measure: Measure) -> i32 {
    i32::try_from(measure.millionths / 1000).unwrap_or(if measure.millionths < 0 {
        i32::MIN
    } else {
        i32::MAX
    })
}
