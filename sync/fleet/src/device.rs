//! Settings of devices, said at headquarters for many stores: which device gets what, and what became of it, device by device and in all.
//!
//! A device is chosen by what its store knows of it: `device`, `profile`, and whatever else is put beside. The result at each device is the twin's, with its
//! reason; here they are added up over stores. Not here: schemas and units (`aisle-firmware-config`), getting it to the device (`aisle-devices`).

use crate::{
    group::InvalidGroup,
    name::GroupName,
    selector::Selector,
    setting::{SETTINGS_MAX, SettingKey, Settings, fault_of_settings},
    text::shown,
};
use aisle_event::{DeviceId, StoreId, Timestamp};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap};

/// The most rules of a document.
pub const RULES_MAX: usize = 256;
/// The most kinds of reasons that are told of in all.
pub const REASONS_MAX: usize = 64;
/// The most devices that are named of a reason.
pub const EXAMPLES_MAX: usize = 5;
/// The longest text of a reason, in characters; what is longer is cut.
const TEXT_CHARS_MAX: usize = 200;

/// What some devices are to be set to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeviceRule {
    /// Its name.
    pub name: GroupName,
    /// Where two say something of one setting, the higher counts; of equal ones the first by name.
    #[serde(default)]
    pub priority: i32,
    /// Which devices: `profile=acme-fridge`, `device in (fridge-1,fridge-2)`.
    pub who: Selector,
    /// What they are set to.
    #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<String, crate::setting::SettingValue>))]
    pub settings: Settings,
}

/// What is in an artefact of device settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeviceSettings {
    /// The rules, at most [`RULES_MAX`].
    pub rules: Vec<DeviceRule>,
}

impl DeviceSettings {
    /// # Errors
    /// When something has no bound, or two rules have one name.
    pub fn check(&self) -> Result<(), InvalidGroup> {
        let told = |reason: String| Err(InvalidGroup { field: "rules", reason });
        if self.rules.len() > RULES_MAX {
            return told(format!("has {} rules, at most {RULES_MAX} may be", self.rules.len()));
        }
        let mut names: Vec<&GroupName> = self.rules.iter().map(|rule| &rule.name).collect();
        names.sort_unstable();
        if let Some((name, _)) = names.iter().zip(names.iter().skip(1)).find(|(a, b)| a == b) {
            return told(format!("has two rules `{name}`"));
        }
        for rule in &self.rules {
            if let Some(fault) = fault_of_settings(&rule.settings) {
                return told(format!("`{}` {fault}", rule.name));
            }
        }
        Ok(())
    }

    /// What one device is to be set to, and which rule says so.
    pub fn of_device<'v>(
        &self,
        value: impl Fn(&str) -> Option<Cow<'v, str>>,
    ) -> (Settings, BTreeMap<SettingKey, GroupName>) {
        let mut rules: Vec<&DeviceRule> = self.rules.iter().filter(|rule| rule.who.holds(&value)).collect();
        rules.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.name.cmp(&b.name)));
        let (mut settings, mut why) = (Settings::new(), BTreeMap::new());
        for rule in rules {
            for (key, value) in &rule.settings {
                if settings.len() < SETTINGS_MAX && !settings.contains_key(key) {
                    settings.insert(key.clone(), value.clone());
                    why.insert(key.clone(), rule.name.clone());
                }
            }
        }
        (settings, why)
    }
}

/// What became of settings at a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum DeviceStatus {
    /// It reports them.
    Applied,
    /// They were sent, and it has not answered.
    Pending,
    /// It refuses them whole, and keeps what it had.
    Refused,
    /// It is not there.
    Unreachable,
    /// It had them, and went back to what worked after it did not come up.
    WentBack,
}

/// What became of settings at one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeviceResult {
    /// Which device.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub device: DeviceId,
    /// What became of them.
    pub status: DeviceStatus,
    /// The field that it does not take: `sampling.interval_s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Why, in its words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when.
    #[cfg_attr(feature = "schema", schema(value_type = i64))]
    pub since: Timestamp,
}

/// One reason in all stores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeviceReason {
    /// What became of the settings.
    pub status: DeviceStatus,
    /// The field.
    pub path: Option<String>,
    /// Why.
    pub reason: String,
    /// At how many devices.
    pub devices: u64,
    /// In how many stores.
    pub stores: u64,
    /// The first few, by name.
    #[cfg_attr(feature = "schema", schema(value_type = Vec<Vec<String>>))]
    pub examples: Vec<(StoreId, DeviceId)>,
}

/// Devices by what became of their settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeviceTally {
    /// How many stores there are.
    pub stores: u64,
    /// Stores in which every device has them.
    pub stores_whole: u64,
    /// How many devices there are in each state.
    #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<String, u64>))]
    pub devices: BTreeMap<DeviceStatus, u64>,
    /// Why not, at most devices first, at most [`REASONS_MAX`].
    pub reasons: Vec<DeviceReason>,
    /// How many reasons are left out.
    pub left_out: u64,
}

/// Adds up what became of one rollout of settings, store by store.
#[must_use]
pub fn tally<'a>(stores: impl IntoIterator<Item = (&'a StoreId, &'a [DeviceResult])>) -> DeviceTally {
    let mut all = DeviceTally::default();
    let mut reasons: BTreeMap<(DeviceStatus, Option<String>, String), DeviceReason> = BTreeMap::new();
    for (store, results) in stores {
        all.stores += 1;
        all.stores_whole += u64::from(results.iter().all(|result| result.status == DeviceStatus::Applied));
        for result in results {
            *all.devices.entry(result.status).or_default() += 1;
            if result.status == DeviceStatus::Applied {
                continue;
            }
            let reason = shown(result.reason.as_deref().unwrap_or_default(), TEXT_CHARS_MAX);
            let path = result.path.as_deref().map(|path| shown(path, TEXT_CHARS_MAX));
            let of = reasons.entry((result.status, path.clone(), reason.clone())).or_insert_with(|| {
                let status = result.status;
                DeviceReason { status, path, reason, devices: 0, stores: 0, examples: Vec::new() }
            });
            of.devices += 1;
            if of.examples.last().is_none_or(|(last, _)| last != store) {
                of.stores += 1;
            }
            if of.examples.len() < EXAMPLES_MAX {
                of.examples.push((store.clone(), result.device.clone()));
            }
        }
    }
    all.reasons = reasons.into_values().collect();
    all.reasons.sort_by_key(|reason| std::cmp::Reverse(reason.devices));
    all.left_out = all.reasons.len().saturating_sub(REASONS_MAX) as u64;
    all.reasons.truncate(REASONS_MAX);
    all
}
