//! Bundles: one file that a person carries between hub and store, down with metadata and contents, up with what waits in the outbox.
//!
//! A bundle is a tar (POSIX ustar, plain files only) within one zstd frame. It can be written and read in one pass, from a stick that is slow and with
//! no room to unpack; and it says each thing once. (A zip lists its files twice, and readers disagree about which list counts.)
//!
//! ```text
//! bundle.json   form, direction
//! metadata/…    files of TUF, by the names that a client asks for      down
//! order         what the hub orders for one store, opaque here         down
//! content/…     contents, by BLAKE3                                    down
//! up/…          entries of the outbox, each chained to the one before  up
//! end.json      how many there were: a bundle that ends before it is cut off
//! ```
//!
//! The bundle has no signature of its own. Downwards all that counts in it is signed already: the metadata by its keys, the contents by
//! the metadata, the order by its hub. Upwards
//! entries are what the outbox sealed and signed.
//!
//! Lives here: reading with bounds ([`read`]), writing ([`write`]), the way down ([`down`]), the way up ([`up`]). Not here: where a stick is
//! mounted, what the entries of an outbox mean.
//! Guards invariant 6: nothing is unpacked before its name, type and length were seen to be within bounds, and nothing that a bundle names
//! becomes a path.

pub mod down;
mod error;
mod limits;
mod name;
mod read;
pub mod up;
mod write;

pub use error::BundleError;
pub use limits::{Limits, ORDER_BYTES_MAX};
pub use read::{Summary, inspect};
pub use write::WriteError;

use serde::{Deserialize, Serialize};

/// The form that this build writes and reads.
pub const FORM: u16 = 1;

/// Which way a bundle goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From a hub to stores.
    Down,
    /// From a store to its hub.
    Up,
}

/// What a bundle begins with. Nothing in it is believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    form: u16,
    direction: Direction,
    /// Who made it, for people.
    #[serde(default)]
    from: String,
    /// Upwards: the head of the chain before the first entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<crate::Digest>,
}

/// What a bundle ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    /// How many entries stand between head and end.
    entries: u64,
}
