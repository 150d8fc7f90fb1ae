//! A node's keys on its disk: the one in use, and the next one until the hub has accepted it.
//!
//! ```text
//! IDENTITY/5.claim        what the installer typed, until the certificate that came of it is in use
//! IDENTITY/roots.pem      whom this node believes
//! IDENTITY/4.key.pem      the key in use         IDENTITY/4.chain.pem  its certificate, the issuer's behind it
//! IDENTITY/5.key.pem      the next one           IDENTITY/5.chain.pem  once there is one
//! IDENTITY/current        `4`
//! ```
//!
//! Make before break: [`prepare`](Keyring::prepare) makes the next key, [`certify`](Keyring::certify) keeps its certificate, and a connection shows what
//! [`offers`](Keyring::offers) names first. When the hub has taken a connection with the new one, [`accepted`](Keyring::accepted) makes it the one in use and removes the old.
//! The hub refuses the old one from that connection on, so after a restart the new one is tried first here too.
//!
//! Each file is there whole or not at all, and what a step needs is there before the step is visible; a kill at any point goes on. Doing a step twice is doing it once.
//! Guards: a node that has a certificate never loses the way to its hub by getting another one.

use crate::{
    certificate::{self, CertificateError, Facts},
    claim::{ClaimInput, LinkError},
    disk::{self, Access, Disk, DiskError, at},
    entropy::Entropy,
    identity::Identity,
    key::{KeyCost, KeyError, Passphrase, PrivateKey},
    roots::{ChainError, Roots, RootsError},
};
use rustls_pki_types::CertificateDer;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

const ROOTS: &str = "roots.pem";
const CURRENT: &str = "current";

/// Under what keys lie on the disk: nothing but the file's mode, or a passphrase (systemd's `LoadCredential`, a TPM).
#[derive(Debug, Clone)]
pub struct KeyCover {
    /// What opens them.
    pub passphrase: Passphrase,
    /// What a guess costs.
    pub cost: KeyCost,
}

/// What a connection may show.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Which key it is, rising.
    pub generation: u32,
    /// Its certificate, the issuer's behind it.
    pub chain: Vec<CertificateDer<'static>>,
    /// What that says.
    pub facts: Facts,
    /// The key.
    pub key: Arc<PrivateKey>,
}

/// How far a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nobody has claimed it.
    Unclaimed,
    /// A claim was typed; there is no certificate yet.
    Claimed,
    /// There is a first certificate, which the hub has not accepted yet.
    Certified,
    /// A certificate is in use.
    Active,
    /// One is in use, and the next key waits for its certificate.
    Renewing,
    /// One is in use, and the next one was not accepted yet.
    Renewed,
}

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// A file cannot be read or written.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A key cannot be made or read.
    #[error("the key in `{}` cannot be used", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// A certificate cannot be read.
    #[error("the certificate in `{}` cannot be read", .path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        source: CertificateError,
    },
    /// The roots cannot be read.
    #[error("the roots in `{}` cannot be used", .path.display())]
    Roots {
        /// The file.
        path: PathBuf,
        /// Why.
        source: RootsError,
    },
    /// What was typed cannot be read any more.
    #[error("the claim in `{}` cannot be read", .path.display())]
    Claim {
        /// The file.
        path: PathBuf,
        /// Why.
        source: LinkError,
    },
    /// There is nobody to believe yet.
    #[error("this node believes no hub yet\nhint: claim it first")]
    NoRoots,
    /// New roots have nothing to do with the old ones.
    #[error(
        "none of the new roots is one that this node believes\nhint: a hub that was set up anew needs a new claim"
    )]
    RootsReplaced,
    /// There is no next key.
    #[error("there is no key that waits for a certificate")]
    NothingPrepared,
    /// The certificate is of another key.
    #[error("the certificate is of another key than the one that was asked for")]
    OtherKey,
    /// The certificate is for somebody else.
    #[error("the certificate is for `{found}`, and this node is `{expected}`")]
    OtherIdentity {
        /// Whose it is.
        found: String,
        /// Who this is.
        expected: String,
    },
    /// The certificate does not come from the roots.
    #[error("the certificate that came does not come from the roots that this node believes")]
    Chain(#[from] ChainError),
}

