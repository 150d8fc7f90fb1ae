//! The broker as others see it: real clients, a real broker that bridges to it, restarts.
//!
//! Not here: packets by hand and hostile clients. Guards invariant 1 from outside: what was acknowledged comes.

mod broker;
mod paho;
