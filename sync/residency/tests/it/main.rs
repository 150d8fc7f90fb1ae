//! What may leave, and the proof that nothing else does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test says what it expects by failing"
)]

mod aggregates;
mod canary;
mod default_deny;
mod erasures;
mod examples;
mod explaining;
mod gate;
mod noise;
mod parsing;
mod policies;
mod receipts;
mod sealing;
mod support;
