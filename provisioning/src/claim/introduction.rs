//! The first contact: how a box that believes nobody yet finds out that this is its hub, before it gives the code away.
//!
//! The box fetches `cacerts` over a connection that it does not trust, and sends the claim's locator and a nonce with it. The hub answers with a code of
//! authentication (HMAC-SHA-256, RFC 2104) over nonce and body, by a key that follows from the code. Only who knows the code, or its hash, can make it; to guess 90 bits
//! is nobody's way. A long claim names the root as well, which alone is enough. From there on the box believes these roots and no others, and only to them it
//! gives the code.
//!
//! Guards: a code never goes to a hub that did not prove itself.

use super::{code::ClaimCode, link::ClaimInput, record::Claim};
use crate::{
    code::Code,
    entropy::{self, Entropy, NoEntropy},
    est,
    fingerprint::Fingerprint,
    roots::{Roots, RootsError},
};
use data_encoding::BASE64URL_NOPAD;
use ring::hmac;
use std::str::FromStr;

/// The request's header: `<locator>.<nonce>`.
pub const ASK_HEADER: &str = "aisle-claim";
/// The answer's header: the code of authentication.
pub const ANSWER_HEADER: &str = "aisle-introduction";

/// What makes an answer good for one question only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonce(pub [u8; 32]);

/// The hub's proof.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Introduction([u8; 32]);

/// Why a hub is not believed.
#[derive(Debug, thiserror::Error)]
pub enum IntroductionError {
    /// What it answered is no list of certificates.
    #[error("what answered is no hub of Aisle")]
    Answer(#[from] est::EstError),
    /// Among them is no root that can be used.
    #[error("the hub has no root that can be used")]
    Roots(#[from] RootsError),
    /// It is another root than the claim names.
    #[error("the hub's root is {found}, and the claim names {}\nhint: somebody may stand between; compare the fingerprint with headquarters before trying again", .named.short())]
    OtherRoot {
        /// What it has.
        found: String,
        /// What the claim names.
        named: Fingerprint,
    },
    /// It did not prove that it knows the claim.
    #[error(
        "the hub did not prove that it knows this claim\nhint: the address may be of another hub; use the long form of the claim to be sure"
    )]
    Unproved,
}

impl IntroductionError {
    /// What an installer is shown.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Answer(_) | Self::Roots(_) => Code::NoHub,
            Self::OtherRoot { .. } => Code::HubOfOtherRoot,
            Self::Unproved => Code::HubUnproved,
        }
    }
}

impl Nonce {
    /// A new one.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn draw(entropy: &mut dyn Entropy) -> Result<Self, NoEntropy> {
        entropy::array(entropy).map(Self)
    }

    /// The value of [`ASK_HEADER`].
    #[must_use]
    pub fn ask(&self, code: &ClaimCode) -> String {
        format!("{}.{}", code.locator(), BASE64URL_NOPAD.encode(&self.0))
    }
}

/// The value of [`ASK_HEADER`], read at the hub. `None` when it is none.
#[must_use]
pub fn read_ask(header: &str) -> Option<(super::Locator, Nonce)> {
    let (locator, nonce) = header.split_once('.')?;
    let nonce = BASE64URL_NOPAD.decode(nonce.as_bytes()).ok()?;
    Some((locator.parse().ok()?, Nonce(nonce.try_into().ok()?)))
}

fn message(nonce: &Nonce, cacerts: &[u8]) -> Vec<u8> {
    [b"aisle introduction v1\0".as_slice(), &nonce.0, cacerts].concat()
}

impl Introduction {
    /// The hub's proof over the exact bytes of the body it answers with. For a claim that it does not know it sends none.
    #[must_use]
    pub fn prove(claim: &Claim, nonce: &Nonce, cacerts: &[u8]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &claim.introduction_key);
        let mut proof = [0; 32];
        let tag = hmac::sign(&key, &message(nonce, cacerts));
        proof.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        Self(proof)
    }

    /// The value of [`ANSWER_HEADER`].
    #[must_use]
    pub fn to_header(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }

    /// Whom a box believes from now on, after what it fetched over a connection that it does not trust.
    ///
    /// # Errors
    /// When the hub did not prove itself.
    pub fn accept(
        claim: &ClaimInput,
        nonce: &Nonce,
        cacerts: &[u8],
        proof: Option<&Self>,
    ) -> Result<Roots, IntroductionError> {
        let roots = est::read_roots(cacerts)?;
        if let ClaimInput::Link(link) = claim {
            if !roots.have(&link.root) {
                let found = roots.facts().first().map(|root| root.key.short()).unwrap_or_default();
                return Err(IntroductionError::OtherRoot { found, named: link.root });
            }
            // Others beside the one that was named are nobody's word.
            let named = roots.certificates().iter().zip(roots.facts());
            let named = named.filter(|(_, facts)| facts.key == link.root).map(|(root, _)| root.clone());
            return Ok(Roots::new(named.collect())?);
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, &claim.code().hash("introduction"));
        let proof = proof.ok_or(IntroductionError::Unproved)?;
        hmac::verify(&key, &message(nonce, cacerts), &proof.0).map_err(|_| IntroductionError::Unproved)?;
        Ok(roots)
    }
}

impl FromStr for Introduction {
    type Err = IntroductionError;

    fn from_str(header: &str) -> Result<Self, IntroductionError> {
        let bytes = BASE64URL_NOPAD.decode(header.as_bytes()).map_err(|_| IntroductionError::Unproved)?;
        bytes.try_into().map(Self).map_err(|_| IntroductionError::Unproved)
    }
}

impl std::fmt::Debug for Introduction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Introduction(…)")
    }
}
