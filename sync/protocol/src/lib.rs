//! What a store and a hub say to each other, and how each of them goes on from anything that can happen to the other.
//!
//! ```text
//! outbox ─ sealed batches ─> node::Node <── frames on streams ──> hub::Hub ─ questions ─> hub::admit over hub::Ledger ─ commit ─> ACK
//! ```
//!
//! Lives here: logs and their hash chain ([`log`]), sealed batches ([`batch`]), control messages ([`control`]), streams and frames
//! ([`frame`]), both machines ([`node`], [`hub`]) and all bounds ([`limits`]). PROTOCOL.md beside this crate says the same for somebody
//! who writes another implementation.
//!
//! Not here: sockets, files, clocks, databases, keys; what a receipt says (`aisle-residency`); where batches lie (the outbox).
//! Guards invariants 1 (acknowledged means durable, at the hub too), 6 (every queue has a bound), 7 (order does not hang on a
//! clock) and 9 (no sockets, no clock).

pub mod batch;
mod clock;
pub mod control;
pub mod frame;
pub mod hub;
pub mod limits;
pub mod log;
pub mod node;
mod pack;
pub mod varint;

pub use batch::{Batch, Checked, Header, PolicyId};
pub use control::{ErrorCode, LinkKind, Message, Version};
pub use frame::Stream;
pub use log::{Chain, Epoch, Hash, Head, Item, LogClass, LogId, PerClass, Point};
