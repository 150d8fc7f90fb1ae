//! Opening the index, or making it again: from the latest usable checkpoint, else from the journal's start.
//!
//! An index that cannot be used is moved to `quarantine/`, never deleted in place, and the reason is reported.

use crate::{
    checkpoint,
    config::Config,
    history::Visit,
    index::{Index, IndexError, LAYOUT, Meta, Tree, guarded},
    product::Product,
    sessions::Session,
    shop::{RECENT_MAX, Shop},
    state::OpenError,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// How many unusable indexes are kept for a look; the oldest goes first.
const QUARANTINE_MAX: usize = 2;
/// Its presence says that the last run could not write to the index.
const MARK: &str = "index-failed";

/// What was found when the state was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The last record that the index held; everything after it is replayed.
    pub applied: u64,
    /// Why and from where the index had to be made again, if it had to.
    pub rebuilt: Option<Rebuilt>,
}

/// Why and from where the index was made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// What was wrong with it.
    pub reason: String,
    /// The first record that is replayed.
    pub from_seq: u64,
    /// Where the unusable index was moved to.
    pub quarantine: Option<PathBuf>,
    /// Checkpoints that could not be used, and why.
    pub passed_over: Vec<String>,
}

/// The journal that the index must belong to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JournalFacts {
    pub id: [u8; 16],
    pub first: u64,
    pub durable: u64,
}

pub(crate) struct Loaded {
    pub index: Index,
    pub shop: Shop,
    pub opened: Opened,
}

pub(crate) fn load(dir: &Path, config: &Config, journal: JournalFacts) -> Result<Loaded, OpenError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| OpenError::Directory { path, source }
    };
    fs::create_dir_all(dir).map_err(at(dir))?;
    let index_dir = dir.join("index");
    match usable(&index_dir, &dir.join(MARK), config, journal) {
        Ok((index, shop)) => {
            let opened = Opened { applied: shop.applied, rebuilt: None };
            Ok(Loaded { index, shop, opened })
        }
        Err(IndexError::Held) => Err(OpenError::Held { path: index_dir }),
        Err(reason) => {
            let quarantine = set_aside(dir, &index_dir).map_err(at(dir))?;
            remove_if_there(&dir.join(MARK)).map_err(at(dir))?;
            let (index, shop, passed_over) = rebuild(dir, &index_dir, config, journal)?;
            let from_seq = (shop.applied + 1).max(journal.first);
            let rebuilt = Rebuilt { reason: reason.to_string(), from_seq, quarantine, passed_over };
            let opened = Opened { applied: shop.applied, rebuilt: Some(rebuilt) };
            Ok(Loaded { index, shop, opened })
        }
    }
}

/// What a state directory holds, seen from outside. Opens nothing, so it can be asked while a node runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// There is an index.
    pub has_index: bool,
    /// The last run could not write to it.
    pub marked_failed: bool,
    /// The last record of the latest checkpoint.
    pub checkpoint: Option<u64>,
    /// How many unusable indexes were set aside.
    pub quarantined: usize,
}

