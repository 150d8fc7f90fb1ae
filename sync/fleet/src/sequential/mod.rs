//! Judging while looking: tests that may be looked at as often as one likes, and stopped at any time, without being wrong more often than
//! was agreed (`alpha`).
//!
//! [`mean`] is for business metrics: the difference between stores with a release and stores like them without. [`rate`] is for shares: traps,
//! errors, failed nodes. [`matching`] finds the stores to compare with. Formulae and papers stand with each, and together in `FLEET.md`.
//!
//! A test of a fixed size that is looked at every hour finds something that is not there in most rollouts; these do not.
//! Not here: which metric, which tolerance, and what follows ([`crate::gate`]).

pub mod matching;
pub mod mean;
pub mod rate;

pub use matching::{Baseline, Matching, Pair, pairs};
pub use mean::{Interval, Mean};
pub use rate::{Rate, e_value};
