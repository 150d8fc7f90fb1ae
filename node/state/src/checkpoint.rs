//! Checkpoints: every row of the index in one file, so that the journal need not be replayed from its start.
//!
//! Written to a temporary name, synced, renamed, and the directory synced: a checkpoint is whole or absent. The file
//! is `magic, layout, journal id, applied`, then per tree its rows as length-prefixed keys and values, then `END` and a CRC32C of
//! everything before it (RFC 3720, appendix B.4). Numbers are little-endian.
//!
//! Guards invariant 2: losing sled costs the time of reading this file and the records after it, nothing else.

use crate::index::{Index, IndexError, Meta, TREES, Tree, VALUE_BYTES_MAX};
use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

const MAGIC: &[u8; 8] = b"AISLCKP1";
const END: u32 = u32::MAX;
const ROWS_PER_BATCH: usize = 2048;
const KEY_BYTES_MAX: usize = 1024;

/// Why a checkpoint could not be written or used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckpointError {
    #[error("checkpoint `{path}`")]
    File { path: PathBuf, source: io::Error },
    #[error("checkpoint `{path}` is damaged: {what}")]
    Damaged { path: PathBuf, what: &'static str },
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// A checkpoint file and how far it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub path: PathBuf,
    pub applied: u64,
}

/// The checkpoints of a directory, latest first.
pub(crate) fn list(dir: &Path) -> Vec<Checkpoint> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut found: Vec<Checkpoint> = entries
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            let applied = path
                .file_name()?
                .to_str()?
                .strip_prefix("checkpoint-")?
                .strip_suffix(".ckpt")?
                .parse()
                .ok()?;
            Some(Checkpoint { path, applied })
        })
        .collect();
    found.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.applied));
    found
}

/// Writes the whole index, then removes all but the `keep` latest checkpoints.
pub(crate) fn write(
    dir: &Path,
    index: &Index,
    meta: &Meta,
    keep: usize,
) -> Result<Checkpoint, CheckpointError> {
    let path = dir.join(format!("checkpoint-{:020}.ckpt", meta.applied));
    let tmp = path.with_extension("tmp");
    let at = |source| CheckpointError::File { path: tmp.clone(), source };
    let file = File::create(&tmp).map_err(at)?;
    let mut out = Summed { inner: BufWriter::with_capacity(1 << 16, file), crc: 0 };
    out.write_all(MAGIC).map_err(at)?;
    put_bytes(&mut out, &minicbor::to_vec(meta).unwrap_or_default()).map_err(at)?;
    for (number, (tree, _)) in (0_u32..).zip(TREES) {
        if tree == Tree::Meta {
            continue;
        }
        for row in index.raw_rows(tree) {
            let (key, value) = row?;
            out.write_all(&number.to_le_bytes()).map_err(at)?;
            put_bytes(&mut out, &key).map_err(at)?;
            put_bytes(&mut out, &value).map_err(at)?;
        }
    }
    out.write_all(&END.to_le_bytes()).map_err(at)?;
    let crc = out.crc;
    out.inner.write_all(&crc.to_le_bytes()).map_err(at)?;
    let file = out.inner.into_inner().map_err(|error| at(error.into_error()))?;
    file.sync_all().map_err(at)?;
    fs::rename(&tmp, &path).map_err(at)?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(at)?;
    for old in list(dir).into_iter().skip(keep) {
        fs::remove_file(&old.path)
            .map_err(|source| CheckpointError::File { path: old.path.clone(), source })?;
    }
    Ok(Checkpoint { path, applied: meta.applied })
}

/// Fills an empty index from a checkpoint. The file is checked whole before the first row is written.
pub(crate) fn restore(checkpoint: &Checkpoint, index: &Index) -> Result<Meta, CheckpointError> {
    let path = &checkpoint.path;
    let damaged = |what| CheckpointError::Damaged { path: path.clone(), what };
    let meta = read(path, |_, _, _| Ok(()))?;
    if meta.applied != checkpoint.applied {
        return Err(damaged("its name and its content differ"));
    }
    let mut rows: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut current = Tree::Products;
    read(path, |tree, key, value| {
        if tree != current || rows.len() >= ROWS_PER_BATCH {
            index.restore(current, std::mem::take(&mut rows))?;
            current = tree;
        }
        rows.push((key, value));
        Ok(())
    })?;
    index.restore(current, rows)?;
    index.commit(&crate::index::Writes::default(), &meta)?;
    Ok(meta)
}

fn read(
    path: &Path,
    mut row: impl FnMut(Tree, Vec<u8>, Vec<u8>) -> Result<(), IndexError>,
) -> Result<Meta, CheckpointError> {
    let at = |source| CheckpointError::File { path: path.into(), source };
    let damaged = |what| CheckpointError::Damaged { path: path.into(), what };
    let file = File::open(path).map_err(at)?;
    let mut input = Summed { inner: BufReader::with_capacity(1 << 16, file), crc: 0 };
    let mut magic = [0; 8];
    input.read_exact(&mut magic).map_err(at)?;
    if &magic != MAGIC {
        return Err(damaged("it does not begin as a checkpoint"));
    }
    let meta = take_bytes(&mut input, KEY_BYTES_MAX)
        .map_err(at)?
        .ok_or_else(|| damaged("its header is too long"))?;
    let meta: Meta = minicbor::decode(&meta).map_err(|_| damaged("its header does not decode"))?;
    loop {
        let number = take_u32(&mut input).map_err(at)?;
        if number == END {
            break;
        }
        let tree = TREES
            .get(number as usize)
            .map(|(tree, _)| *tree)
            .ok_or_else(|| damaged("it names an unknown tree"))?;
        let key =
            take_bytes(&mut input, KEY_BYTES_MAX).map_err(at)?.ok_or_else(|| damaged("a key is too long"))?;
        let value = take_bytes(&mut input, VALUE_BYTES_MAX)
            .map_err(at)?
            .ok_or_else(|| damaged("a value is too long"))?;
        row(tree, key, value)?;
    }
    let expected = input.crc;
    if take_u32(&mut input).map_err(at)? != expected {
        return Err(damaged("its checksum is wrong"));
    }
    Ok(meta)
}

fn put_bytes(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let len = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    out.write_all(&len.to_le_bytes())?;
    out.write_all(bytes)
}

fn take_u32(input: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    input.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

/// `None` when the length is beyond the bound.
fn take_bytes(input: &mut impl Read, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
    let len = take_u32(input)? as usize;
    if len > bytes_max {
        return Ok(None);
    }
    let mut bytes = vec![0; len];
    input.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}

/// A stream that sums up what passes through it.
struct Summed<S> {
    inner: S,
    crc: u32,
}

impl<S: Write> Write for Summed<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.crc = crc32c::crc32c_append(self.crc, bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<S: Read> Read for Summed<S> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(bytes)?;
        self.crc = crc32c::crc32c_append(self.crc, bytes.get(..count).unwrap_or_default());
        Ok(count)
    }
}
