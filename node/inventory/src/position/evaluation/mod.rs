//! Positions held against shops whose truth is known.
//!
//! A [`Scenario`] is a shop floor (`aisle-device`, feature `floor`) with sensors. [`run`] lets it live for four weeks, tells
//! [`Positions`](super::Positions) what a store's node would be told, and compares what it concludes with the truth every ten minutes of
//! opening time after the first week. The engine never sees the floor's configuration. Not here: bars (the test has them).
//!
//! What can be tuned was tuned on seeds 101 to 106. The table in the report is of seeds 1 to 10, made once afterwards; an
//! earlier version of the engine had been looked at on these, so they are not wholly unseen.
//!
//! What that table says against what is wanted: interval coverage is within three points of 90 % in apparel (0.884) and the
//! corner shop (0.886), not in the grocery (0.846). Gaps are found as wanted in grocery and apparel; in the corner shop 0.78 are,
//! because twelve of its twenty products have only a till, which cannot tell an empty shelf from a quiet hour. Phantom stock is found as wanted in
//! apparel (0.88 at 0.70), not in the grocery (0.66 at 0.58) and hardly in the corner shop (0.20). The error in the store is 0.08 of the
//! book's in apparel, 0.71 in both others, where below half is wanted. On the tuning seeds about a third of what is left of it in the
//! grocery comes from the three instants in a hundred that follow a delivery which nobody entered: it shows only when the backroom
//! outlasts what is believed of it, or in a count, and there the interval covers the truth in a quarter of the instants.

mod observer;
mod run;
mod scenario;
mod score;

pub use run::{Sources, run};
pub use scenario::Scenario;
pub use score::{Detection, Score, table};
