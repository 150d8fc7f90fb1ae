//! What a hub wants of a store, and how a node comes by it over a line that is cut, slow, dear, or at a hub that lies.
//!
//! ```text
//! DESIRED ─ trust ─> manifest ─> plan::Planner ── Ask ──> CHUNK_WANTED        plan::Output::Apply ─> whoever installs it
//!                                   │    ▲ ── Part ── <── CHUNK_PART                        Report ─> REPORT
//!                                   ▼    │
//!                                 Shelf: pieces held against a tree, deltas unfolded, a bound on the disk
//! ```
//!
//! Lives here: the manifest ([`manifest`]) and who may make one ([`trust`]), its signed form ([`order`]), the tree of a content's pieces ([`tree`]), deltas
//! ([`delta`]), the forms of a plugin and of a model as one content ([`package`]), what lies on the disk ([`folder`]) and the machine that decides what is
//! asked for, unfolded, applied and reported ([`plan`]). Both ends use it: a hub makes what a node reads.
//!
//! Not here: sockets and byte budgets (`aisle-transport`), messages (`aisle-protocol`), what applying is (the node's runtime).
//! Guards invariants 5 (nobody waits for it), 6 (everything has a bound), 7 (no wall clock) and 9 (the machine has neither sockets nor a clock).

pub mod delta;
pub mod folder;
pub mod manifest;
pub mod order;
pub mod package;
pub mod plan;
pub mod shelf;
pub mod tree;
pub mod trust;

pub use folder::{Folder, FreeBytes};
pub use manifest::{Content, Delta, Item, Manifest, ManifestError};
pub use order::{NodeOrder, Order, OrderError};
pub use package::{ModelPackage, PluginPackage};
pub use plan::{Config, Input, Output, Planner};
pub use shelf::{Good, Kept, Shelf, ShelfError};
pub use tree::{PIECE_BYTES, Tree};
