//! The commands of `aisle-harness`, one module each, and what they share: the screen, the word to stop, the store.

pub(crate) mod browse;
pub(crate) mod demo;
pub(crate) mod generate;
mod keys;
mod offers;
mod office;
mod outage;
mod region;
mod releases;
pub(crate) mod screen;
mod signals;
mod store;
pub(crate) mod with;
