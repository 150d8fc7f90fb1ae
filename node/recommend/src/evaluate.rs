//! How good is each rung? Hit rate, reciprocal rank, coverage and latency on data that the model has not seen.
//!
//! Full ranking: every item of the training data is a candidate, none is sampled. A prediction hits when the item
//! that came is among the first 20. The rungs are those that serve; the clock is the caller's.

mod baskets;
mod row;
mod sessions;

pub use baskets::{Basket, Invoices, baskets, cosine};
pub use row::{CUT, Row};
pub use sessions::{Click, sessions};

/// Reads a clock: the time since any fixed point.
pub type Clock<'a> = &'a mut dyn FnMut() -> std::time::Duration;
