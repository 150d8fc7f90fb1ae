//! The bridge between the node's own broker and a real mosquitto: what crosses, what does not, and what happens when
//! something breaks.

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

mod bridge_under_test;
mod client;
mod configuration;
mod crossing;
mod cut;
mod failures;
mod loops;
mod mosquitto;
mod outages;
mod register;
mod scripted;
mod secure;
mod service;
mod shop;
mod store;
mod telemetry;
mod twins;

use std::time::{Duration, Instant};

/// Waits until it is so, and fails with the last answer when it does not become so.
async fn eventually<T: std::fmt::Debug>(mut look: impl FnMut() -> T, is_so: impl Fn(&T) -> bool) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let seen = look();
        if is_so(&seen) {
            return seen;
        }
        assert!(Instant::now() < deadline, "it never became so; last seen: {seen:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
