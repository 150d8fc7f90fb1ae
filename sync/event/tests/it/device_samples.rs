//! The examples of what can happen to devices, positions, tasks and cold chain units.

use super::{AT, known, name, sku, text};
use aisle_event::{
    DeviceId, Event, LotId, Measure, Quantity,
    cold_chain::{
        ColdGroup, ColdRule, ColdVerdict, ExcursionAcknowledged, ExcursionClosed, ExcursionOpened,
        UnitDefined,
    },
    device::{
        AnomalyClosed, AnomalyKind, AnomalyOpened, CodeScanned, CommandEnd, CommandEnded, CommandSent,
        DeviceAnnounced, DeviceApproved, DeviceConnection, DeviceFaulted, DevicePlaced, DeviceProblem,
        DeviceRetired, DeviceStream, Measured, Place, Reading, ReadingsTaken, SettingsDesired,
        SettingsReported, StreamKind, TagsRead,
    },
    inventory::{PlaceCounted, PositionSensed, StockMoved, TaskClosed, TaskEnd, TaskKind, TaskOpened},
};

fn fridge() -> DeviceId {
    DeviceId::new("fridge-7").unwrap()
}

fn measure(units: f64) -> Measure {
    Measure::new(units).unwrap()
}

fn stream(measured: Option<Measured>) -> DeviceStream {
    DeviceStream {
        name: name("air"),
        kind: StreamKind::Number,
        measured,
        interval_s: measured.map(|_| 30),
        unknown: known(),
    }
}

fn reading(number: Option<u32>) -> Reading {
    Reading {
        device: fridge(),
        stream: name("air"),
        value: measure(3.9),
        at: AT,
        number,
        boot: number.map(|_| 2),
        unknown: known(),
    }
}

