//! The hub: takes in what stores may send, once, in order, with proof, and shows, checks, exports and keeps it.
//!
//! ```text
//! aisle-transport ──Desk──> desk ─ checked batches ─> database::admission ─ one transaction: gate, chain, rows, cursor ─> commit ─> ACK
//!                                                       SQLite | PostgreSQL ──> http, console, commands: status, verify, export, backup
//! ```
//!
//! Lives here: the database ([`database`]), the gate over receipts ([`gate`]), the answers to connections ([`desk`]), contents that
//! nodes fetch ([`content`]), what stores are to become ([`publish`]), what goes on to a hub above ([`relay`]), what may run at all and who signed it ([`artefacts`]), how boxes
//! get in by themselves ([`enrol`]), what the fleet is to become and how it gets there ([`fleet`]), who may do what ([`people`]), the HTTP interface ([`http`]), the pages for people ([`console`]), checking ([`verify`]) and export
//! ([`export`]), and the only mention of
//! `sqlx`, `parquet` and `object_store`.
//!
//! Not here: sockets of stores (`aisle-transport`), the rules of the protocol (`aisle-protocol`) and of residency (`aisle-residency`).
//! Guards invariants 1 (acknowledged means durable, at the hub too), 3 (nothing without a receipt is held) and 6.

pub mod artefacts;
mod callers;
pub mod config;
pub mod console;
pub mod content;
pub mod database;
pub mod desk;
pub mod enrol;
pub mod export;
pub mod filter;
pub mod fleet;
pub mod gate;
mod herald;
pub mod http;
pub mod key;
mod network;
pub mod objects;
mod outcomes;
pub mod payload;
pub mod people;
pub mod policies;
pub mod presence;
pub mod publish;
pub mod recent;
pub mod relay;
mod search;
mod secure;
pub mod serve;
pub mod telemetry;
pub mod verify;

pub use config::{Config, ConfigError};
pub use database::Database;
pub use desk::HubDesk;
pub use gate::ReceiptGate;
