//! The rules of a fleet, for hub, console, command and simulation alike.
//!
//! ```text
//!  labels, selectors ─> groups, overrides ─┐
//!                                          ├─> desired ─> (signed, sent) ─> converge ─> report ─┐
//!  document ─> preflight ─> rollout: waves ┘                                                    │
//!                              ▲  gates <─ sequential tests <─ health, metrics <────────────────┘
//! ```
//!
//! Lives here: who is meant ([`label`], [`selector`], [`group`]), what a node should run ([`desired`]), how it gets there and back ([`converge`],
//! [`report`], [`reason`], [`says`]), when ([`window`]), how a release goes through the stores ([`rollout`], [`wave`], [`gate`], [`sequential`]), what is found out
//! before ([`preflight`], [`rehearsal`]), what a store does not take ([`denied`]), settings of devices ([`device`]), and how people write all this ([`document`]). `FLEET.md` has the model.
//!
//! Not here: disks, sockets, clocks, randomness, databases, signatures, rights. Guards invariants 6 (everything has a bound), 7 (times are passed in, and what
//! a wrong one can do is bounded) and 9 (the machines have neither sockets nor a clock).

pub mod artefact;
pub mod converge;
pub mod denied;
pub mod desired;
pub mod device;
pub mod document;
pub mod gate;
pub mod group;
pub mod hash;
pub mod label;
pub mod name;
pub mod node;
pub mod preflight;
pub mod reason;
pub mod rehearsal;
pub mod report;
pub mod rollout;
pub mod says;
pub mod selector;
pub mod sequential;
pub mod setting;
mod text;
pub mod version;
pub mod wave;
pub mod window;

pub use artefact::{ArtefactSet, Kind, Needs, Release, Slot, Want};
pub use converge::{Around, Converger, Effect, Input, Now};
pub use denied::{Denied, Denies};
pub use desired::{DesiredState, Index, Resolver, Stamp};
pub use document::Document;
pub use gate::{Gates, Health};
pub use group::{Filter, Group, Override, Says};
pub use hash::ContentHash;
pub use label::Labels;
pub use name::{FilterName, Grant, GroupName, Metric, RolloutId, Serial, WaveName};
pub use node::{Member, NodeId};
pub use reason::{Fault, FaultCode, Reason};
pub use report::NodeReport;
pub use rollout::{Rollout, RolloutPhase, RolloutSpec};
pub use says::NodeSays;
pub use selector::Selector;
pub use version::Version;
pub use window::{Maintenance, Window, Zone};
