//! Sticks: what a store would fetch by the line, in one file; and what a store would have sent, brought in by hand.
//!
//! ```text
//! down:  metadata ─ the store's order ─ contents that it names ─> FILE          up:  FILE ─ batches ─ gate, chain, rows, cursor ─> as by the line
//! ```
//!
//! Lives here: which contents a store's bundle has ([`down`]), and holding batches of a bundle to what those of a connection are held to ([`up`]). Not here: the form of bundles
//! (`aisle_artefact::bundle`), the checks of batches (`aisle_protocol::hub`, [`crate::gate`]).
//! Guards: a batch on a stick gets in by no other way than one by the line. There is no certificate on a stick, so receipts count that a node which may come has signed,
//! and no others.

mod down;
mod up;

pub use down::{CarriedDown, DownError};
pub use up::{CarriedUp, Intake, UpError};
