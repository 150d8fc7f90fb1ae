//! What the machine asks of the disk: [`Shelf`]. All of it may block.
//!
//! Not here: how it is done ([`crate::folder`]), when ([`crate::plan`]).

use crate::{
    delta::DeltaError,
    manifest::{Content, Manifest},
};
use aisle_protocol::Hash;
use minicbor::{Decode, Encode};
use std::{collections::BTreeSet, io, path::PathBuf};

/// What of a content is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Have {
    /// All of it, verified and durable.
    Whole,
    /// Verified pieces up to here; the next one begins there. Not durable yet, so it is verified again after a restart.
    Until(u64),
}

/// The last version of an item that was applied.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Good {
    /// The item's name.
    #[n(1)]
    pub name: String,
    /// Its content: what the next delta starts from.
    #[n(2)]
    pub hash: Hash,
}

/// What is kept over a restart beside the contents.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Kept {
    /// What the hub wanted last.
    #[n(1)]
    pub manifest: Option<Manifest>,
    /// What was applied last, by name.
    #[n(2)]
    #[cbor(default)]
    pub good: Vec<Good>,
}

/// Why something cannot be kept, read or unfolded.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// Bytes that are not of the content.
    #[error("the bytes from {offset} on are not those of {hash}")]
    Lie {
        /// The content.
        hash: Hash,
        /// Where the piece begins.
        offset: u64,
    },
    /// The tree that was named is not the content's.
    #[error("the tree that the manifest names is not that of {hash}")]
    Tree {
        /// The content.
        hash: Hash,
    },
    /// A delta that gives something else.
    #[error("the delta {delta} does not give {hash}")]
    Unfolded {
        /// The delta.
        delta: Hash,
        /// What it should give.
        hash: Hash,
    },
    /// A delta that gives nothing.
    #[error("the delta {delta} cannot be used")]
    Delta {
        /// The delta.
        delta: Hash,
        /// Why not.
        source: DeltaError,
    },
    /// The bound on the disk.
    #[error(
        "{hash} has {bytes} bytes, and contents take {taken} of {bytes_max} bytes\nhint: raise `sync.content.disk_bytes_max`, or want less of this store"
    )]
    Full {
        /// The content.
        hash: Hash,
        /// How long it is.
        bytes: u64,
        /// What is taken.
        taken: u64,
        /// The bound.
        bytes_max: u64,
    },
    /// The disk has no room for it.
    #[error(
        "{hash} has {bytes} bytes, and the disk is {missing} bytes short of room for it: {reserve} bytes stay free for what the store records\nhint: make room on the disk; it goes on by itself"
    )]
    NoRoom {
        /// The content.
        hash: Hash,
        /// How long it is.
        bytes: u64,
        /// How many bytes more would have to be free.
        missing: u64,
        /// What stays free.
        reserve: u64,
    },
    /// It is not there, or was not what its name says and is gone now.
    #[error("the content {hash} is not there")]
    Missing {
        /// The content.
        hash: Hash,
    },
    /// The file system refuses.
    #[error("cannot use `{path}`")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl ShelfError {
    /// True when another way to the content may do better, and the same bytes never will.
    #[must_use]
    pub const fn is_of_bytes(&self) -> bool {
        matches!(self, Self::Lie { .. } | Self::Tree { .. } | Self::Unfolded { .. } | Self::Delta { .. })
    }
}

/// Where contents lie.
pub trait Shelf {
    /// How much of a content is there. Of one that has a tree nothing can be begun before the tree is whole.
    ///
    /// # Errors
    /// When the tree is not the content's, there is no room for it, or the disk fails.
    fn begin(&mut self, content: &Content) -> Result<Have, ShelfError>;

    /// Takes the next piece. It is held against the hash before anything is written; the last one makes the content durable.
    ///
    /// # Errors
    /// When it is not the next piece of the content, or the disk fails.
    fn put(&mut self, content: &Content, offset: u64, piece: &[u8]) -> Result<Have, ShelfError>;

    /// Nothing more of a begun content comes for now. What is right of it stays.
    fn leave(&mut self, hash: &Hash);

    /// Makes a content out of an older one and a delta, both whole.
    ///
    /// # Errors
    /// When that does not give it, one is missing, there is no room, or the disk fails.
    fn unfold(&mut self, from: &Hash, delta: &Hash, to: &Content) -> Result<(), ShelfError>;

    /// True when the content is there, whole.
    fn has(&mut self, hash: &Hash) -> bool;

    /// The bytes of a whole content, held against its hash. What is not what its name says is removed.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    fn read(&mut self, hash: &Hash) -> Result<Vec<u8>, ShelfError>;

    /// Removes everything else, begun things too.
    ///
    /// # Errors
    /// When something cannot be removed.
    fn sweep(&mut self, keep: &BTreeSet<Hash>) -> Result<(), ShelfError>;

    /// Remembers this in place of what was remembered, so that a crash leaves one or the other.
    ///
    /// # Errors
    /// When it cannot be written.
    fn remember(&mut self, kept: &Kept) -> Result<(), ShelfError>;

    /// What was remembered last; nothing where there is nothing, or nothing that can be read.
    ///
    /// # Errors
    /// When the disk fails.
    fn recall(&mut self) -> Result<Kept, ShelfError>;
}
