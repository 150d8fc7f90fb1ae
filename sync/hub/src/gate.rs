//! The hub's side of the residency gate: may this region hold a batch, and does its receipt follow the one before?
//!
//! Lives here: the bridge from what the protocol asks ([`Gate`]) to what residency knows ([`Verifier`]), and the
//! form of the mark that moves with a log's cursor. Not here: the rules themselves. Guards invariant 3 at the far end: what no receipt
//! covers is not held.

use aisle_protocol::{
    Checked, Head, LogId,
    hub::{Gate, Objection},
};
use aisle_residency::{
    Receipt, Region, Verifier,
    receipt::{Cursor, Presented, Refusal},
    signing::VerifyingKey,
};
use bytes::Bytes;
use std::{collections::BTreeMap, sync::Arc};

/// Looks at the batches of one store with the keys that its nodes sign with.
#[derive(Debug, Clone)]
pub struct ReceiptGate {
    region: Region,
    verifier: Arc<Verifier>,
    keys: Vec<VerifyingKey>,
}

/// Why a batch was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GateRefusal {
    /// No node of the store has a key that is known.
    #[error("no node of `{store}` has a known receipt key\nhint: register the node at the hub")]
    NoKey {
        /// The store.
        store: String,
    },
    /// What the ledger kept for the gate is not what the gate gave.
    #[error("the mark of the log cannot be read\nhint: run `aisle-hub verify`")]
    Mark,
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl ReceiptGate {
    /// For a store. Keys are tried in their order, so the one that is in use belongs first.
    #[must_use]
    pub const fn new(region: Region, verifier: Arc<Verifier>, keys: Vec<VerifyingKey>) -> Self {
        Self { region, verifier, keys }
    }

    /// Checks a batch against the mark that the last one left, and gives its receipt with the next mark.
    ///
    /// # Errors
    /// When this region may not hold it, or the receipt is not right.
    pub fn check(&self, batch: &Presented<'_>, mark: &[u8]) -> Result<(Receipt, Bytes), GateRefusal> {
        self.check_without(batch, mark, &BTreeMap::new())
    }

    /// As [`Self::check`], for a batch of which something was erased since it was taken: by number, the chain's head after each such event.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn check_without(
        &self,
        batch: &Presented<'_>,
        mark: &[u8],
        erased: &BTreeMap<u64, Head>,
    ) -> Result<(Receipt, Bytes), GateRefusal> {
        let last = if mark.is_empty() {
            Cursor::start(batch.log, &self.region)
        } else {
            minicbor::decode(mark).map_err(|_| GateRefusal::Mark)?
        };
        let mut refusal = GateRefusal::NoKey { store: batch.log.store.to_string() };
        for key in &self.keys {
            match self.verifier.verify_without(key, batch, &last, erased) {
                Ok((receipt, next)) => {
                    // Writing to a `Vec` has no way to fail.
                    return Ok((receipt, minicbor::to_vec(next).unwrap_or_default().into()));
                }
                // Another node of the store may have signed it.
                Err(Refusal::Signature) => refusal = Refusal::Signature.into(),
                Err(other) => return Err(other.into()),
            }
        }
        Err(refusal)
    }
}

impl GateRefusal {
    /// The same as the protocol says it. A signature that does not hold may be one over another receipt before; of the first receipt of a
    /// log it cannot be, so a node that signs with a key of its own is not sent from epoch to epoch.
    fn objection(&self, is_first: bool) -> Objection {
        match self {
            Self::Refused(Refusal::Old { .. } | Refusal::Gap { .. }) => Objection::Receipt(self.to_string()),
            Self::Refused(Refusal::Signature) if !is_first => Objection::Receipt(self.to_string()),
            _ => Objection::Residency(self.to_string()),
        }
    }
}

impl Gate for ReceiptGate {
    fn inspect(&self, log: &LogId, batch: &Checked, mark: &Bytes) -> Result<Bytes, Objection> {
        self.check(&Presented::of(log, batch), mark)
            .map(|(_, next)| next)
            .map_err(|refusal| refusal.objection(mark.is_empty()))
    }
}
