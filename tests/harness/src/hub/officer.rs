//! Who signs policies: an Ed25519 key that lives as long as a test or the demo.

use super::HubError;
use data_encoding::HEXLOWER;
use rand::RngExt;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

/// The officer's key.
#[derive(Debug)]
pub struct Officer(Ed25519KeyPair);

impl Officer {
    /// With a new key.
    ///
    /// # Errors
    /// When the library refuses it.
    pub fn new() -> Result<Self, HubError> {
        let seed: [u8; 32] = rand::rng().random();
        Ed25519KeyPair::from_seed_unchecked(&seed).map(Self).map_err(|_| HubError::Key)
    }

    /// The public half, in hexadecimal digits.
    #[must_use]
    pub fn public_key(&self) -> String {
        HEXLOWER.encode(self.0.public_key().as_ref())
    }

    /// The signature over a policy's exact bytes, in hexadecimal digits.
    #[must_use]
    pub fn sign(&self, policy: &str) -> String {
        HEXLOWER.encode(self.0.sign(policy.as_bytes()).as_ref())
    }
}
