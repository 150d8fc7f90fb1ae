//! Sticks: what a store would fetch by the line, in one file; and what a store would have sent, brought in by hand.
//!
//! ```text
//! down:  metadata ─ the store's order ─ contents that it names ─> FILE          up:  FILE ─ batches ─ gate, chain, rows, cursor ─> as by the line
//! ```
//!
//! Lives here: which contents a store's bundle has, and holding batches of a bundle to what those of a connection are held to. Not here: the form of bundles
//! (`aisle_artefact::bundle`), the checks of batches (`aisle_protocol::hub`, [`crate::gate`]).
//! Guards: a batch on a stick gets in by no other way than one by the line. There is no certificate on a stick, so receipts count that a node which may come has signed,
//! and no others.

use super::{Artefacts, LookError};
use crate::{
    content::{ContentError, Contents},
    database::{Admission, Database, DatabaseError, NotTaken},
    gate::ReceiptGate,
};
use aisle_artefact::{
    Artefact, ArtefactId,
    bundle::{self, BundleError, Direction, Limits, WriteError, down, up},
};
use aisle_content::{
    Manifest, ManifestError,
    order::{Order, OrderError},
};
use aisle_event::StoreId;
use aisle_protocol::{
    Batch, Hash, LogId, Point,
    batch::BatchError,
    hub::{self, Stop},
};
use aisle_residency::{Region, Verifier};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use std::{
    collections::BTreeMap,
    error::Error,
    fs::{File, OpenOptions},
    io::{self, BufReader, BufWriter, Read},
    path::{Path, PathBuf},
    sync::Arc,
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
            timestamp: super::release::timestamp_version(&in_force),
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

/// What takes batches of sticks in.
#[derive(Debug, Clone)]
pub struct Intake {
    /// Where they go.
    pub database: Database,
    /// The region that the hub lies in.
    pub region: Region,
    /// The policies that batches may name.
    pub verifier: Arc<Verifier>,
}

/// What came of a stick upwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedUp {
    /// The store whose batches they are.
    pub store: StoreId,
    /// Batches that brought something.
    pub taken: u64,
    /// Batches that were here already.
    pub had: u64,
    /// How many events the hub did not have.
    pub events: u64,
}

/// Why nothing more of a stick is taken in. What was taken before stays, and the stick can be brought again.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// The file cannot be read.
    #[error("cannot read `{path}`")]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is no bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// It does not say whose it is.
    #[error("the bundle is from `{from}`, which is no store\nhint: say whose it is with `--store`")]
    From {
        /// What it says.
        from: String,
    },
    /// No node of the store may come.
    #[error("no node of `{store}` may come\nhint: `aisle-hub node list {store}`")]
    NoNode {
        /// The store.
        store: StoreId,
    },
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// An entry.
    #[error(transparent)]
    Import(#[from] up::ImportError),
    /// It was not read to its end, because the process ends.
    #[error("the bundle was not read to its end")]
    Ended,
}

/// Why an entry is not taken.
#[derive(Debug, thiserror::Error)]
enum EntryError {
    #[error("`{name}` is no name of a batch\nhint: one looks like `sales/EPOCH/1-200`")]
    Name { name: String },
    #[error("`{name}` holds another batch than it says")]
    Other { name: String },
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
    #[error(
        "the hub has `{log}` up to {through}, and this goes on later\nhint: bring the stick before it first, or the newest one"
    )]
    Gap { log: LogId, through: u64 },
    #[error("`{log}` is refused: {reason}")]
    Refused { log: LogId, reason: String },
}

/// The store that a bundle says it is from: `STORE/SERIAL`, or `STORE` alone.
fn store_of(from: &str) -> Result<StoreId, UpError> {
    let store = from.split('/').next().unwrap_or_default();
    StoreId::new(store).map_err(|_| UpError::From { from: from.to_owned() })
}

