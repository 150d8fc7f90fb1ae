//! [`Config`]: settings that were checked.

use super::{ConfigError, Enrolment, RawConfig, Relay, enrolment::look, people, relay::relayed};
use crate::{
    database::{Bounds, Location, RegisteredNode, RegisteredRelay},
    http::Site,
    objects::Place,
    people::{Settings, oidc::OidcConfig},
};
use aisle_event::StoreId;
use aisle_residency::{Region, signing::VerifyingKey};
use data_encoding::HEXLOWER_PERMISSIVE;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// What the hub runs by.
#[derive(Debug, Clone)]
pub struct Config {
    /// The hub's name.
    pub hub: String,
    /// The region that it lies in.
    pub region: Region,
    /// Where the database is.
    pub database: Location,
    /// Bounds of the database's use.
    pub bounds: Bounds,
    /// Where it listens.
    pub listen: Listen,
    /// Files.
    pub files: Files,
    /// The trust domain of stores; any, where there is none.
    pub chain: Option<String>,
    /// The keys that may sign policies.
    pub policy_keys: Vec<VerifyingKey>,
    /// The version of the policy that stores should apply; the highest, where there is none.
    pub policy_wanted: Option<u32>,
    /// Nodes that may come.
    pub nodes: Vec<RegisteredNode>,
    /// How boxes get in by themselves, where they do.
    pub enrolment: Option<Enrolment>,
    /// How often it is looked whom others have banned or suspended.
    pub ban_look: Duration,
    /// The relay to a hub above, where there is one.
    pub relay: Option<Relay>,
    /// Hubs that may speak for stores.
    pub relays: Vec<RegisteredRelay>,
    /// How people sign in.
    pub people: Settings,
    /// Where browsers find the hub.
    pub site: Site,
    /// The identity provider, where there is one.
    pub oidc: Option<OidcConfig>,
    /// The file of the secret that it knows this hub by.
    pub oidc_secret: Option<PathBuf>,
    /// As it was written, with defaults.
    pub raw: RawConfig,
}

/// Where it listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// UDP.
    pub quic: SocketAddr,
    /// TCP.
    pub tls: Option<SocketAddr>,
    /// TCP.
    pub http: SocketAddr,
    /// TCP.
    pub https: Option<SocketAddr>,
}

/// Files and folders, relative ones from where the configuration lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Contents.
    pub contents: Place,
    /// The key that receipts of erasures are signed with.
    pub receipt_key: PathBuf,
    /// The keys of snapshots and timestamps of signed artefacts.
    pub online_keys: PathBuf,
    /// The bearer token.
    pub token: PathBuf,
    /// The certificate chain.
    pub certificate: PathBuf,
    /// The certificate's key.
    pub key: PathBuf,
    /// The roots.
    pub roots: PathBuf,
    /// Policies.
    pub policies: Vec<PathBuf>,
}

