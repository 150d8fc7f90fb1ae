//! Drawing up a receipt: a batch's items go through here on their way into the outbox.

use super::{Extent, Receipt, ReceiptError, codec, first_of};
use crate::{
    egress::Egress,
    fate::Tally,
    gate::Passage,
    name::Region,
    signing::{Signature, SigningKey},
};
use aisle_event::{EventType, Hlc, LogClass};
use aisle_protocol::{Chain, Hash, LogId, Point, PolicyId, limits::BATCH_EVENTS_MAX};

/// A receipt that is being drawn up.
#[derive(Debug)]
pub struct Draft {
    log: LogId,
    region: Region,
    policy: PolicyId,
    number: u64,
    previous: Hash,
    start: Point,
    chain: Chain,
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
    /// It belongs to a log of another class.
    #[error("the item belongs to a log of another class than the batch's")]
    Class,
    /// Something of it leaves, so it is not withheld.
    #[error("something of the event leaves, so it was not withheld")]
    Leaves,
    /// The batch is full.
    #[error("the batch has {BATCH_EVENTS_MAX} items, and room for no more")]
    Full,
}

/// Why a receipt cannot be issued, or go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// There is nothing to give a receipt for.
    #[error("the batch is empty")]
    Empty,
    /// There are items by another policy.
    #[error("the batch has items by another policy\nhint: close it first")]
    Begun,
}

impl Draft {
    /// Begins the first receipt of a log.
    #[must_use]
    pub fn first(log: LogId, region: Region, policy: PolicyId) -> Self {
        let (previous, start) = (first_of(&log, &region), log.start());
        Self::begin(log, region, policy, 1, previous, start)
    }

    /// Begins the receipt that follows another. The policy may be a newer one.
    #[must_use]
    pub fn after(last: &Receipt, policy: PolicyId) -> Self {
        let number = last.number.saturating_add(1);
        let start = last.extent.end();
        Self::begin(last.log.clone(), last.region.clone(), policy, number, last.hash(), start)
    }

    fn begin(
        log: LogId,
        region: Region,
        policy: PolicyId,
        number: u64,
        previous: Hash,
        start: Point,
    ) -> Self {
        let chain = Chain::after(start);
        Self { log, region, policy, number, previous, start, chain, withheld: 0, tally: Tally::default() }
    }

    /// Takes the next item in. Gives what goes into the outbox: sequence number, time, type, bytes.
    ///
    /// # Errors
    /// When the item does not belong in this batch; the draft is unchanged then.
    pub fn add<'e, T>(&mut self, egress: &'e Egress<T>) -> Result<(u64, Hlc, EventType, &'e [u8]), Excluded> {
        self.belongs(egress.region(), egress.policy(), Some(egress.class()))?;
        if self.count() as usize >= BATCH_EVENTS_MAX {
            return Err(Excluded::Full);
        }
        let (hlc, kind, payload) = (egress.hlc(), egress.kind(), egress.payload());
        let Point { seq, .. } = self.chain.push(hlc.0, kind.0, payload);
        self.tally.add(egress.fates());
        Ok((seq, hlc, kind, payload))
    }

    /// Counts an event of this log's types of which nothing left.
    ///
    /// # Errors
    /// When it does not belong in this batch, or leaves; the draft is unchanged then.
    pub fn withhold(&mut self, passage: &Passage) -> Result<(), Excluded> {
        let Passage::Stays { region, policy, class, fates, .. } = passage else {
            return Err(Excluded::Leaves);
        };
        self.belongs(region, *policy, *class)?;
        self.withheld = self.withheld.saturating_add(1);
        self.tally.add(fates);
        Ok(())
    }

    fn belongs(&self, region: &Region, policy: PolicyId, class: Option<LogClass>) -> Result<(), Excluded> {
        if *region != self.region {
            Err(Excluded::Region)
        } else if policy != self.policy {
            Err(Excluded::Policy)
        } else if class != Some(self.log.class) {
            Err(Excluded::Class)
        } else {
            Ok(())
        }
    }

    /// Goes on under another policy, where there are no items yet: what was withheld is told with the next that leaves. By which rules
    /// it stayed is not known to the other policy, so that all of it counts as dropped.
    ///
    /// # Errors
    /// When there are items by the policy so far: they have to be closed first.
    pub fn under(self, policy: PolicyId) -> Result<Self, (DraftError, Box<Self>)> {
        if policy == self.policy {
            return Ok(self);
        }
        if self.count() > 0 {
            return Err((DraftError::Begun, Box::new(self)));
        }
        Ok(Self { policy, tally: self.tally.all_dropped(), ..self })
    }

    /// How many items there are.
    #[must_use]
    pub const fn count(&self) -> u32 {
        // At most BATCH_EVENTS_MAX.
        self.chain.point().seq.saturating_sub(self.start.seq) as u32
    }

    /// Which part of the log it is so far.
    #[must_use]
    pub const fn extent(&self) -> Extent {
        Extent {
            first_seq: self.start.seq.saturating_add(1),
            count: self.count(),
            head_before: self.start.head,
            head_after: self.chain.point().head,
        }
    }

    /// The receipt as far as it is drawn up, without a signature.
    fn unsigned(&self) -> Receipt {
        let Self { log, region, policy, number, previous, withheld, tally, .. } = self;
        Receipt {
            number: *number,
            previous: *previous,
            log: log.clone(),
            region: region.clone(),
            policy: *policy,
            extent: self.extent(),
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
        let draft = Self::begin(log, region, policy, number, previous, extent.end());
        Ok(Self { withheld, tally, ..draft })
    }

    /// Signs the receipt.
    ///
    /// # Errors
    /// When there are no items: what was withheld waits for the next that leaves.
    pub fn issue(self, node: &SigningKey) -> Result<Receipt, (DraftError, Box<Self>)> {
        if self.count() == 0 {
            return Err((DraftError::Empty, Box::new(self)));
        }
        let mut receipt = self.unsigned();
        receipt.signature = node.sign(&codec::body(&receipt));
        Ok(receipt)
    }
}
