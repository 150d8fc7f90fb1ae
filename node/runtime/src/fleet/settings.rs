//! Settings of devices that are ordered: rules that say which device gets what, put over each device's twin.
//!
//! The document is TOML: `[[rules]]` with `name`, `priority`, `who` (a selector over `device`, `model` and `profile`) and `settings`. A device that comes later, or is approved
//! later, gets its settings then. What a device does not take is its own result, with its reason; the others keep theirs. Where two documents say something else of one setting of
//! a device, the first by the name of its slot counts, and the other is refused there: else they would set it in turns for ever.
//!
//! Not here: what a twin says of them ([`super::results`]), schemas and publishing (`aisle-devices`), rules (`aisle_fleet::device`).

use super::{
    BY,
    results::{Ordered, Untaken, became, holds},
};
use crate::floor::Floor;
use aisle_artefact::Kind as Listed;
use aisle_converge::{
    Applier, Piece,
    applier::{Outcome, never},
};
use aisle_devices::registry::DeviceView;
use aisle_event::DeviceId;
use aisle_fleet::{
    ContentHash, Health, Kind, Release, Slot,
    device::{DeviceSettings, SlotDevices},
    setting::{SettingValue, Settings},
};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};
use tokio::runtime::Handle;

pub(super) struct Devices {
    floor: Floor,
    runtime: Handle,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// The documents in force, by slot.
    documents: BTreeMap<Slot, DeviceSettings>,
    /// What devices were not even told, and why. As many as there are devices for each document at most: those that nobody means any more are forgotten.
    untaken: BTreeMap<(Slot, DeviceId), Untaken>,
}

impl Devices {
    pub(super) fn new(floor: Floor, runtime: Handle) -> Self {
        Self { floor, runtime, inner: Mutex::default() }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        change(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sets every device that should have something else by the document of a slot. A device that refuses is told of by its twin.
    fn settle(&self, slot: &Slot) {
        let control = self.floor.control();
        let documents = self.with(|inner| inner.documents.clone());
        let (mut meant, mut untaken) = (BTreeSet::new(), BTreeMap::new());
        for device in control.view().devices.values().filter(|device| device.is_trusted()) {
            let Some(ordered) = Ordered::of(&documents, slot, device) else { continue };
            meant.insert(device.device.clone());
            let patch = differing(device, &ordered.settings);
            if patch.is_empty() {
                continue;
            }
            let set = self.runtime.block_on(control.set(device.device.as_str(), &patch, Some(BY)));
            if let Err(error) = set {
                untaken.insert(device.device.clone(), Untaken::of(&error, self.floor.now()));
            }
        }
        self.with(|inner| {
            inner.untaken.retain(|(of, device), _| of != slot || meant.contains(device) && untaken.contains_key(device));
            for (device, new) in untaken {
                let place = (slot.clone(), device);
                let known = inner.untaken.get(&place);
                // What is tried again and again is said once, and has been so since the first time.
                if known.is_none_or(|known| !known.is_same(&new)) {
                    tracing::warn!(device = %place.1, %slot, "what headquarters wants a device set to is not taken: {}", new.told());
                    inner.untaken.insert(place, new);
                }
            }
        });
    }

    fn put(&self, piece: &Piece) -> Outcome {
        let document = read(&piece.bytes)?;
        self.with(|inner| inner.documents.insert(piece.slot.clone(), document));
        self.settle(&piece.slot);
        Ok(())
    }
}

/// Of these settings, those that the device is not to be set to already.
fn differing(device: &DeviceView, settings: &Settings) -> Map<String, Value> {
    let desired = device.twin.desired.as_ref().map(|desired| &desired.settings);
    let desired: Map<String, Value> =
        desired.and_then(|desired| serde_json::from_str(&desired.0).ok()).unwrap_or_default();
    let missing = settings.iter().filter(|(key, value)| !holds(&desired, key, value));
    missing.map(|(key, value)| (key.as_str().to_owned(), json(value))).collect()
}

fn json(value: &SettingValue) -> Value {
    match value {
        SettingValue::Flag(flag) => Value::from(*flag),
        SettingValue::Number(number) => Value::from(*number),
        SettingValue::Text(text) => Value::from(text.as_str()),
    }
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
        self.with(|inner| {
            inner.documents.remove(slot);
            inner.untaken.retain(|(of, _), _| of != slot);
        });
        Ok(())
    }

    fn resumes(&self) -> bool {
        true
    }

    fn resume(&self, piece: &Piece) -> Outcome {
        let document = read(&piece.bytes)?;
        self.with(|inner| inner.documents.insert(piece.slot.clone(), document));
        Ok(())
    }

    /// Nobody counts calls of settings. It is looked at often, and devices that came meanwhile get theirs.
    fn health(&self, slot: &Slot, _: &ContentHash) -> Option<Health> {
        self.settle(slot);
        None
    }

    fn devices(&self, slot: &Slot, release: &Release) -> Option<SlotDevices> {
        let view = self.floor.control().view();
        self.with(|inner| {
            inner.documents.get(slot)?;
            let trusted = view.devices.values().filter(|device| device.is_trusted());
            let results = trusted.filter_map(|device| {
                let ordered = Ordered::of(&inner.documents, slot, device)?;
                let untaken = inner.untaken.get(&(slot.clone(), device.device.clone()));
                Some(became(device, &ordered, untaken))
            });
            Some(SlotDevices::of(release.into(), results))
        })
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
