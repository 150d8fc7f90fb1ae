//! Shelf labels of a product: which there are, and what they are to show.
//!
//! Not here: what makes a device a label, and how it is told (`aisle_devices::service`).

use super::Floor;
use aisle_devices::{
    registry::DeviceView,
    service::{ControlError, Shown},
};
use aisle_event::{DeviceId, Sku};

/// Who sets labels.
const BY: &str = "plugin";

impl Floor {
    /// Devices that take part, are placed at a product, and have a text that can be set.
    pub(crate) fn labels_of(&self, sku: &Sku) -> Vec<DeviceId> {
        let view = self.view();
        let is_placed = |device: &DeviceView| {
            device
                .streams
                .iter()
                .any(|stream| stream.placement.as_ref().is_some_and(|it| it.sku.as_ref() == Some(sku)))
        };
        let devices = view.devices.devices.values();
        let labels = devices
            .filter(|device| device.is_trusted() && is_placed(device) && self.control().is_label(device));
        labels.map(|device| device.device.clone()).collect()
    }

    /// Says what a label is to show. It takes it when it is there; a foreign one that is away for long may miss it.
    pub(crate) async fn set_label(&self, device: &DeviceId, text: &str) -> Result<(), ControlError> {
        let (view, shop) = (self.view(), self.shop());
        let known = view.devices.get(device.as_str());
        let placed = known.into_iter().flat_map(|known| &known.streams);
        let sku = placed.filter_map(|stream| stream.placement.as_ref()?.sku.as_ref()).next();
        let product = sku.and_then(|sku| shop.product(sku.as_str()));
        let title = product.map_or("", |product| product.name.as_str());
        let price = product.map_or_else(String::new, |product| product.price.to_string());
        self.control().show(device, Shown { text, title, price: &price }, Some(BY)).await
    }
}
