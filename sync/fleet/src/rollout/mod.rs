//! A rollout: a set of artefacts on its way through the stores, in waves, through gates.
//!
//! ```text
//! draft ─> preflight ─> awaiting approval ─> ready ─> running ─> settling ─> done
//!                                                      │  ▲         │
//!                                                paused┘  └resume   ├─ finish ─> finished (some never ran it)
//!                                                      │            │
//!                                  abort ─> aborted    └─ rollback ─┴─> rolling back ─> rolled back
//! ```
//!
//! [`Rollout::apply`] takes an event and the time and says what follows; it has neither clock nor database. A node is `passed` when it has said itself
//! that everything runs, and has proved itself in live traffic; `done` is when every node is, so no rollout is done that no store has run. A node that is
//! away, went dark or is late neither passes nor fails; it is given the release all the same, and joins when it comes.
//!
//! Not here: who may say what (the hub's roles), what a node does with it ([`crate::converge`]), the verdicts ([`crate::gate`]).
//! Guards: at a pause or a stop nothing that does not run yet begins to; nobody is ever counted twice; one device holds nobody up.

mod cause;
mod command;
mod event;
mod join;
mod look;
mod machine;
mod measure;
mod phase;
mod progress;
mod spec;
mod view;

pub use cause::{Cause, CauseGroup, EXAMPLES_MAX, GROUPS_MAX as CAUSES_MAX};
pub use event::{Command, Effect, Event, Fact, Refusal, Verb};
pub use machine::{Entry, HISTORY_MAX, ROUNDS_MAX, Rollout, WaveState};
pub use phase::RolloutPhase;
pub use progress::{Progress, Status, Tally};
pub(crate) use spec::offline_minutes;
pub use spec::{InvalidRollout, RolloutSpec, WAVES_MAX};
pub use view::{RolloutView, WaveView};
