//! What the floor refuses, as problems; and what several routes read of a request in the same way.

use super::Shared;
use aisle_devices::service::ControlError;
use aisle_event::{InvalidId, Name, Quantity, Sku};
use aisle_kiosk::{
    request::{Amount, Problem},
    staff::ActError,
};
use std::fmt::Display;

/// Who acts when nobody says so.
const SOMEBODY: &str = "administrator";

/// A field, by a path that is made at run time.
pub(super) fn wrong(path: impl Into<String>, reason: impl Display) -> Problem {
    let (path, reason) = (path.into(), reason.to_string());
    Problem::malformed(format!("`{path}` {reason}")).with(path, reason)
}

/// Why something was not done with a device.
pub(super) fn control(error: ControlError) -> Problem {
    let detail = error.to_string();
    match error {
        ControlError::Unknown { .. } => Problem::unknown_device(detail).with("device", "was never heard"),
        ControlError::NoStream { stream, .. } => {
            Problem::unknown_stream(detail).with("stream", format!("`{stream}` is none of the device's"))
        }
        ControlError::Refused { path, reason, .. } => {
            let path = if path.is_empty() { "settings".into() } else { path };
            Problem::malformed(detail).with(path, reason)
        }
        ControlError::Command { reason, .. } => Problem::malformed(detail).with("command", reason),
        ControlError::Placement { field, reason } => Problem::malformed(detail).with(field, reason),
        ControlError::NotApproved { .. }
        | ControlError::Suspended { .. }
        | ControlError::Retired { .. }
        | ControlError::NoSettings { .. } => Problem::conflict(detail),
        ControlError::Busy { .. } | ControlError::NotRecorded(_) => Problem::busy(detail).retry_after_s(1),
        ControlError::NotCommitted(_) => Problem::stopped(detail).retry_after_s(10),
        ControlError::NotVisible => Problem::busy(detail),
    }
}

/// Why something was not done on the floor.
pub(super) fn act(error: ActError) -> Problem {
    let detail = error.to_string();
    match error {
        ActError::Unknown { what, name } => {
            let problem = match what {
                "device" => Problem::unknown_device(detail),
                "product" => Problem::unknown_product(detail),
                "task" => Problem::unknown_task(format!("{detail} that is open")),
                "excursion" => Problem::unknown_excursion(detail),
                _ => Problem::unknown_path(detail),
            };
            problem.with(if what == "product" { "sku" } else { what }, format!("`{name}` is not there"))
        }
        ActError::Field { field, reason } => wrong(field, reason),
        ActError::Conflict { reason } => Problem::conflict(reason),
        ActError::Busy => Problem::busy(detail).retry_after_s(1),
        ActError::Stopped => Problem::stopped(detail).retry_after_s(10),
    }
}

/// A name in a request.
pub(super) fn name(field: &'static str, text: &str) -> Result<Name, Problem> {
    Name::new(text).map_err(|error| Problem::field(field, error.to_string()))
}

/// Who acts.
pub(super) fn by(by: Option<&str>) -> Result<Name, Problem> {
    name("by", by.unwrap_or(SOMEBODY))
}

/// A product that is on offer, by its path in the request.
pub(super) fn product(admin: &Shared, path: &str, text: &str) -> Result<Sku, Problem> {
    let sku = Sku::new(text).map_err(|error: InvalidId| wrong(path, error))?;
    if admin.floor.shop().product(sku.as_str()).is_some() {
        Ok(sku)
    } else {
        Err(wrong(path, format!("is `{text}`, which the shop does not have; see `GET /v1/products`")))
    }
}

/// An amount of a product, in what it is sold by.
pub(super) fn quantity(
    admin: &Shared,
    sku: &Sku,
    field: &'static str,
    units: f64,
) -> Result<Quantity, Problem> {
    let shop = admin.floor.shop();
    let Some(product) = shop.product(sku.as_str()) else {
        let detail = format!("the shop has no product `{sku}`\nhint: see `GET /v1/products`");
        return Err(Problem::unknown_product(detail).with("sku", "is not on offer"));
    };
    let amount = Amount::parse(&units.to_string()).map_err(|error| wrong(field, error))?;
    amount.of(product.unit).map_err(|error| wrong(field, error))
}

/// Does something to its end, also when whoever asked goes away.
pub(super) async fn finish<T: Send + 'static>(
    doing: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::spawn(doing).await;
    done.unwrap_or_else(|_| Err(Problem::internal("something went wrong inside; it was logged")))
}

/// Reads something that may have to look at the disk, beside the runtime.
pub(super) async fn beside<T: Send + 'static>(
    read: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(|_| Problem::internal("something went wrong inside; it was logged"))
}
