//! What may run here: the node's client of the signed metadata, and what it says of a release.
//!
//! Its state is `DATA/artefacts`; the root that is trusted is `DATA/artefacts/root.json`. Without one nothing is held against anything, and the node says that it
//! takes what is not signed. Not here: the rules of metadata (`aisle-artefact`), bytes ([`crate::contents`]).
//!
//! Guards: where a root is trusted, only what valid metadata lists by name, version, length and hash is put in place; metadata that ran out keeps what is new
//! away and stops nothing that runs.

use aisle_artefact::{
    Artefact, Client, Digest, FileName, Kind as Listed, Limits, NotOffered, Role, Standing,
    bundle::{self, down},
    client::OpenError,
    content::{Sink, Verified},
};
use aisle_event::Timestamp;
use aisle_fleet::{Kind, Release, Slot};
use std::{
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// The longest first root, in bytes.
pub const ROOT_BYTES_MAX: u64 = 512 << 10;

/// What may run here.
pub struct Signed {
    folder: PathBuf,
    client: Option<Client>,
}

/// Why signed metadata cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SignedError {
    /// What is kept of it.
    #[error("the signed metadata in `{folder}` cannot be used")]
    Open {
        /// Where it lies.
        folder: PathBuf,
        /// Why not.
        #[source]
        source: OpenError,
    },
    /// There is no root to go by.
    #[error(
        "no root of signed metadata is trusted here\nhint: `aisle-node courier trust 1.root.json`, or claim the box anew"
    )]
    NoRoot,
    /// What came is refused.
    #[error(transparent)]
    Apply(#[from] down::ApplyError),
}

/// Why a release is not put in place.
#[derive(Debug, thiserror::Error)]
pub enum NotSigned {
    /// Nobody who may has signed it.
    #[error("`{slot}` {version} is not among the artefacts that were signed")]
    Unlisted {
        /// Where it should go.
        slot: Slot,
        /// Its version.
        version: String,
    },
    /// It was signed, and those who signed it have run out, or nothing is known yet.
    #[error(transparent)]
    NotOffered(#[from] NotOffered),
    /// Its bytes are not what was signed.
    #[error("`{slot}` {version} is not what was signed")]
    Content {
        /// Where it should go.
        slot: Slot,
        /// Its version.
        version: String,
        /// Why.
        source: io::Error,
    },
}

impl NotSigned {
    /// True when newer metadata may well change it.
    #[must_use]
    pub const fn may_change(&self) -> bool {
        matches!(self, Self::NotOffered(NotOffered::NothingKnown | NotOffered::Expired { .. }))
    }
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Signed {
    /// Opens what is known; nothing where no root is trusted.
    ///
    /// # Errors
    /// When what is kept cannot be used: then it is not known what may run, and nothing new may.
    pub fn open(folder: &Path) -> Result<Self, SignedError> {
        let client = match Client::open(folder, Limits::default()) {
            Ok(client) => Some(client),
            Err(OpenError::NoRoot) => None,
            Err(source) => return Err(SignedError::Open { folder: folder.to_owned(), source }),
        };
        Ok(Self { folder: folder.to_owned(), client })
    }

    /// Begins to trust a root. True when it is new; the one that is trusted already changes nothing.
    ///
    /// # Errors
    /// When another one is trusted, or it is none.
    pub fn trust(&mut self, root: &[u8]) -> Result<bool, SignedError> {
        let trusted = self.folder.join(FileName::newest(Role::Root).to_string());
        if self.client.is_some() && fs::read(trusted).is_ok_and(|trusted| trusted == root) {
            return Ok(false);
        }
        let client = Client::init(&self.folder, root, Limits::default());
        self.client =
            Some(client.map_err(|source| SignedError::Open { folder: self.folder.clone(), source })?);
        Ok(true)
    }

    /// True when a root is trusted: from then on nothing that is not signed is taken.
    #[must_use]
    pub const fn is_trusting(&self) -> bool {
        self.client.is_some()
    }

    /// The version of the root that is trusted.
    #[must_use]
    pub fn root_version(&self) -> Option<u64> {
        self.client.as_ref().map(Client::root_version)
    }

    /// Takes the metadata that the line brings: a bundle without contents. It changes nothing when it comes again.
    ///
    /// # Errors
    /// When no root is trusted, or the bundle or its metadata must be refused. What was known before counts on.
    pub fn update(&mut self, bundle: &[u8], now: Timestamp) -> Result<down::Applied, SignedError> {
        let client = self.client.as_mut().ok_or(SignedError::NoRoot)?;
        Ok(down::apply_for(bundle, client, &mut Nothing, &mut Nothing, &bundle::Limits::default(), now)?)
    }

    /// What a bundle is held against; nothing where no root is trusted.
    pub(crate) const fn client(&mut self) -> Option<&mut Client> {
        self.client.as_mut()
    }

    /// Whether a release may be put in place now. Without a root everything may; `None` says so.
    ///
    /// # Errors
    /// When nobody has signed it, or who signed it has run out.
    pub fn may_install(
        &self,
        slot: &Slot,
        release: &Release,
        now: Timestamp,
    ) -> Result<Option<&Artefact>, NotSigned> {
        let Some(client) = &self.client else { return Ok(None) };
        if client.artefacts().next().is_none() && client.expiries().is_empty() {
            return Err(NotOffered::NothingKnown.into());
        }
        let found = client.artefacts().find(|artefact| is_release(artefact, slot, release));
        let unlisted = || NotSigned::Unlisted { slot: slot.clone(), version: release.version.to_string() };
        let found = found.ok_or_else(unlisted)?;
        Ok(Some(client.artefact(&found.id, now)?))
    }

    /// The same with its bytes, which are held against everything that was signed of them.
    ///
    /// # Errors
    /// As [`Signed::may_install`]; also when the bytes are others.
    pub fn verify(
        &self,
        slot: &Slot,
        release: &Release,
        bytes: &[u8],
        now: Timestamp,
    ) -> Result<(), NotSigned> {
        let Some(artefact) = self.may_install(slot, release, now)? else { return Ok(()) };
        is_signed(artefact, slot, release, bytes)
    }

    /// Whether a release that was verified before is still signed, whoever has run out since.
    ///
    /// # Errors
    /// When it was withdrawn.
    pub fn still(&self, slot: &Slot, release: &Release, now: Timestamp) -> Result<(), NotSigned> {
        match self.may_install(slot, release, now) {
            Err(error) if error.may_change() => Ok(()),
            other => other.map(drop),
        }
    }

    /// How something that runs stands. It never says that something has to stop because time went by.
    #[must_use]
    pub fn standing(&self, slot: &Slot, release: &Release, now: Timestamp) -> Option<Standing> {
        let client = self.client.as_ref()?;
        let found = client.artefacts().find(|artefact| is_release(artefact, slot, release));
        Some(found.map_or(Standing::Withdrawn, |artefact| client.verify(artefact, now)))
    }

    /// When the first of the four roles at the top runs out: from then on nothing new is put in place.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        let top = |role: &Role| !matches!(role, Role::Delegated(_));
        let expiries = self.client.as_ref()?.expiries();
        expiries.into_iter().filter(|(role, ..)| top(role)).map(|(_, _, until)| until).min()
    }

