//! What Aisle is measured against: the least that could do the same job, written without tricks.

pub(crate) mod log;
pub(crate) mod neighbours;
pub(crate) mod server;
