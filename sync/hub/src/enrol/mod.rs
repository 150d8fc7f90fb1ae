//! Boxes that enrol by themselves: claims, the port where they get certificates, who decides about them, and who is cut off.
//!
//! ```text
//! aisle-hub claim create ──> database::claims            box ── HTTPS ──> listener ─> est ─> office ─> database::enrolments, issuing authority
//! aisle-hub node approve, POST /v1/enrolments/… ──> decide ──> database::enrolments ──> warden ─ every few seconds ─> connections that are open
//! ```
//!
//! Lives here: the port ([`listener`], [`est`]) with its bounds ([`limit`]), what is answered there ([`office`]), claims ([`claims`]) and decisions ([`decide`]) for
//! commands, the HTTP interface and the console, this hub's own certificate ([`own`]), the making of authorities ([`ceremony`]), and the watch over open connections ([`warden`]).
//! How it looks from outside is in `ENROLMENT.md`. Not here: what a claim, a certificate and a state are (`aisle-provisioning`), SQL ([`crate::database`]).
//!
//! Guards: nobody gets a certificate but whom a claim and, where it is set so, a person let in; and who is banned has no connection a minute later.

mod answer;
pub mod ceremony;
pub mod claims;
pub mod decide;
mod devices;
pub mod est;
mod limit;
pub mod listener;
pub mod office;
pub mod own;
pub mod passphrase;
mod settings;
pub mod telemetry;
pub mod warden;
mod within;

pub use listener::{Door, ListenError, Patience};
pub use office::{Clock, Office, OfficeError, Parts};
pub(crate) use within::within;

use crate::people::{role::Permission, who::Who};
use aisle_event::Timestamp;
use aisle_provisioning::enrolment::{Actor, Role};

/// This machine's time: a hub's clock is right, and what it says is signed.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp(crate::Database::now_ms())
}

/// What somebody is to the table of states: whoever manages people may everything, and nobody comes so far who may not decide.
pub(crate) fn role(who: &Who) -> Role {
    if who.may(Permission::PeopleManage) { Role::Admin } else { Role::Operator }
}

pub(crate) fn actor(who: &Who) -> Actor {
    Actor::Person(role(who))
}
