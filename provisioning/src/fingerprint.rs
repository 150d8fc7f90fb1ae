//! What a key is known by: SHA-256 over its `SubjectPublicKeyInfo`, as RFC 7469 pins keys.
//!
//! A certificate that is renewed with the same key keeps its fingerprint. People compare [`Fingerprint::short`]; programs the whole.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use ring::digest::{SHA256, digest};
use std::{fmt, str::FromStr};

/// A key's hash. Not secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 32]);

/// A text is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is 64 hexadecimal digits, or 43 characters of base64url; this has {characters}")]
pub struct InvalidFingerprint {
    /// How many characters the text has.
    pub characters: usize,
}

impl Fingerprint {
    /// Of a DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn of_spki(spki: &[u8]) -> Self {
        Self(sha256(&[spki]))
    }

    /// Twenty digits in groups of four: 80 bits, enough to tell boxes apart and hard to make a second one of.
    #[must_use]
    pub fn short(&self) -> String {
        let whole = self.to_string();
        let groups: Vec<&str> = (0..5).filter_map(|group| whole.get(group * 4..group * 4 + 4)).collect();
        groups.join(" ")
    }

    /// 43 characters that need no escaping in a link.
    #[must_use]
    pub fn to_base64url(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }
}

/// SHA-256 over the pieces, one after the other.
pub(crate) fn sha256(pieces: &[&[u8]]) -> [u8; 32] {
    let mut hash = [0; 32];
    let digest = digest(&SHA256, &pieces.concat());
    hash.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    hash
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER_PERMISSIVE.encode(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", self.short())
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        let refused = || InvalidFingerprint { characters: text.chars().count() };
        let bytes = match text.len() {
            64 => HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| refused())?,
            43 => BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| refused())?,
            _ => return Err(refused()),
        };
        bytes.try_into().map(Self).map_err(|_| refused())
    }
}
