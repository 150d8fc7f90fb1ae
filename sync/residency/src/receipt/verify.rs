//! The hub's check of a batch: is there a receipt, is it the next one, is it true, and may this region hold what is in it.
//!
//! The hub does not take the node's word. It walks every payload with the same policy and finds each field there by a rule, in the form of
//! that rule; it counts what it finds and compares. A node that lies can leave out counts of what it dropped, and nothing else.

use super::{Extent, Receipt, ReceiptError, codec, first_of};
use crate::{
    aggregate,
    fate::{Outcome, Tally},
    gate::{Plan, inspect},
    name::Region,
    policy::{Action, TrustedPolicy},
    receipt::Misfit,
    signing::VerifyingKey,
    vocabulary::Path,
};
use aisle_event::{EventType, Hlc, LogClass};
use aisle_protocol::{Chain, Checked, Hash, Head, Item, LogId, Point, PolicyId, hub::Objection};
use minicbor::{Decode, Encode};
use std::collections::BTreeMap;

/// The most policies that a hub accepts batches of at once: the one in force and those before it that stores still catch up with.
pub const POLICIES_MAX: usize = 64;

/// How far the receipts of one log are known. Kept by the hub in the same transaction as the items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Cursor {
    /// The number of the last receipt; 0 before the first.
    #[n(0)]
    pub number: u64,
    /// Its hash; for the first the hash that begins the log.
    #[n(1)]
    pub hash: Hash,
}

/// A batch as it was received.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// The log that it is of.
    pub log: &'a LogId,
    /// The policy that it names.
    pub policy: PolicyId,
    /// Which part of the log it says that it is.
    pub extent: Extent,
    /// Its items in order.
    pub items: &'a [Item],
    /// Its receipt.
    pub receipt: &'a [u8],
}

/// Why a batch was refused. No message has anything of a payload in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No receipt, or no readable one.
    #[error("the batch has no good receipt: {0}")]
    Receipt(ReceiptError),
    /// It is meant for somewhere else.
    #[error("the batch is for `{found}`; this hub stands in `{here}`")]
    Region {
        /// What the receipt says.
        found: Region,
        /// Where the hub stands.
        here: Region,
    },
    /// By a policy that this hub does not accept.
    #[error(
        "the batch was let out by policy {found}, which this hub does not accept\nhint: publish the policy to the hub before the stores"
    )]
    Policy {
        /// The policy.
        found: PolicyId,
    },
    /// The policy lets nothing go here.
    #[error("policy {policy} lets nothing go to `{here}`")]
    NothingMay {
        /// The policy.
        policy: PolicyId,
        /// Where the hub stands.
        here: Region,
    },
    /// This receipt was taken before.
    #[error("receipt {number} of this log was taken already; the last was {last}")]
    Old {
        /// Its number.
        number: u64,
        /// The last that was taken.
        last: u64,
    },
    /// A receipt between is missing.
    #[error("receipt {number} of this log came after {last}: one between is missing")]
    Gap {
        /// Its number.
        number: u64,
        /// The last that was taken.
        last: u64,
    },
    /// The heads or the count are not those of the items.
    #[error("the items are not those that the batch says: their {what} differs")]
    Extent {
        /// What.
        what: &'static str,
    },
    /// The signature is not the node's over this receipt after that one.
    #[error(
        "the receipt's signature does not hold: it was changed, is another node's, or does not follow the last one"
    )]
    Signature,
    /// Something in it may not be here.
    #[error("item {seq} (type {kind:#06x}) may not be in `{here}`: {misfit}")]
    Item {
        /// Its sequence number.
        seq: u64,
        /// Its type.
        kind: u16,
        /// Where the hub stands.
        here: Region,
        /// What is wrong with it.
        misfit: Misfit,
    },
    /// An item of a type that the policy lets nothing of out, or of another log.
    #[error("item {seq} is of type {kind:#06x}, which has no place in this log by this policy")]
    Kind {
        /// Its sequence number.
        seq: u64,
        /// Its type.
        kind: u16,
    },
    /// An item's time is more exact than the policy lets it be.
    #[error("item {seq} says its time more exactly than the policy allows")]
    Time {
        /// Its sequence number.
        seq: u64,
    },
    /// The receipt's counts are not those of the items.
    #[error("the receipt counts `{path}` {} {counted} times, and it is there {found} times", outcome.word())]
    Count {
        /// The field.
        path: Path,
        /// As what.
        outcome: Outcome,
        /// How often by the receipt.
        counted: u64,
        /// How often by the items.
        found: u64,
    },
}

