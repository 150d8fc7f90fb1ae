//! The policy: what may leave, in which form, where to. Signed TOML with a version; what it does not name is denied.
//!
//! ```toml
//! aisle_policy = 1
//! name = "shops-eu"
//! version = 3
//! home = "eu"
//!
//! [[destination]]
//! region = "eu"
//! clock = "second"
//!
//! [[rule]]
//! to = ["eu"]
//! fields = ["SaleRecorded.lines.sku", "StockCounted.*<=3"]
//! action = "pass"
//! ```
//!
//! One field has at most one rule for a destination. `Event.*<=N` stands for the open fields directly in an event whose number is at
//! most `N`: what a later version adds stays denied until somebody decides. A policy that names what does not exist is refused whole.
//!
//! Lives here: reading and checking, and [`TrustedPolicy`], which only a good signature makes. Not here: applying it ([`crate::Gate`]).

mod check;
mod error;
mod form;
mod raw;
mod trust;

pub use error::{PolicyError, Problem};
pub use form::{CATEGORIES_MAX, Form, PREFIX_CHARS_MAX};
pub use trust::{SuccessionError, TrustError, TrustedPolicy};

pub(crate) use error::class_word;

use crate::{
    name::{Purpose, Region},
    precision::Precision,
    vocabulary::Path,
};
use aisle_event::EventType;
use aisle_protocol::{PolicyId, limits::MESSAGE_BYTES_MAX};
use std::collections::BTreeMap;

/// The longest policy, in bytes: with its signature and its id it has room in one control message of the sync protocol.
pub const POLICY_BYTES_MAX: usize = 60 << 10;
const _: () = assert!(POLICY_BYTES_MAX + (1 << 10) <= MESSAGE_BYTES_MAX);
/// The most rules, destinations and aggregates of a policy, each.
pub const RULES_MAX: usize = 4096;

/// A policy that was read and checked. Nothing leaves by it until it is trusted: see [`TrustedPolicy`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub(crate) name: String,
    pub(crate) home: Region,
    pub(crate) id: PolicyId,
    pub(crate) destinations: BTreeMap<Region, Destination>,
}

/// What may go to one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    pub(crate) precision: Precision,
    pub(crate) rules: BTreeMap<Path, Rule>,
    pub(crate) aggregates: Vec<AggregateRule>,
}

/// What is done with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What.
    pub action: Action,
    /// What the law allows it by, where the policy says so.
    pub basis: Option<String>,
    /// The line that says so.
    pub line: usize,
}

/// What can be done with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It leaves as it is.
    Pass,
    /// A token leaves in its place.
    Token {
        /// What the token is for.
        purpose: Purpose,
        /// How long it is.
        bits: u16,
    },
    /// It leaves coarser.
    Coarsen(Form),
    /// It stays, and counts in aggregates.
    Aggregate,
    /// It stays.
    Drop,
}

/// An aggregate: rows of one event type, grouped, counted and summed over a window of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AggregateRule {
    pub(crate) name: String,
    pub(crate) event: EventType,
    pub(crate) time: Path,
    pub(crate) window: Precision,
    pub(crate) keys: Vec<(Path, Option<Form>)>,
    /// Each with the most that one row can add, to either side.
    pub(crate) sums: Vec<(Path, i64)>,
    /// Who is counted once.
    pub(crate) each: Path,
    pub(crate) k: u32,
    /// How many rows of one contributor count in a window.
    pub(crate) rows_max: u32,
    pub(crate) noise: Option<Noise>,
}

/// How much noise, and how much may be told in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Noise {
    /// What one release of one window costs, in millionths.
    pub(crate) epsilon_micro: u64,
    /// What all releases of windows that begin in one period may cost together.
    pub(crate) budget_micro: u64,
    pub(crate) budget_days: u32,
}

impl Policy {
    /// Reads and checks a policy. Good for trying out ([`crate::explain()`], [`crate::dry_run`]); a gate wants a [`TrustedPolicy`].
    ///
    /// # Errors
    /// Names the first line that cannot be, with the nearest name where one is misspelt.
    pub fn draft(bytes: &[u8]) -> Result<Self, PolicyError> {
        check::read(bytes)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the events that it is for come from.
    #[must_use]
    pub const fn home(&self) -> &Region {
        &self.home
    }

    /// Its version and hash.
    #[must_use]
    pub const fn id(&self) -> PolicyId {
        self.id
    }

    /// Where anything may go to.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        self.destinations.keys()
    }

    /// The rule for a field on its way to a region. `None` is a denial.
    #[must_use]
    pub fn rule(&self, to: &Region, path: Path) -> Option<&Rule> {
        self.destinations.get(to)?.rules.get(&path)
    }
}
