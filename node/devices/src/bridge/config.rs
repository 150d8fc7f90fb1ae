//! What an operator can set about a bridge: `[[bridge]]`, once for each.

use super::{endpoint::Endpoint, rules};
use aisle_broker::packet::QoS;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A bridge to one broker. Each bound says what happens when it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What the bridge is called in logs, metrics and the trail of a message: 1 to 32 of `a-z`, `0-9`, `-`, `_`.
    pub name: String,
    /// Where the broker is: `mqtt://HOST:1883`, or `mqtts://HOST:8883` with TLS. The port may be left out.
    pub url: String,
    /// Which protocol it is spoken to in: `5`, or `3.1.1`, which has no properties and no protection from loops.
    #[serde(default)]
    pub version: Version,
    /// The client id there. Left out: `aisle-STORE-NAME`. The session there belongs to it.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The name to log in with.
    #[serde(default)]
    pub username: Option<String>,
    /// The file with the password, on one line. It is read at each connection.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The file (PEM) with the authorities that the broker's certificate may come from. Left out: those of this computer.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The file (PEM) with the bridge's own certificate, when the broker asks for one.
    #[serde(default)]
    pub certificate_file: Option<PathBuf>,
    /// The file (PEM) with the key of that certificate.
    #[serde(default)]
    pub private_key_file: Option<PathBuf>,
    /// A broker that says nothing for so many seconds is asked whether it is there, and left when it does not answer within as
    /// many again. 5 to 65535.
    #[serde(default = "defaults::keep_alive_s")]
    pub keep_alive_s: u16,
    /// Connecting may take so many milliseconds.
    #[serde(default = "defaults::connect_timeout_ms")]
    pub connect_timeout_ms: u64,
    /// Both brokers keep what the bridge has not fetched for so many seconds after it was last seen; 3.1.1 has no such limit
    /// at the other broker.
    #[serde(default = "defaults::session_expiry_s")]
    pub session_expiry_s: u32,
    /// At most so many QoS 1 and 2 messages are on their way and not acknowledged, in each direction; more wait at the broker
    /// that they come from, here in the session `$node/bridge/NAME` within the bounds of the node's broker. 1 to 10000.
    #[serde(default = "defaults::in_flight_max")]
    pub in_flight_max: u16,
    /// At most so many bytes of messages from the other broker wait for the journal. At the bound QoS 0 messages are dropped,
    /// and others are left unacknowledged and fetched again when there is room.
    #[serde(default = "defaults::held_bytes_max")]
    pub held_bytes_max: usize,
    /// A longer packet is not taken from the other broker, nor one that is longer than the node's own broker takes: 5 tells it
    /// so; what comes by 3.1.1 is acknowledged and dropped.
    #[serde(default = "defaults::packet_bytes_max")]
    pub packet_bytes_max: u32,
    /// A message that crossed so many bridges is dropped.
    #[serde(default = "defaults::hops_max")]
    pub hops_max: usize,
    /// The shortest wait before another attempt to connect, in milliseconds.
    #[serde(default = "defaults::reconnect_min_ms")]
    pub reconnect_min_ms: u64,
    /// The longest. The wait is random between the two, and its upper end doubles with each failure.
    #[serde(default = "defaults::reconnect_max_ms")]
    pub reconnect_max_ms: u64,
    /// What is fetched from the other broker.
    #[serde(default, rename = "in")]
    pub inward: Vec<Rule>,
    /// What is brought to it.
    #[serde(default, rename = "out")]
    pub outward: Vec<Rule>,
}

/// Which messages cross, and what their topics are on each side: the prefix of the side, then what the filter matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Topics as in a subscription, without the prefix: `factory/#`.
    pub filter: String,
    /// What topics begin with at the other broker.
    #[serde(default)]
    pub prefix_remote: String,
    /// What they begin with here.
    #[serde(default)]
    pub prefix_local: String,
    /// At most how surely a message crosses: 0, 1 or 2.
    #[serde(default = "defaults::qos")]
    pub qos: u8,
}

/// The protocol that a broker is spoken to in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum Version {
    /// MQTT 5.
    #[default]
    #[serde(rename = "5")]
    V5,
    /// MQTT 3.1.1.
    #[serde(rename = "3.1.1")]
    V311,
}

/// Why the settings of a bridge were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {reason}\nhint: {hint}")]
pub struct InvalidConfig {
    /// The setting, as a path: `bridge[0].in[1].filter`.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
    /// What to do.
    pub hint: &'static str,
}

/// Checks all bridges of a node.
///
/// # Errors
/// Names the first setting that cannot be used.
pub fn validate(bridges: &[Config]) -> Result<(), InvalidConfig> {
    for (index, bridge) in bridges.iter().enumerate() {
        bridge.validate().map_err(|mut error| {
            error.field = format!("bridge[{index}].{}", error.field);
            error
        })?;
        if bridges.iter().take(index).any(|other| other.name == bridge.name) {
            return Err(InvalidConfig {
                field: format!("bridge[{index}].name"),
                reason: format!("there is another bridge called `{}`", bridge.name),
                hint: "give each bridge a name of its own",
            });
        }
    }
    Ok(())
}

