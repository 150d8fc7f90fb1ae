//! What headquarters orders, in a store as it runs: signed sticks, a plugin that goes back by itself, kills in between, and what is not signed.
//!
//! Not here: the steps of a slot at every kill (`aisle-converge`), the rules (`aisle-fleet`), the line (`sync`).

mod hq;
mod orders;
mod outbox;
mod policy;
mod rollouts;
mod settings;
