//! The simulator: stores, lines and hubs in one thread, one seed and a time of their own, with everything that goes wrong with them.
//!
//! ```text
//! World ── happenings ─> Journal on FaultIo ─> Projector, Gate ─> Outbox ─> node::Node ══ lines ══> hub::Hub ─> admit, Verifier ─> Database
//!   │                    real                  real              real      real                    real       real              a model
//!   └─ faults: loss, delay, doubling, partition, power cuts, kills, full and failing disks, clocks, policies, backups
//! Checker: what journals acknowledged against what lines carried and hubs have
//! ```
//!
//! What is real is real to the byte; what is a model are the lines (their streams are reliable and in order, as QUIC's are, and in a quarter
//! of the worlds not even that) and the hubs' database (transactions, a compare-and-set, commits that are not yet on disk). Nothing reads a
//! clock or a generator of the machine, so a seed replays exactly. [`Mutant`]s are mistakes in the wiring here, each to be caught.
//!
//! Not here: sockets, threads of the node, SQL (`tests/crash` kills real processes).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a simulator says what it expects by failing, and who runs it catches that"
)]

mod checker;
mod database;
mod happening;
mod law;
mod many;
mod mutant;
mod random;
mod store;
mod world;

pub use many::{Outcome, run_many, run_one};
pub use mutant::Mutant;
pub use world::{Failure, Tally};
