//! The vault from outside: what lies on the disk, what an erasure leaves of it, and what a power cut may do in between.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test says what it expects by failing"
)]

mod crash;
mod erasing;
mod sealing;
mod store;