/// A node's keys. One process at a time may have them.
#[derive(Debug)]
pub struct Keyring {
    disk: Arc<dyn Disk + Send + Sync>,
    folder: PathBuf,
    cover: Option<KeyCover>,
    claim: Option<ClaimInput>,
    roots: Option<Roots>,
    /// The number in use; 0 before the first.
    current: u32,
    active: Option<Offer>,
    next: Option<Next>,
}

#[derive(Debug)]
struct Next {
    key: Arc<PrivateKey>,
    certified: Option<Offer>,
}

impl Keyring {
    /// Opens a folder, makes it where it is not there, and removes what a kill left over.
    ///
    /// # Errors
    /// When it cannot be read, or a key does not open.
    pub fn open(
        disk: Arc<dyn Disk + Send + Sync>,
        folder: &Path,
        cover: Option<KeyCover>,
    ) -> Result<Self, KeyringError> {
        disk.make_folder(folder).map_err(at("make", folder))?;
        disk::sweep(&*disk, folder)?;
        let mut ring = Self {
            disk,
            folder: folder.to_owned(),
            cover,
            claim: None,
            roots: None,
            current: 0,
            active: None,
            next: None,
        };
        ring.load()?;
        Ok(ring)
    }

    fn load(&mut self) -> Result<(), KeyringError> {
        let read = |name: &str| disk::read(&*self.disk, &self.folder.join(name));
        self.current = match read(CURRENT)? {
            None => 0,
            Some(bytes) => match str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok()) {
                Some(number) => number,
                // Only a damaged disk does that. The highest that has a certificate is the best guess, and the hub says whether it is right.
                None => self.highest()?,
            },
        };
        let path = self.folder.join(ROOTS);
        let roots = read(ROOTS)?.map(|pem| Roots::from_pem(&pem)).transpose();
        self.roots = roots.map_err(|source| KeyringError::Roots { path, source })?;
        if let Some(key) = self.read_key(self.current)? {
            self.active = self.read_chain(self.current, &key)?;
        }
        let next = self.current.saturating_add(1);
        if let Some(key) = self.read_key(next)? {
            let certified = self.read_chain(next, &key)?;
            self.next = Some(Next { key, certified });
        }
        // What was replaced, and a claim that has done its work, may be left by a kill.
        if self.active.is_some() {
            self.forget(self.current.saturating_sub(1))?;
            disk::erase(&*self.disk, &self.claim_path(self.current))?;
        }
        let path = self.claim_path(next);
        let claim =
            disk::read(&*self.disk, &path)?.map(|text| String::from_utf8_lossy(&text).parse()).transpose();
        self.claim = claim.map_err(|source| KeyringError::Claim { path, source })?;
        Ok(())
    }

    fn highest(&self) -> Result<u32, KeyringError> {
        let names = self.disk.list(&self.folder).map_err(at("list", &self.folder))?;
        let numbers = names.iter().filter_map(|name| name.strip_suffix(".chain.pem")?.parse().ok());
        Ok(numbers.max().unwrap_or(0))
    }

    fn claim_path(&self, generation: u32) -> PathBuf {
        self.folder.join(format!("{generation}.claim"))
    }

    fn key_path(&self, generation: u32) -> PathBuf {
        self.folder.join(format!("{generation}.key.pem"))
    }

    fn chain_path(&self, generation: u32) -> PathBuf {
        self.folder.join(format!("{generation}.chain.pem"))
    }

    fn read_key(&self, generation: u32) -> Result<Option<Arc<PrivateKey>>, KeyringError> {
        let path = self.key_path(generation);
        let Some(pem) = disk::read(&*self.disk, &path)? else { return Ok(None) };
        let passphrase = self.cover.as_ref().map(|cover| &cover.passphrase);
        let key = str::from_utf8(&pem).map_err(|_| KeyError::Pem);
        let key = key.and_then(|pem| PrivateKey::from_pem(pem, passphrase));
        key.map(|key| Some(Arc::new(key))).map_err(|source| KeyringError::Key { path, source })
    }

    fn read_chain(&self, generation: u32, key: &Arc<PrivateKey>) -> Result<Option<Offer>, KeyringError> {
        let path = self.chain_path(generation);
        let Some(pem) = disk::read(&*self.disk, &path)? else { return Ok(None) };
        let read = || {
            let chain = certificate::from_pem(&pem)?;
            let leaf = chain.first().ok_or(CertificateError::Pem)?;
            Ok((Facts::read(leaf)?, chain))
        };
        let (facts, chain) = read().map_err(|source| KeyringError::Certificate { path, source })?;
        // A chain of another key cannot be: the key is written first and never again.
        let offer = Offer { generation, chain, facts, key: Arc::clone(key) };
        Ok(Some(offer).filter(|offer| offer.facts.key == key.fingerprint()))
    }

    /// Removes a generation: the certificate first, so that a key is never missed.
    fn forget(&self, generation: u32) -> Result<(), KeyringError> {
        disk::erase(&*self.disk, &self.chain_path(generation))?;
        Ok(disk::erase(&*self.disk, &self.key_path(generation))?)
    }

    fn put(&self, path: &Path, text: &str, access: Access) -> Result<(), KeyringError> {
        Ok(disk::replace(&*self.disk, path, text.as_bytes(), access)?)
    }

    /// How far this node is.
    #[must_use]
    pub fn stage(&self) -> Stage {
        let certified = self.next.as_ref().map(|next| next.certified.is_some());
        match (&self.active, certified, &self.claim) {
            (Some(_), None, _) => Stage::Active,
            (Some(_), Some(false), _) => Stage::Renewing,
            (Some(_), Some(true), _) => Stage::Renewed,
            (None, Some(true), _) => Stage::Certified,
            (None, _, Some(_)) => Stage::Claimed,
            (None, _, None) => Stage::Unclaimed,
        }
    }

    /// Who this node is, once it has a certificate.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        let certified = self.next.as_ref().and_then(|next| next.certified.as_ref());
        self.active.as_ref().or(certified).and_then(|offer| offer.facts.identity.as_ref())
    }

    /// What the installer typed, until it has done its work.
    #[must_use]
    pub const fn claim(&self) -> Option<&ClaimInput> {
        self.claim.as_ref()
    }

    /// Whom this node believes.
    #[must_use]
    pub const fn roots(&self) -> Option<&Roots> {
        self.roots.as_ref()
    }

    /// Keeps what the installer typed. A node that has a certificate may be claimed anew: it keeps what it has until the new claim is through.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_claim(&mut self, claim: ClaimInput) -> Result<(), KeyringError> {
        self.put(&self.claim_path(self.current.saturating_add(1)), &claim.to_text(), Access::Private)?;
        self.claim = Some(claim);
        Ok(())
    }

    /// Believes these roots, which a claim has vouched for ([`Introduction::accept`](crate::claim::Introduction::accept)).
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn trust(&mut self, roots: Roots) -> Result<(), KeyringError> {
        self.put(&self.folder.join(ROOTS), &roots.to_pem(), Access::Public)?;
        self.roots = Some(roots);
        Ok(())
    }

    /// Believes the roots that the hub names now, of which one must be believed already.
    ///
    /// # Errors
    /// When none is, or they cannot be written.
    pub fn renew_roots(&mut self, roots: Roots) -> Result<(), KeyringError> {
        let known = self.roots.as_ref().ok_or(KeyringError::NoRoots)?;
        if !roots.facts().iter().any(|root| known.have(&root.key)) {
            return Err(KeyringError::RootsReplaced);
        }
        self.trust(roots)
    }

    /// The next key, made and on the disk; the same one until it is in use or given up.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn prepare(&mut self, entropy: &mut dyn Entropy) -> Result<Arc<PrivateKey>, KeyringError> {
        if let Some(next) = &self.next {
            return Ok(Arc::clone(&next.key));
        }
        let generation = self.current.saturating_add(1);
        let path = self.key_path(generation);
        let of = |source| KeyringError::Key { path: path.clone(), source };
        let key = PrivateKey::generate().map_err(of)?;
        let pem = match &self.cover {
            None => key.to_pem(),
            Some(cover) => {
                key.to_encrypted_pem(&cover.passphrase, cover.cost, entropy).map(Into::into).map_err(of)?
            }
        };
        // A certificate without its key, which somebody else put there, would be taken for this key's.
        disk::erase(&*self.disk, &self.chain_path(generation))?;
        self.put(&path, &pem, Access::Private)?;
        let key = Arc::new(key);
        self.next = Some(Next { key: Arc::clone(&key), certified: None });
        Ok(key)
    }

    /// Keeps the certificate of the next key. It is offered from now on, and used once it is accepted.
    ///
    /// # Errors
    /// When it is of another key or of another identity, does not come from the roots, or cannot be written.
    pub fn certify(&mut self, chain: Vec<CertificateDer<'static>>) -> Result<Facts, KeyringError> {
        let roots = self.roots.as_ref().ok_or(KeyringError::NoRoots)?;
        let next = self.next.as_ref().ok_or(KeyringError::NothingPrepared)?;
        let leaf = chain.first().ok_or(ChainError::Empty)?;
        let facts = Facts::read(leaf).map_err(ChainError::Certificate)?;
        if facts.key != next.key.fingerprint() {
            return Err(KeyringError::OtherKey);
        }
        let found = facts.named().map_err(ChainError::Certificate)?;
        // Who was claimed anew may become somebody else; a renewal may not.
        let active = self.active.as_ref().and_then(|offer| offer.facts.identity.as_ref());
        if let Some(expected) = active.filter(|expected| *expected != found && self.claim.is_none()) {
            let (found, expected) = (found.to_string(), expected.to_string());
            return Err(KeyringError::OtherIdentity { found, expected });
        }
        // At an instant when it holds: which time it is, this node may not know.
        roots.verify(&chain, facts.validity.not_after)?;
        let generation = self.current.saturating_add(1);
        let offer = Offer { generation, chain, facts: facts.clone(), key: Arc::clone(&next.key) };
        self.put(&self.chain_path(generation), &certificate::to_pem(&offer.chain), Access::Public)?;
        self.next = Some(Next { key: Arc::clone(&offer.key), certified: Some(offer) });
        Ok(facts)
    }

    /// What a connection may show, in the order in which it is to be tried: the one that waits to be accepted, then the one in use.
    #[must_use]
    pub fn offers(&self) -> Vec<&Offer> {
        let certified = self.next.as_ref().and_then(|next| next.certified.as_ref());
        certified.into_iter().chain(&self.active).collect()
    }

    /// The hub has taken a connection with this one. Nothing happens when it is the one in use.
    ///
    /// # Errors
    /// When it cannot be written; then it is tried again with the next connection.
    pub fn accepted(&mut self, generation: u32) -> Result<(), KeyringError> {
        let is_next = generation == self.current.saturating_add(1);
        let Some(next) = self.next.take_if(|next| is_next && next.certified.is_some()) else { return Ok(()) };
        if let Err(error) = self.put(&self.folder.join(CURRENT), &format!("{generation}\n"), Access::Public) {
            // What the disk has of it is not known; the folder is read again at the next start, and both ways are good.
            self.next = Some(next);
            return Err(error);
        }
        self.current = generation;
        self.active = next.certified;
        self.claim = None;
        disk::erase(&*self.disk, &self.claim_path(generation))?;
        self.forget(generation.saturating_sub(1))
    }

    /// Gives the next key up, because the hub refused it for good. The one in use stays.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn discard_next(&mut self) -> Result<(), KeyringError> {
        self.forget(self.current.saturating_add(1))?;
        self.next = None;
        Ok(())
    }

    /// Gives a claim up.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn discard_claim(&mut self) -> Result<(), KeyringError> {
        disk::erase(&*self.disk, &self.claim_path(self.current.saturating_add(1)))?;
        self.claim = None;
        Ok(())
    }
}
