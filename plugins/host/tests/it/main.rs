//! The sandbox from outside: real components, and what becomes of what they do.
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

mod answers;
mod breaker;
mod cache;
mod cases;
mod chain;
mod fixtures;
mod guests;
mod hostile;
mod kv;
mod loading;
#[path = "../made/mod.rs"]
mod made;
mod manifest;
mod mutated;
mod outcomes;
mod recordings;
mod swap;
