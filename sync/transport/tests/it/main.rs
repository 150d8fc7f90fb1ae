//! Both ends over real sockets of this machine, on good lines and bad ones.
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

mod authority;
mod bounds;
mod certificates;
mod cost;
mod delivery;
mod desk;
mod down;
mod hostile;
#[expect(dead_code, reason = "the harness offers more than these tests need")]
#[path = "../../../../tests/harness/src/link/mod.rs"]
mod link;
mod paths;
mod shelf;
mod world;
mod worth;
