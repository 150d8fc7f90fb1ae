//! What a device and a store's node say to each other, for both ends of the wire.
//!
//! A device that knows the *contract* speaks [`message`]s about [`topic`]s of its own, in JSON or CBOR. It has settings with
//! a schema ([`setting`]) and keeps their twin ([`twin`]). A device that knows nothing of Aisle is understood through a
//! `profile` (feature `std`), and a node `heard` both. Without that feature there is no heap: every text and list has a bound.
//!
//! Not here: sockets, tasks, clocks (`aisle-device`), and what the node does with what it hears (`aisle-devices`).
//! Guards invariant 10 for what devices send: what cannot be read is refused with a field path, and changes nothing.
#![cfg_attr(not(feature = "std"), no_std)]
#![expect(
    clippy::result_large_err,
    reason = "a fault carries its path and reason, and there is no heap to box it on"
)]

pub mod epc;
pub mod fault;
#[cfg(feature = "std")]
pub mod heard;
pub mod message;
pub mod nearest;
#[cfg(feature = "std")]
pub mod profile;
pub mod setting;
pub mod topic;
pub mod twin;
pub mod unit;
pub mod wire;