    /// The list of one kind that runs out first, and when: from then on nothing new of that kind is put in place.
    #[must_use]
    pub fn first_list(&self) -> Option<(String, Timestamp)> {
        first_list(&self.expiries())
    }

    /// What runs out when, the first first.
    #[must_use]
    pub fn expiries(&self) -> Vec<(Role, u64, Timestamp)> {
        self.client.as_ref().map(Client::expiries).unwrap_or_default()
    }
}

/// Holds bytes against everything that was signed of them. It takes as long as there are many: whoever shares what is signed lets go of it first.
///
/// # Errors
/// When they are others.
pub fn is_signed(artefact: &Artefact, slot: &Slot, release: &Release, bytes: &[u8]) -> Result<(), NotSigned> {
    let read = io::copy(&mut Verified::of(artefact, bytes), &mut io::sink());
    let version = release.version.to_string();
    read.map(drop).map_err(|source| NotSigned::Content { slot: slot.clone(), version, source })
}

/// The first of what runs out that is a list of one kind.
fn first_list(expiries: &[(Role, u64, Timestamp)]) -> Option<(String, Timestamp)> {
    let lists = expiries.iter().filter(|(role, ..)| matches!(role, Role::Delegated(_)));
    lists.min_by_key(|(.., until)| *until).map(|(role, _, until)| (role.to_string(), *until))
}

/// The version counts as well: who names an old content by a new number would get past a minimum.
fn is_release(artefact: &Artefact, slot: &Slot, release: &Release) -> bool {
    artefact.blake3 == Digest(release.hash.0)
        && artefact.bytes == release.bytes
        && artefact.id.kind() == listed(slot.kind())
        && slot.name().is_none_or(|name| name == artefact.id.name().as_str())
        && artefact.id.version().to_string() == release.version.as_str()
}

/// The kind as it is signed.
#[must_use]
pub const fn listed(kind: Kind) -> Listed {
    match kind {
        Kind::Policy => Listed::Policy,
        Kind::Catalogue => Listed::Catalogue,
        Kind::Prices => Listed::Prices,
        Kind::DeviceProfiles => Listed::DeviceProfile,
        Kind::DeviceSettings => Listed::DeviceSettings,
        Kind::Model => Listed::Model,
        Kind::Plugin => Listed::Plugin,
    }
}

/// Takes no content.
struct Nothing;

impl down::Wants for Nothing {
    fn is_wanted(&mut self, _: &Artefact) -> bool {
        false
    }
}

impl Sink for Nothing {
    fn has(&mut self, _: &Artefact) -> io::Result<bool> {
        Ok(true)
    }

    fn take(&mut self, _: &Artefact, _: &mut dyn Read) -> io::Result<()> {
        Ok(())
    }
}