impl Config {
    /// Checks settings. Relative paths are meant from `beside`.
    ///
    /// # Errors
    /// When a value cannot be right, by its key.
    pub fn resolve(raw: RawConfig, beside: &Path) -> Result<Self, ConfigError> {
        let region = Region::new(&raw.region).map_err(|_| {
            wrong(
                "region",
                &raw.region,
                "the name of a region, such as `eu`: lower-case letters, digits, hyphens",
            )
        })?;
        if raw.hub.is_empty() || raw.hub.len() > 64 {
            return Err(wrong("hub", &raw.hub, "a name of 1 to 64 bytes"));
        }
        let database = match raw.database.parse() {
            Ok(Location::Sqlite(path)) => Location::Sqlite(beside.join(path)),
            Ok(postgres) => postgres,
            Err(_) => return Err(wrong("database", &raw.database, "a file, or `postgres://user@host/name`")),
        };
        let limits = &raw.limits;
        let bounds = Bounds {
            connections_max: positive("limits.database_connections_max", limits.database_connections_max)?,
            wait_ms_max: limits.database_wait_ms_max.max(1),
            ..Bounds::default()
        };
        positive("limits.connections_max", limits.connections_max)?;
        positive("limits.checks_together_max", limits.checks_together_max)?;
        let perhaps = |key, text: &str| (!text.is_empty()).then(|| address(key, text)).transpose();
        let listen = Listen {
            quic: address("listen.quic", &raw.listen.quic)?,
            tls: perhaps("listen.tls", &raw.listen.tls)?,
            http: address("listen.http", &raw.listen.http)?,
            https: perhaps("listen.https", &raw.listen.https)?,
        };
        let keys = raw.policies.keys.iter().enumerate();
        let policy_keys = keys.map(|(at, text)| key(format!("policies.keys[{at}]"), text));
        let nodes = raw.node.iter().enumerate().map(|(at, node)| {
            let store = StoreId::new(node.store.as_str())
                .map_err(|_| wrong(format!("node[{at}].store"), &node.store, "the id of a store"))?;
            if node.node.is_empty() || node.node.len() > 128 {
                return Err(wrong(format!("node[{at}].node"), &node.node, "a serial of 1 to 128 bytes"));
            }
            let receipt_key = key(format!("node[{at}].receipt_key"), &node.receipt_key)?;
            Ok(RegisteredNode { store, node: node.node.clone(), receipt_key, is_banned: node.banned })
        });
        let files = Files {
            contents: Place::read(&raw.contents, beside)
                .map_err(|_| wrong("contents", &raw.contents, "a folder, or `s3://BUCKET/PREFIX`"))?,
            receipt_key: beside.join(&raw.receipt_key),
            online_keys: beside.join(&raw.artefacts.online_key_file),
            token: beside.join(&raw.http.token_file),
            certificate: beside.join(&raw.tls.certificate),
            key: beside.join(&raw.tls.key),
            roots: beside.join(&raw.tls.roots),
            policies: raw.policies.files.iter().map(|file| beside.join(file)).collect(),
        };
        let site = people::site(&raw.http)?;
        Ok(Self {
            people: people::settings(&raw.people)?,
            oidc: people::oidc(&raw.oidc, &site, beside)?,
            oidc_secret: Some(&raw.oidc.client_secret_file)
                .filter(|file| !file.is_empty())
                .map(|file| beside.join(file)),
            site,
            hub: raw.hub.clone(),
            region,
            database,
            bounds,
            listen,
            files,
            chain: Some(raw.tls.chain.clone()).filter(|chain| !chain.is_empty()),
            policy_keys: policy_keys.collect::<Result<_, _>>()?,
            policy_wanted: Some(raw.policies.wanted).filter(|version| *version > 0),
            nodes: nodes.collect::<Result<_, _>>()?,
            enrolment: Enrolment::resolve(&raw, &listen, beside)?,
            ban_look: look(&raw.enrolment)?,
            relay: Relay::resolve(&raw.relay, beside)?,
            relays: raw
                .relayed
                .iter()
                .enumerate()
                .map(|(at, raw)| relayed(at, raw))
                .collect::<Result<_, _>>()?,
            raw,
        })
    }
}

pub(super) fn wrong(key: impl Into<String>, found: &str, expected: &'static str) -> ConfigError {
    let shown: String = found.chars().take(64).collect();
    ConfigError::Wrong { key: key.into(), found: format!("\"{shown}\""), expected }
}

pub(super) fn positive(key: &str, number: u32) -> Result<u32, ConfigError> {
    if number == 0 {
        return Err(ConfigError::Wrong { key: key.into(), found: "0".into(), expected: "at least 1" });
    }
    Ok(number)
}

pub(super) fn address(key: &str, text: &str) -> Result<SocketAddr, ConfigError> {
    text.parse().map_err(|_| wrong(key, text, "an address with a port, such as `0.0.0.0:8443`"))
}

pub(super) fn key(name: String, text: &str) -> Result<VerifyingKey, ConfigError> {
    HEXLOWER_PERMISSIVE
        .decode(text.trim().as_bytes())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .map(VerifyingKey)
        .ok_or_else(|| wrong(name, text, "64 hexadecimal digits"))
}
