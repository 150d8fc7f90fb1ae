//! What is really on the shelves, and whether the cold chain held, from many imperfect sources.
//!
//! Pure folds of the journal's events: no IO, no clock. Not here: what a payload means (`aisle-devices`), pages (`aisle-kiosk`).

pub mod cold_chain;
mod collection;
pub mod position;
pub mod task;
