//! The hub from outside: what is taken in, over both databases; what is shown, exported, backed up; what is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "a test says what it expects by failing"
)]

mod artefacts;
mod backups;
mod buckets;
mod configuration;
mod console;
mod courses;
mod desks;
mod down;
mod enrolling;
mod erasing;
mod exports;
mod fleet;
mod interface;
mod people;
mod postgres;
mod relaying;
mod running;
mod shop;
mod taking;
mod tampering;
mod told;
mod week;
