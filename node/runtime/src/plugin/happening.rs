//! What happened in the store, as plugins hear of it.
//!
//! Nothing that a plugin can have done is among it (prices, labels, tasks, suppressions), so that no plugin can answer itself.

use aisle_event::{
    Event, Measure, Name, Sku,
    cold_chain::{ExcursionClosed, ExcursionOpened},
};
use aisle_inventory::cold_chain::{self, UnitView};
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
            millidegrees: begun_at(event, cold_chain),
            lasted: millis(event.at.ms_since(event.since)),
            skus: skus_in(&event.unit, cold_chain),
        })),
        Event::ExcursionClosed(event) => {
            let (unit, excursion) = cold_chain.units.values().find_map(|unit| {
                let found = unit.excursions.iter().find(|known| known.name == event.excursion)?;
                Some((unit, found))
            })?;
            let worst = event.peak.map_or(excursion.limit_milli, millidegrees);
            Some(Happening::Excursion(Excursion {
                name: event.excursion.to_string(),
                unit: unit.name.to_string(),
                open: false,
                millidegrees: worst,
                lasted: lasted(event, unit, excursion),
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

/// The temperature that an excursion begins with. Silence begins with what was measured last; the limit stands for a unit that was
/// never measured, because a plugin is always told a temperature.
fn begun_at(event: &ExcursionOpened, cold_chain: &cold_chain::View) -> i32 {
    let measured = event.measured.map(millidegrees);
    let last = || cold_chain.units.get(&event.unit).and_then(|unit| unit.air_milli);
    measured.or_else(last).unwrap_or_else(|| millidegrees(event.limit))
}

/// How long an excursion lasted, from its begin to its end by the readings, in milliseconds. The minutes that were found outside are
/// not all of it: while a probe is silent nobody knows, and a plugin that hears of no time takes the goods for good.
fn lasted(event: &ExcursionClosed, unit: &UnitView, excursion: &cold_chain::Excursion) -> i64 {
    // Of a unit that was taken away the readings end before the excursion does.
    let until = excursion.until.filter(|_| !unit.removed).unwrap_or(event.at);
    let outside = event.outside_s.saturating_mul(1000);
    millis(until.ms_since(excursion.since).max(outside))
}

fn millis(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
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

#[cfg(test)]
mod tests {
    use super::{Event, Excursion, Happening, Measure, Name, Sku, of};
    use aisle_event::{
        Timestamp, Unknown,
        cold_chain::{ColdGroup, ColdRule, ColdVerdict, ExcursionClosed, ExcursionOpened, UnitDefined},
        device::{DevicePlaced, Reading, ReadingsTaken},
    };
    use aisle_inventory::cold_chain::{ColdChain, Config};

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    /// 2026-11-21T00:00:00Z.
    const MIDNIGHT: i64 = 1_795_219_200_000;

    /// A fridge whose journal is a list.
    struct Fridge {
        cold: ColdChain,
        seq: u64,
    }

    fn name(text: &str) -> Name {
        Name::new(text).expect("a name")
    }

    fn celsius(celsius: f64) -> Measure {
        Measure::new(celsius).expect("a measure")
    }

    impl Fridge {
        fn new() -> Self {
            let mut fridge = Self { cold: ColdChain::new(Config::default()), seq: 0 };
            fridge.define(false, MIDNIGHT);
            let placed = DevicePlaced {
                device: "probe".parse().expect("a device"),
                stream: name("temperature"),
                place: None,
                sku: None,
                unit_weight: None,
                tare: None,
                unit: Some(name("fridge")),
                at: Timestamp(MIDNIGHT),
                unknown: Unknown::default(),
            };
            fridge.append(&placed.into());
            fridge
        }

        fn append(&mut self, event: &Event) -> Option<Excursion> {
            self.seq += 1;
            self.cold.apply(self.seq, event);
            match of(event, &self.cold.view()) {
                Some(Happening::Excursion(excursion)) => Some(excursion),
                _ => None,
            }
        }

        fn define(&mut self, removed: bool, at: i64) {
            let defined = UnitDefined {
                unit: name("fridge"),
                group: ColdGroup::Chilled,
                limit: None,
                grace_s: None,
                skus: vec![Sku::new("MILK").expect("a number")],
                at: Timestamp(at),
                removed: Some(removed),
                unknown: Unknown::default(),
            };
            self.append(&defined.into());
        }

        fn read(&mut self, at: i64, value: f64) {
            let reading = Reading {
                device: "probe".parse().expect("a device"),
                stream: name("temperature"),
                value: celsius(value),
                at: Timestamp(at),
                number: None,
                boot: None,
                unknown: Unknown::default(),
            };
            self.append(&ReadingsTaken { readings: vec![reading], unknown: Unknown::default() }.into());
        }

        fn silent(&mut self, since: i64, at: i64) -> Excursion {
            let opened = ExcursionOpened {
                excursion: name("fridge:unknown:3"),
                unit: name("fridge"),
                rule: ColdRule::Unknown,
                limit: celsius(5.0),
                measured: None,
                since: Timestamp(since),
                first_seq: 3,
                at: Timestamp(at),
                unknown: Unknown::default(),
            };
            self.append(&opened.into()).expect("told")
        }

        fn over(&mut self, outside_s: u64, at: i64) -> Excursion {
            let closed = ExcursionClosed {
                excursion: name("fridge:unknown:3"),
                peak: None,
                outside_s,
                last_seq: self.seq,
                verdict: ColdVerdict::Judge,
                skus: vec![Sku::new("MILK").expect("a number")],
                lots: Vec::new(),
                at: Timestamp(at),
                unknown: Unknown::default(),
            };
            self.append(&closed.into()).expect("told")
        }
    }

    #[test]
    fn time_without_readings_is_time_that_an_excursion_lasted() {
        let mut fridge = Fridge::new();
        fridge.read(MIDNIGHT, 3.0);
        fridge.silent(MIDNIGHT, MIDNIGHT + HOUR);
        let back = MIDNIGHT + 10 * HOUR;
        for minute in 0..30 {
            fridge.read(back + minute * MINUTE, 3.0);
        }
        let told = fridge.over(0, back + 30 * MINUTE);
        assert_eq!((told.open, told.lasted), (false, 10 * HOUR));
        assert_eq!(told.skus, ["MILK"]);
    }

    #[test]
    fn an_excursion_is_never_shorter_than_what_was_outside() {
        let mut fridge = Fridge::new();
        fridge.silent(MIDNIGHT, MIDNIGHT + HOUR);
        assert_eq!(fridge.over(7200, MIDNIGHT + HOUR).lasted, 2 * HOUR);
    }

    #[test]
    fn a_unit_that_is_taken_away_while_it_is_silent_was_silent_until_then() {
        let mut fridge = Fridge::new();
        fridge.read(MIDNIGHT, 3.0);
        fridge.silent(MIDNIGHT, MIDNIGHT + HOUR);
        fridge.define(true, MIDNIGHT + 5 * HOUR);
        assert_eq!(fridge.over(0, MIDNIGHT + 5 * HOUR).lasted, 5 * HOUR);
    }

    #[test]
    fn silence_begins_with_what_was_measured_last() {
        let mut fridge = Fridge::new();
        assert_eq!(fridge.silent(MIDNIGHT, MIDNIGHT + HOUR).millidegrees, 5_000);
        let mut fridge = Fridge::new();
        fridge.read(MIDNIGHT, 3.2);
        assert_eq!(fridge.silent(MIDNIGHT, MIDNIGHT + HOUR).millidegrees, 3_200);
    }
}
