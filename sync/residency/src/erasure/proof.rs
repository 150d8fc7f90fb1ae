//! The proof of an erasure: signed by who erased, a store or a hub.

use super::Progress;
use crate::{
    seal::{KeyId, PersonId},
    signing::{Signature, SigningKey, VerifyingKey},
};
use aisle_event::Timestamp;
use minicbor::{Decode, Encode, bytes::ByteArray};
use std::fmt::Display;

const CONTEXT: &[u8] = b"aisle erasure 1\0";

/// What was erased, by whom, when, and what stands behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The erasure.
    pub erasure: String,
    /// Who erased: the store, or the region of the hub.
    pub by: String,
    /// The person's code; a hub that knows only tokens repeats the code it was given.
    pub person: PersonId,
    /// The keys that were destroyed. None at a hub.
    pub keys: Vec<KeyId>,
    /// The last record that was rewritten from or removed.
    pub through: u64,
    /// Rows that were removed or rewritten. Zero where rows are not counted.
    pub rows: u64,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it was done.
    pub completed_at: Timestamp,
    /// The hubs that were asked, with BLAKE3 of the proof of each.
    pub hubs: Vec<(String, [u8; 32])>,
}

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Something is still to be done.
    #[error("the erasure is not done: there is nothing to prove yet")]
    NotDone,
    /// The bytes are not a proof.
    #[error("the proof is malformed: {0}")]
    Malformed(String),
    /// The signature is not that key's.
    #[error("the proof's signature does not hold")]
    Signature,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Wire {
    #[n(1)]
    erasure: String,
    #[n(2)]
    by: String,
    #[n(3)]
    person: PersonId,
    #[n(4)]
    keys: Vec<KeyId>,
    #[n(5)]
    through: u64,
    #[n(6)]
    rows: u64,
    #[n(7)]
    requested_at: i64,
    #[n(8)]
    completed_at: i64,
    #[n(9)]
    hubs: Vec<(String, ByteArray<32>)>,
}

impl Proof {
    /// What a store can prove of an erasure that is done.
    ///
    /// # Errors
    /// When something is still to be done.
    pub fn of(progress: &Progress, store: &str, completed_at: Timestamp) -> Result<Self, ProofError> {
        let (Some((keys, _)), Some(through), true) =
            (&progress.destroyed, progress.trimmed_through, progress.is_ready())
        else {
            return Err(ProofError::NotDone);
        };
        let hubs =
            progress.hubs.iter().map(|(region, proof)| (region.clone(), *blake3::hash(proof).as_bytes()));
        Ok(Self {
            erasure: progress.request.erasure.clone(),
            by: store.into(),
            person: progress.request.person,
            keys: keys.clone(),
            through,
            rows: 0,
            requested_at: progress.request.at,
            completed_at,
            hubs: hubs.collect(),
        })
    }

    /// The proof with its signature: 64 bytes of signature, then the proof.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> Vec<u8> {
        let wire = Wire {
            erasure: self.erasure.clone(),
            by: self.by.clone(),
            person: self.person,
            keys: self.keys.clone(),
            through: self.through,
            rows: self.rows,
            requested_at: self.requested_at.0,
            completed_at: self.completed_at.0,
            hubs: self.hubs.iter().map(|(region, hash)| (region.clone(), (*hash).into())).collect(),
        };
        // Writing to a `Vec` has no way to fail.
        let body = minicbor::to_vec(&wire).unwrap_or_default();
        let mut out = key.sign(&signed(&body)).0.to_vec();
        out.extend_from_slice(&body);
        out
    }

    /// Reads a proof and checks that this key signed it.
    ///
    /// # Errors
    /// When the bytes are not a proof, or the signature is not this key's.
    pub fn open(bytes: &[u8], key: &VerifyingKey) -> Result<Self, ProofError> {
        let malformed = |error: &dyn Display| ProofError::Malformed(error.to_string());
        let (signature, body) = bytes.split_first_chunk().ok_or_else(|| malformed(&"it is too short"))?;
        if !key.verifies(&signed(body), &Signature(*signature)) {
            return Err(ProofError::Signature);
        }
        let wire: Wire = minicbor::decode(body).map_err(|error| malformed(&error))?;
        Ok(Self {
            erasure: wire.erasure,
            by: wire.by,
            person: wire.person,
            keys: wire.keys,
            through: wire.through,
            rows: wire.rows,
            requested_at: Timestamp(wire.requested_at),
            completed_at: Timestamp(wire.completed_at),
            hubs: wire.hubs.into_iter().map(|(region, hash)| (region, hash.into())).collect(),
        })
    }
}

fn signed(body: &[u8]) -> Vec<u8> {
    [CONTEXT, body].concat()
}
