//! What the tests share: a store on disk, a client of its node, its commands, its journal read from outside.
//!
//! Not here: the node under test itself, which is `aisle_harness::node`. Guards: every wait has an end, every process
//! is stopped by its own id, every file lies in a temporary directory.

pub(crate) mod api;
pub(crate) mod browser;
pub(crate) mod clock;
pub(crate) mod command;
pub(crate) mod disk;
pub(crate) mod invoices;
pub(crate) mod journal;
pub(crate) mod memory;
pub(crate) mod need;
pub(crate) mod store;
pub(crate) mod wait;