/// What the node is to be told: an old receipt, a later one or one with another signature is not the one that follows.
impl From<Refusal> for Objection {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            Refusal::Old { .. } | Refusal::Gap { .. } | Refusal::Signature => Self::Receipt(text),
            _ => Self::Residency(text),
        }
    }
}

/// Checks batches on behalf of one region.
#[derive(Debug)]
pub struct Verifier {
    region: Region,
    policies: BTreeMap<PolicyId, (TrustedPolicy, Option<Plan>)>,
}

impl<'a> Presented<'a> {
    /// A batch of a log.
    #[must_use]
    pub fn of(log: &'a LogId, batch: &'a Checked) -> Self {
        let header = batch.header();
        let (extent, items) = (Extent::from(header), batch.items());
        Self { log, policy: header.policy, extent, items, receipt: batch.batch().receipt() }
    }
}

impl Cursor {
    /// Before the first receipt of a log.
    #[must_use]
    pub fn start(log: &LogId, region: &Region) -> Self {
        Self { number: 0, hash: first_of(log, region) }
    }
}

impl Verifier {
    /// For a hub in a region, that accepts batches by these policies; of more than [`POLICIES_MAX`] the newest count.
    #[must_use]
    pub fn new(region: Region, policies: impl IntoIterator<Item = TrustedPolicy>) -> Self {
        let mut verifier = Self { region, policies: BTreeMap::new() };
        policies.into_iter().for_each(|policy| verifier.accept(policy));
        verifier
    }

    /// Accepts one more policy.
    pub fn accept(&mut self, policy: TrustedPolicy) {
        let plan = policy.destinations.get(&self.region).map(Plan::new);
        self.policies.insert(policy.id(), (policy, plan));
        while self.policies.len() > POLICIES_MAX {
            self.policies.pop_first();
        }
    }

    /// Accepts policies of lower versions no more: stores have had the time to catch up.
    pub fn retire_below(&mut self, version: u32) {
        self.policies.retain(|id, _| id.version >= version);
    }

    /// Checks a batch of a node against the last receipt that is known of its log. What comes back belongs in the same transaction as the
    /// items.
    ///
    /// # Errors
    /// When there is anything about the batch that this region may not hold or the receipt does not cover.
    pub fn verify(
        &self,
        node: &VerifyingKey,
        batch: &Presented<'_>,
        last: &Cursor,
    ) -> Result<(Receipt, Cursor), Refusal> {
        self.verify_without(node, batch, last, &BTreeMap::new())
    }

