//! The store's own MQTT broker: 3.1.1 and 5, and an acknowledgement only for what is on disk.
//!
//! What a client sends becomes an operation; what must survive is written to the journal and applied, in the journal's order,
//! after its commit. So the state of the broker is a fold of the journal, live and after a restart by the same code.
//!
//! Not here: what a message means (`aisle-devices`), the log itself (`aisle-journal`).
//! Guards invariant 1: no PUBACK, PUBREC, PUBCOMP, SUBACK or session-present before the commit that it speaks of.

pub mod access;
mod broker;
mod clock;
mod config;
mod connection;
mod core;
mod driver;
mod image;
pub mod local;
mod message;
mod op;
mod outbox;
pub mod packet;
mod sequence;
mod session;
#[cfg(any(test, feature = "simulation"))]
#[doc(hidden)]
pub mod simulation;
mod store;
mod sys;
mod telemetry;
#[cfg(test)]
mod tests;
pub mod topic;
pub mod transport;

pub use broker::{Broker, OpenError, Opened, Running};
pub use config::{Config, InvalidConfig, Limits, Overflow};
pub use core::{ClientView, Overview, RetainedView, SessionView, SubscriptionView};
