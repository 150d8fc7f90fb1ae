//! From the carton to a ban: claims, certificates, clocks that lie, and power that goes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test says what it expects by failing"
)]

mod authorities;
mod certificates;
mod claims;
mod clocks;
mod codes;
mod compatible;
mod devices;
mod disk;
mod enrolling;
mod est;
mod horizon;
mod identities;
mod journey;
mod keyrings;
mod openssl;
mod parsing;
mod powercuts;
mod requests;
mod tls;
mod world;
