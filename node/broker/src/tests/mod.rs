//! Tests of what is private: the rules that a client cannot see from outside, or not at will.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects by failing"
)]

mod courses;
mod desk;
mod parts;
mod publishing;
mod sending;
mod sessions;
