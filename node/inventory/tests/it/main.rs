//! Stock and cold chain from outside: what events add up to, and what follows from it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test says what it expects by failing"
)]

mod cold_chain;
mod position;
mod task;
