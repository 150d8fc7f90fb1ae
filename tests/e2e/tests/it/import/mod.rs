//! `aisle-node import`: what is taken in, what is refused, what a second run adds, what an interruption leaves.

mod files;
mod interruption;
mod repetition;
mod rows;
