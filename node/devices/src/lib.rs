//! What is around the store's node: today the bridge to an MQTT broker that the store already has.
//!
//! A store has its devices at the node's own broker, at a broker of its own, or at both. The [`bridge`] makes a message
//! that comes by the second way mean the same as one that comes by the first: it is published into `aisle-broker` by a client
//! of the node's own process, with topic, payload, QoS, retain flag and properties as they were, and is acknowledged to the
//! broker that it came from only when it is in the journal.
//!
//! Not here: sessions, retained messages, topic trees (`aisle-broker`). Only this crate names `rumqttc`, and only
//! `bridge::remote` does.
//! Guards invariant 1 across the bridge: neither side is told that a message is taken before the other side has it for sure.

pub mod alert;
pub mod bridge;
pub mod registry;
pub mod rfc3339;
pub mod service;
pub mod telemetry;
mod words;
