//! The contract from outside: bytes in, values or faults out, for both encodings; settings, twins, profiles.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test says what it expects by failing"
)]

mod epc;
mod faults;
mod golden;
mod made_up;
mod profiles;
mod round_trips;
mod settings;
mod topics;
mod twins;
