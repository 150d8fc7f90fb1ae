//! The sled index: its trees, its one kind of write, and what to do when it cannot be used.
//!
//! The only module that names sled. sled 0.34 may refuse to open or panic over damaged files, so opening and the first
//! reads run behind `catch_unwind`; whatever goes wrong there means "make it again", never "stop selling".

use crate::{
    receipts::OFFERS_BYTES_MAX,
    shop::{Counts, Shop},
};
use aisle_event::Hlc;
use imbl::OrdMap;
use minicbor::{Decode, Encode};
use sled::{
    Transactional,
    transaction::{ConflictableTransactionError, TransactionError},
};
use std::{
    collections::BTreeMap,
    fs::{File, TryLockError},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    str::FromStr,
    thread,
    time::{Duration, Instant},
};

/// The layout of the rows. Another number in the index means that it is made again.
pub(crate) const LAYOUT: u32 = 2;
/// The longest value, in bytes: a receipt, half of it what plugins made of the basket.
pub(crate) const VALUE_BYTES_MAX: usize = 2 * OFFERS_BYTES_MAX;

/// How long the last holder of the index may take to let go of it: sled's own threads close the file some time after
/// the database is dropped.
const RELEASE_MAX: Duration = Duration::from_secs(5);
/// How often it is asked again.
const RELEASE_POLL: Duration = Duration::from_millis(5);

/// The trees, in the order of [`TREES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tree {
    /// SKU -> product.
    Products,
    /// Session id -> session.
    Sessions,
    /// Source and document -> lines that were taken in.
    Documents,
    /// Kiosk document -> receipt.
    Receipts,
    /// Idempotency key -> kiosk document.
    Keys,
    /// Time and sequence number -> visit.
    History,
    /// Arm -> counters.
    Arms,
    /// One row: [`Meta`].
    Meta,
    /// SKU -> why it is kept from being sold, on offer or not.
    Suppressed,
}

/// Every tree and its name on disk.
pub(crate) const TREES: [(Tree, &str); 9] = [
    (Tree::Products, "products"),
    (Tree::Sessions, "sessions"),
    (Tree::Documents, "documents"),
    (Tree::Receipts, "receipts"),
    (Tree::Keys, "keys"),
    (Tree::History, "history"),
    (Tree::Arms, "arms"),
    (Tree::Meta, "meta"),
    (Tree::Suppressed, "suppressed"),
];

const META_KEY: &[u8] = b"meta";

/// How far the index is, and whose journal it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Meta {
    #[n(0)]
    pub layout: u32,
    #[n(1)]
    pub applied: u64,
    #[n(2)]
    pub as_of_hlc: u64,
    #[cbor(n(3), with = "minicbor::bytes")]
    pub journal: [u8; 16],
    #[n(4)]
    pub catalogue_version: u64,
    #[n(5)]
    pub stock_version: u64,
    #[n(6)]
    pub counts: Counts,
}

impl Meta {
    /// What a shop is as of.
    pub(crate) const fn of(shop: &Shop, journal: [u8; 16]) -> Self {
        Self {
            layout: LAYOUT,
            applied: shop.applied,
            as_of_hlc: shop.as_of.0,
            journal,
            catalogue_version: shop.catalogue_version,
            stock_version: shop.stock_version,
            counts: shop.counts,
        }
    }

    pub(crate) fn as_of(&self) -> Hlc {
        Hlc(self.as_of_hlc)
    }
}

