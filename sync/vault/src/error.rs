//! Why keys cannot be used, and why an erasure does not go on.

use aisle_journal::{AppendError, FileError, ReadError};
use aisle_residency::{
    entropy::NoEntropy,
    erasure::{EntryError, ProofError},
    seal::SealError,
};
use std::path::PathBuf;

/// Why the keys cannot be opened or changed.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The machine refused something.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is no file of keys.
    #[error(
        "`{path}` is no file of keys\nhint: put it back from where keys are kept; without it what was sealed cannot be read"
    )]
    Header {
        /// Which.
        path: PathBuf,
    },
    /// What is to be destroyed does not read.
    #[error(
        "`{path}` says which keys are to be destroyed and does not read\nhint: put it back from a backup of this directory"
    )]
    Intent {
        /// Which.
        path: PathBuf,
    },
    /// Another erasure is destroying keys.
    #[error("the erasure `{erasure}` has destroyed its keys and has not noted it yet")]
    Unsettled {
        /// Which.
        erasure: String,
    },
    /// There is no randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

/// Why an erasure does not go on. It does when it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The keys cannot be changed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The journal cannot be read.
    #[error("the journal cannot be read")]
    Read(#[from] ReadError),
    /// The journal takes nothing.
    #[error("the journal takes no entry of an erasure")]
    Append(#[from] AppendError),
    /// A record of an erasure does not read.
    #[error("record {seq} is of an erasure and does not read: {source}")]
    Entry {
        /// Which record.
        seq: u64,
        /// Why not.
        source: EntryError,
    },
    /// A record that may be about the person does not open.
    #[error("record {seq} does not open: {source}")]
    Sealed {
        /// Which record.
        seq: u64,
        /// Why not.
        source: SealError,
    },
    /// There is nothing to prove.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// There is no such erasure.
    #[error("there is no erasure `{erasure}`")]
    Unknown {
        /// Which.
        erasure: String,
    },
    /// What does not fit in an entry.
    #[error("`{field}` of the erasure is refused: {reason}")]
    Refused {
        /// What.
        field: &'static str,
        /// Why.
        reason: String,
    },
}
