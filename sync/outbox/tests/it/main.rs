//! The outbox from outside: what it seals, what survives, what never gets in.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "a test says what it expects by failing"
)]

mod aggregates;
mod canary;
mod courses;
mod crash;
mod damage;
mod epochs;
#[path = "../../../residency/tests/it/support.rs"]
#[allow(dead_code, reason = "what its own crate's tests need is more than these do")]
mod gate;
mod hub;
mod machine;
mod policies;
mod reading;
mod room;
mod sealing;
mod support;
mod threads;
