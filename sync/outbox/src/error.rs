//! What can go wrong, by operation.

use crate::{config::InvalidConfig, form::FormError};
use aisle_event::LogClass;
use aisle_journal::{AppendError, FileError, QuarantineError};
use aisle_protocol::batch::{BatchError, SealError};
use aisle_residency::{GateError, aggregate::AggregatorError};
use std::path::PathBuf;

/// Why an outbox does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting leaves no room for work.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// There is no gate to the region.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The machine refused something.
    #[error(transparent)]
    File(#[from] FileError),
    /// A class does not open, and setting it aside would not help.
    #[error("the {class} log of the outbox does not open")]
    Class {
        /// Of which class.
        class: LogClass,
        /// Why.
        source: aisle_journal::OpenError,
    },
    /// A class cannot be read or written.
    #[error("the {class} log of the outbox cannot be begun")]
    Append {
        /// Of which class.
        class: LogClass,
        /// Why.
        source: AppendError,
    },
    /// The epoch has to change, and there is no room to write that down.
    #[error("there is no room on the disk for a new epoch in `{dir}`")]
    NoSpace {
        /// The outbox's directory.
        dir: PathBuf,
    },
    /// The epoch has to change, and that failed.
    #[error(transparent)]
    Step(#[from] StepError),
    /// Too many damaged logs were set aside before.
    #[error(
        "`{dir}` is damaged, and so many were set aside already that there is no name left\nhint: look at `{dir}.aside-1` and those after it, and remove them"
    )]
    Aside {
        /// The directory.
        dir: PathBuf,
    },
}

/// Why a projector can go no further. What is durable stays; a new start goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The store's journal cannot be read.
    #[error("the journal cannot be read")]
    Journal(#[source] aisle_journal::ReadError),
    /// Damage in the store's journal cannot be set aside.
    #[error("damaged records of the journal cannot be set aside")]
    Quarantine(#[from] QuarantineError),
    /// A class takes no more records.
    #[error("the {class} log of the outbox takes nothing more")]
    Append {
        /// Of which class.
        class: LogClass,
        /// Why.
        source: AppendError,
    },
    /// Events cannot be sealed.
    #[error("events of class {class} cannot be sealed")]
    Seal {
        /// Of which class.
        class: LogClass,
        /// Why.
        source: SealError,
    },
    /// The batch and its receipt name different events: there is a mistake in this program.
    #[error("the receipt of a {class} batch after event {after} is not about its events")]
    Disagree {
        /// Of which class.
        class: LogClass,
        /// After which event.
        after: u64,
    },
    /// The disk refused something.
    #[error(transparent)]
    File(#[from] FileError),
    /// What was kept cannot be read.
    #[error("the {class} log of the outbox cannot be read")]
    Read {
        /// Of which class.
        class: LogClass,
        /// Why.
        source: ReadError,
    },
    /// There is no gate by the new policy.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// What was counted cannot be gone on with.
    #[error(transparent)]
    Aggregator(#[from] AggregatorError),
    /// There is no random number for a new epoch.
    #[error("no random bytes are to be had for a new epoch")]
    Entropy(#[source] std::io::Error),
}

/// Why something of the outbox cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Its journal cannot be read.
    #[error(transparent)]
    Journal(#[from] aisle_journal::ReadError),
    /// A record is none of ours.
    #[error("record {record} of the outbox is none: {reason}")]
    Record {
        /// Its number.
        record: u64,
        /// What is wrong.
        reason: String,
    },
    /// A batch's events are not what it says.
    #[error("the batch in record {record} of the outbox cannot be used")]
    Batch {
        /// The record.
        record: u64,
        /// Why.
        source: BatchError,
    },
}

impl ReadError {
    pub(crate) fn record(record: u64, error: &FormError) -> Self {
        Self::Record { record, reason: error.to_string() }
    }
}
