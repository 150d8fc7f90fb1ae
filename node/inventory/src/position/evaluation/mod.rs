//! Positions held against shops whose truth is known.
//!
//! A [`Scenario`] is a shop floor (`aisle-device`, feature `floor`) with sensors. [`run`] lets it live for four weeks, tells
//! [`Positions`](super::Positions) what a store's node would be told, and compares what it concludes with the truth every ten minutes of
//! opening time after the first week. The engine never sees the floor's configuration. Not here: bars (the test has them).

mod run;
mod scenario;
mod score;

pub use run::{Sources, run};
pub use scenario::Scenario;
pub use score::{Detection, Score, table};
