//! Digests of 32 bytes: SHA-256, which TUF metadata names, and BLAKE3, by which contents are kept and fetched.

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// A digest. It is shown and read as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

/// Text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a digest has 64 hexadecimal digits")]
pub struct NotDigest;

impl Digest {
    /// SHA-256 of bytes.
    #[must_use]
    pub fn sha256(bytes: &[u8]) -> Self {
        Self::from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
    }

    /// BLAKE3 of bytes.
    #[must_use]
    pub fn blake3(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Of a library's digest, which is known to have 32 bytes.
    pub(crate) fn from_slice(bytes: &[u8]) -> Self {
        let mut digest = [0; 32];
        digest.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        Self(digest)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = NotDigest;

    fn from_str(text: &str) -> Result<Self, NotDigest> {
        if text.len() != 64 {
            return Err(NotDigest);
        }
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| NotDigest)?;
        Ok(Self(bytes.try_into().map_err(|_| NotDigest)?))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
