//! Boxes that enrol by themselves, over real TLS at a real hub: from `init` and a claim to a ban, and everything that somebody could try.

mod attacks;
mod bans;
mod beginnings;
mod bounds;
mod caller;
mod flows;
mod interface;
mod secure;
pub mod world;
