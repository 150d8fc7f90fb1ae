//! What can be wrong with committed bytes, and where.

use crate::record::Malformed;

/// What is wrong with the bytes where a record should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is no record.
    #[error("the record {0}")]
    Record(Malformed),
    /// There is a record, but another one.
    #[error("record {found} is where record {expected} should be")]
    Sequence {
        /// The number that should be next.
        expected: u64,
        /// The number that is.
        found: u64,
    },
    /// A control record that this build cannot read.
    #[error("the control record is none that this build knows")]
    Control,
    /// A marker that ends another commit than the one before it.
    #[error("the commit marker belongs to other records")]
    Marker,
    /// The records are whole one by one, but are not those that were committed.
    #[error("the hash chain does not lead to the commit's head")]
    Chain,
    /// The segment ends before the next one starts.
    #[error("the segment ends before record {expected}")]
    Ends {
        /// The number that should be next.
        expected: u64,
    },
    /// The next segment was started after other records than these.
    #[error("the next segment continues another chain")]
    Join,
    /// One of the two copies of the segment's header.
    #[error("one copy of the header is damaged; the other one is in use")]
    HeaderCopy,
    /// Both copies of the segment's header.
    #[error("both copies of the header are damaged")]
    Header,
}

/// A place where committed bytes are not what was committed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("segment `{segment}` is damaged at byte {offset}, record {seq}: {problem}")]
pub struct Damage {
    /// The segment's file name.
    pub segment: String,
    /// Where the damage starts, in bytes from the start of the file.
    pub offset: u64,
    /// The first sequence number that cannot be read.
    pub seq: u64,
    /// What is wrong there.
    pub problem: Problem,
}
