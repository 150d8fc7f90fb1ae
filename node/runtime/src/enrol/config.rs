//! `[node]` and `[enrolment]`: which box this is, where it asks for its certificate, what shows that certificate.

use aisle_enrolment::hub_address;
use aisle_provisioning::{claim::HubAddress, identity::Serial};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which box this is.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawNode {
    /// What is printed on the box, 1 to 64 letters, digits, `.`, `-` and `_`. Left empty, it is the board's serial, or the system's machine-id.
    pub serial: String,
}

/// How the node asks for its certificate. It is claimed by `aisle-node claim`, or on the page `/first-boot`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawEnrolment {
    /// Where a hub gives certificates, as `HOST` or `HOST:PORT` (8444), for a claim code that is typed without the QR code's link. Left empty, it is the first
    /// of `sync.hub`.
    pub hub: String,
    /// How often the hub is visited for the time, the list of bans and the line's settings, in seconds: 60 to 86,400. Each wait is drawn by chance around it.
    pub visit_s: u64,
    /// What the MQTT broker shows once the box is claimed: `identity`, the certificate of the chain; `own`, the one that the box has made itself; `auto`, the chain's unless devices
    /// were listed before the claim, which trust the box's own. A certificate in `mqtt.certificate_file` counts before all of them.
    pub mqtt: MqttShows,
    /// Whether the page `/first-boot` is served. It can be seen from the store's own network only, and takes nothing once the box is claimed.
    pub first_boot: bool,
}

/// What the MQTT broker shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MqttShows {
    /// The chain's unless devices trust the box's own.
    #[default]
    Auto,
    /// The certificate of the chain.
    Identity,
    /// The one that the box has made itself.
    Own,
}

impl Default for RawEnrolment {
    fn default() -> Self {
        Self { hub: String::new(), visit_s: 900, mqtt: MqttShows::Auto, first_boot: true }
    }
}

/// The settings, checked.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Which box this is, where somebody said so.
    pub serial: Option<Serial>,
    /// Where a hub gives certificates.
    pub hub: Option<HubAddress>,
    /// How often the hub is visited, in milliseconds.
    pub visit_ms: u64,
    /// What the broker shows.
    pub mqtt: MqttShows,
    /// Whether the first page is served.
    pub first_boot: bool,
    /// Whether the line to the hub goes by the identity of the claim.
    pub is_adopted: bool,
    /// Why it does not, though there is one.
    pub problem: Option<String>,
}

const VISIT_S: std::ops::RangeInclusive<u64> = 60..=86_400;

/// Checks every value; a refusal names its key and why. `hub` is the first of `sync.hub`, if there is one.
pub(crate) fn resolve(
    node: &RawNode,
    raw: &RawEnrolment,
    hub: Option<&str>,
) -> Result<Settings, (&'static str, String)> {
    let serial = Some(node.serial.trim()).filter(|serial| !serial.is_empty()).map(Serial::new).transpose();
    let serial = serial.map_err(|error| ("node.serial", error.to_string()))?;
    let named = Some(raw.hub.trim()).filter(|hub| !hub.is_empty());
    let hub = match named {
        Some(hub) => Some(hub_address(hub).map_err(|fault| ("enrolment.hub", fault.detail))?),
        // What cannot be is refused where it is written, in `sync.hub`.
        None => hub.and_then(|hub| hub_address(hub).ok()),
    };
    if !VISIT_S.contains(&raw.visit_s) {
        return Err(("enrolment.visit_s", format!("is {}, expected 60 to 86400", raw.visit_s)));
    }
    let visit_ms = raw.visit_s * 1_000;
    let (mqtt, first_boot) = (raw.mqtt, raw.first_boot);
    Ok(Settings { serial, hub, visit_ms, mqtt, first_boot, is_adopted: false, problem: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_found_elsewhere_and_what_cannot_be_is_refused_by_its_key() {
        let node = |serial: &str| RawNode { serial: serial.into() };
        let raw = RawEnrolment::default();
        let settings = resolve(&node(""), &raw, Some("hub.example")).unwrap();
        assert_eq!(settings.hub.unwrap().to_string(), "hub.example:8444");
        assert_eq!((settings.serial, settings.visit_ms), (None, 900_000));
        assert_eq!(resolve(&node("a b"), &raw, None).unwrap_err().0, "node.serial");
        let wrong = RawEnrolment { hub: "https://a b".into(), ..raw.clone() };
        assert_eq!(resolve(&node(""), &wrong, None).unwrap_err().0, "enrolment.hub");
        let wrong = RawEnrolment { visit_s: 1, ..raw };
        assert_eq!(resolve(&node(""), &wrong, None).unwrap_err().0, "enrolment.visit_s");
    }
}
