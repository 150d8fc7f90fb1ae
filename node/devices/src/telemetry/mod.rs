//! What sensors measured: minutes, a window of raw readings, and what is odd about them.
//!
//! [`Telemetry`] is a fold of the journal: for every stream of numbers the minutes that are still open or not yet in a file, the latest
//! readings one by one, and the stream's habits, against which it is told what is odd. Closed hours go to the [`Archive`], which
//! is an index like any other: the journal makes it again. [`query()`] looks through memory and files together, [`chart::svg`]
//! draws what it found, [`evaluate()`] says how good the alarms are.
//!
//! Not here: payloads and units of them (`aisle-firmware-config`), what readings say about stock or cold (`aisle-inventory`), threads and
//! clocks (`aisle-node`).
//! Guards invariant 6: readings may come from any clock and at any rate; memory and files stay within [`Config`]. And invariant 7:
//! no reading moves a stream's time far without others that agree.

mod archive;
mod bytes;
pub mod chart;
mod config;
mod evaluate;
mod fold;
mod habits;
mod minute;
mod oddity;
mod query;
mod raw;
mod sketch;
mod snapshot;
mod stream;
mod tail;
mod view;

pub use archive::{Archive, ArchiveError, ArchiveStatus, Kept, Rows};
pub use bytes::Damaged;
pub use config::{Anomalies, Config, InvalidConfig};
pub use evaluate::{KindReport, Report, evaluate};
pub use fold::{Counters, Telemetry};
pub use minute::Minute;
pub use query::{Anomaly, Point, Query, QueryError, Resolution, Series, query};
pub use raw::RawReading;
pub use sketch::{RELATIVE_ERROR, Sketch};
pub use snapshot::SnapshotError;
pub use view::{StreamKey, StreamView, View};
