//! How boxes get in: the settings of enrolment, as they are written and checked.
//!
//! Not here: the passphrase itself, which is in no configuration; only where it comes from.

use super::{
    ConfigError, RawConfig, RawUpstream,
    resolve::{Listen, address, positive, wrong},
};
use aisle_provisioning::{
    claim::{HubAddress, record::CLAIM_DAYS_MAX},
    enrolment::record::BAN_LOOK_MS,
    identity::{Chain, HubName},
    issue::NAMES_MAX,
    moment::Lifetimes,
};
use rustls_pki_types::ServerName;
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// `[enrolment]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawEnrolment {
    /// TCP address for boxes that enrol and renew, over HTTPS. Empty: none are taken, and nothing below counts but `look_ms`.
    pub listen: String,
    /// Where boxes call it: a name or an address, and a port. It stands in claims.
    pub address: String,
    /// Folder of the issuing authority, as `aisle-hub init` makes it.
    pub authority: String,
    /// What opens the issuing authority's key: `file:PATH`, `credential:NAME` (systemd's `LoadCredential`), or `prompt`.
    pub passphrase: String,
    /// Who lets boxes in that show a good claim: `queue` somebody at headquarters, `auto` nobody but the claim.
    pub approval: RawApproval,
    /// How long a claim can be used, in hours.
    pub claim_hours: u32,
    /// How long certificates of nodes hold, in days; they are renewed at half of it.
    pub node_days: u32,
    /// How long certificates of devices hold, in days.
    pub device_days: u32,
    /// How long this hub's own certificate holds, in days.
    pub hub_days: u32,
    /// Names and addresses that this hub's own certificate has. Empty: the host of `address`.
    pub names: Vec<String>,
    /// Hubs that a new node is told to call, in turn. Empty: the host of `address`, with the ports that this one listens on.
    pub hub: Vec<RawUpstream>,
    /// How often it is looked whom others have banned or suspended, in milliseconds.
    pub look_ms: u64,
    /// Wrong claims from one address before it waits for a quarter of an hour.
    pub tries_max: u32,
    /// The most requests of one address in a second.
    pub requests_per_second_max: u32,
}

/// Who lets boxes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RawApproval {
    /// Somebody at headquarters.
    Queue,
    /// The claim alone.
    Auto,
}

impl Default for RawEnrolment {
    fn default() -> Self {
        let Lifetimes { node_days, device_days, hub_days, .. } = Lifetimes::default();
        Self {
            listen: String::new(),
            address: String::new(),
            authority: "authority".into(),
            passphrase: "prompt".into(),
            approval: RawApproval::Queue,
            claim_hours: 72,
            node_days,
            device_days,
            hub_days,
            names: Vec::new(),
            hub: Vec::new(),
            look_ms: 5_000,
            tries_max: 10,
            requests_per_second_max: 100,
        }
    }
}

/// Where the passphrase of the issuing key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassphraseSource {
    /// The first line of a file.
    File(PathBuf),
    /// A file of this name in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// Somebody types it.
    Prompt,
}

/// How boxes get in.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where boxes call it.
    pub address: HubAddress,
    /// Whose stores these are.
    pub chain: Chain,
    /// This hub in its own certificate.
    pub name: HubName,
    /// The folder of the issuing authority.
    pub authority: PathBuf,
    /// What opens its key.
    pub passphrase: PassphraseSource,
    /// True when a good claim is enough.
    pub is_automatic: bool,
    /// How long a claim can be used, in milliseconds.
    pub claim_ms: u64,
    /// For how long certificates hold.
    pub lifetimes: Lifetimes,
    /// What this hub's own certificate names.
    pub names: Vec<ServerName<'static>>,
    /// What a new node is told to call.
    pub hubs: Vec<RawUpstream>,
    /// Wrong claims from one address before it waits.
    pub tries_max: u32,
    /// Requests of one address in a second.
    pub requests_per_second_max: u32,
}

/// An hour in milliseconds.
const HOUR_MS: u64 = 3_600_000;
/// The longest that certificates may hold, in days.
const DAYS_MAX: u32 = 3_650;

