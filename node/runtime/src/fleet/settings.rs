//! Settings of devices that are ordered: rules that say which device gets what, put over each device's twin.
//!
//! The document is TOML: `[[rules]]` with `name`, `priority`, `who` (a selector over `device`, `model` and `profile`) and `settings`. A device that comes later, or is approved
//! later, gets its settings then. What a device does not take is its own result, with its reason; the others keep theirs.
//!
//! Not here: schemas and publishing (`aisle-devices`), rules (`aisle_fleet::device`).

use super::BY;
use crate::floor::Floor;
use aisle_artefact::Kind as Listed;
use aisle_converge::{
    Applier, Piece,
    applier::{Outcome, never},
};
use aisle_devices::registry::DeviceView;
use aisle_fleet::{
    ContentHash, Health, Kind, Slot,
    device::DeviceSettings,
    setting::{SettingValue, Settings},
};
use serde_json::{Map, Value};
use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};
use tokio::runtime::Handle;

pub(super) struct Devices {
    floor: Floor,
    runtime: Handle,
    /// The documents in force, by slot.
    inner: Mutex<BTreeMap<Slot, DeviceSettings>>,
}

impl Devices {
    pub(super) fn new(floor: Floor, runtime: Handle) -> Self {
        Self { floor, runtime, inner: Mutex::default() }
    }

    fn with<T>(&self, change: impl FnOnce(&mut BTreeMap<Slot, DeviceSettings>) -> T) -> T {
        change(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sets every device that should have something else. A device that refuses is told of by its twin.
    fn settle(&self, document: &DeviceSettings) {
        let control = self.floor.control();
        for device in control.view().devices.values().filter(|device| device.is_trusted()) {
            let (settings, _) = document.of_device(|key| value(device, key));
            let patch = differing(device, &settings);
            if patch.is_empty() {
                continue;
            }
            if let Err(error) = self.runtime.block_on(control.set(device.device.as_str(), &patch, Some(BY))) {
                tracing::warn!(device = %device.device, "what headquarters wants a device set to is not taken: {error}");
            }
        }
    }

    fn put(&self, piece: &Piece) -> Outcome {
        let document = read(&piece.bytes)?;
        self.settle(&document);
        self.with(|inner| inner.insert(piece.slot.clone(), document));
        Ok(())
    }
}

/// What a rule may choose a device by.
fn value<'a>(device: &'a DeviceView, key: &str) -> Option<Cow<'a, str>> {
    match key {
        "device" => Some(device.device.as_str().into()),
        "model" => Some(device.model.as_str().into()),
        "profile" => device.profile.as_ref().map(|profile| profile.as_str().into()),
        _ => None,
    }
}

fn json(value: &SettingValue) -> Value {
    match value {
        SettingValue::Flag(flag) => Value::from(*flag),
        SettingValue::Number(number) => Value::from(*number),
        SettingValue::Text(text) => Value::from(text.as_str()),
    }
}

/// Of these settings, those that the device is not to be set to already.
fn differing(device: &DeviceView, settings: &Settings) -> Map<String, Value> {
    let desired = device.twin.desired.as_ref().map(|desired| &desired.settings);
    let desired: Map<String, Value> =
        desired.and_then(|desired| serde_json::from_str(&desired.0).ok()).unwrap_or_default();
    let wanted = settings.iter().map(|(key, value)| (key.as_str().to_owned(), json(value)));
    wanted.filter(|(key, value)| desired.get(key) != Some(value)).collect()
}

fn read(bytes: &[u8]) -> Result<DeviceSettings, aisle_fleet::converge::Trouble> {
    let text = str::from_utf8(bytes).map_err(|_| never("it is no text"))?;
    let document: DeviceSettings = toml::from_str(text).map_err(|error| never(error.message()))?;
    document.check().map_err(|error| never(error.to_string()))?;
    Ok(document)
}

impl Applier for Devices {
    fn kind(&self) -> Kind {
        Kind::DeviceSettings
    }

    fn bytes_max(&self) -> u64 {
        Listed::DeviceSettings.bytes_max()
    }

    fn smoke_test(&self, piece: &Piece) -> Outcome {
        read(&piece.bytes).map(drop)
    }

    fn activate(&self, piece: &Piece, _: Option<&Piece>) -> Outcome {
        self.put(piece)
    }

    fn revert(&self, slot: &Slot, _: Option<&Piece>, to: Option<&Piece>) -> Outcome {
        match to {
            Some(piece) => self.put(piece),
            None => self.remove(slot, None),
        }
    }

    /// Devices keep what they were set to: nobody says what else it should be.
    fn remove(&self, slot: &Slot, _: Option<&Piece>) -> Outcome {
        self.with(|inner| inner.remove(slot));
        Ok(())
    }

    fn resumes(&self) -> bool {
        true
    }

    fn resume(&self, piece: &Piece) {
        match read(&piece.bytes) {
            Ok(document) => drop(self.with(|inner| inner.insert(piece.slot.clone(), document))),
            Err(trouble) => tracing::warn!(slot = %piece.slot, "what devices are set to: {}", trouble.text),
        }
    }

    /// Nobody counts calls of settings. It is looked at often, and devices that came meanwhile get theirs.
    fn health(&self, slot: &Slot, _: &ContentHash) -> Option<Health> {
        let document = self.with(|inner| inner.get(slot).cloned());
        if let Some(document) = document {
            self.settle(&document);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_rules_and_what_is_none_is_given_up() {
        let text = "[[rules]]\nname = \"fridges\"\nwho = \"model=acme-fridge\"\n[rules.settings]\n\"interval_s\" = 30\n";
        let document = read(text.as_bytes()).unwrap();
        let (settings, why) = document.of_device(|key| (key == "model").then(|| "acme-fridge".into()));
        assert_eq!((settings.len(), why.len()), (1, 1));
        let (settings, _) = document.of_device(|key| (key == "model").then(|| "scale".into()));
        assert!(settings.is_empty());
        for wrong in ["[[rules]]\nname = \"a\"\n", "rules = 7", "\u{0}"] {
            assert!(read(wrong.as_bytes()).unwrap_err().is_final, "{wrong}");
        }
    }
}
