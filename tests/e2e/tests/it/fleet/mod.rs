//! What headquarters orders, in a store as it runs: signed sticks, a plugin that goes back by itself, models that are swapped, kills in between, and what is not signed.
//!
//! Not here: the steps of a slot at every kill (`aisle-converge`), the rules (`aisle-fleet`), the line (`sync`).

mod hq;
mod models;
mod orders;
mod outbox;
mod policy;
mod prices;
mod rehearsals;
mod rollouts;
mod settings;