pub(super) fn look(raw: &RawEnrolment) -> Result<Duration, ConfigError> {
    if raw.look_ms == 0 || raw.look_ms > BAN_LOOK_MS {
        return Err(wrong("enrolment.look_ms", &raw.look_ms.to_string(), "1 to 20000"));
    }
    Ok(Duration::from_millis(raw.look_ms))
}

fn days(key: &'static str, days: u32) -> Result<u32, ConfigError> {
    if (1..=DAYS_MAX).contains(&days) {
        Ok(days)
    } else {
        Err(wrong(format!("enrolment.{key}"), &days.to_string(), "1 to 3650"))
    }
}

impl PassphraseSource {
    /// Reads what stands in the configuration; relative paths are meant from `beside`.
    #[must_use]
    pub fn from_text(text: &str, beside: &Path) -> Option<Self> {
        match text.split_once(':') {
            None if text == "prompt" => Some(Self::Prompt),
            Some(("file", path)) if !path.is_empty() => Some(Self::File(beside.join(path))),
            Some(("credential", name)) if !name.is_empty() && !name.contains('/') && name != ".." => {
                Some(Self::Credential(name.to_owned()))
            }
            _ => None,
        }
    }
}

impl Enrolment {
    pub(super) fn resolve(
        raw: &RawConfig,
        listen: &Listen,
        beside: &Path,
    ) -> Result<Option<Self>, ConfigError> {
        let own = &raw.enrolment;
        if own.listen.is_empty() {
            return Ok(None);
        }
        let chain = Chain::new(&raw.tls.chain).map_err(|_| {
            wrong("tls.chain", &raw.tls.chain, "the name of the chain, such as `shops.example`")
        })?;
        let name = HubName::new(&raw.hub)
            .map_err(|_| wrong("hub", &raw.hub, "a name of letters, digits, `.`, `-` and `_`"))?;
        let called: HubAddress = own.address.parse().map_err(|_| {
            wrong(
                "enrolment.address",
                &own.address,
                "a name or an address with a port, such as `hub.example:8444`",
            )
        })?;
        let passphrase = PassphraseSource::from_text(&own.passphrase, beside).ok_or_else(|| {
            wrong("enrolment.passphrase", &own.passphrase, "`file:PATH`, `credential:NAME` or `prompt`")
        })?;
        let longest = CLAIM_DAYS_MAX.saturating_mul(24);
        if !(1..=longest).contains(&own.claim_hours) {
            return Err(wrong("enrolment.claim_hours", &own.claim_hours.to_string(), "1 to 2160"));
        }
        let lifetimes = Lifetimes {
            node_days: days("node_days", own.node_days)?,
            device_days: days("device_days", own.device_days)?,
            hub_days: days("hub_days", own.hub_days)?,
            ..Lifetimes::default()
        };
        let host = called.host().to_owned();
        let given: Vec<String> = if own.names.is_empty() { vec![host.clone()] } else { own.names.clone() };
        if given.len() > NAMES_MAX {
            return Err(wrong("enrolment.names", &given.len().to_string(), "at most 16 names"));
        }
        let names = given.into_iter().enumerate().map(|(at, name)| {
            ServerName::try_from(name.clone())
                .map_err(|_| wrong(format!("enrolment.names[{at}]"), &name, "a DNS name or an address"))
        });
        let hubs = if own.hub.is_empty() {
            let tls_port = listen.tls.map_or(0, |address| address.port());
            vec![RawUpstream { name: host, quic_port: listen.quic.port(), tls_port }]
        } else {
            own.hub.clone()
        };
        Ok(Some(Self {
            listen: address("enrolment.listen", &own.listen)?,
            address: called,
            chain,
            name,
            authority: beside.join(&own.authority),
            passphrase,
            is_automatic: own.approval == RawApproval::Auto,
            claim_ms: u64::from(own.claim_hours).saturating_mul(HOUR_MS),
            lifetimes,
            names: names.collect::<Result<_, _>>()?,
            hubs,
            tries_max: positive("enrolment.tries_max", own.tries_max)?,
            requests_per_second_max: positive(
                "enrolment.requests_per_second_max",
                own.requests_per_second_max,
            )?,
        }))
    }
}
