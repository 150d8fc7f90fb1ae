//! Why a client does not open, and why an update is refused: each attack by its own name.

use crate::{
    metadata::{ReadError, verify::SignatureError},
    role::{Role, RoleError},
    source::SourceError,
};
use aisle_event::Timestamp;
use std::io;

/// Why a client does not begin or open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk.
    #[error(transparent)]
    State(#[from] StateError),
    /// There is a root here already.
    #[error(
        "a root is trusted here already, of version {version}\nhint: another one comes by an update that the old one has signed"
    )]
    Trusted {
        /// Its version.
        version: u64,
    },
    /// Nothing is trusted yet.
    #[error(
        "no root is trusted here\nhint: a node gets its first root when it is claimed, or from its installer"
    )]
    NoRoot,
    /// The root is none.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The root has not signed itself.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// What is known cannot be kept or read. After this nobody knows what is on the disk: stop, and open again.
#[derive(Debug, thiserror::Error)]
#[error("cannot use `{name}` in the folder of trusted metadata")]
pub struct StateError {
    /// Which file.
    pub name: String,
    /// Why not.
    pub source: io::Error,
}

/// Why an update is refused. What was known before stays, and what runs goes on running.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The disk.
    #[error(transparent)]
    State(#[from] StateError),
    /// A file does not come.
    #[error("`{name}` does not come")]
    Source {
        /// Which.
        name: String,
        /// Why not.
        source: SourceError,
    },
    /// Endless or oversized: more than was said, or than may be.
    #[error("`{name}` has more than {bytes_max} bytes")]
    TooLong {
        /// Which.
        name: String,
        /// How many may be.
        bytes_max: u64,
    },
    /// It is no metadata.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Not signed by those who may: too few, forged, or by a key of another role.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// A name that no role can have.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// Mix-and-match: another version than was said.
    #[error("`{role}` is of version {found}, and version {expected} was announced")]
    Version {
        /// Whose.
        role: Role,
        /// Its version.
        found: u64,
        /// What was announced.
        expected: u64,
    },
    /// Mix-and-match: other bytes than were said.
    #[error("`{role}` of version {version} is not what was announced: its {what} is another one")]
    Mismatch {
        /// Whose.
        role: Role,
        /// Its version.
        version: u64,
        /// What of it: its length or its hash.
        what: &'static str,
    },
    /// Rollback: older than what is known.
    #[error("`{role}` of version {found} is offered, and version {trusted} is known")]
    Rollback {
        /// Whose.
        role: Role,
        /// What is offered.
        found: u64,
        /// What is known.
        trusted: u64,
    },
    /// A snapshot that forgets somebody.
    #[error("the snapshot of version {version} forgets `{file}`, which it listed before")]
    Forgotten {
        /// Of the snapshot.
        version: u64,
        /// What it forgets.
        file: String,
    },
    /// Freeze: nothing newer is offered than what has run out.
    #[error("`{role}` of version {version} has run out {} s ago\nhint: the hub has to publish a newer one; a node with a wrong clock has to learn the time first", ago(.since, .now))]
    Expired {
        /// Whose.
        role: Role,
        /// Its version.
        version: u64,
        /// When it ran out.
        since: Timestamp,
        /// What the time is.
        now: Timestamp,
    },
    /// A role, or what must name it, is not there.
    #[error("`{role}` is named by nothing that was signed")]
    UnknownRole {
        /// Whose.
        role: Role,
    },
    /// A role names what it was not given.
    #[error("`{role}` names `{path}`, which it was not given")]
    OutsidePaths {
        /// Whose list.
        role: Role,
        /// The path.
        path: String,
    },
    /// More than is gone through.
    #[error("{what}: more than {max}")]
    TooMany {
        /// What.
        what: &'static str,
        /// How many may be.
        max: u64,
    },
    /// Nobody names that target.
    #[error("no target `{path}` is named by anybody who may")]
    NotFound {
        /// Which.
        path: String,
    },
}

fn ago(since: &Timestamp, now: &Timestamp) -> u64 {
    now.ms_since(*since) / 1000
}
