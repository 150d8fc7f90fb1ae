//! Shelf labels of a product: which there are, and what they are to show.

use super::Floor;
use aisle_devices::{registry::DeviceState, service::ControlError};
use aisle_event::{DeviceId, Sku};
use serde_json::{Map, Value};

/// The setting of a label that holds its text.
const TEXT: &str = "text";

impl Floor {
    /// Devices that take part, are placed at a product, and have a text that can be set.
    pub(crate) fn labels_of(&self, sku: &Sku) -> Vec<DeviceId> {
        let view = self.view();
        let devices = view.devices.devices.values().filter(|device| {
            let placed = device.streams.iter().filter_map(|stream| stream.placement.as_ref());
            device.state == DeviceState::Approved
                && device.is_trusted()
                && device.schema.is_some()
                && placed.into_iter().any(|placement| placement.sku.as_ref() == Some(sku))
                && device.model.as_str().contains("label")
        });
        devices.map(|device| device.device.clone()).collect()
    }

    /// Says what a label is to show. It takes it when it is there.
    pub(crate) async fn set_label(&self, device: &DeviceId, text: &str) -> Result<(), ControlError> {
        let settings = Map::from_iter([(TEXT.to_owned(), Value::from(text))]);
        self.0.control.set(device.as_str(), &settings, Some("plugin")).await.map(drop)
    }
}
