//! A device of the shop: what runs on it, and the simulator that runs hundreds of them.
//!
//! Not here: what is said on the wire (`aisle-firmware-config`).
#![cfg_attr(not(any(test, feature = "floor", feature = "simulator")), no_std)]

#[cfg(feature = "floor")]
pub mod floor;
