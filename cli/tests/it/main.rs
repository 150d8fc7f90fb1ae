//! The command from outside: the real binary, real plugins that it made and built itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "a test says what it expects by failing"
)]

mod aisle;
mod bench;
mod broken;
mod cases;
mod fleet;
mod install;
mod model;
mod new;
mod replay;
mod watch;
