//! The vault: the keys that persons' values are sealed with at rest, and how they are destroyed for good.
//!
//! ```text
//! append ─> Vault::cover ─> journal on disk (sealed, chained) ─> Vault::uncover ─> readers, index, outbox
//!               └── keys: one for each customer, one for each hour of searches and scans, one for each plugin
//! erase ──> Eraser: find ─> destroy ─> note in the journal ─> receipt
//! ```
//!
//! Files, in a directory of their own: `keys` (keys and whose they are), `erasing` (what is being destroyed), `rebuild` (the index has to
//! be made anew), `erasures` (entries of the journal, kept at hand). None of them belongs into a backup of the journal: a backup with its keys
//! brings back who was erased until the journal beside it is read.
//!
//! Not here: how a value is sealed and in which order an erasure goes (`aisle-residency`), and what is derived from the journal.
//! Guards that a personal value is nowhere on the disk but sealed, and invariant 8: after a failed sync nothing is sealed any more.

mod eraser;
mod error;
mod find;
mod holder;
mod intent;
mod notes;
mod slots;
mod vault;

pub use eraser::{Around, Eraser, Wanted};
pub use error::{EraseError, VaultError};
pub use vault::Vault;
