//! The journal from outside: what it promises, tried on a disk in memory that fails on demand and on a real one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test says what it expects by failing"
)]

mod clock;
mod corruption;
mod faults;
mod model;
mod open;
mod power;
mod queue;
mod reading;
mod segments;
mod support;
mod veil;
