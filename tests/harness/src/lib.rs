//! What tests, benches and the demo share: a generated [`shop`], simulated [`shoppers`], a simulated shop
//! [`floor`] beside them, a [`node`] under test, the [`hub`] of a region, an [`identity`] provider, raw [`mqtt`], a bad [`link`],
//! a [`postgres`].
//!
//! Not here: what any of them is expected to do; that stands in the tests that use them.
//! Guards repeatability: everything random comes from a seed that the caller gives and can print.

pub mod floor;
pub mod hub;
pub mod identity;
pub mod link;
pub mod mqtt;
pub mod node;
mod ports;
pub mod postgres;
pub mod shop;
pub mod shoppers;