#[rustfmt::skip]
pub(super) fn samples() -> Vec<(&'static str, Event)> {
    vec![
        ("device_announced", DeviceAnnounced { device: fridge(), model: name("fridge-temperature"), firmware: Some(name("1.4.0")), profile: Some(name("tasmota-plug")), streams: vec![stream(Some(Measured::Celsius)), stream(None)], schema: Some(text("[]")), boots: Some(12), at: AT, serial: Some(name("A-17")), cbor: Some(true), unknown: known() }.into()),
        ("device_announced.minimal", DeviceAnnounced { device: fridge(), model: name("scale"), firmware: None, profile: None, streams: vec![], schema: None, boots: None, at: AT, serial: None, cbor: None, unknown: known() }.into()),
        ("device_approved", DeviceApproved { device: fridge(), by: Some(name("Ana")), at: AT, unknown: known() }.into()),
        ("device_approved.minimal", DeviceApproved { device: fridge(), by: None, at: AT, unknown: known() }.into()),
        ("device_retired", DeviceRetired { device: fridge(), by: Some(name("Ana")), at: AT, unknown: known() }.into()),
        ("device_retired.minimal", DeviceRetired { device: fridge(), by: None, at: AT, unknown: known() }.into()),
        ("device_placed", DevicePlaced { device: fridge(), stream: name("load"), place: Some(Place::Backroom), sku: Some(sku("MILK-1L")), unit_weight: Some(measure(1030.0)), tare: Some(measure(-4.5)), unit: Some(name("fridge 7")), at: AT, unknown: known() }.into()),
        ("device_placed.minimal", DevicePlaced { device: fridge(), stream: name("load"), place: None, sku: None, unit_weight: None, tare: None, unit: None, at: AT, unknown: known() }.into()),
        ("device_connection", DeviceConnection { device: fridge(), online: true, at: AT, unknown: known() }.into()),
        ("device_faulted", DeviceFaulted { device: fridge(), problem: DeviceProblem::Unit, path: Some(name("samples[0].v")), detail: name("grams where Celsius was announced"), at: AT, unknown: known() }.into()),
        ("device_faulted.minimal", DeviceFaulted { device: fridge(), problem: DeviceProblem::Payload, path: None, detail: name("no JSON"), at: AT, unknown: known() }.into()),
        ("settings_desired", SettingsDesired { device: fridge(), version: 3, settings: text("{\"interval_s\":30}"), by: Some(name("Ana")), at: AT, unknown: known() }.into()),
        ("settings_desired.minimal", SettingsDesired { device: fridge(), version: 1, settings: text("{}"), by: None, at: AT, unknown: known() }.into()),
        ("settings_reported", SettingsReported { device: fridge(), version: 2, settings: text("{\"interval_s\":60}"), refused: Some(3), path: Some(name("interval_s")), reason: Some(name("is 0, expected 1 to 3600")), last_known_good: Some(true), at: AT, unknown: known() }.into()),
        ("settings_reported.minimal", SettingsReported { device: fridge(), version: 2, settings: text("{}"), refused: None, path: None, reason: None, last_known_good: None, at: AT, unknown: known() }.into()),
        ("command_sent", CommandSent { device: fridge(), command: name("identify"), correlation: name("c-1"), request: text("{}"), until: AT.saturating_add_ms(5_000), by: Some(name("Ana")), at: AT, unknown: known() }.into()),
        ("command_sent.minimal", CommandSent { device: fridge(), command: name("identify"), correlation: name("c-1"), request: text("{}"), until: AT, by: None, at: AT, unknown: known() }.into()),
        ("command_ended", CommandEnded { device: fridge(), correlation: name("c-1"), end: CommandEnd::Refused, response: Some(text("{\"ok\":false}")), at: AT, unknown: known() }.into()),
        ("command_ended.minimal", CommandEnded { device: fridge(), correlation: name("c-1"), end: CommandEnd::TimedOut, response: None, at: AT, unknown: known() }.into()),
        ("readings_taken", ReadingsTaken { readings: vec![reading(Some(17)), reading(None)], unknown: known() }.into()),
        ("readings_taken.minimal", ReadingsTaken { readings: vec![], unknown: known() }.into()),
        ("tags_read", TagsRead { device: fridge(), stream: name("zone"), tags: vec![text("3074257bf7194e4000001a85")], complete: true, at: AT, unknown: known() }.into()),
        ("tags_read.minimal", TagsRead { device: fridge(), stream: name("zone"), tags: vec![], complete: false, at: AT, unknown: known() }.into()),
        ("code_scanned", CodeScanned { device: fridge(), stream: name("scan"), code: text("2012345012345"), weight: Some(measure(1234.5)), at: AT, unknown: known() }.into()),
        ("code_scanned.minimal", CodeScanned { device: fridge(), stream: name("scan"), code: text("4006381333931"), weight: None, at: AT, unknown: known() }.into()),
        ("anomaly_opened", AnomalyOpened { device: fridge(), stream: name("air"), kind: AnomalyKind::Stuck, detail: name("3.9 for 40 readings"), since: AT, at: AT.saturating_add_ms(60_000), unknown: known() }.into()),
        ("anomaly_closed", AnomalyClosed { device: fridge(), stream: name("air"), kind: AnomalyKind::Silent, at: AT, unknown: known() }.into()),
        ("stock_moved", StockMoved { sku: sku("MILK-1L"), from: Place::Backroom, to: Place::Shelf, quantity: Quantity::each(12), at: AT, by: Some(name("Ana")), unknown: known() }.into()),
        ("stock_moved.minimal", StockMoved { sku: sku("MILK-1L"), from: Place::Backroom, to: Place::Shelf, quantity: Quantity::each(12), at: AT, by: None, unknown: known() }.into()),
        ("place_counted", PlaceCounted { sku: sku("MILK-1L"), place: Place::Shelf, on_hand: Quantity::each(9), at: AT, by: Some(name("Ana")), unknown: known() }.into()),
        ("place_counted.minimal", PlaceCounted { sku: sku("MILK-1L"), place: Place::Shelf, on_hand: Quantity::each(0), at: AT, by: None, unknown: known() }.into()),
        ("position_sensed", PositionSensed { sku: sku("MILK-1L"), on_hand: Quantity::each(9), low: Quantity::each(7), high: Quantity::each(11), none_permille: 3, sellable: true, at: AT, unknown: known() }.into()),
        ("task_opened", TaskOpened { task: name("fill_shelf:MILK-1L:1"), kind: TaskKind::FillShelf, sku: Some(sku("MILK-1L")), unit: Some(name("fridge 7")), device: Some(fridge()), quantity: Some(Quantity::each(12)), confidence_permille: 930, why: name("the shelf is probably empty"), at: AT, unknown: known() }.into()),
        ("task_opened.minimal", TaskOpened { task: name("check_unit:fridge 7:2"), kind: TaskKind::CheckUnit, sku: None, unit: None, device: None, quantity: None, confidence_permille: 1000, why: name("it is too warm"), at: AT, unknown: known() }.into()),
        ("task_closed", TaskClosed { task: name("fill_shelf:MILK-1L:1"), end: TaskEnd::Done, by: Some(name("Ana")), at: AT, unknown: known() }.into()),
        ("task_closed.minimal", TaskClosed { task: name("fill_shelf:MILK-1L:1"), end: TaskEnd::Obsolete, by: None, at: AT, unknown: known() }.into()),
        ("unit_defined", UnitDefined { unit: name("fridge 7"), group: ColdGroup::Chilled, limit: Some(measure(4.0)), grace_s: Some(900), skus: vec![sku("MILK-1L")], at: AT, removed: Some(true), unknown: known() }.into()),
        ("unit_defined.minimal", UnitDefined { unit: name("soup"), group: ColdGroup::Hot, limit: None, grace_s: None, skus: vec![], at: AT, removed: None, unknown: known() }.into()),
        ("excursion_opened", ExcursionOpened { excursion: name("fridge 7:4711"), unit: name("fridge 7"), rule: ColdRule::Limit, limit: measure(5.0), measured: Some(measure(8.25)), since: AT, first_seq: 4711, at: AT.saturating_add_ms(900_000), unknown: known() }.into()),
        ("excursion_opened.minimal", ExcursionOpened { excursion: name("fridge 7:4711"), unit: name("fridge 7"), rule: ColdRule::Unknown, limit: measure(5.0), measured: None, since: AT, first_seq: 4711, at: AT, unknown: known() }.into()),
        ("excursion_acknowledged", ExcursionAcknowledged { excursion: name("fridge 7:4711"), by: name("Ana"), action: Some(name("moved the milk")), at: AT, unknown: known() }.into()),
        ("excursion_acknowledged.minimal", ExcursionAcknowledged { excursion: name("fridge 7:4711"), by: name("Ana"), action: None, at: AT, unknown: known() }.into()),
        ("excursion_closed", ExcursionClosed { excursion: name("fridge 7:4711"), peak: Some(measure(11.5)), outside_s: 5400, last_seq: 4999, verdict: ColdVerdict::Discard, skus: vec![sku("MILK-1L")], lots: vec![LotId::new("L2311").unwrap()], at: AT, unknown: known() }.into()),
        ("excursion_closed.minimal", ExcursionClosed { excursion: name("fridge 7:4711"), peak: None, outside_s: 0, last_seq: 4999, verdict: ColdVerdict::Judge, skus: vec![], lots: vec![], at: AT, unknown: known() }.into()),
    ]
}
