//! A node's side of its fleet: orders that are believed, artefacts that are signed, and kills at every write.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test says what it expects by failing"
)]

mod courier;
mod fleet;
mod full;
mod kills;
mod minimums;
mod orders;
mod rehearsing;
mod resuming;
mod returning;
mod settings;
mod world;
