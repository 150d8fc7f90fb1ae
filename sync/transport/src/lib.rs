//! Moves the bytes of `aisle-protocol` between a store and a hub: sockets, certificates, clocks.
//!
//! ```text
//! node:  outbox ─> client ── QUIC on UDP, or streams over TLS on TCP ──> server ─> Desk (aisle-hub)
//!                  (node::Node, one thread)                              (hub::Hub for each connection)
//! ```
//!
//! Lives here: both drivers ([`client`], [`server`]), what the hub's asks of its database ([`desk`]), who an end is ([`identity`], [`tls`]),
//! and the only mention of `quinn`. Not here: what the bytes mean and when they are sent (`aisle-protocol`), what lies on
//! disk (`aisle-outbox`, `aisle-hub`), who may have a certificate (provisioning).
//! Guards: nobody without a certificate of the chain is heard; every handshake, connection, queue and wait has a bound; a store whose UDP is
//! blocked gets through all the same, and says so.

pub mod client;
pub mod desk;
pub mod identity;
mod judge;
mod link;
mod path;
mod quic;
pub mod server;
pub mod tls;

pub use desk::Desk;
pub use identity::Identity;
pub use path::Path;
pub use tls::Credentials;
