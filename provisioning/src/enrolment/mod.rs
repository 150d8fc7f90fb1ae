//! What the hub knows of a node, from its claim to its ban: six states, one table of what leads from one to another and who may do it.
//!
//! ```text
//!           claim        approve            issue              prove
//!   (box) ────────> claimed ──> pending ──> active ──> renewing ──> active
//!                      │            │          │   └─ suspend / resume ─┘
//!                      └── reject ──┴── ban ───┴──> banned ── a new claim for this serial ──> claimed
//! ```
//!
//! Lives here: the table ([`state`]), a node's record and what changes it ([`record`]), what is answered to a connection and at a renewal ([`admission`]).
//! Not here: SQL, sockets, who is signed in. The hub keeps a [`Enrolment`] and, in the same transaction, does what [`Effects`] says.
//! Guards: what is not in the table is refused by name, and changes nothing.

pub mod admission;
pub mod record;
pub mod state;

pub use admission::{Admission, Decision, Presented, Refusal};
pub use record::{BAN_LOOK_MS, BAN_TAKES_EFFECT_MS, Change, ChangeError, Credential, Effects, Enrolment};
pub use state::{Action, Actor, InvalidWord, Role, State, TransitionError};
