//! `aisle-node mqtt`: the broker, seen by the people who run it.

pub(crate) mod device;
mod example;
