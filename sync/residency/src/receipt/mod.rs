//! Receipts: what a batch holds, what was done to it, by which policy; chained and signed, so that none can be missing or changed.
//!
//! A receipt is drawn up from [`crate::Egress`]es alone. It goes over the chain of hashes of its log once more, so its signature covers every
//! payload byte: bytes that did not come through a gate give other heads, and no receipt fits them.
//!
//! On the wire a receipt is what its batch does not say already ([`Receipt::to_wire`]); at rest and for people it stands alone
//! ([`Receipt::encode`]). Lives here: drawing up, encoding, the chain. The hub's check is in [`verify`].

mod codec;
mod draft;
mod verify;

pub use codec::{ReceiptError, Wire};
pub use draft::{Draft, DraftError, Excluded};
pub use verify::{Cursor, POLICIES_MAX, Presented, Refusal, Verifier};

pub use crate::gate::inspect::Misfit;

use crate::{
    fate::{Outcome, Tally},
    name::Region,
    signing::Signature,
};
use aisle_protocol::{Hash, Head, Header, LogId, Point, PolicyId, limits::RECEIPT_BYTES_MAX};

/// The longest receipt that stands by itself, in bytes.
pub const ALONE_BYTES_MAX: usize = RECEIPT_BYTES_MAX + 512;
/// The most different counts in a receipt.
pub const COUNTS_MAX: usize = 4096;

/// Which part of a log a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The first sequence number.
    pub first_seq: u64,
    /// How many there are.
    pub count: u32,
    /// The chain's head before the first.
    pub head_before: Head,
    /// The chain's head after the last.
    pub head_after: Head,
}

impl Extent {
    /// The place of the last item; of an empty part, the place that it begins after.
    #[must_use]
    pub const fn end(&self) -> Point {
        // Sequence numbers are far below 2^64.
        Point {
            seq: self.first_seq.saturating_sub(1).saturating_add(self.count as u64),
            head: self.head_after,
        }
    }
}

impl From<&Header> for Extent {
    fn from(header: &Header) -> Self {
        let Header { first_seq, count, before, after, .. } = *header;
        Self { first_seq, count, head_before: before, head_after: after }
    }
}

/// The receipt of one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its number in its log, from 1.
    pub number: u64,
    /// The hash of the receipt before it; [`first_of`] for the first.
    pub previous: Hash,
    /// The log.
    pub log: LogId,
    /// Where the batch may go.
    pub region: Region,
    /// The policy that allowed it.
    pub policy: PolicyId,
    /// Which part of the log it is.
    pub extent: Extent,
    /// Events of this log's types since the receipt before of which nothing left.
    pub withheld: u64,
    /// What became of the fields, also those of withheld events.
    pub tally: Tally,
    /// The node's signature over all of this.
    pub signature: Signature,
}

impl Receipt {
    /// What the next receipt names as the one before it.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&codec::body(self));
        hasher.update(&self.signature.0);
        Hash(*hasher.finalize().as_bytes())
    }

    /// True when the signature is this node's over this receipt.
    #[must_use]
    pub fn is_signed_by(&self, node: &crate::signing::VerifyingKey) -> bool {
        node.verifies(&codec::body(self), &self.signature)
    }

    /// How many fields came to something, in all.
    #[must_use]
    pub fn total(&self, outcome: Outcome) -> u64 {
        self.tally.total(outcome)
    }
}

/// What the first receipt of a log names as the one before it.
#[must_use]
pub fn first_of(log: &LogId, region: &Region) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"aisle receipts 1");
    codec::put_log(log, region, &mut |bytes| {
        hasher.update(bytes);
    });
    Hash(*hasher.finalize().as_bytes())
}
