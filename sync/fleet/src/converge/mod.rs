//! The node's side: from what it runs to what it should run, one artefact at a time, whatever stops it in between.
//!
//! ```text
//!                        ┌──────────────── another version is wanted ───────────────┐
//!                        ▼                                                          │
//!  rest ─> fetch ─> verify ─> smoke test ─> ready ─> activate ─> rest, on probation ┴─> rest, proved (the last good one)
//!             ▲        │          │       (window)       │              │
//!             └────────┘          └── known bad ─────────┴─> revert <───┘ traps, errors, crash loop
//! ```
//!
//! [`Converger`] has neither disk, socket nor clock: it takes what has happened ([`Input`]) and what is the case ([`Around`]), and says what is to
//! be done ([`Effect`]). [`Effect::Keep`] always comes first, and must be durable before the others are done; every other effect may be done twice
//! with the same result. After a kill, [`Converger::resume`] with what was kept goes on at the same step: an effect whose end nobody heard of is
//! asked for again.
//!
//! Not here: how something is fetched and applied (the node's runtime), what should run ([`crate::desired`]).
//! Guards: nothing below the highest minimum that was ever seen is put in place, neither forwards nor back; what was given up is not tried again by
//! itself; what runs goes on running until the next one is ready; waits are bounded, by a clock that only goes on.

mod config;
mod effect;
mod judge;
mod kept;
mod machine;
mod pump;
mod tell;

pub use config::{Config, Probation};
pub use effect::{Around, Effect, Input, Now, Stage, Trouble};
pub use kept::{KEPT_BYTES_MAX, KeptError};
pub use machine::Converger;
