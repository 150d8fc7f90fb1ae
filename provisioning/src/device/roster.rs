//! The devices of a store that may come in, and how: by certificate, or by a password of their own.
//!
//! Passwords have 100 random bits and are shown once. What is kept is the hash in the PHC format that the broker's file takes (`aisle-broker` makes and checks
//! it; this crate only carries it). Revoking a device leaves its line, so that a page can say since when.

use super::revocation::{Entry, What};
use crate::{
    certificate::CertificateNumber,
    entropy::{self, Entropy, NoEntropy},
    identity::{Chain, Device, Identity, Store},
    issue::Issued,
};
use aisle_event::Timestamp;
use std::{collections::BTreeMap, fmt};
use zeroize::Zeroizing;

/// The most devices of a store.
pub const DEVICES_MAX: usize = 50_000;
/// Characters of a password.
pub const PASSWORD_CHARS: usize = 20;
/// The longest hash, in bytes.
const HASH_BYTES_MAX: usize = 512;

/// A new password of a device: 100 bits, in small letters and digits that do not look alike.
#[derive(Clone)]
pub struct DevicePassword(Zeroizing<String>);

impl DevicePassword {
    /// Draws one.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn draw(entropy: &mut dyn Entropy) -> Result<Self, NoEntropy> {
        let random = Zeroizing::new(entropy::array::<PASSWORD_CHARS>(entropy)?);
        let letters =
            random.iter().filter_map(|byte| crate::claim::code::ALPHABET.get(usize::from(byte & 0x1f)));
        Ok(Self(Zeroizing::new(letters.map(|letter| char::from(letter.to_ascii_lowercase())).collect())))
    }

    /// The password. A secret.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DevicePassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DevicePassword(…)")
    }
}

/// How a device shows who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// By a certificate.
    Certificate {
        /// Its number.
        number: CertificateNumber,
        /// Until when it holds.
        not_after: Timestamp,
    },
    /// By a password with this hash.
    Password {
        /// In the PHC format.
        hash: String,
    },
}

/// A device and how it comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How.
    pub way: Way,
    /// Since when.
    pub since: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

/// The devices of one store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    chain: Chain,
    store: Store,
    lines: BTreeMap<Device, Line>,
}

/// Why a roster is not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// There are too many.
    #[error("a store has at most {DEVICES_MAX} devices")]
    Full,
    /// The device is not there.
    #[error("there is no device `{device}` in store `{store}`")]
    Unknown {
        /// Which.
        device: Device,
        /// Where.
        store: Store,
    },
    /// The certificate is not for a device of this store.
    #[error("the certificate is for `{found}`, which is no device of store `{store}`")]
    OtherStore {
        /// Whose it is.
        found: String,
        /// The store.
        store: Store,
    },
    /// The text is no hash.
    #[error("the hash of a password begins with `$argon2id$` and has at most {HASH_BYTES_MAX} bytes")]
    Hash,
}

impl Roster {
    /// An empty one.
    #[must_use]
    pub const fn new(chain: Chain, store: Store) -> Self {
        Self { chain, store, lines: BTreeMap::new() }
    }

    /// Its lines, in the order of the devices.
    pub fn lines(&self) -> impl Iterator<Item = (&Device, &Line)> {
        self.lines.iter()
    }

    /// A line as it was kept.
    ///
    /// # Errors
    /// When there are too many.
    pub fn restore(&mut self, device: Device, line: Line) -> Result<(), RosterError> {
        self.has_room(&device)?;
        self.lines.insert(device, line);
        Ok(())
    }

    fn has_room(&self, device: &Device) -> Result<(), RosterError> {
        let has = self.lines.len() < DEVICES_MAX || self.lines.contains_key(device);
        has.then_some(()).ok_or(RosterError::Full)
    }

    /// A device comes in with this certificate from now on. What it had before goes onto the list.
    ///
    /// # Errors
    /// When it is for somebody else, or there are too many.
    pub fn certify(&mut self, issued: &Issued, now: Timestamp) -> Result<Vec<Entry>, RosterError> {
        let other = |found: String| RosterError::OtherStore { found, store: self.store.clone() };
        let device = match &issued.facts.identity {
            Some(Identity::Device { chain, store, device })
                if *chain == self.chain && *store == self.store =>
            {
                device.clone()
            }
            Some(identity) => return Err(other(identity.to_string())),
            None => return Err(other("nobody".to_owned())),
        };
        let (number, not_after) = (issued.facts.number.clone(), issued.facts.validity.not_after);
        self.take(device, Way::Certificate { number, not_after }, now)
    }

    /// A device comes in with a password of this hash from now on. What it had before goes onto the list.
    ///
    /// # Errors
    /// When it is no hash, or there are too many.
    pub fn set_password(
        &mut self,
        device: Device,
        hash: String,
        now: Timestamp,
    ) -> Result<Vec<Entry>, RosterError> {
        if !hash.starts_with("$argon2id$") || hash.len() > HASH_BYTES_MAX {
            return Err(RosterError::Hash);
        }
        self.take(device, Way::Password { hash }, now)
    }

    fn take(&mut self, device: Device, way: Way, now: Timestamp) -> Result<Vec<Entry>, RosterError> {
        self.has_room(&device)?;
        let old = self.lines.insert(device, Line { way, since: now, revoked_at: None });
        Ok(old.iter().filter_map(|old| certificate_entry(&old.way, now)).collect())
    }

    /// A device does not come in any more.
    ///
    /// # Errors
    /// When it is not there.
    pub fn revoke(&mut self, device: &Device, now: Timestamp) -> Result<Vec<Entry>, RosterError> {
        let unknown = || RosterError::Unknown { device: device.clone(), store: self.store.clone() };
        let line = self.lines.get_mut(device).ok_or_else(unknown)?;
        line.revoked_at.get_or_insert(now);
        let identity = Identity::device(self.chain.clone(), self.store.clone(), device.clone());
        let ban = Entry { what: What::Identity(identity), since: now, until: None };
        Ok(certificate_entry(&line.way, now).into_iter().chain([ban]).collect())
    }
}

fn certificate_entry(way: &Way, now: Timestamp) -> Option<Entry> {
    match way {
        Way::Certificate { number, not_after } => {
            Some(Entry { what: What::Certificate(number.clone()), since: now, until: Some(*not_after) })
        }
        Way::Password { .. } => None,
    }
}
