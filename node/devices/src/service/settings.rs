//! Settings that a person gives, checked against what the device announced.

use super::error::ControlError;
use crate::registry::DeviceView;
use aisle_firmware_config::{
    fault::Fault,
    setting::{self, Field, Settings, Value},
};
use serde_json::Map;

/// What is wrong with settings.
#[derive(Debug)]
pub(super) struct Wrong {
    pub path: String,
    pub reason: String,
}

impl From<Fault> for Wrong {
    fn from(fault: Fault) -> Self {
        Self { path: fault.path.as_str().to_owned(), reason: fault.reason.as_str().to_owned() }
    }
}

/// What a device can be set to; none when it did not say, or says something that is no schema.
pub(super) fn schema(known: &DeviceView) -> Option<Vec<Field>> {
    let schema: Vec<Field> = serde_json::from_str(&known.schema.as_ref()?.0).ok()?;
    setting::check_schema(&schema).ok().map(|()| schema).filter(|schema| !schema.is_empty())
}

/// The whole of the settings with a change put over them: over what is desired, else over what the device reports, else over
/// what it has from the factory.
pub(super) fn merged(
    known: &DeviceView,
    patch: &Map<String, serde_json::Value>,
) -> Result<Settings, ControlError> {
    let device = || known.device.to_string();
    let Some(schema) = schema(known) else {
        return Err(ControlError::NoSettings { device: device(), foreign: known.is_foreign() });
    };
    let refused = |Wrong { path, reason }| ControlError::Refused { device: device(), path, reason };
    if patch.is_empty() {
        return Err(refused(Wrong { path: String::new(), reason: "no setting is named".into() }));
    }
    let patch = arguments(patch).map_err(refused)?;
    setting::merge(&schema, &current(known), &patch).map_err(|fault| refused(fault.into()))
}

/// What a device is to be set to, else what it reports; nothing when neither was ever said.
pub(super) fn current(known: &DeviceView) -> Settings {
    let desired = known.twin.desired.as_ref().map(|it| &it.settings);
    let current = desired.or_else(|| known.twin.reported.as_ref().map(|it| &it.settings));
    current.and_then(|json| serde_json::from_str(&json.0).ok()).unwrap_or_default()
}

/// A JSON object as settings.
pub(super) fn arguments(object: &Map<String, serde_json::Value>) -> Result<Settings, Wrong> {
    let mut settings = Settings::new();
    for (name, value) in object {
        settings.set(name, value_of(name, value)?)?;
    }
    Ok(settings)
}

fn value_of(name: &str, value: &serde_json::Value) -> Result<Value, Wrong> {
    let wrong = |reason: &str| Err(Wrong { path: name.to_owned(), reason: reason.to_owned() });
    match value {
        serde_json::Value::Bool(value) => Ok(Value::Bool(*value)),
        serde_json::Value::String(text) => {
            Value::try_from(text.as_str()).or_else(|fault| wrong(&fault.reason))
        }
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Ok(Value::Integer(integer)),
            (None, Some(number)) if number.is_finite() => Ok(Value::Number(number)),
            _ => wrong("is no number that can be set"),
        },
        _ => wrong("is no setting: expected true, false, a number or a text"),
    }
}
