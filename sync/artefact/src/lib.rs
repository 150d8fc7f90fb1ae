//! What a store runs comes signed: plugins, models, catalogues, prices, device profiles and settings, policies, rules.
//!
//! ```text
//! hub:  keys ─ Draft ─> Repository ─> Shelf ──── metadata, contents ────┐
//!                                        └─> bundle::down (a stick) ──┐ │
//! node:                      Known <── Client <── Source <────────────┴─┘      bundle::up: the outbox on a stick, back to the hub
//!                            what may be installed, how what runs stands
//! ```
//!
//! Artefacts are targets of TUF (The Update Framework, 1.0.31): who signs which kind is signed, how new everything has to be is signed, and what
//! belongs together is signed. The format is in `ARTEFACTS.md`, enough for a second implementation.
//!
//! Lives here: what an artefact is called and says ([`kind`], [`id`], [`artefact`]), keys ([`key`]), metadata as it is read ([`metadata`]), the
//! hub's side ([`repository`], [`shelf`]), the node's side ([`client`], [`source`], [`content`]), and both on a stick ([`bundle`]). The types and names of
//! TUF's metadata and keys are those of the crate `tough`, which nobody else names; it is not in any signature here. Its own client asks the
//! machine's clock, and stops when that goes back; so the steps of an update are ours.
//!
//! Not here: HTTP, SQL, sockets, clocks, random bytes; which store should have what (`aisle-content` and the hub); installing.
//! Guards invariants 4 and 5: nothing new runs that nobody signed, and nothing that runs stops because time went by.

pub mod artefact;
pub mod bundle;
pub mod client;
pub mod content;
mod digest;
pub mod files;
pub mod id;
pub mod key;
pub mod kind;
pub mod metadata;
pub mod repository;
pub mod role;
pub mod shelf;
pub mod source;

pub use artefact::{Artefact, ArtefactError, Needs};
pub use client::{Client, Limits, NotOffered, Standing, UpdateError};
pub use digest::{Digest, NotDigest};
pub use id::{ArtefactId, IdError, Name};
pub use key::{KeyId, PublicKey, SigningKey};
pub use kind::Kind;
pub use metadata::{ReadError, verify::SignatureError};
pub use repository::{Draft, Repository};
pub use role::{FileName, Role};
pub use shelf::Shelf;
pub use source::Source;