/// Looks into a state directory.
///
/// # Errors
/// When the directory is there and cannot be listed.
pub fn inspect(dir: &Path) -> io::Result<Inspection> {
    let quarantined = match fs::read_dir(dir.join("quarantine")) {
        Ok(entries) => entries.count(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(Inspection {
        has_index: dir.join("index").is_dir(),
        marked_failed: dir.join(MARK).exists(),
        checkpoint: checkpoint::list(dir).first().map(|latest| latest.applied),
        quarantined,
    })
}

/// Notes that the index failed while it was in use, so that the next start makes it again.
pub(crate) fn mark_failed(dir: &Path) -> io::Result<()> {
    fs::write(dir.join(MARK), b"")
}

/// The index as it stands, when it can be used: a fresh one over a journal that begins at its start included.
fn usable(
    index_dir: &Path,
    mark: &Path,
    config: &Config,
    journal: JournalFacts,
) -> Result<(Index, Shop), IndexError> {
    if mark.exists() {
        return Err(IndexError::Marked);
    }
    let missing = !index_dir.exists();
    if missing && journal.durable > 0 {
        return Err(IndexError::Missing);
    }
    let index = Index::open(index_dir, config.index_cache_bytes)?;
    let Some(meta) = index.meta()? else {
        return if index.is_empty()? && journal.durable == 0 {
            Ok((index, Shop::default()))
        } else {
            Err(IndexError::Unfinished)
        };
    };
    if meta.layout != LAYOUT {
        return Err(IndexError::Layout { found: meta.layout });
    }
    if meta.journal != journal.id {
        return Err(IndexError::OtherJournal);
    }
    if meta.applied > journal.durable {
        return Err(IndexError::AheadOfJournal { applied: meta.applied, durable: journal.durable });
    }
    if meta.applied + 1 < journal.first {
        return Err(IndexError::BehindJournal { applied: meta.applied, first: journal.first });
    }
    let shop = shop_of(&index, &meta)?;
    Ok((index, shop))
}

fn rebuild(
    dir: &Path,
    index_dir: &Path,
    config: &Config,
    journal: JournalFacts,
) -> Result<(Index, Shop, Vec<String>), OpenError> {
    let mut passed_over = Vec::new();
    for candidate in checkpoint::list(dir) {
        if candidate.applied > journal.durable || candidate.applied + 1 < journal.first {
            passed_over.push(format!("checkpoint at record {} does not meet the journal", candidate.applied));
            continue;
        }
        let attempt =
            Index::open(index_dir, config.index_cache_bytes).map_err(Into::into).and_then(|index| {
                let meta = checkpoint::restore(&candidate, &index)?;
                if meta.layout != LAYOUT {
                    return Err(IndexError::Layout { found: meta.layout }.into());
                }
                if meta.journal != journal.id {
                    return Err(IndexError::OtherJournal.into());
                }
                let shop = shop_of(&index, &meta)?;
                Ok::<_, checkpoint::CheckpointError>((index, shop))
            });
        match attempt {
            Ok((index, shop)) => return Ok((index, shop, passed_over)),
            Err(error) => {
                passed_over.push(error.reason());
                fs::remove_dir_all(index_dir)
                    .map_err(|source| OpenError::Directory { path: index_dir.into(), source })?;
            }
        }
    }
    let index = Index::open(index_dir, config.index_cache_bytes)
        .map_err(|error| OpenError::Index { path: index_dir.into(), reason: error.to_string() })?;
    Ok((index, Shop::default(), passed_over))
}

fn shop_of(index: &Index, meta: &Meta) -> Result<Shop, IndexError> {
    guarded(|| {
        let mut shop = Shop {
            applied: meta.applied,
            as_of: meta.as_of(),
            catalogue_version: meta.catalogue_version,
            stock_version: meta.stock_version,
            counts: meta.counts,
            experiments: index.map(Tree::Arms)?,
            suppressed: index.map(Tree::Suppressed)?,
            ..Shop::default()
        };
        for product in index.rows::<Product>(Tree::Products) {
            let mut product = product?;
            product.suppressed = shop.suppressed.get(&product.sku).cloned();
            shop.prices_as_of = shop.prices_as_of.max(Some(product.priced_at));
            shop.products.insert(product.sku.clone(), Arc::new(product));
        }
        for session in index.rows::<Session>(Tree::Sessions) {
            let session = session?;
            shop.by_touch.insert((session.touched_ms, session.id.clone()));
            shop.sessions.insert(session.id.clone(), Arc::new(session));
        }
        for visit in index.rows::<Visit>(Tree::History).rev().take(RECENT_MAX) {
            shop.recent.push_front(Arc::new(visit?));
        }
        Ok(shop)
    })
}

fn set_aside(dir: &Path, index_dir: &Path) -> io::Result<Option<PathBuf>> {
    if !index_dir.exists() {
        return Ok(None);
    }
    let quarantine = dir.join("quarantine");
    fs::create_dir_all(&quarantine)?;
    let mut numbers: Vec<u64> = fs::read_dir(&quarantine)?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix("index-")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    let next = numbers.last().map_or(1, |last| last + 1);
    for old in numbers.iter().rev().skip(QUARANTINE_MAX - 1) {
        remove_if_there(&quarantine.join(format!("index-{old}")))?;
    }
    let target = quarantine.join(format!("index-{next}"));
    fs::rename(index_dir, &target)?;
    Ok(Some(target))
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    let gone = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match gone {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
