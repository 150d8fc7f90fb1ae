//! Which time it is, on a box whose clock may say anything.
//!
//! A store's box boots in 1970 without a battery, and in 2099 with a bad one. So nothing that can lock it out asks its clock. What a node knows for sure is a
//! *floor*: a time that has been, because a hub signed it ([`statement`]), or a certificate that began then was verified. The floor never goes back, is kept on the
//! disk, and while the node runs the monotonic clock carries it on ([`trusted`]).
//!
//! By a floor alone it is known for sure when something *has* ended, and never that something has *not yet* begun: whoever signed it lived in a time that
//! has been. So a certificate that begins after the floor is good, and moves the floor ([`Floor`], for `rustls`).
//!
//! A hub whose own clock is ahead can raise the floor to the end of its certificate and no further; its next certificate ends later than that, so a node is kept away at
//! most until the hub has renewed it.
//!
//! Guards invariant 7.

mod floor;
pub mod statement;
pub mod trusted;

pub use floor::Floor;
pub use statement::{StatementError, TimeStatement};
pub use trusted::{Monotonic, TrustedTime, Verdict, WallClock};