/// Why the index cannot be used. All of them but [`IndexError::Held`] end in a rebuild.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    #[error("sled: {0}")]
    Sled(#[from] sled::Error),
    #[error("sled panicked while it read its files")]
    Panicked,
    #[error("a row of `{tree}` does not decode: {reason}")]
    Row { tree: &'static str, reason: String },
    #[error("a value of `{tree}` would be {bytes} bytes long; at most {VALUE_BYTES_MAX} are allowed")]
    TooLong { tree: &'static str, bytes: usize },
    #[error("it has layout {found}, this build writes {LAYOUT}")]
    Layout { found: u32 },
    #[error("it belongs to another journal")]
    OtherJournal,
    #[error("it is at record {applied}, the journal ends at {durable}")]
    AheadOfJournal { applied: u64, durable: u64 },
    #[error("it failed in the last run")]
    Marked,
    #[error("it was not finished")]
    Unfinished,
    #[error("it is not there")]
    Missing,
    #[error("another process holds it")]
    Held,
    #[error("it ends at record {applied}, the journal begins at {first}")]
    BehindJournal { applied: u64, first: u64 },
}

/// Changes to rows, gathered over a batch of events and written in one transaction. `None` removes a row.
#[derive(Debug, Default)]
pub(crate) struct Writes(BTreeMap<(Tree, Vec<u8>), Option<Vec<u8>>>);

impl Writes {
    pub(crate) fn put(&mut self, tree: Tree, key: impl Into<Vec<u8>>, value: &impl Encode<()>) {
        // Writing to a `Vec` has no way to fail.
        let bytes = minicbor::to_vec(value).unwrap_or_default();
        self.0.insert((tree, key.into()), Some(bytes));
    }

    pub(crate) fn remove(&mut self, tree: Tree, key: impl Into<Vec<u8>>) {
        self.0.insert((tree, key.into()), None);
    }

    /// True when no row changes.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What this batch says of a row: `None` when it does not touch it.
    pub(crate) fn get(&self, tree: Tree, key: &[u8]) -> Option<Option<&[u8]>> {
        self.0.get(&(tree, key.to_vec())).map(|value| value.as_deref())
    }
}

/// The open index.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    db: sled::Db,
    trees: [sled::Tree; TREES.len()],
}

impl Index {
    /// Opens or makes the index in a directory.
    pub(crate) fn open(dir: &Path, cache_bytes: u64) -> Result<Self, IndexError> {
        await_release(dir)?;
        guarded(|| {
            let db = sled::Config::new()
                .path(dir)
                .cache_capacity(cache_bytes)
                .mode(sled::Mode::LowSpace)
                .flush_every_ms(Some(1000))
                .open()?;
            let mut trees = Vec::with_capacity(TREES.len());
            for (_, name) in TREES {
                trees.push(db.open_tree(name)?);
            }
            let trees = trees.try_into().map_err(|_| IndexError::Panicked)?;
            Ok(Self { db, trees })
        })
    }

    fn tree(&self, tree: Tree) -> &sled::Tree {
        let [products, sessions, documents, receipts, keys, history, arms, meta, suppressed] = &self.trees;
        match tree {
            Tree::Products => products,
            Tree::Sessions => sessions,
            Tree::Documents => documents,
            Tree::Receipts => receipts,
            Tree::Keys => keys,
            Tree::History => history,
            Tree::Arms => arms,
            Tree::Meta => meta,
            Tree::Suppressed => suppressed,
        }
    }

    /// How far the index is; `None` when it is new.
    pub(crate) fn meta(&self) -> Result<Option<Meta>, IndexError> {
        self.get(Tree::Meta, META_KEY)
    }

    /// One row.
    pub(crate) fn get<T>(&self, tree: Tree, key: &[u8]) -> Result<Option<T>, IndexError>
    where
        T: for<'b> Decode<'b, ()>,
    {
        guarded(|| self.tree(tree).get(key)?.map(|value| decode(tree, &value)).transpose())
    }

    /// True when no tree has a row.
    pub(crate) fn is_empty(&self) -> Result<bool, IndexError> {
        guarded(|| Ok(self.trees.iter().all(sled::Tree::is_empty)))
    }

    /// Up to `count` keys of a tree in order, for pruning.
    pub(crate) fn first_keys(&self, tree: Tree, count: usize) -> Result<Vec<Vec<u8>>, IndexError> {
        guarded(|| self.tree(tree).iter().keys().take(count).map(|key| Ok(key?.to_vec())).collect())
    }

    /// Every row of a tree, in order of key.
    pub(crate) fn rows<T>(
        &self,
        tree: Tree,
    ) -> impl DoubleEndedIterator<Item = Result<T, IndexError>> + use<T>
    where
        T: for<'b> Decode<'b, ()>,
    {
        self.tree(tree).iter().values().map(move |value| decode(tree, &value?))
    }

    /// A whole tree whose rows say nothing of their keys.
    pub(crate) fn map<K, V>(&self, tree: Tree) -> Result<OrdMap<K, V>, IndexError>
    where
        K: FromStr + Ord + Clone,
        V: for<'b> Decode<'b, ()> + Clone,
    {
        let entry = |row: Result<(sled::IVec, sled::IVec), IndexError>| {
            let (key, value) = row?;
            let id = std::str::from_utf8(&key).ok().and_then(|text| text.parse().ok());
            let id =
                id.ok_or_else(|| IndexError::Row { tree: name(tree), reason: "its key is no id".into() })?;
            Ok((id, decode(tree, &value)?))
        };
        self.raw_rows(tree).map(entry).collect()
    }

    /// Every row of a tree, as bytes.
    pub(crate) fn raw_rows(
        &self,
        tree: Tree,
    ) -> impl Iterator<Item = Result<(sled::IVec, sled::IVec), IndexError>> + use<> {
        self.tree(tree).iter().map(|row| Ok(row?))
    }

    /// Writes rows of a checkpoint. An index without [`Meta`] is unfinished, so this needs no transaction.
    pub(crate) fn restore(&self, tree: Tree, rows: Vec<(Vec<u8>, Vec<u8>)>) -> Result<(), IndexError> {
        let mut batch = sled::Batch::default();
        for (key, value) in rows {
            batch.insert(key, value);
        }
        guarded(|| Ok(self.tree(tree).apply_batch(batch)?))
    }

    /// Writes a batch and how far it goes, all or nothing.
    pub(crate) fn commit(&self, writes: &Writes, meta: &Meta) -> Result<(), IndexError> {
        for ((tree, _), value) in &writes.0 {
            let bytes = value.as_ref().map_or(0, Vec::len);
            if bytes > VALUE_BYTES_MAX {
                return Err(IndexError::TooLong { tree: name(*tree), bytes });
            }
        }
        let meta = minicbor::to_vec(meta).unwrap_or_default();
        guarded(|| {
            let outcome = self.trees.as_slice().transaction(|trees| {
                for ((tree, key), value) in &writes.0 {
                    let Some(target) = trees.get(position(*tree)) else { continue };
                    match value {
                        Some(value) => target.insert(key.as_slice(), value.as_slice())?,
                        None => target.remove(key.as_slice())?,
                    };
                }
                if let Some(target) = trees.get(position(Tree::Meta)) {
                    target.insert(META_KEY, meta.as_slice())?;
                }
                Ok::<(), ConflictableTransactionError<()>>(())
            });
            match outcome {
                Ok(()) => Ok(()),
                Err(TransactionError::Storage(error)) => Err(error.into()),
                Err(TransactionError::Abort(())) => Err(IndexError::Panicked),
            }
        })
    }

    /// Hands what is in memory to the operating system. No promise rests on it.
    pub(crate) fn flush(&self) -> Result<(), IndexError> {
        guarded(|| Ok(self.db.flush().map(drop)?))
    }
}

/// A tree's name on disk.
pub(crate) fn name(tree: Tree) -> &'static str {
    TREES.iter().find(|(each, _)| *each == tree).map_or("?", |(_, name)| name)
}

