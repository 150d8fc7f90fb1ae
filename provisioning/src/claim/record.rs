//! What the hub keeps of a claim, and what becomes of it when a box shows the code.
//!
//! The hub keeps two hashes: one to know the code again, one to prove to a box that it knows it. Both are SHA-256 over 115 random bits, so no slow hash is needed.
//!
//! Single use means: one key. A box that is cut off in the middle comes again with the same key and gets the same answer; with another key the claim is used.
//! The hub writes `Redeemed::First` in the transaction that makes the node, by comparing the state it had read.
//! Guards: who does not know the code learns nothing about a claim, not even whether it has expired.

use super::code::{ClaimCode, Locator};
use crate::{
    code::Code,
    entropy::{Entropy, NoEntropy},
    fingerprint::Fingerprint,
    identity::{Serial, Store},
};
use aisle_event::Timestamp;
use std::fmt;
use subtle::ConstantTimeEq as _;

/// The longest that a claim may hold, in days. The hub's default is far below.
pub const CLAIM_DAYS_MAX: u32 = 90;

/// A claim, as the hub keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct Claim {
    /// What finds it.
    pub locator: Locator,
    /// Knows the code again.
    pub digest: [u8; 32],
    /// Proves to a box that this hub knows the code. As secret as a password's hash.
    pub introduction_key: [u8; 32],
    /// For which store.
    pub store: Store,
    /// For which box; for any when nobody said. A claim for a box that was there before has to name it.
    pub serial: Option<Serial>,
    /// When it was made.
    pub made_at: Timestamp,
    /// Until when it can be used.
    pub expires_at: Timestamp,
    /// What became of it.
    pub state: ClaimState,
}

/// What became of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimState {
    /// It can be used.
    Open,
    /// A box has used it.
    Used {
        /// When first.
        at: Timestamp,
        /// The box.
        serial: Serial,
        /// The box's key.
        key: Fingerprint,
    },
    /// Somebody took it back.
    Withdrawn {
        /// When.
        at: Timestamp,
    },
}

/// What a box shows.
#[derive(Debug, Clone, Copy)]
pub struct Redemption<'a> {
    /// The code.
    pub code: &'a ClaimCode,
    /// Which store it takes itself for, if it knows.
    pub store: Option<&'a Store>,
    /// Which box it is.
    pub serial: &'a Serial,
    /// The key that its request was signed with.
    pub key: Fingerprint,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redeemed {
    /// The claim is used with this. It is to be kept in its place.
    First(Box<Claim>),
    /// It was used by this very box before: nothing changes.
    Again,
}

/// Why a claim is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// There is no claim with this code.
    #[error("there is no claim with this code")]
    Unknown,
    /// It has expired.
    #[error("the claim has expired\nhint: ask for a new one")]
    Expired {
        /// When.
        at: Timestamp,
    },
    /// Somebody took it back.
    #[error("the claim was withdrawn\nhint: ask for a new one")]
    Withdrawn,
    /// Another box, or this one with another key, has used it.
    #[error("the claim was used already, by box `{serial}` with the key {}\nhint: ask for a new one; if nobody of yours used it, tell headquarters", .key.short())]
    Used {
        /// The box.
        serial: Serial,
        /// Its key.
        key: Fingerprint,
    },
    /// It is for another store.
    #[error(
        "the claim is for store `{claim}`, and this box is set up for `{asked}`\nhint: ask for a claim for `{asked}`, or set the box up for `{claim}`"
    )]
    OtherStore {
        /// The claim's.
        claim: Store,
        /// The box's.
        asked: Store,
    },
    /// It is for another box.
    #[error("the claim is for box `{claim}`, and this is `{asked}`\nhint: look at the serial on the box")]
    OtherBox {
        /// The claim's.
        claim: Serial,
        /// This one's.
        asked: Serial,
    },
}

