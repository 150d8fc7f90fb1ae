//! A policy with a good signature, and the rule that versions only go up.

use super::{Policy, PolicyError};
use crate::signing::{Signature, VerifyingKey};
use aisle_protocol::PolicyId;
use std::{ops::Deref, sync::Arc};

/// A policy whose exact bytes were signed by a key that is trusted. Only this makes a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedPolicy(Arc<Policy>);

/// Why a signed policy was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// No trusted key made the signature.
    #[error(
        "the policy's signature is of none of the {keys} trusted keys\nhint: sign the exact bytes of the file with Ed25519"
    )]
    Signature {
        /// How many keys are trusted.
        keys: usize,
    },
    /// The signature is good, the policy is not.
    #[error("the policy cannot be used")]
    Policy(#[source] PolicyError),
}

/// Why a policy may not follow the one in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SuccessionError {
    /// It is an older one.
    #[error(
        "policy version {found} is older than version {current}, which is in force\nhint: versions only go up; sign the old rules again under a new version"
    )]
    Older {
        /// Its version.
        found: u32,
        /// The version in force.
        current: u32,
    },
    /// It is another one with the same number.
    #[error(
        "there are two policies of version {version}\nhint: give the newer one a higher version and sign it again"
    )]
    Same {
        /// The version of both.
        version: u32,
    },
}

impl TrustedPolicy {
    /// Checks the signature over the exact bytes, then reads the policy.
    ///
    /// # Errors
    /// When no trusted key made the signature, or the policy cannot be used.
    pub fn open(bytes: &[u8], signature: &Signature, trusted: &[VerifyingKey]) -> Result<Self, TrustError> {
        if !trusted.iter().any(|key| key.verifies(bytes, signature)) {
            return Err(TrustError::Signature { keys: trusted.len() });
        }
        Policy::draft(bytes).map(|policy| Self(Arc::new(policy))).map_err(TrustError::Policy)
    }

    /// Takes this policy's place after the one in force, or leaves things as they are when it is the same.
    /// `current` is what the caller has kept: it must outlive restarts, else an old policy could come back.
    ///
    /// # Errors
    /// When its version is lower, or equal with other bytes.
    pub fn after(self, current: Option<PolicyId>) -> Result<Self, SuccessionError> {
        let next = self.id();
        match current {
            Some(current) if next.version < current.version => {
                Err(SuccessionError::Older { found: next.version, current: current.version })
            }
            Some(current) if next.version == current.version && next.hash != current.hash => {
                Err(SuccessionError::Same { version: next.version })
            }
            _ => Ok(self),
        }
    }
}

impl Deref for TrustedPolicy {
    type Target = Policy;

    fn deref(&self) -> &Policy {
        &self.0
    }
}
