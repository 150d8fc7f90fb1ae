//! The journal: a segmented, chained, crash-safe log with group commit. Everything that happens in the store goes
//! through it, and every other state is made from it.
//!
//! ```text
//! submit / append ─> queue (bounded) ─> commit thread ─> segment file ─> readers, tails
//!                                        one write,         │
//!                                        one fdatasync      └─ trim from the front
//! ```
//!
//! Lives here: [`Journal`] (writing, reading, trimming, verifying), what opening found ([`Recovery`]), the readers
//! ([`Reader`], [`Tail`], [`read_only`]), checks for tools ([`verify()`], [`stats`]), what hides parts of
//! payloads on the disk ([`Veil`]), the bytes there ([`record`],
//! [`control`], [`chain`]) and the machine underneath ([`io::Io`]).
//!
//! Not here: what an event means. A record's kind and payload are numbers and bytes to the journal.
//! Guards invariant 1 (acknowledged means durable), 6 (the queue is bounded), 7 (order does not hang on the wall clock)
//! and 8 (a failed sync is fatal).

pub mod chain;
mod commit;
mod config;
pub mod control;
mod damage;
#[cfg(feature = "fault")]
pub mod fault;
pub mod io;
mod journal;
mod park;
mod queue;
mod reader;
pub mod record;
mod recovery;
mod salvage;
mod segment;
mod segments;
mod stage;
mod tail;
mod telemetry;
mod ticket;
mod trim;
mod veil;
mod verify;
mod walk;
mod window;

pub use config::{Config, OnCorruption};
pub use damage::{Damage, Problem};
pub use io::{FileError, Io, RealIo};
pub use journal::{AppendError, Journal};
pub use queue::{Entry, SubmitError};
pub use reader::{ReadError, Reader, read_only, read_only_with};
pub use record::Record;
pub use recovery::{OpenError, Recovery};
pub use salvage::{QuarantineError, Quarantined};
pub use segment::SegmentError;
pub use tail::Tail;
pub use ticket::{CommitError, Committed, Failure, Ticket};
pub use trim::{TrimError, Trimmed};
pub use veil::Veil;
pub use verify::{Stats, Verified, VerifyError, head_before, stats, verify};
