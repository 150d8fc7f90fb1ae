//! The hub's end: one machine for each connection, and the rule of its ledger.
//!
//! ```text
//! bytes ─> frames ─> HELLO ──Ask(Resume)──> WELCOME, CREDIT
//!                    batches ─Ask(Admit)──> transaction ──Answer──> ACK, CREDIT | CURSOR | ERROR | RETRY_AFTER
//! ```
//!
//! The machine asks and waits; whoever drives it answers from a transaction that has been committed. Not here: the database, sockets.
//! Guards: an ACK is said only in answer to a commit.

mod config;
mod lane;
mod ledger;
mod machine;

pub use config::Config;
pub use ledger::{
    AdmitError, Agreement, Decision, EPOCHS_MAX, Gate, Known, Ledger, Objection, Stop, admit, check, locate,
    resume,
};
pub use machine::{Alert, Answer, Hub, Input, Output, Question};