fn position(tree: Tree) -> usize {
    TREES.iter().position(|(each, _)| *each == tree).unwrap_or(usize::MAX)
}

fn decode<T>(tree: Tree, value: &[u8]) -> Result<T, IndexError>
where
    T: for<'b> Decode<'b, ()>,
{
    minicbor::decode(value).map_err(|error| IndexError::Row { tree: name(tree), reason: error.to_string() })
}

/// Waits until nobody holds the lock that sled takes on its file: a lock that is still held says nothing of the rows
/// under it, and sled itself would not wait.
fn await_release(dir: &Path) -> Result<(), IndexError> {
    let file = match File::open(dir.join("db")) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(sled::Error::from(error).into()),
    };
    let deadline = Instant::now() + RELEASE_MAX;
    loop {
        match file.try_lock() {
            // Closing the file lets go of the lock again.
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(RELEASE_POLL),
            Err(TryLockError::WouldBlock) => return Err(IndexError::Held),
            Err(TryLockError::Error(error)) => return Err(sled::Error::from(error).into()),
        }
    }
}

/// Runs a call into sled; a panic inside becomes an error.
pub(crate) fn guarded<T>(call: impl FnOnce() -> Result<T, IndexError>) -> Result<T, IndexError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or(Err(IndexError::Panicked))
}
