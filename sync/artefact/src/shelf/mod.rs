//! Where a repository keeps its metadata: [`Shelf`]. A folder and memory are here; a hub keeps it in its database.
//!
//! `timestamp.json` is what makes a publication count: everything else has a name with a version, and is put in place before it. Two that publish at
//! the same time are told apart by it, so the second has to look again.
//!
//! A database that is asked asynchronously reads the files into a [`Memory`], lets the repository work on that, and stores what
//! [`Memory::take_written`] gives in one transaction, with the same comparison.

mod folder;
mod memory;

pub use folder::Folder;
pub use memory::{Memory, Written};

use crate::role::FileName;
use std::{error::Error, io, path::PathBuf};

/// The most bytes of a file on a shelf.
pub const FILE_BYTES_MAX: u64 = 8 << 20;

/// Why a shelf does not give or take.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// Somebody else has published meanwhile.
    #[error(
        "somebody else has published meanwhile\nhint: open the repository again, and make the change again"
    )]
    Raced,
    /// A root of that number is there already, and it is another one.
    #[error("there is another `{name}` already, and nodes may have it\nhint: open the repository again")]
    Taken {
        /// Which file.
        name: FileName,
    },
    /// The file system refuses.
    #[error("cannot use `{path}`")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another place to keep it refuses.
    #[error("metadata cannot be kept or read")]
    Other(#[source] Box<dyn Error + Send + Sync>),
}

/// Keeps metadata by the name of its file.
pub trait Shelf {
    /// The bytes of a file; nothing where there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    fn get(&self, name: &FileName) -> Result<Option<Vec<u8>>, ShelfError>;

    /// Puts files in place, durably, all or none, if `timestamp.json` is still what it was. Who reads meanwhile may see some of them, in this order. A
    /// root of a version that is there already is never replaced by another one.
    ///
    /// # Errors
    /// When it is not what it was any more, or the files cannot be kept.
    fn put(&mut self, before: Option<&[u8]>, files: &[(FileName, Vec<u8>)]) -> Result<(), ShelfError>;

    /// Removes files that nobody asks for any more, where they are there.
    ///
    /// # Errors
    /// When one cannot be removed.
    fn remove(&mut self, names: &[FileName]) -> Result<(), ShelfError>;
}
