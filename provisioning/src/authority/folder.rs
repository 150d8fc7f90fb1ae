//! Authorities on the disk of a hub, and the root somewhere else.
//!
//! ```text
//! SAFE/root.key.pem        the root's key, encrypted       to be carried away after `init`
//! SAFE/root.pem
//! HUB/root.pem             what everybody believes
//! HUB/issuing-7.pem        an issuing authority
//! HUB/issuing-7.key.pem    its key, encrypted; that of the current one alone
//! HUB/issuing-6.pem        the one before, as long as certificates of it hold
//! HUB/current              `7`
//! ```
//!
//! `current` is written last, so a kill in the middle of `init` or `rotate` leaves what was there, and doing it again goes on from there.
//! Guards: no key that anybody believes is written over, and the root's key is in no folder that the hub needs to run.

use super::{AuthorityError, Charter, Issuing, Root};
use crate::{
    certificate::{self, CertificateError, Facts},
    disk::{self, Access, Disk, DiskError, at},
    entropy::Entropy,
    fingerprint::Fingerprint,
    key::{KeyCost, KeyError, Passphrase, PrivateKey},
    roots::{Roots, RootsError},
};
use aisle_event::Timestamp;
use rustls_pki_types::CertificateDer;
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

const ROOT: &str = "root.pem";
const ROOT_KEY: &str = "root.key.pem";
const CURRENT: &str = "current";
/// The most issuing authorities that are believed at once. With one rotation a year that is longer than any certificate holds.
pub const ISSUING_MAX: usize = 12;

/// What opens the two keys, and what a guess at it costs. The two should not be the same.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// The root's.
    pub root: Passphrase,
    /// The issuing authority's, which the hub needs at each start.
    pub issuing: Passphrase,
    /// What a guess costs.
    pub cost: KeyCost,
}

/// What is needed to make an authority: once at the beginning, and for each rotation.
#[derive(Debug, Clone, Copy)]
pub struct Ceremony<'a> {
    /// The folder with the root's key: a medium that is taken out afterwards.
    pub safe: &'a Path,
    /// What the authority is to be.
    pub charter: &'a Charter,
    /// What opens the keys.
    pub secrets: &'a Secrets,
    /// The time by the hub's clock.
    pub now: Timestamp,
}

/// Where a hub keeps its authority.
#[derive(Debug, Clone)]
pub struct AuthorityFolder {
    disk: Arc<dyn Disk + Send + Sync>,
    folder: PathBuf,
}

/// What `init` made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initialised {
    /// The root's key, which long claims carry.
    pub root: Fingerprint,
    /// What has to be carried to a safe place.
    pub to_be_carried_away: Vec<PathBuf>,
}

/// An authority that can issue.
#[derive(Debug)]
pub struct Unlocked {
    /// Who issues.
    pub issuing: Issuing,
    /// Its number, rising with each rotation.
    pub generation: u32,
    /// Who is believed.
    pub roots: Roots,
    /// All that lies between the roots and certificates that may still hold; the current one first.
    pub between: Vec<CertificateDer<'static>>,
}

