//! What a shopper is shown, and why: candidates, ranking, rules, cache, experiments and their arithmetic.
//!
//! The chain of fallbacks, best first: session neighbours ([VMIS-kNN](https://doi.org/10.1145/3514221.3517901)),
//! item-to-item, popular now, headquarters' list, newest in the catalogue. Every item carries the rung that gave it
//! and the reason; every answer says whether a better rung was missing and how old its knowledge is.
//!
//! ```text
//! visits ── Trainer ──> Model (immutable) ─┐
//! today  ── Delta::build ──> Delta ────────┼─> Snapshot ── ladder ──> cache ──> Answer
//! headquarters ── Rules ───────────────────┘                 Shelf ──┘
//! ```
//!
//! Not here: files, sockets, threads, clocks (the caller passes the time in), the words of a reason (`aisle-kiosk`),
//! and the counters of an experiment (`aisle-state`).
//! Guards: nothing that the [`Shelf`] does not offer is ever in an answer, and no reader waits for a rebuild.

mod answer;
mod cache;
pub mod evaluate;
pub mod experiment;
mod intern;
mod ladder;
pub mod lift;
mod model;
mod popular;
mod recommender;
mod related;
mod rules;
mod scratch;
mod session_index;
mod settings;
mod snapshot;
mod telemetry;
mod trainer;
mod vmis;

pub use answer::{Answer, COUNT_MAX, Item, Reason, Request, Shelf};
pub use experiment::{Arm, Experiment, Policy};
pub use model::{Delta, Model, ModelSize};
pub use recommender::{Recommender, StaleDelta};
pub use rules::{Ban, Boost, Pin, Rules, RulesDocument, RulesError};
pub use settings::{
    CacheSettings, PopularSettings, RelatedSettings, SessionSettings, Settings, SettingsError,
};
pub use trainer::{Trainer, Visit};
