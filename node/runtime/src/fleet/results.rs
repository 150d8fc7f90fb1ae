//! What became of ordered settings at a device, as its twin says it.
//!
//! The result is of the settings that one document says, not of the whole twin: a shop may set others besides. Not here: setting them ([`super::settings`]), telling headquarters
//! (`sync::down`).

use aisle_devices::{registry::DeviceView, service::ControlError};
use aisle_event::Timestamp;
use aisle_fleet::{
    Slot,
    device::{DeviceResult, DeviceSettings, DeviceStatus},
    setting::{SettingKey, SettingValue, Settings},
};
use serde_json::{Map, Value};
use std::{borrow::Cow, collections::BTreeMap};

/// What the document of a slot says of one device.
pub(super) struct Ordered {
    /// What it is to be set to.
    pub(super) settings: Settings,
    /// The first setting of which another document says something else, and which one.
    pub(super) lost: Option<(SettingKey, Slot)>,
}

impl Ordered {
    /// Nothing where it does not mean the device.
    pub(super) fn of(
        documents: &BTreeMap<Slot, DeviceSettings>,
        slot: &Slot,
        device: &DeviceView,
    ) -> Option<Self> {
        let said = |document: &DeviceSettings| document.of_device(|key| value(device, key)).0;
        let mut settings = said(documents.get(slot)?);
        if settings.is_empty() {
            return None;
        }
        let mut lost = None;
        for (before, document) in documents.range(..slot) {
            for (key, other) in said(document) {
                if settings.get(&key).is_some_and(|own| *own != other) {
                    settings.remove(&key);
                    lost.get_or_insert((key, before.clone()));
                }
            }
        }
        Some(Self { settings, lost })
    }
}

/// Why a device was not told what it is to be set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Untaken {
    status: DeviceStatus,
    path: Option<String>,
    reason: String,
    since: Timestamp,
}

impl Untaken {
    pub(super) fn of(error: &ControlError, since: Timestamp) -> Self {
        let words = |text: String| text.split("\nhint: ").next().unwrap_or_default().to_owned();
        let (status, path, reason) = match error {
            ControlError::Refused { path, reason, .. } => {
                (DeviceStatus::Refused, Some(path.clone()).filter(|path| !path.is_empty()), reason.clone())
            }
            ControlError::NoSettings { .. } => (DeviceStatus::Refused, None, words(error.to_string())),
            // The journal is busy or full, or somebody sends it away just now: it is tried again.
            _ => (DeviceStatus::Pending, None, words(error.to_string())),
        };
        Self { status, path, reason, since }
    }

    /// Whether it is the same, whenever it was.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.status, &self.path, &self.reason) == (other.status, &other.path, &other.reason)
    }

    pub(super) fn told(&self) -> String {
        self.path.as_ref().map_or_else(|| self.reason.clone(), |path| format!("`{path}` {}", self.reason))
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

/// Whether settings have a value. A device whose schema has fractions writes 5 as 5.0.
pub(super) fn holds(settings: &Map<String, Value>, key: &SettingKey, wanted: &SettingValue) -> bool {
    let found = settings.get(key.as_str());
    match wanted {
        SettingValue::Flag(flag) => found.and_then(Value::as_bool) == Some(*flag),
        SettingValue::Text(text) => found.and_then(Value::as_str) == Some(text),
        SettingValue::Number(number) => found.is_some_and(|found| match found.as_i64() {
            Some(found) => found == *number,
            #[expect(
                clippy::cast_precision_loss,
                reason = "a schema with fractions has no finer numbers than these"
            )]
            None => found.as_f64().is_some_and(|found| found == *number as f64),
        }),
    }
}

