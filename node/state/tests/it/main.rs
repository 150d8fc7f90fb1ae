//! The state from outside: what events add up to, and what happens to the index.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test says what it expects by failing"
)]

mod bounds;
mod checkpoints;
mod follow;
mod imports;
mod offers;
mod rebuild;
mod replay;
mod shop;
mod snapshot_files;
mod store;
