//! What is signed is what runs: keys, repository, client, bundles; every attack by its name, every step killed.
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

mod artefacts;
mod attacks;
mod bundles;
mod carried;
mod contents;
mod disk;
mod keys;
mod kills;
mod peer;
mod repository;
mod searches;
mod standings;
mod tricks;
mod world;