/// Why the folder of an authority cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is one already.
    #[error("there is an authority in `{}` already\nhint: a second one would strand every store; to renew the issuing one, rotate it", .folder.display())]
    Exists {
        /// The folder.
        folder: PathBuf,
    },
    /// There is none.
    #[error("there is no authority in `{}`\nhint: make one with `aisle-hub init`", .folder.display())]
    None {
        /// The folder.
        folder: PathBuf,
    },
    /// A file that must be there is not.
    #[error("`{}` is missing\nhint: {hint}", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What to do.
        hint: &'static str,
    },
    /// The root's folder and the hub's are one.
    #[error("the root's folder and the hub's are the same, `{}`\nhint: the root's key goes to a medium that is taken out", .folder.display())]
    Together {
        /// The folder.
        folder: PathBuf,
    },
    /// The root is not the hub's.
    #[error("the root {} in `{}` is not the one that this hub's stores believe, {}", .found.short(), .folder.display(), .believed.short())]
    OtherRoot {
        /// Where it lies.
        folder: PathBuf,
        /// Which it is.
        found: Fingerprint,
        /// Which it should be.
        believed: Fingerprint,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// What is in a file cannot be used.
    #[error("cannot use `{}`", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: AuthorityError,
    },
    /// The roots cannot be used.
    #[error("cannot use the roots")]
    Roots(#[from] RootsError),
    /// An authority could not be made.
    #[error("the authority could not be made")]
    Make(#[from] AuthorityError),
}

impl AuthorityFolder {
    /// A folder of a hub.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk + Send + Sync>, folder: &Path) -> Self {
        Self { disk, folder: folder.to_owned() }
    }

    fn issuing(&self, generation: u32, ending: impl fmt::Display) -> PathBuf {
        self.folder.join(format!("issuing-{generation}.{ending}"))
    }

    fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    fn needed(&self, path: &Path, hint: &'static str) -> Result<Vec<u8>, FolderError> {
        let found = disk::read(self.disk(), path)?;
        found.ok_or_else(|| FolderError::Missing { path: path.to_owned(), hint })
    }

    fn current(&self) -> Result<Option<u32>, FolderError> {
        let found = disk::read(self.disk(), &self.folder.join(CURRENT))?;
        Ok(found.and_then(|bytes| str::from_utf8(&bytes).ok()?.trim().parse().ok()))
    }

    /// Makes the root in `safe` and the first issuing authority here. One that was begun and killed goes on with the root it had made.
    ///
    /// # Errors
    /// When there is an authority already, the two folders are one, or something cannot be written.
    pub fn init(
        &self,
        ceremony: &Ceremony<'_>,
        entropy: &mut dyn Entropy,
    ) -> Result<Initialised, FolderError> {
        let Ceremony { safe, secrets, .. } = *ceremony;
        if safe == self.folder {
            return Err(FolderError::Together { folder: self.folder.clone() });
        }
        if self.current()?.is_some() {
            return Err(FolderError::Exists { folder: self.folder.clone() });
        }
        for folder in [safe, &self.folder] {
            self.disk().make_folder(folder).map_err(at("make", folder))?;
            disk::sweep(self.disk(), folder)?;
        }
        let root = if disk::read(self.disk(), &safe.join(ROOT))?.is_some() {
            self.root(safe, &secrets.root)?
        } else {
            let root = Root::create(ceremony.charter, ceremony.now, entropy)?;
            // A key without its certificate is one that nobody has believed yet.
            self.write_key(&safe.join(ROOT_KEY), root.key(), &secrets.root, secrets.cost, entropy)?;
            self.write(&safe.join(ROOT), &certificate::to_pem(&[root.certificate().clone()]))?;
            root
        };
        self.write(&self.folder.join(ROOT), &certificate::to_pem(&[root.certificate().clone()]))?;
        self.succeed(0, &root, ceremony, entropy)?;
        let to_be_carried_away = vec![safe.join(ROOT_KEY), safe.join(ROOT)];
        Ok(Initialised { root: root.facts().key, to_be_carried_away })
    }

    /// Makes a new issuing authority, for which the root is needed once more. The one before issues nothing from then on, and is
    /// believed as long as it holds; its key is removed.
    ///
    /// # Errors
    /// When there is no authority, the root is another, or something cannot be written.
    pub fn rotate(&self, ceremony: &Ceremony<'_>, entropy: &mut dyn Entropy) -> Result<u32, FolderError> {
        let before = self.current()?.ok_or_else(|| FolderError::None { folder: self.folder.clone() })?;
        let Ceremony { safe, secrets, .. } = *ceremony;
        let root = self.root(safe, &secrets.root)?;
        let believed = self.roots()?;
        if let Some(other) = believed.facts().first().filter(|_| !believed.have(&root.facts().key)) {
            let (found, believed) = (root.facts().key, other.key);
            return Err(FolderError::OtherRoot { folder: safe.to_owned(), found, believed });
        }
        disk::sweep(self.disk(), &self.folder)?;
        let generation = self.succeed(before, &root, ceremony, entropy)?;
        disk::erase(self.disk(), &self.issuing(before, "key.pem"))?;
        Ok(generation)
    }

    /// Opens the current issuing authority. Certificates of older ones that have run out are removed.
    ///
    /// # Errors
    /// When there is none, or the passphrase is another.
    pub fn unlock(&self, passphrase: &Passphrase, now: Timestamp) -> Result<Unlocked, FolderError> {
        let generation = self.current()?.ok_or_else(|| FolderError::None { folder: self.folder.clone() })?;
        let issuing = self.pair(
            &self.issuing(generation, "pem"),
            &self.issuing(generation, "key.pem"),
            passphrase,
            Issuing::open,
        )?;
        let mut between = vec![issuing.certificate().clone()];
        for older in (0..generation).rev().take(ISSUING_MAX - 1) {
            let path = self.issuing(older, "pem");
            let Some(pem) = disk::read(self.disk(), &path)? else { continue };
            let unreadable =
                |source: CertificateError| FolderError::File { path: path.clone(), source: source.into() };
            let found = certificate::from_pem(&pem).map_err(unreadable)?;
            let certificate = found.into_iter().next().ok_or(CertificateError::Pem).map_err(unreadable)?;
            let unreadable =
                |source: CertificateError| FolderError::File { path: path.clone(), source: source.into() };
            if Facts::read(&certificate).map_err(unreadable)?.validity.not_after < now {
                disk::erase(self.disk(), &path)?;
            } else {
                between.push(certificate);
            }
            // What a kill between two steps of a rotation left.
            disk::erase(self.disk(), &self.issuing(older, "key.pem"))?;
        }
        Ok(Unlocked { issuing, generation, roots: self.roots()?, between })
    }

    /// Who is believed. Needs no passphrase.
    ///
    /// # Errors
    /// When there is no authority.
    pub fn roots(&self) -> Result<Roots, FolderError> {
        let pem = self.needed(&self.folder.join(ROOT), "restore it from a backup of the hub")?;
        Ok(Roots::from_pem(&pem)?)
    }

    fn root(&self, safe: &Path, passphrase: &Passphrase) -> Result<Root, FolderError> {
        self.pair(&safe.join(ROOT), &safe.join(ROOT_KEY), passphrase, Root::open)
    }

    fn pair<T>(
        &self,
        certificate: &Path,
        key: &Path,
        passphrase: &Passphrase,
        open: fn(CertificateDer<'static>, PrivateKey) -> Result<T, AuthorityError>,
    ) -> Result<T, FolderError> {
        const HINT: &str = "bring the medium with the root's two files, or restore the hub's from a backup";
        let (pem, key_pem) = (self.needed(certificate, HINT)?, self.needed(key, HINT)?);
        let of = |path: &Path| {
            let path = path.to_owned();
            move |source: AuthorityError| FolderError::File { path: path.clone(), source }
        };
        let found = certificate::from_pem(&pem).map_err(|error| of(certificate)(error.into()))?;
        let first = found.into_iter().next().ok_or_else(|| of(certificate)(CertificateError::Pem.into()))?;
        let text = str::from_utf8(&key_pem).map_err(|_| of(key)(KeyError::Pem.into()))?;
        let private = PrivateKey::from_pem(text, Some(passphrase)).map_err(|error| of(key)(error.into()))?;
        open(first, private).map_err(of(certificate))
    }

    fn succeed(
        &self,
        before: u32,
        root: &Root,
        ceremony: &Ceremony<'_>,
        entropy: &mut dyn Entropy,
    ) -> Result<u32, FolderError> {
        let generation = before.saturating_add(1);
        let issuing = root.certify(ceremony.charter, ceremony.now, entropy)?;
        let key = self.issuing(generation, "key.pem");
        let secrets = ceremony.secrets;
        self.write_key(&key, issuing.key(), &secrets.issuing, secrets.cost, entropy)?;
        let pem = certificate::to_pem(&[issuing.certificate().clone()]);
        self.write(&self.issuing(generation, "pem"), &pem)?;
        self.write(&self.folder.join(CURRENT), &format!("{generation}\n"))?;
        Ok(generation)
    }

    fn write(&self, path: &Path, text: &str) -> Result<(), FolderError> {
        Ok(disk::replace(self.disk(), path, text.as_bytes(), Access::Public)?)
    }

    fn write_key(
        &self,
        path: &Path,
        key: &PrivateKey,
        passphrase: &Passphrase,
        cost: KeyCost,
        entropy: &mut dyn Entropy,
    ) -> Result<(), FolderError> {
        let pem = key.to_encrypted_pem(passphrase, cost, entropy).map_err(AuthorityError::Key)?;
        Ok(disk::replace(self.disk(), path, pem.as_bytes(), Access::Private)?)
    }
}
