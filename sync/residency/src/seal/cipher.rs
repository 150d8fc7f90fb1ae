//! One sealed value: version 1, key id (8), nonce (24), ciphertext with its tag (16).

use super::ring::KeyId;
use crate::{
    entropy::{self, Entropy, NoEntropy},
    vocabulary::Path,
};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const NONCE: usize = 24;

/// A sealed value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    pub(super) key: KeyId,
    nonce: [u8; NONCE],
    text: Vec<u8>,
}

/// Why something could not be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// There is no randomness for a nonce.
    #[error("nothing can be sealed: {0}")]
    Entropy(NoEntropy),
    /// The value is too long to be sealed.
    #[error("the value is too long to be sealed")]
    TooLong,
    /// These are not the bytes of a sealed value, or of a payload that holds some.
    #[error("the bytes are not what was sealed")]
    Malformed,
    /// It was changed, moved to another field, or sealed with another key of the same id.
    #[error("a sealed value does not open: it was changed, or moved to another field")]
    Forged,
    /// There is no key for the person.
    #[error("the person has no key")]
    NoKey,
}

/// The key of a person or of a key ring.
pub(super) type Secret = Zeroizing<[u8; 32]>;

/// What is authenticated with a value: `aisle seal 1`, the event's name and the field's path.
pub(super) fn bound_to(path: Path) -> Vec<u8> {
    format!("aisle seal 1\0{}\0{path}", path.event_name()).into_bytes()
}

impl Sealed {
    pub(super) fn seal(
        key: KeyId,
        secret: &Secret,
        bound: &[u8],
        value: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<Self, SealError> {
        let nonce = entropy::array(entropy).map_err(SealError::Entropy)?;
        let text = XChaCha20Poly1305::new((&**secret).into())
            .encrypt(&XNonce::from(nonce), Payload { msg: value, aad: bound })
            .map_err(|_| SealError::TooLong)?;
        Ok(Self { key, nonce, text })
    }

    pub(super) fn open(&self, secret: &Secret, bound: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        XChaCha20Poly1305::new((&**secret).into())
            .decrypt(&XNonce::from(self.nonce), Payload { msg: &self.text, aad: bound })
            .map(Zeroizing::new)
            .map_err(|_| SealError::Forged)
    }

    /// The key that it was sealed with.
    #[must_use]
    pub const fn key(&self) -> KeyId {
        self.key
    }

    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1 + 8 + NONCE + self.text.len());
        out.push(VERSION);
        out.extend_from_slice(&self.key.0);
        out.extend_from_slice(&self.nonce);
        out.extend_from_slice(&self.text);
        out
    }

    /// Reads its bytes.
    ///
    /// # Errors
    /// When they are not those of a sealed value.
    pub fn decode(bytes: &[u8]) -> Result<Self, SealError> {
        let parts = bytes.strip_prefix(&[VERSION]).and_then(|rest| rest.split_first_chunk());
        let (key, rest) = parts.ok_or(SealError::Malformed)?;
        let (nonce, text) = rest.split_first_chunk().ok_or(SealError::Malformed)?;
        Ok(Self { key: KeyId(*key), nonce: *nonce, text: text.to_vec() })
    }
}
