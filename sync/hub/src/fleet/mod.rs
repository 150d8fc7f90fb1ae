//! The fleet: what people say of it is kept, the rules of `aisle-fleet` work on it, and stores get their orders.
//!
//! ```text
//! http::fleet ─ act, apply ─ one transaction: document or rollout, what happened, audit ─> rows ──┐ wake
//! desk ─ REPORT ─> node_reports ──────────────────────────────────────────────────────────────────┤
//!                                                                                                 ▼
//!            engine, at the one hub that has the lease:  feed facts ─> rollouts ─> save by compare-and-set
//!                                                        resolve ─> stamps ─> orders, signed ─> `desired` ─> herald, WELCOME
//! ```
//!
//! Lives here: the engine ([`engine`]), what it goes by, read once ([`world`]), orders ([`orders`]), business metrics ([`business`]), verbs ([`act`]), documents
//! ([`apply`]), preflights ([`ahead`]), rehearsals ([`rehearse`]), results of device settings ([`devices`]), which stores a filter asks for ([`grid`]), which rollouts may be
//! forgotten ([`forget`]), what a store that is not heard has by now ([`aged`]), what the engine tells of all that ([`telemetry`]). Not here: the rules (`aisle-fleet`), rows ([`crate::database::fleet`]), who may say what ([`crate::http::permits`]), which
//! artefacts there may be (those are signed elsewhere; a node looks at that itself). Guards: nothing is in an order whose bytes are not here, one hub at a time
//! lets the rules work, and a hub that is killed anywhere goes on where the rows stand.

pub(crate) mod act;
pub(crate) mod aged;
pub(crate) mod ahead;
pub(crate) mod apply;
mod business;
pub(crate) mod devices;
mod effects;
pub mod engine;
pub(crate) mod forget;
pub(crate) mod grid;
pub mod metadata;
mod orders;
pub(crate) mod rehearse;
mod telemetry;
pub(crate) mod world;

#[cfg(test)]
pub(crate) use telemetry::shown;

pub use engine::{Engine, Looked, Parts, Settings};
pub use metadata::{Metadata, NoMetadata};

use crate::people::audit::By;
use std::sync::Arc;
use tokio::sync::Notify;

/// The most rollouts that are kept.
pub const ROLLOUTS_MAX: i64 = 1_000;
/// The most overrides.
pub const OVERRIDES_MAX: i64 = 20_000;
/// The most filters.
pub const FILTERS_MAX: i64 = 1_024;
/// The actor of what the rules do.
pub const RULES: &str = "rules";

/// Wakes the engine of this hub, where it has one that works. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Something has changed.
    pub fn wake(&self) {
        self.0.notify_one();
    }

    pub(crate) async fn woken(&self) {
        self.0.notified().await;
    }
}

/// Who the rules are, for the audit log.
fn rules() -> By {
    By { id: RULES.into(), name: RULES.into(), way: RULES, address: String::new() }
}
