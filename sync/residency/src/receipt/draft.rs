//! Drawing up a receipt: a batch's items go through here on their way into the outbox.

use super::{Extent, Log, Receipt, ReceiptError, chain, codec, first_of};
use crate::{
    egress::Egress,
    fate::Tally,
    gate::Passage,
    name::Region,
    policy::PolicyMark,
    signing::{Signature, SigningKey},
};
use aisle_event::{EventType, Hlc};

/// A receipt that is being drawn up.
#[derive(Debug)]
pub struct Draft {
    log: Log,
    region: Region,
    policy: PolicyMark,
    number: u64,
    previous: [u8; 32],
    extent: Extent,
    withheld: u64,
    tally: Tally,
}

/// Why something cannot be in this batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Excluded {
    /// It was let out to another region.
    #[error("the item was let out to another region than the batch's")]
    Region,
    /// It was let out by another policy: the batch has to be closed first.
    #[error(
        "the item was let out by another policy than the batch's\nhint: close the batch when the policy changes"
    )]
    Policy,
    /// It belongs to another log.
    #[error("the item belongs to another log than the batch's")]
    Lane,
    /// The batch is full.
    #[error("the batch has as many items as can be numbered")]
    Full,
}

/// Why a receipt cannot be issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// There is nothing to give a receipt for.
    #[error("the batch is empty")]
    Empty,
}

impl Draft {
    /// Begins the first receipt of a log.
    #[must_use]
    pub fn first(log: Log, region: Region, policy: PolicyMark) -> Self {
        let head = chain::genesis(&log);
        let previous = first_of(&log, &region);
        Self::begin(log, region, policy, 1, previous, 1, head)
    }

    /// Begins the receipt that follows another. The policy may be a newer one.
    #[must_use]
    pub fn after(last: &Receipt, policy: PolicyMark) -> Self {
        let next_seq = last.extent.first_seq.saturating_add(u64::from(last.extent.count));
        let number = last.number.saturating_add(1);
        Self::begin(
            last.log.clone(),
            last.region.clone(),
            policy,
            number,
            last.hash(),
            next_seq,
            last.extent.head_after,
        )
    }

    fn begin(
        log: Log,
        region: Region,
        policy: PolicyMark,
        number: u64,
        previous: [u8; 32],
        first_seq: u64,
        head: chain::Head,
    ) -> Self {
        let extent = Extent { first_seq, count: 0, head_before: head, head_after: head };
        Self { log, region, policy, number, previous, extent, withheld: 0, tally: Tally::default() }
    }

    /// Takes the next item in. Gives what goes into the outbox: sequence number, time, type, bytes.
    ///
    /// # Errors
    /// When the item does not belong in this batch; the draft is unchanged then.
    pub fn add<'e, T>(&mut self, egress: &'e Egress<T>) -> Result<(u64, Hlc, EventType, &'e [u8]), Excluded> {
        if *egress.region() != self.region {
            return Err(Excluded::Region);
        }
        if egress.policy() != self.policy {
            return Err(Excluded::Policy);
        }
        if egress.lane() != self.log.lane {
            return Err(Excluded::Lane);
        }
        let seq = self.extent.first_seq.checked_add(u64::from(self.extent.count)).ok_or(Excluded::Full)?;
        self.extent.count = self.extent.count.checked_add(1).ok_or(Excluded::Full)?;
        let (hlc, kind, payload) = (egress.hlc(), egress.kind(), egress.payload());
        self.extent.head_after = chain::extend(&self.extent.head_after, seq, hlc, kind, payload);
        self.tally.add(egress.fates());
        Ok((seq, hlc, kind, payload))
    }

    /// Counts an event of this log's types of which nothing left.
    pub fn withhold(&mut self, passage: &Passage) {
        if let Passage::Stays { fates, .. } = passage {
            self.withheld = self.withheld.saturating_add(1);
            self.tally.add(fates);
        }
    }

    /// How many items there are.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.extent.count
    }

    /// Which part of the log it is so far.
    #[must_use]
    pub const fn extent(&self) -> Extent {
        self.extent
    }

    /// The receipt as far as it is drawn up, without a signature.
    fn unsigned(&self) -> Receipt {
        let Self { log, region, policy, number, previous, extent, withheld, tally } = self;
        Receipt {
            number: *number,
            previous: *previous,
            log: log.clone(),
            region: region.clone(),
            policy: *policy,
            extent: *extent,
            withheld: *withheld,
            tally: tally.clone(),
            signature: Signature([0; 64]),
        }
    }

    /// Its bytes, to be kept while there are no items: what was withheld so far is not forgotten by a restart then.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.unsigned().encode()
    }

    /// Goes on with a draft that was kept.
    ///
    /// # Errors
    /// When the bytes are not a draft, or one with items: those must come from a gate again.
    pub fn decode(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let kept = Receipt::decode(bytes)?;
        let Receipt { number, previous, log, region, policy, extent, withheld, tally, .. } = kept;
        if extent.count != 0 || extent.head_before != extent.head_after {
            return Err(ReceiptError::Malformed { at: 0 });
        }
        Ok(Self { log, region, policy, number, previous, extent, withheld, tally })
    }

    /// Signs the receipt.
    ///
    /// # Errors
    /// When there are no items: what was withheld waits for the next that leaves.
    pub fn issue(self, node: &SigningKey) -> Result<Receipt, (DraftError, Box<Self>)> {
        if self.extent.count == 0 {
            return Err((DraftError::Empty, Box::new(self)));
        }
        let mut receipt = self.unsigned();
        receipt.signature = node.sign(&codec::body(&receipt));
        Ok(receipt)
    }
}
