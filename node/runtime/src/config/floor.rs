//! What is checked of the floor's settings before anything is opened.

use super::{
    ConfigError,
    raw::{RawConfig, refused},
};
use crate::floor::Settings;

/// The settings of the floor; what cannot be right is refused by the path of the key.
pub(super) fn resolve(raw: &RawConfig) -> Result<Settings, ConfigError> {
    let key = |section: &str, field: &str| format!("{section}.{field}");
    let value = |found: &str, expected: &str| format!("is {found}, expected {expected}");
    let settings = Settings {
        devices: raw.devices.register,
        service: raw.devices.service.clone(),
        telemetry: raw.telemetry.clone(),
        positions: raw.inventory.clone(),
        cold_chain: raw.cold_chain.clone(),
        tasks: raw.tasks.clone(),
        projection: raw.floor.clone(),
    };
    // Every part has an error of its own, of one form.
    macro_rules! check {
        ($section:literal, $config:expr) => {
            $config.validate().map_err(|error| {
                refused(&key($section, error.field), &value(&error.found, error.expected))
            })?;
        };
    }
    check!("devices.register", settings.devices);
    check!("devices.service", settings.service);
    check!("telemetry", settings.telemetry);
    check!("inventory", settings.positions);
    check!("cold_chain", settings.cold_chain);
    check!("tasks", settings.tasks);
    Ok(settings)
}
