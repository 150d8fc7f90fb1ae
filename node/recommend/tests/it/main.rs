//! What the recommender promises, seen from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a test says what it expects by failing"
)]

mod cache;
mod data;
mod experiments;
mod known_answers;
mod ladder;
mod promises;
mod rules;
mod settings;
mod shop;
mod vmis;
