//! The relay's settings, checked.

use super::{
    ConfigError, RawRelay, RawRelayed,
    resolve::{key, positive, wrong},
};
use crate::database::RegisteredRelay;
use aisle_protocol::LinkKind;
use aisle_residency::Region;
use aisle_transport::client::Hub;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// What the hub relays by.
#[derive(Debug, Clone)]
pub struct Relay {
    /// Where the hub above lies.
    pub region: Region,
    /// The hubs above, called in turn; at least one.
    pub hubs: Vec<Hub>,
    /// The certificate chain.
    pub certificate: PathBuf,
    /// The certificate's key.
    pub key: PathBuf,
    /// The roots.
    pub roots: PathBuf,
    /// What the line costs.
    pub link: LinkKind,
    /// The secret.
    pub secret: PathBuf,
    /// The secret of tokens, where it is another.
    pub token_secret: Option<PathBuf>,
    /// The most stores at once.
    pub stores_max: usize,
    /// How often it is looked for what is new.
    pub every: Duration,
    /// How long a lease runs, in milliseconds.
    pub lease_ms: u64,
}

/// The shortest lease: a hub has to confirm it a few times in between.
const LEASE_MS_MIN: u64 = 1_000;

impl Relay {
    pub(super) fn resolve(raw: &RawRelay, beside: &Path) -> Result<Option<Self>, ConfigError> {
        if raw.region.is_empty() {
            return Ok(None);
        }
        let region = Region::new(&raw.region).map_err(|_| {
            wrong(
                "relay.region",
                &raw.region,
                "the name of a region, such as `global`: lower-case letters, digits, hyphens",
            )
        })?;
        let port = |port: u16| Some(port).filter(|port| *port != 0);
        let hubs: Vec<Hub> = raw
            .hub
            .iter()
            .map(|hub| Hub {
                name: hub.name.clone(),
                quic_port: port(hub.quic_port),
                tls_port: port(hub.tls_port),
            })
            .collect();
        if hubs.is_empty() {
            return Err(wrong("relay.hub", "", "at least one `[[relay.hub]]` with a `name`"));
        }
        if let Some(at) = hubs.iter().position(|hub| hub.quic_port.is_none() && hub.tls_port.is_none()) {
            return Err(wrong(format!("relay.hub[{at}]"), "0", "a `quic_port` or a `tls_port`"));
        }
        let link = LinkKind::ALL.into_iter().find(|kind| kind.as_str() == raw.link);
        let link = link.ok_or_else(|| wrong("relay.link", &raw.link, "`metered`, `lte` or `fibre`"))?;
        if raw.lease_ms < LEASE_MS_MIN {
            return Err(wrong("relay.lease_ms", &raw.lease_ms.to_string(), "at least 1000"));
        }
        let token_secret = Some(&raw.token_secret_file).filter(|file| !file.is_empty());
        Ok(Some(Self {
            region,
            hubs,
            certificate: beside.join(&raw.certificate),
            key: beside.join(&raw.key),
            roots: beside.join(&raw.roots),
            link,
            secret: beside.join(&raw.secret_file),
            token_secret: token_secret.map(|file| beside.join(file)),
            stores_max: positive("relay.stores_max", raw.stores_max)? as usize,
            every: Duration::from_millis(raw.every_ms.clamp(10, raw.lease_ms / 3)),
            lease_ms: raw.lease_ms,
        }))
    }
}

pub(super) fn relayed(at: usize, raw: &RawRelayed) -> Result<RegisteredRelay, ConfigError> {
    let regions = raw.regions.iter().map(|name| {
        Region::new(name).map_err(|_| wrong(format!("relayed[{at}].regions"), name, "names of regions"))
    });
    if raw.relay.is_empty() || raw.relay.len() > 64 {
        return Err(wrong(format!("relayed[{at}].relay"), &raw.relay, "a name of 1 to 64 bytes"));
    }
    Ok(RegisteredRelay {
        relay: raw.relay.clone(),
        regions: regions.collect::<Result<_, _>>()?,
        receipt_key: key(format!("relayed[{at}].receipt_key"), &raw.receipt_key)?,
        is_banned: raw.banned,
    })
}
