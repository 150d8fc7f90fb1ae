//! A device from outside: its link, its flash, its sensors and its time are made here, and it cannot tell.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::await_holding_refcell_ref,
    clippy::print_stdout,
    clippy::result_large_err,
    missing_docs,
    unreachable_pub,
    reason = "a test says what it expects by failing"
)]

mod commands;
mod forward;
mod measure;
mod memory;
mod power;
mod settings;
#[cfg(feature = "simulator")]
mod simulator;
mod time;
mod watchdog;
mod world;
