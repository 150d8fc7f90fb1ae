//! [`Io`]: everything the journal asks of the machine, so that a test can be the machine.
//!
//! Files, directories, preallocation, sync, the directory's lock, the wall clock and entropy. [`RealIo`] is Linux;
//! `fault::FaultIo` (feature `fault`) is a disk in memory that tears, drops, fails and loses power on demand.
//!
//! Not here: what is written. Guards invariant 8: an implementation passes every error on; it never retries a sync.

mod real;

pub use real::RealIo;

use std::{
    any::Any,
    fmt, io,
    path::{Path, PathBuf},
};

/// What an opened file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading only, as tools do beside a running node.
    Read,
    /// Reading and writing.
    Write,
}

/// What came of asking for a lock.
pub enum Lock {
    /// It is ours for as long as the guard lives.
    Taken(Box<dyn Any + Send + Sync>),
    /// Another process has it; its id when it could be read.
    Held(Option<u32>),
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(_) => f.write_str("Taken"),
            Self::Held(pid) => f.debug_tuple("Held").field(pid).finish(),
        }
    }
}

/// The machine: file system, clock and entropy.
pub trait Io: Send + Sync + fmt::Debug {
    /// Makes a directory and its parents; fine when it is there already.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// The names of the files in a directory, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Opens a file that exists.
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn IoFile>>;

    /// Makes an empty file, or empties the one that is there, for reading and writing.
    fn create(&self, path: &Path) -> io::Result<Box<dyn IoFile>>;

    /// Renames a file, replacing what has the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// How many bytes can still be written below a directory.
    fn available_bytes(&self, dir: &Path) -> io::Result<u64>;

    /// Asks for an exclusive lock on a file, made if need be, and leaves this process's id in it. Never waits.
    fn lock(&self, path: &Path) -> io::Result<Lock>;

    /// Milliseconds since 1970 by the wall clock, which may lie.
    fn now_ms(&self) -> u64;

    /// Sixteen bytes that no other journal has.
    fn entropy(&self) -> io::Result<[u8; 16]>;
}

/// An open file. Positioned calls only, so that one handle serves many threads.
pub trait IoFile: Send + Sync + fmt::Debug {
    /// Its length in bytes.
    fn size(&self) -> io::Result<u64>;

    /// Fills the buffer from an offset; fewer bytes than asked for mean the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all bytes at an offset.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Returns when everything written, and the file's length, would survive a power cut.
    fn sync_data(&self) -> io::Result<()>;

    /// Cuts the file, or extends it with zeros.
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Reserves the blocks of the first so many bytes and extends the file to that length with zeros.
    fn allocate(&self, bytes: u64) -> io::Result<()>;
}

/// A call to the machine that failed: what was tried, on which file, and why not.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{path}`")]
pub struct FileError {
    /// What was tried, as a verb.
    pub action: &'static str,
    /// On what.
    pub path: PathBuf,
    /// Why it failed.
    pub source: io::Error,
}

impl FileError {
    /// True when the disk or the quota is full.
    #[must_use]
    pub fn is_no_space(&self) -> bool {
        is_no_space(&self.source)
    }
}

/// True for the two ways in which a disk says that it is full.
pub(crate) fn is_no_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Names the action and the file in an error, for `map_err`.
pub(crate) fn during(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    move |source| FileError { action, path: path.to_path_buf(), source }
}
