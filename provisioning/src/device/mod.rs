//! Devices of a store: how they show who they are, and who may not come in any more.
//!
//! A device that can make a key asks for a certificate like a node, with [`KeyRules::DEVICE`](crate::request::KeyRules::DEVICE). For one that cannot, key and certificate are made together and
//! handed over once ([`bundle`]). One that knows no TLS gets a password of its own ([`roster`]). Bans, of nodes and of devices, are one signed list ([`revocation`]).
//!
//! Not here: what a device may publish (`aisle-broker`), what it is (`aisle-devices`).

pub mod bundle;
pub mod revocation;
pub mod roster;

pub use bundle::{Bundle, BundleError};
pub use revocation::{Entry, ListError, RevocationBoard, RevocationList, Revocations, What};
pub use roster::{DevicePassword, Roster, RosterError, Way};
