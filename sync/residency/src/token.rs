//! Tokens: HMAC-SHA-256 (RFC 2104) under a key per region and purpose, so that what two hubs hold cannot be brought together.
//!
//! The same value of the same type has the same token within a region and purpose, whichever field it stands in. Who has not
//! the key learns nothing from a token but that two values are equal. Not here: where keys are kept.

use crate::{
    name::{Purpose, Region},
    precision::Precision,
};
use aisle_event::Hlc;
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

/// The keys that a gate makes tokens with, and the store's secret.
#[derive(Clone)]
pub struct TokenKeys {
    store: hmac::Key,
    keys: BTreeMap<(Region, Purpose), TokenKey>,
}

impl TokenKeys {
    /// No keys but the store's secret. A store keeps the same one for ever: from it comes what tells events apart whose times leave no more
    /// exactly than, say, to the hour.
    #[must_use]
    pub fn new(store_secret: &[u8; 32]) -> Self {
        Self { store: hmac::Key::new(hmac::HMAC_SHA256, store_secret), keys: BTreeMap::new() }
    }

    /// Adds the key of a region and a purpose. `id` stands in the token, so that a change of key can be told.
    #[must_use]
    pub fn with(mut self, region: &Region, purpose: &Purpose, id: u32, secret: &[u8; 32]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        self.keys.insert((region.clone(), purpose.clone()), TokenKey { id, key });
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
        self.keys.get(&(region.clone(), purpose.clone()))
    }

    /// A time as it leaves: as exact as it may be, and where that is less than it was, the counter a code of the exact time.
    ///
    /// Two events that differ in nothing but their times would be one event to a hub that has to tell what came again from what is
    /// new. The code is 16 bits of an HMAC-SHA-256, always the same for the same time, and says nothing of it to who has not the key.
    pub(crate) fn coarsened(&self, hlc: Hlc, precision: Precision) -> Hlc {
        let coarse = precision.floor_hlc(hlc);
        if precision == Precision::Exact {
            return coarse;
        }
        let mut context = hmac::Context::with_key(&self.store);
        context.update(b"aisle hybrid time 1\0");
        context.update(&hlc.0.to_le_bytes());
        let counter = context.sign().as_ref().first_chunk().map_or(0, |bytes| u16::from_le_bytes(*bytes));
        Hlc::new(coarse.ms(), counter)
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
        let here = self.keys.iter().filter(|((of, _), _)| of == region);
        here.map(|((_, purpose), key)| (purpose.clone(), key.token(bits, type_name, text.as_bytes())))
            .collect()
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.keys.iter().map(|((region, purpose), key)| (region, purpose, key.id)))
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
