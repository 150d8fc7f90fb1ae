//! The protocol from outside: bytes that are for ever, and peers that lie. The world in which everything goes wrong is `tests/simulate`.
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

mod batches;
mod golden;
mod hostile;
mod messages;
mod order;
mod random;
mod sales;
mod shop;