    /// As [`Self::verify`], for a batch that is held already and of which something was erased since: by number, the head of the chain after
    /// each event that is not as it came any more. What is left has to be covered by the receipt, and the chain to hold around it.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn verify_without(
        &self,
        node: &VerifyingKey,
        batch: &Presented<'_>,
        last: &Cursor,
        erased: &BTreeMap<u64, Head>,
    ) -> Result<(Receipt, Cursor), Refusal> {
        let facts =
            codec::Facts { log: batch.log, policy: batch.policy, extent: batch.extent, previous: last.hash };
        let receipt = codec::from_wire(batch.receipt, &facts).map_err(Refusal::Receipt)?;
        if receipt.region != self.region {
            return Err(Refusal::Region { found: receipt.region, here: self.region.clone() });
        }
        if receipt.number <= last.number {
            return Err(Refusal::Old { number: receipt.number, last: last.number });
        }
        if Some(receipt.number) != last.number.checked_add(1) {
            return Err(Refusal::Gap { number: receipt.number, last: last.number });
        }
        let (policy, plan) =
            self.policies.get(&batch.policy).ok_or(Refusal::Policy { found: batch.policy })?;
        let plan = plan
            .as_ref()
            .ok_or_else(|| Refusal::NothingMay { policy: batch.policy, here: self.region.clone() })?;
        Self::extent(batch, erased)?;
        if !receipt.is_signed_by(node) {
            return Err(Refusal::Signature);
        }
        let found = self.items(policy, plan, batch, erased)?;
        self.counts(policy, &receipt.tally, &found, erased.is_empty())?;
        let cursor = Cursor { number: receipt.number, hash: receipt.hash() };
        Ok((receipt, cursor))
    }

    fn extent(batch: &Presented<'_>, erased: &BTreeMap<u64, Head>) -> Result<(), Refusal> {
        let Extent { first_seq, count, head_before, head_after } = batch.extent;
        if count == 0 || u32::try_from(batch.items.len()) != Ok(count) {
            return Err(Refusal::Extent { what: "number" });
        }
        let seq = first_seq.checked_sub(1).ok_or(Refusal::Extent { what: "sequence" })?;
        let mut chain = Chain::after(Point { seq, head: head_before });
        for (item, seq) in batch.items.iter().zip(first_seq..) {
            match erased.get(&seq) {
                Some(head) => chain = Chain::after(Point { seq, head: *head }),
                None => drop(chain.push(item.hlc, item.kind, &item.payload)),
            }
        }
        if chain.point().head == head_after { Ok(()) } else { Err(Refusal::Extent { what: "chain head" }) }
    }

    fn items(
        &self,
        policy: &TrustedPolicy,
        plan: &Plan,
        batch: &Presented<'_>,
        erased: &BTreeMap<u64, Head>,
    ) -> Result<Tally, Refusal> {
        let mut found = Tally::default();
        let all = batch.items.iter().zip(batch.extent.first_seq..);
        for (item, seq) in all.filter(|(_, seq)| !erased.contains_key(seq)) {
            let kind = EventType(item.kind);
            let misfit = |misfit| Refusal::Item { seq, kind: kind.0, here: self.region.clone(), misfit };
            if kind == aggregate::KIND && batch.log.class == aggregate::CLASS {
                aggregate::inspect(policy, &self.region, item).map_err(misfit)?;
                continue;
            }
            let kind_plan = plan
                .of(kind)
                .filter(|plan| plan.is_named && LogClass::of_kind(kind) == Some(batch.log.class));
            let kind_plan = kind_plan.ok_or(Refusal::Kind { seq, kind: kind.0 })?;
            // The counter of a coarsened time is a code that only the store can make.
            let hlc = Hlc(item.hlc);
            if kind_plan.precision.floor_hlc(hlc).ms() != hlc.ms() {
                return Err(Refusal::Time { seq });
            }
            inspect::inspect(kind_plan, &item.payload, &mut |path, outcome| found.count(path, outcome, 1))
                .map_err(misfit)?;
        }
        Ok(found)
    }

    /// What left must be counted exactly, and no less than what is still there of it. What stayed cannot be seen; but a field can only have stayed in a way that its rule allows.
    fn counts(
        &self,
        policy: &TrustedPolicy,
        counted: &Tally,
        found: &Tally,
        is_whole: bool,
    ) -> Result<(), Refusal> {
        let differs = |path, outcome| Refusal::Count {
            path,
            outcome,
            counted: counted.of(path, outcome),
            found: found.of(path, outcome),
        };
        let of_both = counted.iter().chain(found.iter()).filter(|(_, outcome, _)| outcome.leaves());
        for (path, outcome, _) in of_both {
            let (by_receipt, there) = (counted.of(path, outcome), found.of(path, outcome));
            if there > by_receipt || (is_whole && there != by_receipt) {
                return Err(differs(path, outcome));
            }
        }
        let rule = |path| policy.rule(&self.region, path).map(|rule| &rule.action);
        let misnamed = counted.iter().find(|(path, outcome, _)| {
            *outcome == Outcome::Aggregated && rule(*path) != Some(&Action::Aggregate)
        });
        misnamed.map_or(Ok(()), |(path, outcome, _)| Err(differs(path, outcome)))
    }
}
