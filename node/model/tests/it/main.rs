//! Models from outside: cards, graphs, what they answer, what is in force. Trials in processes of their own are tried with the command (`cli`), which has one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "these are tests"
)]

mod cards;
mod graphs;
mod running;
mod swapping;
