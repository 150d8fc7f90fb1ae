//! The way down: metadata first, then the store's order where there is one, then the contents.
//!
//! Applying is an update like any other, with the bundle as its source, and then each content by what was just believed. It can be done again after
//! whatever ended it: metadata that is known already changes nothing, and contents that are there whole are passed over. A bundle that is older
//! than what the node knows still brings contents that are listed now. The order is shown to who applies before the first content ([`Wants`]), and is
//! not looked into here.

use super::{
    BundleError, Direction, FORM, Head, Limits, ORDER_BYTES_MAX, WriteError,
    name::Name,
    read::{Entry, walk, whole},
    write::Writer,
};
use crate::{
    artefact::Artefact,
    client::{Client, NotOffered, UpdateError},
    content::{ContentError, Sink, Verified},
    digest::Digest,
    id::ArtefactId,
    role::{FileName, Role},
    source::Memory,
};
use aisle_event::Timestamp;
use std::{
    collections::BTreeSet,
    io::{self, Read, Write},
};

/// Writes a bundle of all metadata ([`crate::repository::Repository::files`]), perhaps an order, and some contents, each held against its artefact on
/// the way. A content that two artefacts share is written once.
///
/// # Errors
/// When the order is too long, a content is not its artefact's, or the file cannot be written.
pub fn export<W: Write, R: Read>(
    writer: W,
    from: &str,
    metadata: &[(FileName, Vec<u8>)],
    order: Option<&[u8]>,
    contents: impl IntoIterator<Item = (Artefact, R)>,
) -> Result<W, WriteError> {
    let head = Head { form: FORM, direction: Direction::Down, from: from.to_owned(), before: None };
    let mut bundle = Writer::new(writer, &head)?;
    for (name, bytes) in metadata {
        bundle.add(&Name::Metadata(name.to_string()), bytes.len() as u64, bytes.as_slice())?;
    }
    if let Some(order) = order {
        let bytes = order.len() as u64;
        if bytes > ORDER_BYTES_MAX {
            let name = Name::Order.to_string();
            return Err(WriteError::TooLong { name, bytes, bytes_max: ORDER_BYTES_MAX });
        }
        bundle.add(&Name::Order, bytes, order)?;
    }
    let mut written = BTreeSet::new();
    for (artefact, content) in contents {
        if written.insert(artefact.blake3) {
            let content = Verified::of(&artefact, content);
            bundle.add(&Name::Content(artefact.blake3), artefact.bytes, content)?;
        }
    }
    bundle.finish()
}

/// What came of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// What the node took.
    pub taken: Vec<ArtefactId>,
    /// What it had already.
    pub had: Vec<ArtefactId>,
    /// What nobody wants here.
    pub unwanted: Vec<ArtefactId>,
    /// What was left out because the list of its kind has run out ([`NotOffered::Expired`]).
    pub expired: Vec<NotOffered>,
    /// True when the node knew newer metadata than the bundle brought.
    pub is_older: bool,
    /// What the hub orders, where the bundle says so. Nothing of it was believed.
    pub order: Option<Vec<u8>>,
}

/// What a node wants of a bundle.
pub trait Wants {
    /// The order, behind all metadata and before the first content. It may be anybody's: who looks into it holds it against the keys of hubs.
    fn order(&mut self, _order: &[u8]) {}

    /// Whether the content of an artefact is wanted.
    fn is_wanted(&mut self, artefact: &Artefact) -> bool;
}

/// Whom a bundle is held against: a client, or one that others use meanwhile and that is held for each of these alone.
pub trait Believes {
    /// Takes metadata over. True when newer is known already.
    ///
    /// # Errors
    /// When it must be refused, or the disk fails.
    fn update(&mut self, files: Memory, now: Timestamp) -> Result<bool, UpdateError>;

    /// The artefacts that were signed with a content.
    fn listed(&self, content: &Digest) -> Vec<Artefact>;

    /// One of them, where it may be put in place now.
    ///
    /// # Errors
    /// When it may not be.
    fn offered(&self, id: &ArtefactId, now: Timestamp) -> Result<Artefact, NotOffered>;
}

impl Believes for Client {
    fn update(&mut self, mut files: Memory, now: Timestamp) -> Result<bool, UpdateError> {
        match Self::update(self, &mut files, now) {
            Err(UpdateError::Rollback { .. }) => Ok(true),
            updated => updated.map(|_| false),
        }
    }

    fn listed(&self, content: &Digest) -> Vec<Artefact> {
        self.artefacts().filter(|artefact| artefact.blake3 == *content).cloned().collect()
    }

    fn offered(&self, id: &ArtefactId, now: Timestamp) -> Result<Artefact, NotOffered> {
        self.artefact(id, now).cloned()
    }
}

/// Who is asked of each artefact and of nothing else.
struct Asked<F>(F);

impl<F: FnMut(&Artefact) -> bool> Wants for Asked<F> {
    fn is_wanted(&mut self, artefact: &Artefact) -> bool {
        self.0(artefact)
    }
}

