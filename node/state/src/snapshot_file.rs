//! Snapshots of a part that keeps its state in memory: what it looked like after some record, in one file.
//!
//! The part folds the journal. At a start it takes the latest snapshot that is whole and belongs to the journal, and applies the
//! records after it; so a snapshot saves time and no promise rests on it. The file is `magic, layout, journal, applied, length`,
//! the bytes of the part, and a checksum.
//!
//! Not here: what the bytes mean.
//! Guards invariant 2: a snapshot that is torn, changed, or of something else is passed over, and said to be.

pub use crate::whole_file::FileError;
use crate::whole_file::{self, Input};
use std::{
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

const MAGIC: &[u8; 8] = b"AISLSNP1";

/// The snapshots of one part. One writer at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotFiles {
    /// Where they are; the directory exists before the first is written.
    pub dir: PathBuf,
    /// The beginning of their file names, such as `sessions`: letters, digits and `-`.
    pub name: &'static str,
    /// The id of the journal that they are made from.
    pub journal: [u8; 16],
    /// The version of what the bytes mean. Those of another are passed over.
    pub layout: u32,
    /// How many are kept, the one just written included; 0 counts as 1.
    pub files_max: usize,
}

/// What a part looked like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The last record whose effects are in it.
    pub applied: u64,
    /// What the part wrote.
    pub body: Vec<u8>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Latest {
    /// The latest that can be used.
    pub snapshot: Option<Snapshot>,
    /// Those that are later and cannot, and why; to be reported.
    pub passed_over: Vec<String>,
}

impl SnapshotFiles {
    /// Writes a snapshot and syncs it, then removes those that are not kept: the oldest, and any that go further than this one, which
    /// are of another journal. Blocks.
    ///
    /// # Errors
    /// When the file system refuses. An older snapshot is still there then.
    pub fn write(&self, applied: u64, body: &[u8]) -> Result<PathBuf, FileError> {
        let written = whole_file::write(&self.dir, self.name, applied, self.files_max, |output| {
            output.put(MAGIC)?;
            output.put(&self.layout.to_le_bytes())?;
            output.put(&self.journal)?;
            output.put(&applied.to_le_bytes())?;
            output.put(&(body.len() as u64).to_le_bytes())?;
            output.put(body)
        });
        written.map(|written| written.path)
    }

    /// The latest snapshot that is whole, of this journal and layout, and goes up to a record that the journal can go on from:
    /// `first - 1 ..= durable`. Blocks; takes as much memory as the snapshot has bytes.
    ///
    /// # Errors
    /// When the directory is there and cannot be listed. A file that cannot be read is passed over.
    pub fn read_latest(&self, applied: &RangeInclusive<u64>) -> Result<Latest, FileError> {
        let mut latest = Latest::default();
        for file in whole_file::list(&self.dir, self.name)? {
            let read = if applied.contains(&file.applied) {
                self.read(&file.path, file.applied)
            } else {
                Err(FileError::unusable(&file.path, "the journal does not go on from it"))
            };
            match read {
                Ok(body) => {
                    latest.snapshot = Some(Snapshot { applied: file.applied, body });
                    break;
                }
                Err(error) => latest.passed_over.push(error.reason()),
            }
        }
        Ok(latest)
    }

    fn read(&self, path: &Path, applied: u64) -> Result<Vec<u8>, FileError> {
        let mut input = Input::open(path)?;
        if &input.take()? != MAGIC {
            return Err(input.unusable("it does not begin as a snapshot"));
        }
        if input.take_u32()? != self.layout {
            return Err(input.unusable("it has the layout of another version"));
        }
        if input.take()? != self.journal {
            return Err(input.unusable("it is of another journal"));
        }
        if u64::from_le_bytes(input.take()?) != applied {
            return Err(input.unusable("its name and its content differ"));
        }
        let len = u64::from_le_bytes(input.take()?);
        let body = input.take_vec(len)?;
        input.end()?;
        Ok(body)
    }
}