impl ClaimError {
    /// What an installer is shown.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Unknown => Code::ClaimUnknown,
            Self::Expired { .. } => Code::ClaimExpired,
            Self::Withdrawn => Code::ClaimWithdrawn,
            Self::Used { .. } => Code::ClaimUsed,
            Self::OtherStore { .. } => Code::ClaimOfOtherStore,
            Self::OtherBox { .. } => Code::ClaimOfOtherBox,
        }
    }
}

impl Claim {
    /// A new claim and its code, which is shown once and kept nowhere. It holds at most [`CLAIM_DAYS_MAX`]. A locator has 25 bits: a hub that has a
    /// claim with the same one draws again.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn draw(
        store: Store,
        serial: Option<Serial>,
        now: Timestamp,
        holds_ms: u64,
        entropy: &mut dyn Entropy,
    ) -> Result<(Self, ClaimCode), NoEntropy> {
        let code = ClaimCode::draw(entropy)?;
        let holds_ms = i64::try_from(holds_ms).unwrap_or(i64::MAX);
        let longest = i64::from(CLAIM_DAYS_MAX) * crate::moment::DAY_MS;
        let claim = Self {
            locator: code.locator(),
            digest: code.hash("digest"),
            introduction_key: code.hash("introduction"),
            store,
            serial,
            made_at: now,
            expires_at: now.saturating_add_ms(holds_ms.min(longest)),
            state: ClaimState::Open,
        };
        Ok((claim, code))
    }

    /// What follows when a box shows a code; `now` is the hub's time.
    ///
    /// # Errors
    /// When the claim is not for this box, or not any more.
    pub fn redeem(&self, shown: &Redemption<'_>, now: Timestamp) -> Result<Redeemed, ClaimError> {
        // In constant time, and before anything is told.
        if !bool::from(shown.code.hash("digest").ct_eq(&self.digest)) {
            return Err(ClaimError::Unknown);
        }
        if let Some(asked) = shown.store.filter(|store| **store != self.store) {
            return Err(ClaimError::OtherStore { claim: self.store.clone(), asked: asked.clone() });
        }
        if let Some(claim) = self.serial.as_ref().filter(|serial| *serial != shown.serial) {
            return Err(ClaimError::OtherBox { claim: claim.clone(), asked: shown.serial.clone() });
        }
        match &self.state {
            ClaimState::Withdrawn { .. } => Err(ClaimError::Withdrawn),
            // Whoever got through before may come again, even when the time is over: the answer was perhaps lost.
            ClaimState::Used { serial, key, .. } if serial == shown.serial && *key == shown.key => {
                Ok(Redeemed::Again)
            }
            ClaimState::Used { serial, key, .. } => {
                Err(ClaimError::Used { serial: serial.clone(), key: *key })
            }
            ClaimState::Open if now > self.expires_at => Err(ClaimError::Expired { at: self.expires_at }),
            ClaimState::Open => {
                let state = ClaimState::Used { at: now, serial: shown.serial.clone(), key: shown.key };
                Ok(Redeemed::First(Box::new(Self { state, ..self.clone() })))
            }
        }
    }

    /// Whether a serial that is known already may be taken over with this claim ([`Change::Reclaim`](crate::enrolment::Change::Reclaim)): only when whoever made it meant
    /// this very box. The actor of that change is who made the claim.
    #[must_use]
    pub const fn may_reclaim(&self) -> bool {
        self.serial.is_some()
    }

    /// The claim taken back. One that was used stays used.
    #[must_use]
    pub fn withdrawn(&self, now: Timestamp) -> Self {
        match self.state {
            ClaimState::Open => Self { state: ClaimState::Withdrawn { at: now }, ..self.clone() },
            ClaimState::Used { .. } | ClaimState::Withdrawn { .. } => self.clone(),
        }
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { locator, store, serial, made_at, expires_at, state, .. } = self;
        f.debug_struct("Claim")
            .field("locator", locator)
            .field("store", store)
            .field("serial", serial)
            .field("made_at", made_at)
            .field("expires_at", expires_at)
            .field("state", state)
            .finish_non_exhaustive()
    }
}
