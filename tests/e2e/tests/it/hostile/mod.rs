//! Hostile clients against the real node: whatever they send, or do not read, holds up nobody but themselves.
//!
//! Each test opens a [`stage::Stage`]: a node with small bounds and, on a thread of their own, clients that behave. These
//! must get every answer and every message from before the attack to its end, about as fast as before it.
//!
//! Not here: what a well-behaved client may expect (`mqtt`). Guards invariants 6 and 10 from outside.

mod bytes;
mod connects;
mod crowds;
mod peer;
mod readers;
mod regulars;
mod retained;
mod rules;
mod sessions;
mod stage;
mod subscriptions;