/// Why a bundle is not applied, or not further. What was taken before stays, and it can be applied again.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Its metadata.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// A content that nobody signed.
    #[error("the bundle brings {content}, which is not among the artefacts that were signed")]
    Unlisted {
        /// Which.
        content: Digest,
    },
    /// A content whose signers have run out, but for the list of its kind alone ([`Applied::expired`]).
    #[error(transparent)]
    NotOffered(#[from] NotOffered),
    /// A content of another length.
    #[error("the bundle's content of `{id}` has {found} bytes, {expected} were signed")]
    Length {
        /// Of which.
        id: ArtefactId,
        /// How long it is.
        found: u64,
        /// How long it should be.
        expected: u64,
    },
    /// A content that is not what was signed.
    #[error("the bundle's content of `{id}` is refused")]
    Content {
        /// Of which.
        id: ArtefactId,
        /// Why.
        source: ContentError,
    },
    /// It cannot be kept.
    #[error("the content of `{id}` cannot be kept")]
    Keep {
        /// Of which.
        id: ArtefactId,
        /// Why not.
        source: io::Error,
    },
}

/// Applies a bundle: takes its metadata over, and those of its contents that are wanted.
///
/// # Errors
/// When the bundle, its metadata or a content must be refused, or the disk fails.
pub fn apply(
    reader: impl Read,
    client: &mut Client,
    sink: &mut dyn Sink,
    is_wanted: impl FnMut(&Artefact) -> bool,
    limits: &Limits,
    now: Timestamp,
) -> Result<Applied, ApplyError> {
    apply_for(reader, client, sink, &mut Asked(is_wanted), limits, now)
}

/// The same for who wants to hear the order before the first content.
///
/// # Errors
/// As [`apply`].
pub fn apply_for(
    reader: impl Read,
    client: &mut dyn Believes,
    sink: &mut dyn Sink,
    wants: &mut dyn Wants,
    limits: &Limits,
    now: Timestamp,
) -> Result<Applied, ApplyError> {
    let mut metadata = Some(Memory::new());
    let (mut applied, mut has_content) = (Applied::default(), false);
    walk(reader, limits, Some(Direction::Down), |_, entry| {
        let Entry { name, bytes, content } = entry;
        match (name, &mut metadata) {
            (Name::Metadata(file), Some(files)) => {
                files.insert(file.clone(), whole(content)?);
                Ok(())
            }
            (Name::Order, metadata) if applied.order.is_none() && !has_content => {
                if let Some(files) = metadata.take() {
                    applied.is_older = client.update(files, now)?;
                }
                let order = whole(content)?;
                wants.order(&order);
                applied.order = Some(order);
                Ok(())
            }
            (Name::Content(digest), metadata) => {
                has_content = true;
                if let Some(files) = metadata.take() {
                    applied.is_older = client.update(files, now)?;
                }
                take(*digest, bytes, content, client, sink, wants, &mut applied, now)
            }
            // An order behind a content would come too late; metadata behind either would be believed after what it should have been held against.
            (name, _) => Err(BundleError::Name { name: name.to_string() }.into()),
        }
    })?;
    if let Some(files) = metadata.take() {
        applied.is_older = client.update(files, now)?;
    }
    Ok(applied)
}

#[expect(clippy::too_many_arguments, reason = "all of it is what `apply` was given, and an entry")]
fn take(
    digest: Digest,
    bytes: u64,
    content: &mut dyn Read,
    client: &dyn Believes,
    sink: &mut dyn Sink,
    wants: &mut dyn Wants,
    applied: &mut Applied,
    now: Timestamp,
) -> Result<(), ApplyError> {
    let listed = client.listed(&digest);
    let first = listed.first().ok_or(ApplyError::Unlisted { content: digest })?;
    let Some(artefact) = listed.iter().find(|artefact| wants.is_wanted(artefact)) else {
        applied.unwanted.push(first.id.clone());
        return Ok(());
    };
    let artefact = &match client.offered(&artefact.id, now) {
        // It stops its own kind and no other.
        Err(expired @ NotOffered::Expired { role: Role::Delegated(_), .. }) => {
            applied.expired.push(expired);
            return Ok(());
        }
        offered => offered?,
    };
    let id = || artefact.id.clone();
    if bytes != artefact.bytes {
        return Err(ApplyError::Length { id: id(), found: bytes, expected: artefact.bytes });
    }
    let keep = |source: io::Error| match source.downcast::<ContentError>() {
        Ok(source) => ApplyError::Content { id: id(), source },
        Err(source) if source.kind() == io::ErrorKind::UnexpectedEof => BundleError::Truncated.into(),
        Err(source) => ApplyError::Keep { id: id(), source },
    };
    if sink.has(artefact).map_err(keep)? {
        applied.had.push(id());
        return Ok(());
    }
    sink.take(artefact, &mut Verified::of(artefact, content)).map_err(keep)?;
    applied.taken.push(id());
    Ok(())
}
