//! The settings as they are written. Every one has a default; what cannot be right is refused later, by its key.

use super::enrolment::RawEnrolment;
use serde::{Deserialize, Serialize};

/// `hub.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawConfig {
    /// The hub's name. Hubs on one database have different ones.
    pub hub: String,
    /// The region that it lies in: batches for another one are refused.
    pub region: String,
    /// A file of SQLite's, or `postgres://user@host/name`.
    pub database: String,
    /// Where the contents lie that nodes fetch: a folder, or `s3://BUCKET/PREFIX`.
    pub contents: String,
    /// The file of the key that this hub signs its receipts of erasures with; made where it is not there.
    pub receipt_key: String,
    /// What is logged: `error`, `warn`, `info`, `debug`, or a filter such as `aisle_hub=debug`.
    pub log_level: String,
    /// `text` or `json`.
    pub log_format: RawLogFormat,
    /// Where it listens.
    pub listen: RawListen,
    /// What it shows stores, and whom it believes.
    pub tls: RawTls,
    /// The HTTP interface.
    pub http: RawHttp,
    /// The policies that batches may name.
    pub policies: RawPolicies,
    /// Bounds.
    pub limits: RawLimits,
    /// Signed artefacts.
    pub artefacts: RawArtefacts,
    /// How boxes get in by themselves.
    pub enrolment: RawEnrolment,
    /// The relay to a hub above.
    pub relay: RawRelay,
    /// How people sign in.
    pub people: RawPeople,
    /// The identity provider that people may sign in at.
    pub oidc: RawOidc,
    /// Nodes that may come. Registered at every start.
    pub node: Vec<RawNode>,
    /// Hubs that may speak for stores. Registered at every start.
    pub relayed: Vec<RawRelayed>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RawLogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// `[listen]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawListen {
    /// UDP address for QUIC.
    pub quic: String,
    /// TCP address for TLS, for stores whose UDP is blocked. Empty: none.
    pub tls: String,
    /// TCP address of the HTTP interface. It speaks plain HTTP: keep it local, or put a proxy with TLS before it.
    pub http: String,
    /// TCP address where the same is served over TLS 1.3, with the certificate of `[tls]`: what comes from the hub's own authority is renewed by itself.
    /// Empty: none. People who sign in there need `http.origin`.
    pub https: String,
}

/// `[tls]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawTls {
    /// PEM file: the hub's certificate, then those between it and the root.
    pub certificate: String,
    /// PEM file: its key.
    pub key: String,
    /// PEM file: the roots that stores' certificates come from.
    pub roots: String,
    /// The trust domain of the stores' names. Empty: any that the roots vouch for.
    pub chain: String,
}

/// `[http]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawHttp {
    /// File with the bearer token of whoever runs the hub: it may everything, and is no person. It is made at the first start, readable by the
    /// hub's user alone. People and programs get tokens of their own.
    pub token_file: String,
    /// Where browsers find the hub, such as `https://hub.example`: at `listen.https`, or at a proxy with TLS before it. Empty: people sign in on
    /// the hub's own machine only.
    pub origin: String,
    /// Addresses of proxies that are believed in whom they forward for (`X-Forwarded-For`).
    pub proxies: Vec<String>,
}

/// `[people]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawPeople {
    /// A session that is not used ends after so many minutes.
    pub session_idle_minutes: u32,
    /// A session ends after so many hours at the latest.
    pub session_hours_max: u32,
    /// For so many hours the code is good that a new person sets themselves up with.
    pub setup_hours: u32,
}

/// `[oidc]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawOidc {
    /// Its name: an address, exactly as it writes it. Empty: there is none.
    pub issuer: String,
    /// What it calls this hub.
    pub client_id: String,
    /// File with the secret that it knows this hub by. Empty: it wants none.
    pub client_secret_file: String,
    /// What is asked for besides `openid`.
    pub scopes: Vec<String>,
    /// The claim with a person's groups.
    pub groups_claim: String,
    /// The claim with a person's name.
    pub name_claim: String,
    /// PEM file with the roots of its certificate. Empty: the system's.
    pub roots: String,
    /// What groups are here. Who has none of them is not let in.
    pub role: Vec<RawOidcRole>,
}

/// `[[oidc.role]]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawOidcRole {
    /// The group, as the provider calls it.
    pub group: String,
    /// The role: `viewer`, `operator@region:eu`, `viewer@label:country=de`.
    pub role: String,
}

/// `[policies]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawPolicies {
    /// Policy files. The signature lies beside each, in a file with `.sig` behind its name: 128 hexadecimal digits.
    pub files: Vec<String>,
    /// The Ed25519 keys that may sign policies: 64 hexadecimal digits each.
    pub keys: Vec<String>,
    /// The version that stores should apply; 0 is the highest of the files.
    pub wanted: u32,
}

/// `[artefacts]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawArtefacts {
    /// PEM file with the keys that snapshots and timestamps of signed artefacts are signed with. Made by `aisle-hub artefact init` where it is not there; the
    /// same for all hubs on one database.
    pub online_key_file: String,
}

/// `[limits]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLimits {
    /// The most connections of stores.
    pub connections_max: u32,
    /// The most database connections.
    pub database_connections_max: u32,
    /// How long a question waits for a database connection, in milliseconds.
    pub database_wait_ms_max: u64,
    /// The most admissions whose batches are unpacked at once.
    pub checks_together_max: u32,
    /// When a node that was told "not now" should come again, in milliseconds.
    pub retry_after_ms: u64,
}

