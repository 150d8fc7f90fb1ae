//! Tokens: HMAC-SHA-256 (RFC 2104) under a key per region and purpose, so that what two hubs hold cannot be brought together.
//!
//! The same value of the same type has the same token within a region and purpose, whichever field it stands in. Who has not
//! the key learns nothing from a token but that two values are equal. Not here: where keys are kept.

use crate::name::{Purpose, Region};
use data_encoding::BASE64URL_NOPAD;
use ring::hmac;
use std::{collections::BTreeMap, fmt};

/// The fewest bits of a token that a policy may ask for. At 64 bits a region of ten million people has a colliding pair with a
/// chance of 3 in a million (birthday bound n²/2⁶⁵).
pub const BITS_MIN: u16 = 64;
/// The most bits of a token.
pub const BITS_MAX: u16 = 256;

/// The key of one region and purpose.
#[derive(Clone)]
pub(crate) struct TokenKey {
    id: u32,
    key: hmac::Key,
}

/// The keys that a gate makes tokens with.
#[derive(Clone, Default)]
pub struct TokenKeys(BTreeMap<(Region, Purpose), TokenKey>);

impl TokenKeys {
    /// No keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the key of a region and a purpose. `id` stands in the token, so that a change of key can be told.
    #[must_use]
    pub fn with(mut self, region: &Region, purpose: &Purpose, id: u32, secret: &[u8; 32]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        self.0.insert((region.clone(), purpose.clone()), TokenKey { id, key });
        self
    }

    /// Adds the key of a region and a purpose as it follows from one secret of the chain.
    #[must_use]
    pub fn with_derived(self, region: &Region, purpose: &Purpose, id: u32, master: &[u8; 32]) -> Self {
        let info = format!("aisle token key 1\0{region}\0{purpose}\0{id}");
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, master), info.as_bytes());
        let mut secret = [0; 32];
        secret.iter_mut().zip(derived.as_ref()).for_each(|(to, from)| *to = *from);
        self.with(region, purpose, id, &secret)
    }

    pub(crate) fn of(&self, region: &Region, purpose: &Purpose) -> Option<&TokenKey> {
        self.0.get(&(region.clone(), purpose.clone()))
    }

    /// The tokens that a region knows a value under, one for each purpose. What a hub is asked to erase by.
    ///
    /// `type_name` is the value's type as events write it (`CustomerRef`), `bits` the length that the policy gives.
    #[must_use]
    pub fn tokens_of(
        &self,
        region: &Region,
        type_name: &str,
        text: &str,
        bits: u16,
    ) -> Vec<(Purpose, String)> {
        let here = self.0.iter().filter(|((of, _), _)| of == region);
        here.map(|((_, purpose), key)| (purpose.clone(), key.token(bits, type_name, text.as_bytes())))
            .collect()
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|((region, purpose), key)| (region, purpose, key.id)))
            .finish()
    }
}

impl TokenKey {
    /// `t<key id>.<base64url>` of the first bits of the code over type and value.
    pub(crate) fn token(&self, bits: u16, domain: &str, value: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(domain.as_bytes());
        context.update(&[0]);
        context.update(value);
        let tag = context.sign();
        let short = tag.as_ref().get(..usize::from(bits / 8)).unwrap_or(tag.as_ref());
        format!("t{}.{}", self.id, BASE64URL_NOPAD.encode(short))
    }
}

/// True when a text has the form of a token of so many bits.
#[must_use]
pub fn is_token(text: &str, bits: u16) -> bool {
    let parts = text.strip_prefix('t').and_then(|rest| rest.split_once('.'));
    parts.is_some_and(|(id, code)| {
        id.parse::<u32>().is_ok_and(|number| number.to_string() == id)
            && BASE64URL_NOPAD.decode(code.as_bytes()).is_ok_and(|bytes| bytes.len() == usize::from(bits / 8))
    })
}
