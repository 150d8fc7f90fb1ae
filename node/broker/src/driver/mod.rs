//! The driver: tasks that move packets between clients and the core.
//!
//! [`Guest`] is what all clients have in common, over a socket or in this process: coming in, handing steps in, leaving.
//! [`wire`] moves bytes for a socket.
//!
//! Not here: rules (`connection`, `core`). Guards invariant 6: a client that does not read, or sends too fast, holds up itself.

mod guest;
mod registry;
pub(crate) mod wire;

pub(crate) use guest::{Guest, NotIn};
pub(crate) use registry::{Registry, Visit};