/// What became of them at one device.
pub(super) fn became(device: &DeviceView, ordered: &Ordered, untaken: Option<&Untaken>) -> DeviceResult {
    let of = |status, path: Option<String>, reason: Option<String>, since| DeviceResult {
        device: device.device.clone(),
        status,
        path,
        reason,
        since,
    };
    let has = |json: &str| {
        let settings: Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
        ordered.settings.iter().all(|(key, value)| holds(&settings, key, value))
    };
    let twin = &device.twin;
    if let Some((key, before)) = &ordered.lost {
        let reason = format!("is something else by `{before}`");
        return of(DeviceStatus::Refused, Some(key.to_string()), Some(reason), device.state_at);
    }
    let Some(desired) = twin.desired.as_ref().filter(|desired| has(&desired.settings.0)) else {
        return match untaken {
            Some(Untaken { status, path, reason, since }) => {
                of(*status, path.clone(), Some(reason.clone()), *since)
            }
            None => of(DeviceStatus::Pending, None, None, device.state_at),
        };
    };
    if let Some(reported) = &twin.reported {
        if reported.version == desired.version || has(&reported.settings.0) {
            let since = twin.since.filter(|_| twin.in_sync).unwrap_or(reported.at);
            return of(DeviceStatus::Applied, None, None, since);
        }
        if let Some(refusal) = twin.refusal() {
            let text = |name: &Option<aisle_event::Name>| name.as_ref().map(|name| name.as_str().to_owned());
            return of(DeviceStatus::Refused, text(&refusal.path), text(&refusal.reason), reported.at);
        }
        if reported.last_known_good && reported.at >= desired.at {
            let reason =
                format!("runs version {} of its settings, which it started with before", reported.version);
            return of(DeviceStatus::WentBack, None, Some(reason), reported.at);
        }
    }
    match device.online {
        Some(false) => of(DeviceStatus::Unreachable, None, None, device.online_since.unwrap_or(desired.at)),
        _ => of(DeviceStatus::Pending, None, None, desired.at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_devices::registry::{Config, Devices};
    use aisle_event::{
        DeviceId, Event, Name, Text, Unknown,
        device::{DeviceAnnounced, DeviceApproved, SettingsDesired, SettingsReported},
    };
    use std::sync::Arc;

    const RULES: &str = "[[rules]]\nname = \"labels\"\nwho = \"model=label\"\n[rules.settings]\n\"interval_s\" = 30\n\"limit\" = 5\n";

    /// A register with the label `tag`, as it comes to know it from the journal.
    struct Register {
        devices: Devices,
        seq: u64,
    }

    impl Register {
        fn new() -> Self {
            let mut register = Self { devices: Devices::new(Config::default()), seq: 0 };
            let device = DeviceId::new("tag").unwrap();
            register.hear(DeviceAnnounced {
                device: device.clone(),
                model: Name::new("label").unwrap(),
                firmware: None,
                profile: None,
                streams: Vec::new(),
                schema: None,
                boots: None,
                at: Timestamp(1),
                serial: None,
                cbor: None,
                unknown: Unknown::default(),
            });
            register.hear(DeviceApproved { device, by: None, at: Timestamp(2), unknown: Unknown::default() });
            register
        }

        fn hear(&mut self, event: impl Into<Event>) {
            self.seq += 1;
            self.devices.apply(self.seq, &event.into());
        }

        fn desire(&mut self, version: u64, settings: &str) {
            self.hear(SettingsDesired {
                device: DeviceId::new("tag").unwrap(),
                version,
                settings: Text::new(settings).unwrap(),
                by: None,
                at: Timestamp(10 * i64::try_from(version).unwrap()),
                unknown: Unknown::default(),
            });
        }

        fn report(&mut self, version: u64, settings: &str, refused: Option<(u64, &str, &str)>, fell: bool) {
            self.hear(SettingsReported {
                device: DeviceId::new("tag").unwrap(),
                version,
                settings: Text::new(settings).unwrap(),
                refused: refused.map(|(version, ..)| version),
                path: refused.map(|(_, path, _)| Name::new(path).unwrap()),
                reason: refused.map(|(.., reason)| Name::new(reason).unwrap()),
                last_known_good: Some(fell),
                at: Timestamp(100),
                unknown: Unknown::default(),
            });
        }

        fn tag(&self) -> Arc<DeviceView> {
            self.devices.view().devices.values().next().unwrap().clone()
        }

        fn result(&self) -> DeviceResult {
            let slot: Slot = "device-settings/labels".parse().unwrap();
            let documents = BTreeMap::from([(slot.clone(), toml::from_str(RULES).unwrap())]);
            became(&self.tag(), &Ordered::of(&documents, &slot, &self.tag()).unwrap(), None)
        }

        fn status(&self) -> DeviceStatus {
            self.result().status
        }
    }

    #[test]
    fn a_device_has_settings_when_it_says_so() {
        let mut register = Register::new();
        assert_eq!(register.status(), DeviceStatus::Pending);
        register.desire(1, r#"{"interval_s":30,"limit":5.0,"led":true}"#);
        assert_eq!(register.result().since, Timestamp(10));
        register.report(1, r#"{"interval_s":30,"limit":5.0,"led":true}"#, None, false);
        assert_eq!(register.status(), DeviceStatus::Applied);
        // The shop sets something else of it: what headquarters wants is there all the same.
        register.desire(2, r#"{"interval_s":30,"limit":5.0,"led":false}"#);
        assert_eq!(register.status(), DeviceStatus::Applied);
        // And when the shop sets this, it is on its way until headquarters has its will again.
        register.desire(3, r#"{"interval_s":60,"limit":5.0,"led":false}"#);
        assert_eq!(register.status(), DeviceStatus::Pending);
    }

    #[test]
    fn a_device_that_refuses_is_told_of_with_its_own_words() {
        let mut register = Register::new();
        register.desire(1, r#"{"interval_s":30,"limit":5}"#);
        let why = Some((1, "interval_s", "the battery is too weak for it"));
        register.report(0, r#"{"interval_s":60}"#, why, false);
        let refused = register.result();
        assert_eq!((refused.status, refused.since), (DeviceStatus::Refused, Timestamp(100)));
        assert_eq!(refused.path.as_deref(), Some("interval_s"));
        assert_eq!(refused.reason.as_deref(), Some("the battery is too weak for it"));
        // It says nothing of what is wanted now.
        register.desire(2, r#"{"interval_s":30,"limit":5,"led":true}"#);
        assert_eq!(register.status(), DeviceStatus::Pending);
    }

    #[test]
    fn a_device_that_went_back_to_what_worked_is_told_of() {
        let mut register = Register::new();
        register.desire(2, r#"{"interval_s":30,"limit":5}"#);
        register.report(1, r#"{"interval_s":60}"#, None, true);
        assert_eq!(register.status(), DeviceStatus::WentBack);
    }

    #[test]
    fn of_two_documents_the_first_counts_and_the_other_is_refused() {
        let register = Register::new();
        let slot = |name: &str| name.parse::<Slot>().unwrap();
        let (first, second) = (slot("device-settings/a"), slot("device-settings/b"));
        let documents = BTreeMap::from([
            (first.clone(), toml::from_str(&RULES.replace("30", "60")).unwrap()),
            (second.clone(), toml::from_str(RULES).unwrap()),
        ]);
        let ordered = |slot| Ordered::of(&documents, slot, &register.tag()).unwrap();
        assert_eq!(ordered(&first).settings.len(), 2);
        assert_eq!(ordered(&second).settings.len(), 1, "what both say alike is nobody's loss");
        let refused = became(&register.tag(), &ordered(&second), None);
        assert_eq!((refused.status, refused.path.as_deref()), (DeviceStatus::Refused, Some("interval_s")));
        assert!(refused.reason.unwrap().contains("device-settings/a"));
    }

    #[test]
    fn what_a_schema_does_not_have_is_refused_and_what_comes_again_is_not() {
        let refused = ControlError::Refused {
            device: "tag".into(),
            path: "interval_s".into(),
            reason: "is 30, expected at least 60".into(),
        };
        let untaken = Untaken::of(&refused, Timestamp(5));
        assert_eq!(
            (untaken.status, untaken.told().as_str()),
            (DeviceStatus::Refused, "`interval_s` is 30, expected at least 60")
        );
        assert!(untaken.is_same(&Untaken::of(&refused, Timestamp(6))));
        let later = Untaken::of(&ControlError::NotVisible, Timestamp(5));
        assert_eq!((later.status, later.reason.contains("hint")), (DeviceStatus::Pending, false));
    }
}
