//! What a device and a store's node say to each other, for both ends of the wire.
//!
//! Not here: sockets, tasks, clocks (`aisle-device`), and what the node does with what it hears (`aisle-devices`).
#![cfg_attr(not(feature = "std"), no_std)]
