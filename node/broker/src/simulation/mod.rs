//! The session machine in a made-up world: clients, a sequencer whose commits come late or not at all, power cuts; and a
//! simple reference that says what must be so after each step.
//!
//! No socket, no clock, no disk: [`run`] takes bytes for a course of events and panics where a promise is broken. The property
//! tests make the bytes up; a fuzzer finds its own.
//!
//! Guards invariants 1 (acknowledged means durable) and 2 (a replay makes the same state) for sessions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is test code: it reports a broken promise by panicking"
)]

mod action;
mod client;
mod digest;
mod drain;
mod reference;
mod rig;
mod world;

pub(crate) use action::{ACTION_BYTES, Action};
pub(crate) use rig::Rig;

/// Runs a course of events: the first byte chooses the world, each [`ACTION_BYTES`] after it are one event. All must be well in
/// the end, too: everybody comes back, and everything that was promised has come.
pub fn run(course: &[u8]) {
    let (first, rest) = course.split_first().unwrap_or((&0, &[]));
    let mut rig = Rig::new(world::of(*first));
    for bytes in rest.chunks_exact(ACTION_BYTES) {
        rig.act(&Action::of(bytes));
    }
    rig.drain();
}