/// `[relay]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawRelay {
    /// The region that the hub above lies in: what goes there passes the gate again. Empty: nothing is relayed.
    pub region: String,
    /// The hubs above, called in turn.
    pub hub: Vec<RawUpstream>,
    /// PEM file: the certificate that names this relay (`spiffe://CHAIN/relay/NAME`), then those between it and the root.
    pub certificate: String,
    /// PEM file: its key.
    pub key: String,
    /// PEM file: the roots that the certificates of the hubs above come from.
    pub roots: String,
    /// What the line costs: `metered`, `lte`, `fibre`.
    pub link: String,
    /// File with 64 hexadecimal digits that receipts are signed and times told apart with. Made at the first start; the same for all hubs
    /// on one database.
    pub secret_file: String,
    /// File with 64 hexadecimal digits that tokens are made with. Empty: they follow from the secret.
    pub token_secret_file: String,
    /// The most stores that this process relays at once; others wait for their turn.
    pub stores_max: u32,
    /// How often it is looked for what is new, in milliseconds: what came meanwhile goes together.
    pub every_ms: u64,
    /// How long another hub waits before it takes over what a hub relayed that says nothing more, in milliseconds.
    pub lease_ms: u64,
}

/// `[[relay.hub]]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawUpstream {
    /// Its DNS name or address, as its certificate has it.
    pub name: String,
    /// Its UDP port; 0: none.
    #[serde(default = "stores_port")]
    pub quic_port: u16,
    /// Its TCP port; 0: none.
    #[serde(default = "stores_port")]
    pub tls_port: u16,
}

const fn stores_port() -> u16 {
    8443
}

/// `[[relayed]]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRelayed {
    /// The relay's name, as its certificate has it.
    pub relay: String,
    /// The regions whose stores it may speak for.
    pub regions: Vec<String>,
    /// The Ed25519 key that its receipts are signed with, as `aisle-hub relay key` prints it there.
    pub receipt_key: String,
    /// True when it may not come any more.
    #[serde(default)]
    pub banned: bool,
}

/// `[[node]]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawNode {
    /// Its store.
    pub store: String,
    /// Its serial, as its certificate has it.
    pub node: String,
    /// The Ed25519 key that its receipts are signed with: 64 hexadecimal digits.
    pub receipt_key: String,
    /// True when it may not come any more.
    #[serde(default)]
    pub banned: bool,
}

impl RawConfig {
    /// The files that only the hub may read, by their keys: each may be named `credential:NAME` instead.
    pub(super) fn secrets(&mut self) -> [(&'static str, &mut String); 7] {
        [
            ("receipt_key", &mut self.receipt_key),
            ("tls.key", &mut self.tls.key),
            ("http.token_file", &mut self.http.token_file),
            ("relay.key", &mut self.relay.key),
            ("relay.secret_file", &mut self.relay.secret_file),
            ("relay.token_secret_file", &mut self.relay.token_secret_file),
            ("artefacts.online_key_file", &mut self.artefacts.online_key_file),
        ]
    }
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            hub: "hub-1".into(),
            region: String::new(),
            database: "data/hub.db".into(),
            contents: "data/contents".into(),
            receipt_key: "data/receipt.key".into(),
            log_level: "info".into(),
            log_format: RawLogFormat::Text,
            listen: RawListen::default(),
            tls: RawTls::default(),
            http: RawHttp::default(),
            policies: RawPolicies::default(),
            limits: RawLimits::default(),
            artefacts: RawArtefacts::default(),
            enrolment: RawEnrolment::default(),
            relay: RawRelay::default(),
            people: RawPeople::default(),
            oidc: RawOidc::default(),
            node: Vec::new(),
            relayed: Vec::new(),
        }
    }
}

impl Default for RawListen {
    fn default() -> Self {
        Self {
            quic: "0.0.0.0:8443".into(),
            tls: "0.0.0.0:8443".into(),
            http: "127.0.0.1:8490".into(),
            https: String::new(),
        }
    }
}

impl Default for RawHttp {
    fn default() -> Self {
        Self { token_file: "data/hub.token".into(), origin: String::new(), proxies: Vec::new() }
    }
}

impl Default for RawPeople {
    fn default() -> Self {
        Self { session_idle_minutes: 60, session_hours_max: 12, setup_hours: 72 }
    }
}

impl Default for RawOidc {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            client_id: String::new(),
            client_secret_file: String::new(),
            scopes: vec!["profile".into()],
            groups_claim: "groups".into(),
            name_claim: "preferred_username".into(),
            roots: String::new(),
            role: Vec::new(),
        }
    }
}

impl Default for RawRelay {
    fn default() -> Self {
        Self {
            region: String::new(),
            hub: Vec::new(),
            certificate: String::new(),
            key: String::new(),
            roots: String::new(),
            link: "fibre".into(),
            secret_file: "data/relay.secret".into(),
            token_secret_file: String::new(),
            stores_max: 64,
            every_ms: 1_000,
            lease_ms: 15_000,
        }
    }
}

impl Default for RawArtefacts {
    fn default() -> Self {
        Self { online_key_file: "data/artefacts.key".into() }
    }
}

impl Default for RawLimits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            database_connections_max: 8,
            database_wait_ms_max: 10_000,
            checks_together_max: 4,
            retry_after_ms: 2_000,
        }
    }
}
