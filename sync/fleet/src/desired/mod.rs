//! What a node should run: groups, rollouts and overrides, resolved into one state.
//!
//! ```text
//! groups ──────> by labels and lists ─┐
//! rollouts ────> who is in which wave ┼─> candidates of each slot ─> the first that may be ─> DesiredState ─> bytes, hash ─> Stamp
//! overrides ───> one store ───────────┘                               └─> Why, for each entry
//! ```
//!
//! [`state`] has the state itself, its canonical bytes and its version; [`index`] finds the nodes of a selector; [`resolve`] decides, [`why`] says
//! how it was decided. Not here: signing and sending it, and what a node makes of it ([`crate::converge`]).
//! Guards: nothing below a minimum is ever wanted, equal decisions are equal bytes, and the work grows with the nodes and not with their square.

pub mod index;
pub mod resolve;
pub mod state;
pub mod why;

pub use index::Index;
pub use resolve::{Layer, Resolved, Resolver, Work};
pub use state::{DesiredError, DesiredState, Stamp, Wanted};
pub use why::{Because, Passed, Source, Why};
