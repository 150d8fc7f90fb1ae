//! `aisle fleet` against a hub that is a list of answers here: what it sends, how often, what it shows, and how it ends. What a real hub makes of it is tested with
//! the whole (`tests/e2e`).

mod asking;
mod hub;
mod lists;
mod me;
mod parity;
mod reads;
mod sealed;
mod sign_in;
mod verbs;
