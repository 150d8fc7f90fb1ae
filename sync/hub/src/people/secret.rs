//! Secrets that this hub makes: ids of sessions, tokens, codes to set oneself up. What is kept of one is its hash.
//!
//! Each has 256 random bits, so a plain fast hash is enough for what is kept: nobody tries that many. Passwords, which people choose, are elsewhere
//! ([`super::password`]). Guards: a secret is shown in no log (its `Debug` is empty) and serialised by no derive.

use data_encoding::{BASE32_NOPAD, Encoding};
use ring::rand::SecureRandom;
use std::fmt;

/// Why there is no secret.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the system gives no randomness")]
pub struct NoRandomness;

/// The bytes of a secret.
const SECRET_BYTES: usize = 32;
/// The bytes of a name: enough that no two meet.
const NAME_BYTES: usize = 10;

/// A secret as whoever holds it has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn draw(random: &dyn SecureRandom) -> Result<Self, NoRandomness> {
        Ok(Self(text(&drawn::<SECRET_BYTES>(random)?)))
    }

    /// What somebody has given.
    #[must_use]
    pub fn given(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// To be shown to whom it belongs, once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it. Hashes of different purposes have nothing to do with each other.
    #[must_use]
    pub fn hash(&self, purpose: Purpose) -> [u8; 32] {
        blake3::derive_key(purpose.context(), self.0.as_bytes())
    }

    /// Another secret that follows from it, as text.
    #[must_use]
    pub fn derived(&self, purpose: Purpose) -> String {
        text(&self.hash(purpose))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a secret or what follows from one is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Of a session, in a cookie.
    Session,
    /// What a session's requests carry besides the cookie.
    Csrf,
    /// Of a token.
    Token,
    /// To set oneself up.
    Setup,
    /// What comes back from an identity provider with its answer.
    OidcState,
    /// What the provider puts into the identity.
    OidcNonce,
    /// What proves that who asks for the identity is who began.
    OidcVerifier,
}

impl Purpose {
    const fn context(self) -> &'static str {
        match self {
            Self::Session => "aisle 2026-11-22 session of a person",
            Self::Csrf => "aisle 2026-11-22 forgery token of a session",
            Self::Token => "aisle 2026-11-22 token of a person",
            Self::Setup => "aisle 2026-11-22 code to set oneself up",
            Self::OidcState => "aisle 2026-11-22 state of a sign-in elsewhere",
            Self::OidcNonce => "aisle 2026-11-22 nonce of a sign-in elsewhere",
            Self::OidcVerifier => "aisle 2026-11-22 verifier of a sign-in elsewhere",
        }
    }
}

/// A name that nothing else has, such as `p-3j5k2m7q4w6x2n5b`: no secret.
///
/// # Errors
/// When the system gives no randomness.
pub fn name(prefix: &str, random: &dyn SecureRandom) -> Result<String, NoRandomness> {
    Ok(format!("{prefix}-{}", text(&drawn::<NAME_BYTES>(random)?)))
}

/// Whether two hashes are the same, in constant time.
#[must_use]
pub fn same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    blake3::Hash::from_bytes(*one) == blake3::Hash::from_bytes(*other)
}

fn drawn<const N: usize>(random: &dyn SecureRandom) -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    random.fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// Lower-case letters and digits, which every shell, header and address takes as they are.
fn text(bytes: &[u8]) -> String {
    const LETTERS: &Encoding = &BASE32_NOPAD;
    LETTERS.encode(bytes).to_ascii_lowercase()
}
