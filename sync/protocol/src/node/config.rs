//! What an operator sets for the node's end, and who the node is. Times are milliseconds.

use super::budget::Budgets;
use crate::{
    batch::PolicyId,
    control::{LinkKind, Version},
    limits::BATCH_BYTES_MAX,
};
use aisle_event::StoreId;

/// The node's end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Whose node it is.
    pub store: StoreId,
    /// Which node it is.
    pub node: String,
    /// The region the store lies in.
    pub region: String,
    /// The program and its version, for people.
    pub software: String,
    /// The versions it speaks.
    pub versions: Vec<Version>,
    /// What the line costs, until told otherwise.
    pub link: LinkKind,
    /// The policy that the gate applies.
    pub policy: PolicyId,
    /// How many bytes each class may send.
    pub budgets: Budgets,
    /// How long a connection may take to open.
    pub connect_timeout_ms: u64,
    /// How long the hub may take to answer HELLO.
    pub hello_timeout_ms: u64,
    /// How long the hub may take to acknowledge what is under way, before the connection is given up.
    pub ack_timeout_ms: u64,
    /// The wait before the first new attempt is drawn from zero to this; it doubles with each attempt.
    pub backoff_base_ms: u64,
    /// The most that the bound of the wait grows to. One RETRY_AFTER counts for a day at most.
    pub backoff_max_ms: u64,
    /// The most bytes under way over all classes. Stock may take three quarters of it, telemetry a half, bulk a quarter.
    pub in_flight_bytes_max: u64,
}

impl Config {
    /// The defaults for a store's node.
    #[must_use]
    pub fn new(store: StoreId, node: impl Into<String>) -> Self {
        Self {
            store,
            node: node.into(),
            region: String::new(),
            software: concat!("aisle ", env!("CARGO_PKG_VERSION")).into(),
            versions: Version::spoken(),
            link: LinkKind::default(),
            policy: PolicyId::default(),
            budgets: Budgets::default(),
            connect_timeout_ms: 10_000,
            hello_timeout_ms: 10_000,
            ack_timeout_ms: 60_000,
            backoff_base_ms: 500,
            backoff_max_ms: 300_000,
            in_flight_bytes_max: 4 * BATCH_BYTES_MAX as u64,
        }
    }
}
