//! Shelf labels of a product: which there are, and what they are to show.
//!
//! Not here: what makes a device a label, and how it is told (`aisle_devices::service`).

use super::Floor;
use aisle_devices::{
    registry::DeviceView,
    service::{ControlError, Shown},
};
use aisle_event::{DeviceId, Money, Sku};

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

    /// Says what a label is to show of a product. It takes it when it is there; a foreign one that is away for long may miss it. The
    /// price is the one that the product will have: the shop may hear of it after the label.
    pub(crate) async fn set_label(
        &self,
        device: &DeviceId,
        sku: &Sku,
        price: Money,
        text: &str,
    ) -> Result<(), ControlError> {
        let (shop, price) = (self.shop(), price.to_string());
        let title = shop.product(sku.as_str()).map_or("", |product| product.name.as_str());
        self.control().show(device, Shown { text, title, price: &price }, Some(BY)).await
    }
}
