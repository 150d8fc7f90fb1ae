//! The chain of an outbox, as the sync protocol defines it: `h_n = BLAKE3(h_{n-1} ‖ seq ‖ hlc ‖ kind ‖ length ‖ payload)`, numbers in
//! little-endian order (64, 64, 16 and 32 bits).
//!
//! Written a second time here on purpose: who signs computes the head from what the gate let out, not from what the outbox says.

use super::Log;
use aisle_event::{EventType, Hlc};

/// The hash that stands for everything up to one item.
pub type Head = [u8; 32];

/// The head before the first item: `BLAKE3("aisle outbox 1" ‖ store ‖ class ‖ epoch)`.
#[must_use]
pub fn genesis(log: &Log) -> Head {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"aisle outbox 1");
    hasher.update(log.store.as_str().as_bytes());
    hasher.update(&[log.lane.number()]);
    hasher.update(&log.epoch);
    *hasher.finalize().as_bytes()
}

/// The head after one more item.
#[must_use]
pub fn extend(head: &Head, seq: u64, hlc: Hlc, kind: EventType, payload: &[u8]) -> Head {
    let mut input = Vec::with_capacity(54 + payload.len());
    input.extend_from_slice(head);
    input.extend_from_slice(&seq.to_le_bytes());
    input.extend_from_slice(&hlc.0.to_le_bytes());
    input.extend_from_slice(&kind.0.to_le_bytes());
    // A payload is far below 4 GiB: a frame has a mebibyte.
    input.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    input.extend_from_slice(payload);
    *blake3::hash(&input).as_bytes()
}
