//! The outbox: what may leave the store, sealed and durable before anybody is sent it.
//!
//! ```text
//! journal ─tail─> Projector ─ Gate ─> lane of the event's class ─ Draft, Batch::seal ─> one durable log per class ─> Outbox ─> node::Node
//!                    ▲                                                                   p0 p1 p2 p3                  │
//!                    └────────────── acknowledged, begin a new epoch ─────────────────────────────────────────────────┘
//! ```
//!
//! Lives here: the [`Projector`], which alone writes; the [`Outbox`], which the protocol's machine reads; the thread that runs a projector
//! ([`Driver`]); what people ask of receipts and policies afterwards ([`receipts()`], [`dry_run`], [`event_at`]).
//!
//! Each class is a journal of its own (`p0` … `p3`). A record holds a sealed batch *and* how far the store's journal was gone through for it,
//! or such a state alone; so the last record is the truth, wherever the power went. What was counted for aggregates and what was told of
//! it are one append: no window is told twice.
//!
//! Not here: what may leave (`aisle-residency`), how a batch looks (`aisle-protocol`), sockets. Guards invariants 1 (only what is
//! durable is shown to who sends), 3 (only an `Egress` gets in) and 6 (at the bound the least valuable goes first, sales never).

mod config;
mod counting;
mod driver;
mod epoch;
mod error;
mod fold;
mod form;
mod index;
mod lane;
mod log;
mod notice;
mod open;
mod outbox;
mod projector;
mod reading;
mod room;
mod shelf;
mod telemetry;

pub use config::{Config, InvalidConfig};
pub use driver::{Driver, DriverError, Follower};
pub use error::{OpenError, ReadError, StepError};
pub use notice::{Notice, Why};
pub use open::{Opened, Setup, open, open_with};
pub use outbox::{Backlog, Outbox};
pub use projector::{Projector, Stepped};
pub use reading::{
    Batches, DryRun, DryRunError, Issued, Progress, Receipts, Waiting, batches, dry_run, event_at, receipts,
    waiting,
};

/// Registers the metrics of an outbox that is never opened, for a reference of all that there are.
pub fn describe(metrics: &mut prometheus_client::registry::Registry) {
    telemetry::Telemetry::describe(metrics);
}
