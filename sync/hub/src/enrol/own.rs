//! This hub's own certificate: what stores and boxes see, and what signs the time and the list of who may not come in.
//!
//! It comes from the authority, so the hub renews it by itself at half of its life, with the key that it has: one file changes, by a rename. Not here: what shows it
//! (`aisle-transport`, [`super::listener`]).

use crate::config::Enrolment;
use aisle_event::Timestamp;
use aisle_provisioning::{
    Signer,
    authority::Unlocked,
    certificate::{self, CertificateError, Facts},
    entropy::SystemEntropy,
    identity::{Identity, Kind},
    issue::{IssueError, Subject},
    key::{KeyError, PrivateKey},
    renewal::due_at,
    request::{self, KeyRules, MakeError, Request, RequestError},
    roots::{ChainError, Roots},
};
use rustls_pki_types::CertificateDer;
use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What this hub shows.
#[derive(Debug, Clone)]
pub struct Own {
    /// Its certificate, the issuer's behind it.
    pub chain: Vec<CertificateDer<'static>>,
    /// What that says.
    pub facts: Facts,
    /// Its key.
    pub key: Arc<PrivateKey>,
}

/// Why this hub has no certificate that boxes believe.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// A file cannot be read or written.
    #[error("cannot use `{}`", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The key cannot be used.
    #[error("the key in `{}` cannot be used", .path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: KeyError,
    },
    /// The certificate cannot be read.
    #[error("the certificate in `{}` cannot be read", .path.display())]
    Certificate {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: CertificateError,
    },
    /// It is not from this hub's authority.
    #[error("the certificate in `{}` does not come from this hub's authority\nhint: `aisle-hub ca certify` makes one", .path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// Why it is not believed.
        source: ChainError,
    },
    /// It is of something else.
    #[error("the certificate in `{}` is of `{found}`, and boxes believe hubs of `{chain}` only\nhint: `aisle-hub ca certify` makes one", .path.display())]
    NoHub {
        /// Which file.
        path: PathBuf,
        /// Whom it names.
        found: String,
        /// Whose hubs are believed.
        chain: String,
    },
    /// Key and certificate do not belong together.
    #[error("the key in `{}` is not the certificate's", .path.display())]
    Apart {
        /// The key's file.
        path: PathBuf,
    },
    /// A request could not be made.
    #[error(transparent)]
    Make(#[from] MakeError),
    /// A request could not be read.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// It could not be issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl Own {
    /// Reads what this hub shows, and whether boxes will believe it.
    ///
    /// # Errors
    /// When a file cannot be used, or is something else.
    pub fn read(config: &Enrolment, certificate: &Path, key: &Path, roots: &Roots) -> Result<Self, OwnError> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|source| OwnError::File { path: path.to_owned(), source })
        };
        let unreadable = |source| OwnError::Certificate { path: certificate.to_owned(), source };
        let chain = certificate::from_pem(&read(certificate)?).map_err(unreadable)?;
        let text = String::from_utf8(read(key)?).map_err(|_| KeyError::Pem);
        let private = text.and_then(|text| PrivateKey::from_pem(&text, None));
        let private = private.map_err(|source| OwnError::Key { path: key.to_owned(), source })?;
        let leaf = chain.first().ok_or(CertificateError::Pem).map_err(unreadable)?;
        let facts = Facts::read(leaf).map_err(unreadable)?;
        // At its own end: one that has run out while the hub was off is renewed, not mourned.
        roots
            .verify(&chain, facts.validity.not_after)
            .map_err(|source| OwnError::Foreign { path: certificate.to_owned(), source })?;
        let named = facts.named().map_err(unreadable)?;
        if named.kind() != Kind::Hub || *named.chain() != config.chain {
            let (found, chain) = (named.to_string(), config.chain.to_string());
            return Err(OwnError::NoHub { path: certificate.to_owned(), found, chain });
        }
        if facts.key != private.fingerprint() {
            return Err(OwnError::Apart { path: key.to_owned() });
        }
        Ok(Self { chain, facts, key: Arc::new(private) })
    }

    /// Whether it is time for a new one.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        now >= due_at(&self.facts)
    }

    /// Issues a certificate for this hub's key, and puts it in place of the one that is there.
    ///
    /// # Errors
    /// When it cannot be issued or written; then what was there is there.
    pub fn certify(
        config: &Enrolment,
        unlocked: &Unlocked,
        key: Arc<PrivateKey>,
        path: &Path,
        now: Timestamp,
    ) -> Result<Self, OwnError> {
        let identity = Identity::hub(config.chain.clone(), config.name.clone());
        let request = request::make(&key, identity.last(), Some(&identity))?;
        let request = Request::read(&request, KeyRules::OWN)?;
        let subject = Subject { identity: &identity, key: &request.key, names: &config.names };
        let mut entropy = SystemEntropy::default();
        let issued = unlocked.issuing.issue(subject, &config.lifetimes, now, &mut entropy)?;
        let pem = certificate::to_pem(&issued.chain);
        put(path, pem.as_bytes(), 0o644)
            .map_err(|source| OwnError::File { path: path.to_owned(), source })?;
        Ok(Self { chain: issued.chain, facts: issued.facts, key })
    }

    /// Signs for this hub.
    #[must_use]
    pub fn signer(&self) -> Signer<'_> {
        Signer { chain: &self.chain, key: &self.key }
    }
}

/// Puts a file in place of what is there; when it returns, the file outlives a power cut.
pub(crate) fn put(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
