//! How a node comes to run what it should, over any kill.
//!
//! ```text
//! line or stick ─ order ──> Orders ─ desired state ─┐                        ┌─> Applier of the kind: test, activate, revert, remove, health
//!                 metadata ─> Signed (TUF) ─ may it? ┼─> Worker: Converger ──┤
//!                 contents ─> Contents ─ is it here? ┘      │ Keep           └─> report ─> REPORT, `fleet status`
//!                                                      DATA/fleet/kept
//! ```
//!
//! The rules are `aisle-fleet`'s machine; this is what stands around it: what it wants kept is durable before what follows is done ([`driver`]), an order is
//! kept and read ([`orders`]), bytes lie where the machine needs them ([`contents`]), what may run is what was signed ([`signed`]), and effects are
//! carried out beside everybody else ([`worker`]) by whoever knows the kind ([`applier`]). What is to be rehearsed is tried beside all that and never put in place.
//!
//! Not here: the line and the fetching of pieces (`aisle-content`'s planner in the node's runtime), what a plugin or a price is (the runtime's appliers).
//! Guards: nothing that no valid metadata lists is put in place where a root is trusted; expired metadata stops nothing that runs; a kill at any point
//! goes on at the same step.

pub mod applier;
pub mod contents;
mod courier;
pub mod driver;
pub mod fleet;
mod hands;
pub mod orders;
mod play;
mod rehearse;
mod resume;
pub mod signed;
pub mod status;
mod worker;

pub use applier::{Applier, Piece, SetsNode};
pub use contents::{Contents, ContentsError};
pub use driver::{Driver, DriverError};
pub use fleet::{Fleet, Listener, OpenError, Parts, Surroundings};
pub use orders::{Orders, Refused};
pub use signed::{Signed, SignedError};
pub use status::Status;
