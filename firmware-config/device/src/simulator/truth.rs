//! What truly was, written down: JSON lines beside the simulation.
//!
//! The first line says which simulation it is. Then come, in the order of simulated time (`at_ms` since the start): every happening of the floor,
//! the begin and the end of every fault, what somebody did by hand, and at each interval the true stock and the true temperatures.
//! The same scenario and seed give the same bytes, unless somebody interferes by hand.

use super::scenario::{DevicePlan, Scenario, Window};
use crate::floor::{Floor, Happening, Place, What};
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// Where the truth goes.
pub(super) struct Truth {
    out: Box<dyn Write + Send>,
}

impl Truth {
    pub(super) fn new(
        mut out: Box<dyn Write + Send>,
        scenario: &Scenario,
        seed: u64,
        devices: &[DevicePlan],
    ) -> io::Result<Self> {
        let devices: Vec<Value> = devices
            .iter()
            .map(|device| json!({ "device": device.id, "model": device.model.name(), "watches": device.watches }))
            .collect();
        let head = json!({
            "what": "simulation",
            "title": scenario.simulation.title,
            "seed": seed,
            "speed": scenario.simulation.speed,
            "floor_start_ms": scenario.floor.as_ref().map(|floor| floor.start_ms),
            "devices": devices,
        });
        writeln!(out, "{head}")?;
        Ok(Self { out })
    }

    pub(super) fn happening(&mut self, at_ms: u64, happening: &Happening) -> io::Result<()> {
        self.line(at_ms, what(&happening.what))
    }

    pub(super) fn by_hand(&mut self, at_ms: u64, mut line: Value) -> io::Result<()> {
        if let Some(fields) = line.as_object_mut() {
            fields.insert("by_hand".into(), true.into());
        }
        self.line(at_ms, line)
    }

    pub(super) fn fault(
        &mut self,
        at_ms: u64,
        device: &DevicePlan,
        fault: &Window,
        begins: bool,
    ) -> io::Result<()> {
        let what = if begins { "fault_begins" } else { "fault_ends" };
        self.line(
            at_ms,
            json!({ "what": what, "kind": fault.kind.name(), "device": device.id, "size": fault.size }),
        )
    }

    pub(super) fn state(&mut self, at_ms: u64, floor: &Floor) -> io::Result<()> {
        let config = floor.config();
        let stock: Map<String, Value> = config
            .items
            .iter()
            .map(|item| {
                let sku = item.sku.as_str();
                let places = json!({
                    "shelf": floor.truth(sku, Place::Shelf),
                    "backroom": floor.truth(sku, Place::Backroom),
                    "carried": floor.carried(sku),
                    "misplaced": floor.misplaced(sku),
                    "book": floor.book(sku),
                });
                (item.sku.clone(), places)
            })
            .collect();
        let celsius: Map<String, Value> = config
            .units
            .iter()
            .filter_map(|unit| Some((unit.name.clone(), json!(floor.unit_celsius(&unit.name)?))))
            .collect();
        self.line(
            at_ms,
            json!({ "what": "state", "stock": stock, "celsius": celsius, "entered": floor.entered() }),
        )
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn line(&mut self, at_ms: u64, mut line: Value) -> io::Result<()> {
        if let Some(fields) = line.as_object_mut() {
            fields.insert("at_ms".into(), at_ms.into());
        }
        writeln!(self.out, "{line}")
    }
}

/// A happening in the words of the file.
pub(super) fn what(what: &What) -> Value {
    let place = |place: &Place| match place {
        Place::Shelf => "shelf",
        Place::Backroom => "backroom",
    };
    match what {
        What::PickedUp { sku, pieces } => json!({ "what": "picked_up", "sku": sku, "pieces": pieces }),
        What::PutBack { sku, pieces } => json!({ "what": "put_back", "sku": sku, "pieces": pieces }),
        What::Sold { document, sku, scanned, pieces } => {
            json!({ "what": "sold", "document": document, "sku": sku, "scanned": scanned, "pieces": pieces })
        }
        What::Returned { document, sku, pieces } => {
            json!({ "what": "returned", "document": document, "sku": sku, "pieces": pieces })
        }
        What::Missed { sku, pieces } => json!({ "what": "missed", "sku": sku, "pieces": pieces }),
        What::Received { sku, pieces, noted } => {
            json!({ "what": "received", "sku": sku, "pieces": pieces, "noted": noted })
        }
        What::Moved { sku, from, to, pieces, noted } => json!({
            "what": "moved", "sku": sku, "from": place(from), "to": place(to), "pieces": pieces, "noted": noted,
        }),
        What::Counted { sku, place: of, noted } => {
            json!({ "what": "counted", "sku": sku, "place": place(of), "noted": noted })
        }
        What::Stolen { sku, pieces } => json!({ "what": "stolen", "sku": sku, "pieces": pieces }),
        What::Misplaced { sku, onto } => json!({ "what": "misplaced", "sku": sku, "onto": onto }),
        What::Tidied { sku, pieces } => json!({ "what": "tidied", "sku": sku, "pieces": pieces }),
        What::Damaged { sku, pieces, noted } => {
            json!({ "what": "damaged", "sku": sku, "pieces": pieces, "noted": noted })
        }
        What::DoorOpened { unit, ms } => json!({ "what": "door_opened", "unit": unit, "ms": ms }),
    }
}
