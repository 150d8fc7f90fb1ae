//! Erasing a person, step by step, so that a crash anywhere loses no step and does none that is not provable.
//!
//! ```text
//! requested ─> key destroyed ─> derived rewritten ─> retention ended ─┐
//!                    └────────> each hub asked ─> its proof kept ─────┴─> completed, with a proof of our own
//! ```
//!
//! [`Erasures`] is a fold: it takes [`Entry`]s in the journal's order and says what is due. The caller does what is due and writes the entry
//! that says so; every duty can be done again after a crash. Not here: the keys ([`crate::seal`]), the index, the journal, the hub.

mod entry;
mod proof;
mod state;

pub use entry::{ASKS_MAX, Ask, Entry, EntryError, NAME_BYTES_MAX, Request, Step};
pub use proof::{Proof, ProofError};
pub use state::{Duty, ERASURES_MAX, Erasures, Progress};
