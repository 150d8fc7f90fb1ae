//! Beginnings: a folder with everything that a hub needs to start (`aisle-hub init`), and what is done with the root's medium later (`aisle-hub ca …`).
//!
//! Nothing that is there is written over. What was begun and killed goes on where it was: the configuration is written last. Not here: what an authority is made of
//! (`aisle_provisioning::authority`).
//! Guards: the root's key is never in the hub's folder.

use super::{
    own::{Own, OwnError, put},
    passphrase::{self, PassphraseError},
};
use crate::artefacts::online::{OnlineError, OnlineKeys};
use crate::config::{Config, ConfigError, Enrolment, PassphraseSource, load};
use aisle_event::Timestamp;
use aisle_provisioning::{
    authority::{
        AuthorityFolder, Ceremony, Charter, FolderError, InvalidLimits, NameLimits, NetworkLimit, Secrets,
    },
    certificate::{CertificateError, Facts, from_pem},
    claim::{HubAddress, LinkError},
    disk::RealDisk,
    entropy::SystemEntropy,
    fingerprint::Fingerprint,
    identity::{Chain, HubName},
    key::{KeyCost, KeyError, PrivateKey},
    moment::Lifetimes,
};
use aisle_residency::Region;
use rustls_pki_types::ServerName;
use serde::Serialize;
use std::{
    fmt::Write as _,
    io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The folder of the authority within a hub's.
const AUTHORITY: &str = "authority";
const CONFIG: &str = "hub.toml";

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum CeremonyError {
    /// There is a hub already.
    #[error("`{}` is there already\nhint: nothing is written over; `aisle-hub ca rotate` makes a new issuing authority, `aisle-hub ca certify` a certificate for a further hub", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("cannot use `{}`", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file's content cannot be used.
    #[error("cannot read the certificate `{}`", .path.display())]
    Certificate {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: CertificateError,
    },
    /// The configuration that was written is refused, which is a mistake in here.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The passphrases.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// The authority.
    #[error(transparent)]
    Authority(#[from] FolderError),
    /// The key of the hub.
    #[error("the hub's key cannot be made or read")]
    Key(#[from] KeyError),
    /// The hub's certificate.
    #[error(transparent)]
    Own(#[from] OwnError),
    /// The keys of snapshots and timestamps.
    #[error(transparent)]
    Online(#[from] OnlineError),
    /// The names that certificates may have.
    #[error(transparent)]
    Limits(#[from] InvalidLimits),
    /// The hub's address has no name that a certificate can have.
    #[error(transparent)]
    Address(#[from] LinkError),
    /// There is no `[enrolment]`.
    #[error(
        "this hub has no authority\nhint: `enrolment.listen` is empty; `aisle-hub init` makes a hub with one"
    )]
    NoEnrolment,
}

/// What a hub is to be.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Its folder.
    pub folder: PathBuf,
    /// The medium for the root's key.
    pub safe: PathBuf,
    /// Whose stores these are.
    pub chain: Chain,
    /// Its name.
    pub name: HubName,
    /// Where it lies.
    pub region: Region,
    /// Where boxes call it.
    pub address: HubAddress,
    /// What opens the issuing authority's key, as it is to stand in the configuration.
    pub passphrase: String,
    /// What opens the root's.
    pub root_passphrase: PassphraseSource,
    /// Domains besides the chain's own that certificates may have.
    pub domains: Vec<String>,
    /// What a guess at a passphrase costs.
    pub cost: KeyCost,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    /// The configuration.
    pub config: PathBuf,
    /// The root's fingerprint: 64 hexadecimal digits.
    pub root: String,
    /// What has to go into the safe.
    pub to_be_carried_away: Vec<PathBuf>,
}

/// The beginning of a name that certificates may have: the host, when the private limits do not have it.
fn allow(limits: &mut NameLimits, host: &ServerName<'_>) -> Result<(), InvalidLimits> {
    if limits.allow(host) {
        return Ok(());
    }
    match host {
        ServerName::IpAddress(address) => {
            let address = IpAddr::from(*address);
            let bits = if address.is_ipv4() { 32 } else { 128 };
            limits.allow_network(format!("{address}/{bits}").parse::<NetworkLimit>()?)
        }
        name => limits.allow_domain(&name.to_str()),
    }
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), CeremonyError> {
    put(path, bytes, mode).map_err(|source| CeremonyError::File { path: path.to_owned(), source })
}

fn quoted(text: &str) -> String {
    // A basic string of TOML; a path may have anything in it.
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                // Writing to a string has no way to fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn config_text(plan: &Plan) -> String {
    let Plan { chain, name, region, address, passphrase, .. } = plan;
    let port = address.port();
    format!(
        "# Made by `aisle-hub init`. Every setting there is, with its default: hub.example.toml.\n\
         hub = \"{name}\"\nregion = \"{region}\"\n\n\
         [tls]\ncertificate = \"hub.pem\"\nkey = \"hub.key\"\nroots = \"roots.pem\"\nchain = \"{chain}\"\n\n\
         [enrolment]\nlisten = \"0.0.0.0:{port}\"\naddress = {}\nauthority = \"{AUTHORITY}\"\npassphrase = {}\n\
         approval = \"queue\"\n",
        quoted(&address.to_string()),
        quoted(passphrase),
    )
}

/// Makes root, issuing authority, the hub's certificate and the configuration.
///
/// # Errors
/// When something is there already, or cannot be made.
pub fn init(plan: &Plan, now: Timestamp) -> Result<Made, CeremonyError> {
    let config = plan.folder.join(CONFIG);
    if config.exists() {
        return Err(CeremonyError::Exists { path: config });
    }
    let folder = &plan.folder;
    std::fs::create_dir_all(folder).map_err(|source| CeremonyError::File { path: folder.clone(), source })?;
    let host = plan.address.server_name()?;
    let mut limits = NameLimits::private(&plan.chain);
    allow(&mut limits, &host)?;
    for domain in &plan.domains {
        limits.allow_domain(domain)?;
    }
    let charter = Charter { chain: plan.chain.clone(), limits, lifetimes: Lifetimes::default() };
    let source = PassphraseSource::from_text(&plan.passphrase, folder).unwrap_or(PassphraseSource::Prompt);
    let authority = AuthorityFolder::new(Arc::new(RealDisk), &folder.join(AUTHORITY));
    let secrets = Secrets {
        root: passphrase::choose(
            &plan.root_passphrase,
            "new passphrase for the root's key, which goes into a safe",
        )?,
        issuing: passphrase::choose(
            &source,
            "new passphrase for the issuing key, which the hub needs at each start",
        )?,
        cost: KeyCost::default(),
    };
    let ceremony = Ceremony { safe: &plan.safe, charter: &charter, secrets: &secrets, now };
    let mut entropy = SystemEntropy::default();
    match authority.init(&ceremony, &mut entropy) {
        // A kill came between the authority and the configuration.
        Ok(_) | Err(FolderError::Exists { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let unlocked = authority.unlock(&secrets.issuing, now)?;
    write(&folder.join("roots.pem"), unlocked.roots.to_pem().as_bytes(), 0o644)?;
    // As it would be read, so that what is written is good.
    let text = config_text(plan);
    let draft = folder.join("hub.toml.draft");
    write(&draft, text.as_bytes(), 0o644)?;
    let resolved = load(Some(&draft))?;
    let enrolment = resolved.enrolment.as_ref().ok_or(CeremonyError::NoEnrolment)?;
    let key = own_key(&resolved.files.key)?;
    OnlineKeys::read_or_make(&resolved.files.online_keys)?;
    Own::certify(enrolment, &unlocked, key, &resolved.files.certificate, now)?;
    std::fs::remove_file(&draft).map_err(|source| CeremonyError::File { path: draft, source })?;
    write(&config, text.as_bytes(), 0o644)?;
    let root = unlocked.roots.facts().first().map(|facts| facts.key.to_string()).unwrap_or_default();
    let carried = ["root.key.pem", "root.pem"].map(|file| plan.safe.join(file));
    Ok(Made { config, root, to_be_carried_away: carried.to_vec() })
}

/// The hub's own key: the one that is there, or a new one.
fn own_key(path: &Path) -> Result<Arc<PrivateKey>, CeremonyError> {
    if path.exists() {
        let pem = std::fs::read_to_string(path)
            .map_err(|source| CeremonyError::File { path: path.to_owned(), source })?;
        return Ok(Arc::new(PrivateKey::from_pem(&pem, None)?));
    }
    let key = PrivateKey::generate()?;
    write(path, key.to_pem().as_bytes(), 0o600)?;
    Ok(Arc::new(key))
}

fn enrolment(config: &Config) -> Result<&Enrolment, CeremonyError> {
    config.enrolment.as_ref().ok_or(CeremonyError::NoEnrolment)
}

fn folder(enrolment: &Enrolment) -> AuthorityFolder {
    AuthorityFolder::new(Arc::new(RealDisk), &enrolment.authority)
}

/// Makes a new certificate for this hub, with the key that it has, or a new one where it has none. For a further hub on the database, and for one whose certificate
/// came from elsewhere.
///
/// # Errors
/// When the authority cannot be opened, or may not vouch for the hub's names.
pub fn certify(config: &Config, now: Timestamp) -> Result<Facts, CeremonyError> {
    let own = enrolment(config)?;
    let passphrase = passphrase::read(&own.passphrase, "passphrase of the issuing authority")?;
    let unlocked = folder(own).unlock(&passphrase, now)?;
    let key = own_key(&config.files.key)?;
    Ok(Own::certify(own, &unlocked, key, &config.files.certificate, now)?.facts)
}

/// Makes a new issuing authority with the root's medium, under the limits of the one before and these domains. Gives its number.
///
/// # Errors
/// When the medium is another one's, or a passphrase is another.
pub fn rotate(
    config: &Config,
    safe: &Path,
    root_passphrase: &PassphraseSource,
    domains: &[String],
    now: Timestamp,
) -> Result<u32, CeremonyError> {
    let own = enrolment(config)?;
    let issuing = passphrase::read(&own.passphrase, "passphrase of the issuing authority")?;
    let unlocked = folder(own).unlock(&issuing, now)?;
    let mut limits = unlocked.issuing.limits().clone();
    for domain in domains {
        limits.allow_domain(domain)?;
    }
    let root = passphrase::read(root_passphrase, "passphrase of the root's key")?;
    let secrets = Secrets { root, issuing, cost: KeyCost::default() };
    let charter = Charter { chain: own.chain.clone(), limits, lifetimes: own.lifetimes };
    let ceremony = Ceremony { safe, charter: &charter, secrets: &secrets, now };
    Ok(folder(own).rotate(&ceremony, &mut SystemEntropy::default())?)
}

/// An authority, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// `root`, `issuing` or `before`.
    pub role: &'static str,
    /// Its key's fingerprint.
    pub key: String,
    /// The beginning of the same.
    pub key_short: String,
    /// From when on it holds, in milliseconds since 1970.
    pub not_before_ms: i64,
    /// Until when.
    pub not_after_ms: i64,
}

impl Shown {
    fn of(role: &'static str, facts: &Facts) -> Self {
        let key: Fingerprint = facts.key;
        Self {
            role,
            key: key.to_string(),
            key_short: key.short(),
            not_before_ms: facts.validity.not_before.0,
            not_after_ms: facts.validity.not_after.0,
        }
    }
}

/// The authorities that are believed: roots, the one that issues, those before it. Needs no passphrase.
///
/// # Errors
/// When there is none.
pub fn show(config: &Config) -> Result<Vec<Shown>, CeremonyError> {
    let own = enrolment(config)?;
    let mut shown: Vec<Shown> =
        folder(own).roots()?.facts().iter().map(|facts| Shown::of("root", facts)).collect();
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| CeremonyError::File { path, source }
    };
    let mut issuing = Vec::new();
    for entry in std::fs::read_dir(&own.authority).map_err(failed(&own.authority))? {
        let path = entry.map_err(failed(&own.authority))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let number = name.strip_prefix("issuing-").and_then(|rest| rest.strip_suffix(".pem"));
        let Some(number) = number.and_then(|number| number.parse::<u32>().ok()) else { continue };
        let pem = std::fs::read(&path).map_err(failed(&path))?;
        let unreadable = |source| CeremonyError::Certificate { path: path.clone(), source };
        for certificate in from_pem(&pem).map_err(unreadable)? {
            issuing.push((number, Facts::read(&certificate).map_err(unreadable)?));
        }
    }
    issuing.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    let roles = std::iter::once("issuing").chain(std::iter::repeat("before"));
    shown.extend(issuing.iter().zip(roles).map(|((_, facts), role)| Shown::of(role, facts)));
    Ok(shown)
}
