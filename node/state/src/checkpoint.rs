//! Checkpoints: every row of the index in one file, so that the journal need not be replayed from its start.
//!
//! A checkpoint is whole or absent (`whole_file`). It is `magic, layout, journal id, applied`, then per tree its rows as
//! length-prefixed keys and values, then `END` and the checksum.
//!
//! Guards invariant 2: losing sled costs the time of reading this file and the records after it, nothing else.

use crate::{
    index::{Index, IndexError, Meta, TREES, Tree, VALUE_BYTES_MAX},
    whole_file::{self, FileError, Input, Numbered},
};
use std::path::Path;

const NAME: &str = "checkpoint";
const MAGIC: &[u8; 8] = b"AISLCKP1";
const END: u32 = u32::MAX;
const ROWS_PER_BATCH: usize = 2048;
const KEY_BYTES_MAX: usize = 1024;

/// Why a checkpoint could not be written or used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckpointError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Index(#[from] IndexError),
}

impl CheckpointError {
    /// All of it in one line, for a report that keeps no sources.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::File(error) => error.reason(),
            Self::Index(error) => error.to_string(),
        }
    }
}

/// The checkpoints of a directory, latest first; none when it cannot be listed.
pub(crate) fn list(dir: &Path) -> Vec<Numbered> {
    whole_file::list(dir, NAME).unwrap_or_default()
}

/// Writes the whole index, then removes all but the `keep` latest checkpoints.
pub(crate) fn write(
    dir: &Path,
    index: &Index,
    meta: &Meta,
    keep: usize,
) -> Result<Numbered, CheckpointError> {
    whole_file::write(dir, NAME, meta.applied, keep, |output| {
        output.put(MAGIC)?;
        output.put_sized(&minicbor::to_vec(meta).unwrap_or_default())?;
        for (number, (tree, _)) in (0_u32..).zip(TREES) {
            if tree == Tree::Meta {
                continue;
            }
            for row in index.raw_rows(tree) {
                let (key, value) = row?;
                output.put(&number.to_le_bytes())?;
                output.put_sized(&key)?;
                output.put_sized(&value)?;
            }
        }
        Ok(output.put(&END.to_le_bytes())?)
    })
}

/// Fills an empty index from a checkpoint. The file is checked whole before the first row is written.
pub(crate) fn restore(checkpoint: &Numbered, index: &Index) -> Result<Meta, CheckpointError> {
    let path = &checkpoint.path;
    let meta = read(path, |_, _, _| Ok(()))?;
    if meta.applied != checkpoint.applied {
        return Err(FileError::unusable(path, "its name and its content differ").into());
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
    let mut input = Input::open(path)?;
    if &input.take()? != MAGIC {
        return Err(input.unusable("it does not begin as a checkpoint").into());
    }
    let meta = input.take_sized(KEY_BYTES_MAX)?;
    let meta: Meta = minicbor::decode(&meta).map_err(|_| input.unusable("its header does not decode"))?;
    loop {
        let number = input.take_u32()?;
        if number == END {
            break;
        }
        let Some((tree, _)) = TREES.get(number as usize) else {
            return Err(input.unusable("it names an unknown tree").into());
        };
        let key = input.take_sized(KEY_BYTES_MAX)?;
        let value = input.take_sized(VALUE_BYTES_MAX)?;
        row(*tree, key, value)?;
    }
    input.end()?;
    Ok(meta)
}