impl Intake {
    /// Takes a stick's batches in, each through the checks of one by the line. `store` says whose they are where the bundle does not.
    ///
    /// # Errors
    /// When it is no bundle upwards, nobody of its store may come, or a batch is refused.
    pub async fn carry_up(&self, path: &Path, store: Option<StoreId>) -> Result<CarriedUp, UpError> {
        let open = {
            let path = path.to_owned();
            move || {
                let opened = File::open(&path).map(BufReader::new);
                opened.map_err(|source| UpError::File { path: path.clone(), source })
            }
        };
        let look = open.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let summary = bundle::inspect(look()?, &Limits::default())?;
            match summary.direction {
                Direction::Up => Ok::<String, UpError>(summary.from),
                found => Err(BundleError::Direction { found, expected: Direction::Up }.into()),
            }
        });
        let from = looked.await.map_err(|_| UpError::Ended)??;
        let store = store.map_or_else(|| store_of(&from), Ok)?;
        let nodes = self.database.registered(&store).await?;
        let keys: Vec<_> =
            nodes.into_iter().filter(|node| !node.is_banned).map(|node| node.receipt_key).collect();
        if keys.is_empty() {
            return Err(UpError::NoNode { store });
        }
        self.database.note_carried(&store, self.region.as_str()).await?;
        let taker = Taker {
            database: self.database.clone(),
            gate: Arc::new(ReceiptGate::new(self.region.clone(), self.verifier.clone(), keys)),
            store: store.clone(),
            through: BTreeMap::new(),
            carried: CarriedUp { store, taken: 0, had: 0, events: 0 },
        };
        let handle = Handle::current();
        let taking = tokio::task::spawn_blocking(move || {
            let mut taker = taker;
            up::import(open()?, None, &Limits::default(), |entry| {
                handle.block_on(taker.take(entry)).map_err(Box::<dyn Error + Send + Sync>::from)
            })?;
            Ok(taker.carried)
        });
        taking.await.map_err(|_| UpError::Ended)?
    }
}

struct Taker {
    database: Database,
    gate: Arc<ReceiptGate>,
    store: StoreId,
    /// Up to where the hub has each log that was met.
    through: BTreeMap<LogId, Point>,
    carried: CarriedUp,
}

impl Taker {
    async fn take(&mut self, entry: up::Carried) -> Result<(), EntryError> {
        let up::Carried { name, bytes, .. } = entry;
        let batch = Batch::parse(bytes.into())?;
        let header = *batch.header();
        let end = header.end();
        let named =
            format!("{}/{}/{}-{}", header.class, HEXLOWER.encode(&header.epoch.0), header.first_seq, end.seq);
        if name != named {
            let is_name = name.split('/').count() == 3;
            let name = name.chars().filter(|c| !c.is_control()).take(128).collect();
            return Err(if is_name { EntryError::Other { name } } else { EntryError::Name { name } });
        }
        let log = LogId { store: self.store.clone(), class: header.class, epoch: header.epoch };
        let before = match self.through.get(&log) {
            Some(point) => *point,
            None => {
                let cursors = self.database.resume(std::slice::from_ref(&log)).await?;
                cursors.first().map_or(log.start(), |cursor| cursor.through)
            }
        };
        let checked = tokio::task::spawn_blocking(move || hub::check(vec![batch])).await;
        let batches = Arc::new(checked.map_err(|_| NotTaken::Lost)??);
        let admission = Admission { log: log.clone(), batches, gate: self.gate.clone() };
        let decision = self.database.admit(admission).await?;
        self.through.insert(log.clone(), decision.through);
        match decision.stop {
            None => {}
            // What the hub has is compared as far as it can be, and passed over.
            Some(Stop::Gap) if end.seq <= decision.through.seq => {}
            Some(Stop::Gap) => return Err(EntryError::Gap { log, through: decision.through.seq }),
            Some(stop) => {
                let reason = stop.refusal().map(|(_, reason)| reason).unwrap_or_default();
                return Err(EntryError::Refused { log, reason });
            }
        }
        let new = decision.through.seq.saturating_sub(before.seq);
        let count = if new > 0 { &mut self.carried.taken } else { &mut self.carried.had };
        *count = count.saturating_add(1);
        self.carried.events = self.carried.events.saturating_add(new);
        Ok(())
    }
}
