//! The pages. Each asks the database for what it shows, and nothing more than it shows.

pub(super) mod alerts;
pub(super) mod approvals;
pub(super) mod artefacts;
pub(super) mod audit;
pub(super) mod claims;
pub(super) mod contents;
mod devices;
pub(super) mod enrolments;
pub(super) mod fields;
pub(super) mod fleet;
mod forms;
mod gate;
pub(super) mod groups;
mod parts;
pub(super) mod people;
pub(super) mod policies;
pub(super) mod receipts;
pub(super) mod relay;
pub(super) mod rollouts;
mod says;
pub(super) mod search;
pub(super) mod store;
pub(super) mod typed;
