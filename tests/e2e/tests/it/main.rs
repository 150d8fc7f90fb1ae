//! The whole node from outside: the real binary, on real disks, over HTTP and in a real browser.
//!
//! Not here: what a part does by itself; that is tested beside the part. Guards: the promises of README.md.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs,
    reason = "a test says what it expects by failing, and aloud what it skips"
)]

mod admin;
mod board;
mod console;
mod demo;
mod devices;
mod enrolment;
mod faults;
mod fleet;
mod fleet_cli;
mod guides;
mod hostile;
mod import;
mod installs;
mod mqtt;
mod outage;
mod pages;
mod plugins;
mod residency;
mod run;
mod support;
mod sync;
