//! What the node did itself: starts, stops, repairs and imports, kept as evidence beside the trade.

use crate::{
    id::{Name, SourceName},
    record::{code, record},
    time::Timestamp,
};

code! {
    /// Why the node stopped.
    pub enum StopReason {
        /// It was asked to.
        Requested = 0 "requested",
        /// It could no longer promise what it promises.
        Fatal = 1 "fatal",
    }
}

record! {
    /// The node is up.
    pub struct NodeStarted {
        /// Its version.
        1 open version: Name,
        /// By its wall clock.
        2 open at: Timestamp,
        /// Bytes of a torn, never acknowledged tail that were cut from the journal at this start.
        3 open cut_bytes: u64,
    }

    /// The node goes down in order.
    pub struct NodeStopped {
        /// Why.
        1 open reason: StopReason,
        /// By its wall clock.
        2 open at: Timestamp,
    }

    /// The index could not be used and was made again from a checkpoint and the journal.
    pub struct StateRebuilt {
        /// What was wrong with it.
        1 open reason: Name,
        /// The first sequence number that was replayed.
        2 open from_seq: u64,
        /// By the wall clock.
        3 open at: Timestamp,
    }

    /// Records in the middle of the journal were damaged; the damaged file was set aside.
    pub struct JournalQuarantined {
        /// The segment's file name.
        1 open segment: Name,
        /// Where the damage starts, in bytes from the start of the file.
        2 open offset: u64,
        /// The first sequence number that cannot be read.
        3 open first_seq: u64,
        /// How many cannot be read.
        4 open records: u64,
        /// By the wall clock.
        5 open at: Timestamp,
    }

    /// A file was taken in to its end.
    pub struct ImportFinished {
        /// The format, which is also the source of its documents.
        1 open source: SourceName,
        /// Rows in the file.
        2 open rows: u64,
        /// Rows that became lines of sales and returns.
        3 open accepted: u64,
        /// Rows that were there already.
        4 open present: u64,
        /// Rows refused, each with a line in the report.
        5 open rejected: u64,
        /// By the wall clock.
        6 open at: Timestamp,
    }
}
