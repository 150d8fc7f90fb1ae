//! The node's end: one machine that connects, sends what the outbox has, and goes on where the hub stands.
//!
//! ```text
//! Connect ─> Opened ─> HELLO, batches ahead of WELCOME ─> WELCOME: compare cursors ─> batches as credit allows ─> ACK ─> trim
//!                                                           └─ they disagree: LOCATE ─> Renew: a new epoch from there
//! ```
//!
//! Not here: the outbox itself, sockets. Guards: the node never depends on the hub (every state ends in a retry), bytes under way have a
//! bound, and what is worth more goes first.

mod budget;
mod config;
mod lane;
mod machine;
mod outbox;
mod reconcile;

pub use budget::{Allowance, Budgets};
pub use config::Config;
pub use machine::{Alert, Input, Node, Output};
pub use outbox::{Log, Outbox};
