//! Whose signatures count: those of a role's keys, each key once, as many as the role needs.
//!
//! Guards: a key counts once however often it is listed and under however many names. What is wrong with signatures is told apart, since who
//! operates a fleet does something else about a forgery than about a key in the wrong place.

use super::Document;
use crate::{key::KeyId, role::Role};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use std::{
    collections::{BTreeSet, HashMap},
    num::NonZeroU64,
};
use tough::schema::{
    Delegations, RoleType, Root,
    decoded::{Decoded, Hex},
    key::Key,
};

/// Why metadata is not what its role has signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Nobody has that role.
    #[error("nobody was given the role `{role}`")]
    NoRole {
        /// Which.
        role: Role,
    },
    /// Too few have signed.
    #[error("`{role}` is signed by {valid} of the {threshold} keys that it needs")]
    Threshold {
        /// Whose it is.
        role: Role,
        /// How many signatures are good.
        valid: u64,
        /// How many there must be.
        threshold: u64,
    },
    /// A key of the role, but it has not signed this.
    #[error(
        "`{role}` has a signature in the name of the key {key} that this key did not make; {valid} of {threshold} are good"
    )]
    Forged {
        /// Whose it is.
        role: Role,
        /// In whose name.
        key: KeyId,
        /// How many signatures are good.
        valid: u64,
        /// How many there must be.
        threshold: u64,
    },
    /// A key that is trusted, with something else.
    #[error("`{role}` is signed with the key {key}, which is one of `{of}` and not of `{role}`")]
    ForeignKey {
        /// Whose it is.
        role: Role,
        /// Which key.
        key: KeyId,
        /// Whose key it is.
        of: String,
    },
}

/// Who may sign.
pub(crate) struct Signers<'a> {
    keys: &'a HashMap<Decoded<Hex>, Key>,
    keyids: &'a [Decoded<Hex>],
    threshold: NonZeroU64,
    /// All that are trusted with something else, to say so.
    others: Vec<(String, &'a [Decoded<Hex>])>,
}

fn of_root(root: &Root) -> Vec<(String, &[Decoded<Hex>])> {
    let mut roles: Vec<_> =
        root.roles.iter().map(|(role, keys)| (role.to_string(), keys.keyids.as_slice())).collect();
    roles.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    roles
}

impl<'a> Signers<'a> {
    /// Of one of the four at the top.
    pub(crate) fn top(root: &'a Root, role: &Role) -> Result<Self, SignatureError> {
        let kind = match role {
            Role::Root => Some(RoleType::Root),
            Role::Timestamp => Some(RoleType::Timestamp),
            Role::Snapshot => Some(RoleType::Snapshot),
            Role::Targets => Some(RoleType::Targets),
            Role::Delegated(_) => None,
        };
        let keys = kind.and_then(|kind| root.roles.get(&kind));
        let keys = keys.ok_or_else(|| SignatureError::NoRole { role: role.clone() })?;
        Ok(Self { keys: &root.keys, keyids: &keys.keyids, threshold: keys.threshold, others: of_root(root) })
    }

    /// Of a delegated role.
    pub(crate) fn delegated(
        root: &'a Root,
        delegations: &'a Delegations,
        role: &Role,
    ) -> Result<Self, SignatureError> {
        let found = delegations.roles.iter().find(|delegated| delegated.name == role.as_str());
        let found = found.ok_or_else(|| SignatureError::NoRole { role: role.clone() })?;
        let siblings = delegations.roles.iter().map(|role| (role.name.clone(), role.keyids.as_slice()));
        let others = of_root(root).into_iter().chain(siblings).collect();
        Ok(Self { keys: &delegations.keys, keyids: &found.keyids, threshold: found.threshold, others })
    }

    /// Holds the signatures of a document against these keys.
    pub(crate) fn check(&self, document: &Document) -> Result<(), SignatureError> {
        let (mut good, mut forged) = (BTreeSet::new(), None);
        for signature in document.signatures.iter().filter(|found| self.keyids.contains(&found.keyid)) {
            let Some(key) = self.keys.get(&signature.keyid) else { continue };
            let (algorithm, public) = parts(key);
            if UnparsedPublicKey::new(algorithm, public).verify(&document.message, &signature.sig).is_ok() {
                // By what it is, not by what it is called: one key under two names is one key.
                good.insert(public.to_vec());
            } else if forged.is_none() {
                forged = Some(KeyId::of(&signature.keyid));
            }
        }
        let (valid, threshold) = (good.len() as u64, self.threshold.get());
        if valid >= threshold {
            return Ok(());
        }
        let role = document.role.clone();
        if let Some(key) = forged {
            return Err(SignatureError::Forged { role, key, valid, threshold });
        }
        let foreign = document.signatures.iter().filter(|found| !self.keyids.contains(&found.keyid));
        let of = |keyid: &Decoded<Hex>| {
            self.others.iter().find(|(_, keyids)| keyids.contains(keyid)).map(|(of, _)| of.clone())
        };
        match foreign.filter_map(|found| of(&found.keyid).map(|of| (KeyId::of(&found.keyid), of))).next() {
            Some((key, of)) => Err(SignatureError::ForeignKey { role, key, of }),
            None => Err(SignatureError::Threshold { role, valid, threshold }),
        }
    }
}

/// How a key verifies, and its bytes.
fn parts(key: &Key) -> (&'static dyn VerificationAlgorithm, &[u8]) {
    match key {
        Key::Ed25519 { keyval, .. } => (&ED25519, &keyval.public),
        Key::Ecdsa { keyval, .. } | Key::EcdsaOld { keyval, .. } => (&ECDSA_P256_SHA256_ASN1, &keyval.public),
        Key::Rsa { keyval, .. } => (&RSA_PSS_2048_8192_SHA256, &keyval.public),
    }
}
