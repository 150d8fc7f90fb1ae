//! What a hub wants comes to a node, piece by piece, whatever happens between them; on a real disk.
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

mod chaos;
mod courses;
mod deltas;
mod manifests;
mod orders;
mod pieces;
mod shelves;
mod world;
