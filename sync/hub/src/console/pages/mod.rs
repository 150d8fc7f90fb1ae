//! The pages. Each asks the database for what it shows, and nothing more than it shows.

pub(super) mod alerts;
pub(super) mod contents;
pub(super) mod fields;
pub(super) mod fleet;
mod gate;
mod parts;
pub(super) mod policies;
pub(super) mod receipts;
pub(super) mod relay;
pub(super) mod search;
pub(super) mod store;
