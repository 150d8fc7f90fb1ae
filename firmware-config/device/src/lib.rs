//! A device of the shop: what runs on it, and the simulator that runs hundreds of them.
//!
//! Not here: what is said on the wire (`aisle-firmware-config`).
#![cfg_attr(not(any(test, feature = "floor", feature = "simulator")), no_std)]
#![expect(async_fn_in_trait, reason = "a device is one future on one thread: nothing in it needs `Send`")]

mod backoff;
pub mod clock;
mod device;
mod filter;
pub mod flash;
#[cfg(feature = "floor")]
pub mod floor;
pub mod link;
mod record;
pub mod sensor;
mod tasks;
pub mod watchdog;

pub use device::{Actions, Board, Device, Parts, Stream};
pub use tasks::{Ended, run};
