//! What a node is told before it starts: products, scales, thermometers, units.

use aisle_device::simulator::{SimulatedDevice, Watched};
use aisle_event::{
    Currency, DeviceId, Event, Measure, Money, Name, Quantity, Sku, Timestamp, Unit, Unknown,
    cold_chain::{ColdGroup, UnitDefined},
    device::{DeviceAnnounced, DeviceApproved, DevicePlaced, DeviceStream, Measured, Place, StreamKind},
    inventory::PlaceCounted,
    stock::ProductListed,
};
use anyhow::Result;

/// Pieces in either place when the shop opens.
pub(super) const PIECES: i64 = 20;

/// Offers a product and counts it.
pub(super) fn product(sku: &str, at: Timestamp) -> Result<[Event; 3]> {
    let (name, sku) = (Name::new(sku)?, Sku::new(sku)?);
    let price = Money { minor: 199, currency: Currency::EUR };
    let counted = |place| PlaceCounted {
        sku: sku.clone(),
        place,
        on_hand: Quantity::each(PIECES),
        at,
        by: None,
        unknown: Unknown::default(),
    };
    let listed = ProductListed {
        sku: sku.clone(),
        name,
        price,
        unit: Unit::Each,
        gtin: None,
        category: None,
        at,
        unknown: Unknown::default(),
    };
    Ok([listed.into(), counted(Place::Shelf).into(), counted(Place::Backroom).into()])
}

/// Announces a device with one stream of numbers and approves it.
pub(super) fn device(device: &str, stream: &str, measured: Measured, at: Timestamp) -> Result<[Event; 2]> {
    let device = DeviceId::new(device)?;
    let stream = DeviceStream {
        name: Name::new(stream)?,
        kind: StreamKind::Number,
        measured: Some(measured),
        interval_s: Some(1),
        unknown: Unknown::default(),
    };
    let announced = DeviceAnnounced {
        device: device.clone(),
        model: Name::new("bench")?,
        firmware: None,
        profile: None,
        streams: vec![stream],
        schema: None,
        boots: Some(1),
        at,
        serial: None,
        cbor: None,
        unknown: Unknown::default(),
    };
    let approved = DeviceApproved { device, by: None, at, unknown: Unknown::default() };
    Ok([announced.into(), approved.into()])
}

/// Puts a scale without tare under the shelf of a product.
pub(super) fn scale(
    device: &str,
    stream: &str,
    sku: &str,
    unit_weight_g: f64,
    at: Timestamp,
) -> Result<Event> {
    Ok(DevicePlaced {
        device: DeviceId::new(device)?,
        stream: Name::new(stream)?,
        place: Some(Place::Shelf),
        sku: Some(Sku::new(sku)?),
        unit_weight: Some(Measure::new(unit_weight_g)?),
        tare: None,
        unit: None,
        at,
        unknown: Unknown::default(),
    }
    .into())
}

/// A chilled unit.
pub(super) fn unit(unit: &str, at: Timestamp) -> Result<Event> {
    Ok(UnitDefined {
        unit: Name::new(unit)?,
        group: ColdGroup::Chilled,
        limit: None,
        grace_s: None,
        skus: Vec::new(),
        at,
        removed: None,
        unknown: Unknown::default(),
    }
    .into())
}

/// Puts a stream of a device into a unit.
pub(super) fn probe(device: &str, stream: &str, unit: &str, at: Timestamp) -> Result<Event> {
    Ok(placed(device, stream, None, Some(unit), at)?.into())
}

fn placed(
    device: &str,
    stream: &str,
    place: Option<Place>,
    unit: Option<&str>,
    at: Timestamp,
) -> Result<DevicePlaced> {
    Ok(DevicePlaced {
        device: DeviceId::new(device)?,
        stream: Name::new(stream)?,
        place,
        sku: None,
        unit_weight: None,
        tare: None,
        unit: unit.map(Name::new).transpose()?,
        at,
        unknown: Unknown::default(),
    })
}

/// Products, units and places of simulated devices, which then only have to be approved.
pub(super) fn of(devices: &[SimulatedDevice], at: Timestamp) -> Result<Vec<Event>> {
    use aisle_device::{floor, simulator::Model};
    use std::collections::BTreeSet;

    let (mut events, mut skus, mut units) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for device in devices {
        let Some(stream) = device.streams.first() else { continue };
        match (device.model, &device.watches) {
            (Model::ShelfScale, Some(Watched::Item { sku, unit_weight_g })) => {
                if skus.insert(sku) {
                    events.extend(product(sku, at)?);
                }
                events.push(scale(&device.id, stream, sku, *unit_weight_g, at)?);
            }
            (Model::FridgeTemperature, Some(Watched::Unit { name })) => {
                if units.insert(name) {
                    events.push(unit(name, at)?);
                }
                events.push(probe(&device.id, stream, name, at)?);
            }
            (Model::RfidReader, Some(Watched::Place(place))) => {
                let place = match place {
                    floor::Place::Shelf => Place::Shelf,
                    floor::Place::Backroom => Place::Backroom,
                };
                events.push(placed(&device.id, stream, Some(place), None, at)?.into());
            }
            _ => {}
        }
    }
    Ok(events)
}
