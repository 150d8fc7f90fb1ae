//! Settings of devices, said at headquarters for many stores: which device gets what, and what became of it, device by device and in all.
//!
//! A device is chosen by what its store knows of it: `device`, `profile`, and whatever else is put beside. The result at each device is the twin's, with its
//! reason ([`DeviceResult`]); a node tells of them ([`SlotDevices`]), and they are added up over stores ([`DeviceTally`]). Not here: schemas and units
//! (`aisle-firmware-config`), getting it to the device (`aisle-devices`).

pub(crate) mod result;
mod tally;

pub use result::{DEVICES_MAX, DeviceResult, DeviceStatus, SlotDevices};
pub use tally::{DeviceReason, DeviceTally, EXAMPLES_MAX, REASONS_MAX, Tallying};

use crate::{
    group::InvalidGroup,
    name::GroupName,
    selector::Selector,
    setting::{SETTINGS_MAX, SettingKey, Settings, fault_of_settings},
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap};

/// The most rules of a document.
pub const RULES_MAX: usize = 256;

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
