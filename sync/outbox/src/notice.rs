//! What an operator should hear of. Each is a log line, a metric, and a value for who drives the projector.

use aisle_event::LogClass;
use aisle_protocol::Epoch;
use std::{fmt, path::PathBuf};

/// Something that an operator should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A class begins a new epoch: its numbers start over.
    Begun {
        /// Which class.
        class: LogClass,
        /// The new epoch.
        epoch: Epoch,
        /// It holds what the journal has after this record.
        after: u64,
        /// Why.
        why: Why,
    },
    /// The outbox is at `disk_bytes_max`, and the older half of what waited in a class will not be sent.
    Shed {
        /// Which class.
        class: LogClass,
        /// How many events.
        events: u64,
        /// What they took.
        bytes: u64,
    },
    /// The outbox is at `disk_bytes_max`, and only sales are left, which are never dropped.
    Full {
        /// What it takes.
        bytes: u64,
        /// What it may take.
        bytes_max: u64,
    },
    /// There is no room on the disk: nothing is sealed until there is.
    NoSpace {
        /// In which class it was met.
        class: LogClass,
    },
    /// Records of the journal were trimmed or damaged before they were gone through: they will not be sent.
    Missed {
        /// The first of them.
        first: u64,
        /// The last.
        last: u64,
    },
    /// A record of the journal is no event that can be read.
    Undecodable {
        /// Which.
        record: u64,
    },
    /// An event is too large for a batch and stays.
    TooLarge {
        /// The record.
        record: u64,
        /// What would leave of it.
        bytes: usize,
    },
    /// Windows of aggregates were not told: the budget of their noise is used up.
    BudgetSpent {
        /// How many.
        windows: usize,
    },
    /// Aggregates that an earlier epoch told cannot be told again: the policy does not know them any more.
    AggregatesDropped {
        /// How many.
        count: u64,
    },
    /// There was no randomness for the noise of aggregates; it is tried again.
    NoEntropy,
}

/// Why an epoch began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// There was nothing: the first start, or the directory is lost.
    New,
    /// What was there could not be used and is kept beside it.
    Damaged {
        /// Where.
        aside: PathBuf,
        /// What was wrong.
        reason: String,
    },
    /// What was there belongs to another journal.
    OtherJournal,
    /// The journal ends before what was sent: it was restored from a backup.
    JournalBehind {
        /// The last record that was gone through.
        cursor: u64,
        /// The last record that there is.
        durable: u64,
    },
    /// The hub lacks what it had, or has something else.
    Asked,
    /// There was no room.
    Shed,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("there was none"),
            Self::Damaged { aside, reason } => {
                write!(f, "the one before was damaged ({reason}) and is kept in `{}`", aside.display())
            }
            Self::OtherJournal => f.write_str("the one before belongs to another journal"),
            Self::JournalBehind { cursor, durable } => {
                write!(f, "the journal ends at record {durable}, and {cursor} was gone through before")
            }
            Self::Asked => f.write_str("the hub lacks what was sent, or has something else"),
            Self::Shed => f.write_str("there was no room for what waited"),
        }
    }
}
