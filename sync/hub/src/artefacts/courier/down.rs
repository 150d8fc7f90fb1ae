//! Downwards: all metadata, the order of a store, and the contents that it names and somebody has signed.
//!
//! Guards: the file is there whole or not at all, and nothing is on it that a node would have to refuse.

use crate::{
    artefacts::{Artefacts, LookError, release::timestamp_version},
    content::{ContentError, Contents},
    database::DatabaseError,
};
use aisle_artefact::{
    Artefact, ArtefactId,
    bundle::{WriteError, down},
};
use aisle_content::{
    Manifest, ManifestError,
    order::{Order, OrderError},
};
use aisle_event::StoreId;
use aisle_protocol::Hash;
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, BufWriter, Read},
    path::{Path, PathBuf},
};
use tokio::runtime::Handle;

/// How much of a content is read at once, in bytes.
const PIECE_BYTES: u64 = 4 << 20;

/// What is on a stick downwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedDown {
    /// The version of its timestamp.
    pub timestamp: u64,
    /// When the first of its metadata runs out, in milliseconds since 1970: then it brings nothing new any more.
    pub good_until_ms: i64,
    /// Whether the store's order is on it.
    pub has_order: bool,
    /// Whose contents are on it.
    pub contents: Vec<ArtefactId>,
    /// What the store should have that nobody has signed, by name: it is not on it.
    pub left_out: Vec<String>,
}

/// Why there is no stick.
#[derive(Debug, thiserror::Error)]
pub enum DownError {
    /// What is in force cannot be looked at.
    #[error(transparent)]
    Look(#[from] LookError),
    /// Nobody has published anything yet.
    #[error("there is no repository of artefacts yet\nhint: `aisle-hub artefact init` begins one")]
    Nothing,
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// What the store should have cannot be read.
    #[error("what `{store}` should have cannot be read")]
    Order {
        /// The store.
        store: StoreId,
        /// Why not.
        source: OrderError,
    },
    /// The manifest of what it should have cannot be read.
    #[error("the manifest of what `{store}` should have cannot be read")]
    Manifest {
        /// The store.
        store: StoreId,
        /// Why not.
        source: ManifestError,
    },
    /// A content that is not here.
    #[error("this hub has not the content of `{id}`\nhint: bring it again with `aisle-hub artefact add`")]
    Content {
        /// Of which.
        id: ArtefactId,
    },
    /// The file.
    #[error("cannot write `{path}`")]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The bundle.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Artefacts {
    /// Writes what a store would fetch by the line into a file, which is there whole or not at all.
    ///
    /// # Errors
    /// When it cannot be read here, or not be written there.
    pub async fn carry_down(&self, store: &StoreId, hub: &str, to: &Path) -> Result<CarriedDown, DownError> {
        let in_force = self.in_force().await?.ok_or(DownError::Nothing)?;
        let files = in_force.files().map_err(LookError::from)?;
        let (order, manifest) = self.wanted(store).await?;
        let mut signed: BTreeMap<Hash, Artefact> = BTreeMap::new();
        for artefact in in_force.artefacts().into_values() {
            signed.insert(Hash(artefact.blake3.0), artefact);
        }
        let (mut contents, mut left_out) = (BTreeMap::new(), Vec::new());
        for item in manifest.iter().flat_map(Manifest::items) {
            let Some(artefact) = signed.get(&item.content.hash) else {
                // All metadata is on the stick as it is.
                if item.name != "metadata" {
                    left_out.push(item.name.clone());
                }
                continue;
            };
            let bytes = self.database().content_bytes(&item.content.hash).await?;
            if bytes != Some(artefact.bytes) {
                return Err(DownError::Content { id: artefact.id.clone() });
            }
            contents.insert(artefact.id.clone(), artefact.clone());
        }
        let expiries = in_force.expiries();
        let carried = CarriedDown {
            timestamp: timestamp_version(&in_force),
            good_until_ms: expiries.first().map_or(0, |first| first.expires.0),
            has_order: order.is_some(),
            contents: contents.keys().cloned().collect(),
            left_out,
        };
        let (from, to, pieces, handle) =
            (hub.to_owned(), to.to_owned(), self.contents().clone(), Handle::current());
        let written = tokio::task::spawn_blocking(move || {
            let contents = contents.into_values().map(|artefact| {
                let reader = Pieces::new(pieces.clone(), &artefact, handle.clone());
                (artefact, reader)
            });
            write(&to, |file| down::export(file, &from, &files, order.as_deref(), contents))
        });
        written.await.map_err(|_| LookError::Ended)??;
        Ok(carried)
    }

    /// What a store should have: the order that was signed, where there is one, and the manifest of it.
    async fn wanted(&self, store: &StoreId) -> Result<(Option<Vec<u8>>, Option<Manifest>), DownError> {
        let Some(row) = self.database().desired(store).await? else { return Ok((None, None)) };
        let manifest = |bytes: &[u8]| {
            Manifest::decode(bytes).map_err(|source| DownError::Manifest { store: store.clone(), source })
        };
        if !Order::is_one(&row.manifest) {
            return Ok((None, Some(manifest(&row.manifest)?)));
        }
        // This database is the hub's own; the node holds the signature against the hub's key.
        let order = Order::open(&row.manifest, store, |_, _| true)
            .map_err(|source| DownError::Order { store: store.clone(), source })?;
        let items = manifest(&order.manifest)?;
        Ok((Some(row.manifest), Some(items)))
    }
}

/// Writes beside, syncs and renames.
fn write(
    to: &Path,
    fill: impl FnOnce(BufWriter<File>) -> Result<BufWriter<File>, WriteError>,
) -> Result<(), DownError> {
    let failed = |source| DownError::File { path: to.to_owned(), source };
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let file = OpenOptions::new().write(true).create(true).truncate(true).open(&part).map_err(failed)?;
    let filled = fill(BufWriter::new(file)).map_err(DownError::from).and_then(|writer| {
        let file = writer.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        std::fs::rename(&part, to).map_err(failed)
    });
    if filled.is_err() {
        // What is not whole must not take room on a stick.
        let _ = std::fs::remove_file(&part);
    }
    filled
}

/// A content that is read piece by piece.
struct Pieces {
    contents: Contents,
    hash: Hash,
    at: u64,
    bytes: u64,
    piece: Bytes,
    handle: Handle,
}

impl Pieces {
    fn new(contents: Contents, artefact: &Artefact, handle: Handle) -> Self {
        let (hash, bytes) = (Hash(artefact.blake3.0), artefact.bytes);
        Self { contents, hash, at: 0, bytes, piece: Bytes::new(), handle }
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() && self.at < self.bytes {
            let end = self.at.saturating_add(PIECE_BYTES).min(self.bytes);
            let read: Result<Bytes, ContentError> =
                self.handle.block_on(self.contents.read(&self.hash, self.at..end));
            self.piece = read.map_err(io::Error::other)?;
            self.at = end;
        }
        let count = self.piece.len().min(buffer.len());
        let taken = self.piece.split_to(count);
        for (to, from) in buffer.iter_mut().zip(taken) {
            *to = from;
        }
        Ok(count)
    }
}