impl Config {
    /// Checks that the settings can be used. Files are not opened; that happens at each connection.
    ///
    /// # Errors
    /// Names the first setting that cannot be used.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let endpoint = Endpoint::parse(&self.url).map_err(|reason| InvalidConfig {
            field: "url".into(),
            reason,
            hint: "write `mqtt://HOST:1883` or `mqtts://HOST:8883`; a name and password go into `username` and `password_file`",
        })?;
        self.check_names()?;
        self.check_tls(&endpoint)?;
        self.check_numbers()?;
        rules::check(self)
    }

    fn check_names(&self) -> Result<(), InvalidConfig> {
        let plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        if !(1..=32).contains(&self.name.len()) || !self.name.bytes().all(plain) {
            let reason = format!("{:?} is no name", self.name);
            return refuse("name", reason, "a name is 1 to 32 of `a-z`, `0-9`, `-`, `_`");
        }
        if self.client_id.as_deref().is_some_and(|id| id.is_empty() || id.contains('\0') || id.len() > 256) {
            let hint = "give 1 to 256 bytes, or leave it out; the session at the other broker belongs to it";
            return refuse("client_id", "it cannot name a session".into(), hint);
        }
        if self.password_file.is_some() && self.username.is_none() {
            let hint = "give `username` too";
            return refuse("password_file", "there is a password and nobody that it belongs to".into(), hint);
        }
        Ok(())
    }

    fn check_tls(&self, endpoint: &Endpoint) -> Result<(), InvalidConfig> {
        let files = [
            ("ca_file", &self.ca_file),
            ("certificate_file", &self.certificate_file),
            ("private_key_file", &self.private_key_file),
        ];
        if let Some((field, _)) = files.iter().find(|(_, file)| file.is_some() && !endpoint.tls) {
            let hint = "write `mqtts://` to use TLS, or leave the file out";
            return refuse(field, "`url` says that TLS is not used".into(), hint);
        }
        match (&self.certificate_file, &self.private_key_file) {
            (Some(_), None) => refuse(
                "private_key_file",
                "it is missing".into(),
                "a certificate is of use only with its key",
            ),
            (None, Some(_)) => refuse(
                "certificate_file",
                "it is missing".into(),
                "a key is of use only with its certificate",
            ),
            _ => Ok(()),
        }
    }

    fn check_numbers(&self) -> Result<(), InvalidConfig> {
        let within = |field: &str, value: u64, least: u64, most: u64| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            let hint = "choose a number within the range, or leave the setting out";
            refuse(field, format!("{value} is not within {least} to {most}"), hint)
        };
        within("keep_alive_s", self.keep_alive_s.into(), 5, 65_535)?;
        within("connect_timeout_ms", self.connect_timeout_ms, 100, 300_000)?;
        within("in_flight_max", self.in_flight_max.into(), 1, 10_000)?;
        within("held_bytes_max", self.held_bytes_max as u64, 65_536, 1 << 40)?;
        within("packet_bytes_max", self.packet_bytes_max.into(), 1024, 268_435_455)?;
        within("hops_max", self.hops_max as u64, 1, 16)?;
        within("reconnect_min_ms", self.reconnect_min_ms, 1, 3_600_000)?;
        within("reconnect_max_ms", self.reconnect_max_ms, self.reconnect_min_ms, 86_400_000)
    }

    /// The client id at the other broker.
    pub(super) fn client_id(&self, store: &str) -> String {
        self.client_id.clone().unwrap_or_else(|| format!("aisle-{store}-{}", self.name))
    }
}

impl Rule {
    /// The QoS, when it is one.
    pub(super) const fn qos(&self) -> Option<QoS> {
        QoS::from_u8(self.qos)
    }
}

pub(super) fn refuse<T>(field: &str, reason: String, hint: &'static str) -> Result<T, InvalidConfig> {
    Err(InvalidConfig { field: field.into(), reason, hint })
}

mod defaults {
    pub(super) const fn keep_alive_s() -> u16 {
        30
    }
    pub(super) const fn connect_timeout_ms() -> u64 {
        10_000
    }
    pub(super) const fn session_expiry_s() -> u32 {
        30 * 24 * 3600
    }
    pub(super) const fn in_flight_max() -> u16 {
        100
    }
    pub(super) const fn held_bytes_max() -> usize {
        16 << 20
    }
    pub(super) const fn packet_bytes_max() -> u32 {
        256 << 10
    }
    pub(super) const fn hops_max() -> usize {
        8
    }
    pub(super) const fn reconnect_min_ms() -> u64 {
        500
    }
    pub(super) const fn reconnect_max_ms() -> u64 {
        60_000
    }
    pub(super) const fn qos() -> u8 {
        1
    }
}
