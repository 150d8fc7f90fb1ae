//! Residency: what may leave a store, in which form, where to, and the proof that nothing else did.
//!
//! ```text
//! signed policy ──> Gate ──> Egress<Event> ──┐
//!                    ▲ └───> fates ──────────┼─> receipt (chained, signed) ──> hub: Verifier
//!                  Event     Aggregator ─────┘
//! ```
//!
//! Lives here: the [`policy`] (TOML, signed, default deny), the [`Gate`] that alone makes an [`Egress`], tokens ([`token`]),
//! [`aggregate`]s with a minimum group size and noise, [`receipt`]s and their check, sealing at rest and erasure ([`seal`],
//! [`erasure`]), and the words for people ([`explain()`], [`dry_run`]).
//!
//! Not here: files, sockets, clocks, databases. Callers persist what is encoded here and pass times in.
//! Guards invariant 3: only `Egress<T>` can be sent, only the gate makes one, and what no rule allows stays.

pub mod aggregate;
mod cbor;
mod egress;
pub mod entropy;
pub mod erasure;
mod explain;
mod fate;
mod gate;
mod name;
pub mod policy;
mod precision;
pub mod receipt;
pub mod seal;
mod shape;
pub mod signing;
pub mod token;
pub mod vocabulary;

pub use aggregate::{Aggregate, Aggregator, Budget};
pub use egress::Egress;
pub use entropy::{Entropy, SystemEntropy};
pub use explain::{DryRun, Explanation, Line, Row, dry_run, explain};
pub use fate::{Fates, Outcome, Tally};
pub use gate::{Gate, GateError, Passage};
pub use name::{InvalidName, NAME_BYTES_MAX, Purpose, Region};
pub use policy::{Policy, TrustedPolicy};
pub use precision::Precision;
pub use receipt::{Receipt, Verifier};
pub use shape::Shape;
