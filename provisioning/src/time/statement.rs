//! The hub's signed statement of time.
//!
//! A node sends a nonce along where it can; without one the statement is still a time that has been, but perhaps long ago (a courier's stick, a replay). Either
//! way it can only raise the floor, and by no more than the life of the hub's certificate.

use crate::{
    entropy::{self, Entropy, NoEntropy},
    identity::Chain,
    roots::Roots,
    signed::{self, SignedError, Signer},
};
use aisle_event::Timestamp;
use minicbor::{Decode, Encode};

/// The largest statement that is read, in bytes.
pub const STATEMENT_BYTES_MAX: usize = 64 * 1_024;
const ABOUT: &str = "time";

/// What a hub says about the time.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TimeStatement {
    /// The hub's time when it signed.
    #[n(0)]
    pub at: Timestamp,
    /// What the node asked with.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub nonce: Option<[u8; 32]>,
}

/// Why a statement is not believed.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// Nobody who is believed signed it.
    #[error("the statement of time is not believed")]
    Signed(#[from] SignedError),
    /// It answers another question.
    #[error("the statement of time answers another question\nhint: an old one was sent again")]
    Nonce,
}

impl TimeStatement {
    /// A nonce to ask with.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn nonce(entropy: &mut dyn Entropy) -> Result<[u8; 32], NoEntropy> {
        entropy::array(entropy)
    }

    /// Signs it.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(&self, signer: Signer<'_>) -> Result<Vec<u8>, SignedError> {
        // Writing to a `Vec` has no way to fail.
        signed::sign(ABOUT, &minicbor::to_vec(self).unwrap_or_default(), signer)
    }

    /// Reads a statement that a hub of the chain signed. With a nonce it must be the answer to it.
    ///
    /// # Errors
    /// When it is not.
    pub fn open(
        bytes: &[u8],
        roots: &Roots,
        chain: &Chain,
        nonce: Option<&[u8; 32]>,
    ) -> Result<Self, StatementError> {
        let (statement, _) = signed::open(ABOUT, bytes, STATEMENT_BYTES_MAX, roots, chain, |body| {
            let statement: Self = minicbor::decode(body)?;
            let at = statement.at;
            Ok((statement, at))
        })?;
        if nonce.is_some() && statement.nonce.as_ref() != nonce {
            return Err(StatementError::Nonce);
        }
        Ok(statement)
    }
}
