//! Keys that sign metadata: Ed25519 (RFC 8032), named by the SHA-256 of their public half as TUF writes it.
//!
//! The public half is a key of TUF and can be read of any repository; what is signed here is signed with Ed25519 alone. At rest a private key is
//! PKCS#8 in PEM: an offline one sealed with a passphrase ([`SigningKey::seal`]), an online one as it is, for whatever keeps secrets of a service.
//!
//! Not here: who may sign what ([`crate::repository`]), random bytes (callers pass them in).

mod seal;

pub use seal::{PASSPHRASE_CHARS_MIN, SealError, SealNonce, UnsealError, WORK_MAX};

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use std::{collections::HashMap, fmt, str::FromStr};
use tough::schema::key::{Ed25519Key, Ed25519Scheme, Key};
use zeroize::Zeroizing;

/// The name of a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Vec<u8>);

impl KeyId {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(self.0.get(..32).unwrap_or(&self.0)))
    }
}

/// The public half of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: KeyId,
    key: Key,
}

/// Text is no public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no public key of Ed25519\nhint: it has 64 hexadecimal digits; whoever made the key has them"
)]
pub struct NotPublicKey;

impl PublicKey {
    /// Of the 32 bytes of a public key of Ed25519.
    ///
    /// # Errors
    /// When it has no identifier, which a key always has.
    pub fn ed25519(bytes: &[u8; 32]) -> Result<Self, NotPublicKey> {
        Self::of_key(Key::Ed25519 {
            keyval: Ed25519Key { public: bytes.to_vec().into(), _extra: HashMap::new() },
            scheme: Ed25519Scheme::Ed25519,
            _extra: HashMap::new(),
        })
    }

    /// Its 32 bytes as 64 hexadecimal digits, as they are read aloud and compared; nothing of a key of another sort.
    #[must_use]
    pub fn digits(&self) -> Option<String> {
        match &self.key {
            Key::Ed25519 { keyval, .. } => Some(HEXLOWER.encode(&keyval.public)),
            _ => None,
        }
    }

    pub(crate) fn of_key(key: Key) -> Result<Self, NotPublicKey> {
        let id = key.key_id().map_err(|_| NotPublicKey)?;
        Ok(Self { id: KeyId::of(&id), key })
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    pub(crate) const fn key(&self) -> &Key {
        &self.key
    }
}

impl FromStr for PublicKey {
    type Err = NotPublicKey;

    fn from_str(digits: &str) -> Result<Self, NotPublicKey> {
        let bytes = HEXLOWER_PERMISSIVE.decode(digits.trim().as_bytes()).map_err(|_| NotPublicKey)?;
        Self::ed25519(&bytes.try_into().map_err(|_| NotPublicKey)?)
    }
}

/// A private key. Shows only its name.
pub struct SigningKey {
    seed: Zeroizing<[u8; 32]>,
    pair: Ed25519KeyPair,
    public: PublicKey,
}

/// The seed is none that a key can be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the seed of a signing key was refused")]
pub struct InvalidSeed;

impl SigningKey {
    /// From the 32 random bytes that the private key is made of.
    ///
    /// # Errors
    /// When the library refuses the seed.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, InvalidSeed> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| InvalidSeed)?;
        let bytes: [u8; 32] = pair.public_key().as_ref().try_into().map_err(|_| InvalidSeed)?;
        let public = PublicKey::ed25519(&bytes).map_err(|_| InvalidSeed)?;
        Ok(Self { seed: Zeroizing::new(*seed), pair, public })
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.public.id
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {})", self.public.id)
    }
}
