//! What the vocabulary promises: golden bytes, additive evolution, honest units.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test says what it expects by failing"
)]

mod evolution;
mod golden;
mod hlc;
mod samples;
mod units;
