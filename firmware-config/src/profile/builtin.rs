//! The profiles that come with Aisle, as files beside the source.
//!
//! Each names the documents that its payloads are described in. Not here: what profiles can say.

/// Their names and texts.
pub const BUILTIN: &[(&str, &str)] = &[
    ("tasmota-plug", include_str!("../../profiles/tasmota-plug.toml")),
    ("esphome-climate", include_str!("../../profiles/esphome-climate.toml")),
    ("zigbee2mqtt-contact", include_str!("../../profiles/zigbee2mqtt-contact.toml")),
    ("load-cell-shelf", include_str!("../../profiles/load-cell-shelf.toml")),
    ("rfid-reader", include_str!("../../profiles/rfid-reader.toml")),
    ("people-counter", include_str!("../../profiles/people-counter.toml")),
    ("barcode-scale", include_str!("../../profiles/barcode-scale.toml")),
    ("shelf-label", include_str!("../../profiles/shelf-label.toml")),
];
