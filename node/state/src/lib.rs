//! What the events add up to: products, stock, baskets, receipts, history, kept on sled and published as snapshots.
//!
//! One projector thread follows the journal. For each batch of records it changes the working [`Shop`], writes what
//! changed to sled together with the sequence number it reached, in one transaction, and swaps the published snapshot.
//! Readers take a snapshot without a lock. Checkpoints bound what has to be replayed when the index is lost.
//!
//! Not here: the truth (`aisle-journal`), what is recommended (`aisle-recommend`), how it looks (`aisle-kiosk`).
//! Guards invariant 2: sled is an index. Whatever is wrong with it, it is set aside, made again and reported.

mod apply;
mod checkpoint;
mod config;
mod experiments;
pub mod follow;
mod history;
mod imports;
mod index;
mod open;
mod product;
mod projector;
mod receipts;
mod sessions;
mod shop;
pub mod snapshot_file;
mod state;
mod telemetry;
mod whole_file;

pub use config::{Config, InvalidConfig};
pub use experiments::ArmCounters;
pub use history::{Visit, VisitKind};
pub use imports::LineSet;
pub use open::{Inspection, Opened, Rebuilt, inspect};
pub use product::{Hold, Product, Sensed, Stock, Suppressed};
pub use receipts::{OFFERS_BYTES_MAX, Receipt};
pub use sessions::{BASKET_LINES_MAX, BasketLine, COUPONS_MAX, Customer, Session};
pub use shop::{RECENT_MAX, Shop};
pub use state::{Health, OpenError, State, StateError};
