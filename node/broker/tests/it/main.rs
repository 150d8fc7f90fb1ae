//! The broker from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a test says what it expects by failing"
)]

mod access;
mod access_file;
mod certified;
mod crowded;
mod faults;
mod faults_support;
mod packet;
mod packet_any;
mod packet_peer;
mod packet_round_trip;
mod topic;
mod topic_trees;
mod transport;
mod transport_support;
mod transport_tls;
mod transport_websocket;
