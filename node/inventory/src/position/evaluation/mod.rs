//! Positions held against shops whose truth is known.
//!
//! A [`Scenario`] is a shop floor (`aisle-device`, feature `floor`) with sensors. [`run`] lets it live for four weeks, tells
//! [`Positions`](super::Positions) what a store's node would be told, and compares what it concludes with the truth every ten minutes of
//! opening time after the first week. The engine never sees the floor's configuration. Not here: bars (the test has them).
//!
//! What can be tuned was tuned on seeds 101 to 106. The table in the report is of seeds 1 to 10, made once afterwards; an
//! earlier version of the engine had been looked at on these, so they are not wholly unseen.

mod run;
mod scenario;
mod score;

pub use run::{Sources, run};
pub use scenario::Scenario;
pub use score::{Detection, Score, table};
