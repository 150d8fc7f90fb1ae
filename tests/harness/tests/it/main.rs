//! Tests of the harness itself: a generator that is wrong makes every test above it wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test says what it expects by failing"
)]

mod floor;
mod hub;
mod mqtt;
mod node;
mod shop;
mod shoppers;
mod store;
