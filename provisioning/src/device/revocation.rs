//! The list of who may not come in, signed by a hub: bans of identities, certificates that were replaced, issuing authorities that are believed no more.
//!
//! Nodes keep the newest one and hold their devices to it; hubs hold everybody to it. Its number only rises, so an old one that is sent again is refused. After a
//! restored backup it still rises, because it is never below the seconds since 1970 ([`RevocationList::number_after`]).
//!
//! A ban stays until it is lifted. A certificate that was replaced may leave the list some time after it has ended ([`RevocationList::prune`]): from then on it is refused
//! for its age, and for recovery the hub's own record knows it.

use crate::{
    certificate::{CertificateNumber, Facts},
    fingerprint::{Fingerprint, sha256},
    identity::{Chain, Identity, Store},
    roots::Roots,
    signed::{self, SignedError, Signer},
};
use aisle_event::Timestamp;
use minicbor::{Decoder, Encoder};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

/// The most entries of a list. A list for one store has a handful; this is room for a whole fleet's.
pub const ENTRIES_MAX: usize = 200_000;
/// The largest list that is read, in bytes.
pub const LIST_BYTES_MAX: usize = 32 << 20;
const ABOUT: &str = "revocations";
const FORM: u16 = 1;

/// What is refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// Everything that this one shows.
    Identity(Identity),
    /// One certificate.
    Certificate(CertificateNumber),
    /// Everything that this authority has issued.
    Issuer(Fingerprint),
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What is refused.
    pub what: What,
    /// Since when.
    pub since: Timestamp,
    /// When it has ended anyway.
    pub until: Option<Timestamp>,
}

/// A list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RevocationList {
    number: u64,
    at: Timestamp,
    entries: BTreeMap<What, (Timestamp, Option<Timestamp>)>,
}

/// Why a list is refused.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Nobody who is believed signed it.
    #[error("the revocation list is not believed")]
    Signed(#[from] SignedError),
    /// There is a newer one here.
    #[error(
        "revocation list {found} is older than {current}, which is here\nhint: an old one was sent again, or a hub was restored without raising the number"
    )]
    Older {
        /// Its number.
        found: u64,
        /// The number here.
        current: u64,
    },
    /// There is another one with this number.
    #[error("there are two revocation lists with the number {number}")]
    Same {
        /// The number of both.
        number: u64,
    },
    /// There are too many entries.
    #[error("a revocation list has at most {ENTRIES_MAX} entries")]
    Full,
}

/// Whoever is asked whether a certificate is refused.
pub trait Revocations: fmt::Debug + Send + Sync {
    /// Whether the certificate is refused, or one of those between it and the root.
    fn refuses(&self, facts: &Facts, issuers: &[Fingerprint]) -> bool;
}

impl RevocationList {
    /// Its number.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// When it was made.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// Its entries.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        self.entries.iter().map(|(what, (since, until))| Entry {
            what: what.clone(),
            since: *since,
            until: *until,
        })
    }

    /// How many entries it has: at most [`ENTRIES_MAX`].
    #[must_use]
    pub fn size(&self) -> usize {
        self.entries.len()
    }

    /// The number of a list that is made now after this one.
    #[must_use]
    pub fn number_after(&self, now: Timestamp) -> u64 {
        let seconds = u64::try_from(now.0 / 1_000).unwrap_or(0);
        self.number.saturating_add(1).max(seconds)
    }

    /// The next list: with these entries more, and without the bans of these. What [`Effects`](crate::enrolment::Effects) ask for.
    ///
    /// # Errors
    /// When there would be too many entries.
    pub fn with(
        &self,
        more: impl IntoIterator<Item = Entry>,
        lifted: &[Identity],
        now: Timestamp,
    ) -> Result<Self, ListError> {
        let mut entries = self.entries.clone();
        for identity in lifted {
            entries.remove(&What::Identity(identity.clone()));
        }
        for entry in more {
            entries.entry(entry.what).or_insert((entry.since, entry.until));
        }
        if entries.len() > ENTRIES_MAX {
            return Err(ListError::Full);
        }
        Ok(Self { number: self.number_after(now), at: now, entries })
    }

    /// Without certificates that ended before this time, and under the same number: for the list that is made next.
    #[must_use]
    pub fn prune(mut self, before: Timestamp) -> Self {
        self.entries.retain(|_, (_, until)| until.is_none_or(|until| until >= before));
        self
    }

    /// What a node of this store needs: its devices, and all certificates and issuers.
    #[must_use]
    pub fn for_store(mut self, store: &Store) -> Self {
        self.entries.retain(|what, _| match what {
            What::Identity(identity) => identity.store().is_none_or(|own| own == store),
            What::Certificate(_) | What::Issuer(_) => true,
        });
        self
    }

    /// Whether an identity is banned.
    #[must_use]
    pub fn bans(&self, identity: &Identity) -> bool {
        self.entries.contains_key(&What::Identity(identity.clone()))
    }

    /// Signs it.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(&self, signer: Signer<'_>) -> Result<Vec<u8>, SignedError> {
        signed::sign(ABOUT, &self.encode(), signer)
    }

    /// Reads a list that a hub of the chain signed. `current` is what this end has: it must outlive restarts, else an old one could come back.
    ///
    /// # Errors
    /// When it is not, or there is a newer one here.
    pub fn open(bytes: &[u8], roots: &Roots, chain: &Chain, current: &Self) -> Result<Self, ListError> {
        let (list, _) = signed::open(ABOUT, bytes, LIST_BYTES_MAX, roots, chain, |body| {
            let list = Self::decode(body)?;
            let at = list.at;
            Ok((list, at))
        })?;
        if list.number < current.number {
            return Err(ListError::Older { found: list.number, current: current.number });
        }
        if list.number == current.number && list != *current {
            return Err(ListError::Same { number: list.number });
        }
        Ok(list)
    }

    /// A hash of what is in it: for metrics and for comparing two ends.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256(&[&self.encode()])
    }

    /// Its bytes, unsigned: a CBOR array of form, number, time, and entries of kind, value, since, until.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to a `Vec` has no way to fail.
        let _ = self.write(&mut Encoder::new(&mut bytes));
        bytes
    }

    fn write(
        &self,
        encoder: &mut Encoder<&mut Vec<u8>>,
    ) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
        encoder.array(4)?.u16(FORM)?.u64(self.number)?.i64(self.at.0)?.array(self.entries.len() as u64)?;
        for (what, (since, until)) in &self.entries {
            encoder.array(4)?;
            match what {
                What::Identity(identity) => encoder.u8(0)?.encode(identity)?,
                What::Certificate(number) => encoder.u8(1)?.encode(number)?,
                What::Issuer(key) => encoder.u8(2)?.bytes(&key.0)?,
            };
            encoder.i64(since.0)?.encode(until)?;
        }
        Ok(())
    }

    /// Reads what [`encode`](Self::encode) wrote. Nobody's signature is looked at: this is for what this end has kept itself.
    ///
    /// # Errors
    /// When it is none, or the entries are not in the one order that they have.
    pub fn decode(bytes: &[u8]) -> Result<Self, minicbor::decode::Error> {
        let malformed = |what: &'static str| minicbor::decode::Error::message(what);
        let mut decoder = Decoder::new(bytes);
        if decoder.array()? != Some(4) || decoder.u16()? != FORM {
            return Err(malformed("another form of a revocation list"));
        }
        let (number, at) = (decoder.u64()?, Timestamp(decoder.i64()?));
        let count = decoder.array()?.filter(|count| *count <= ENTRIES_MAX as u64);
        let count = count.ok_or_else(|| malformed("too many entries"))?;
        let mut entries = BTreeMap::new();
        for _ in 0..count {
            let (what, times) = entry(&mut decoder)?;
            let follows = entries.last_key_value().is_none_or(|(last, _)| *last < what);
            if !follows {
                return Err(malformed("entries out of their order"));
            }
            entries.insert(what, times);
        }
        if decoder.position() != bytes.len() {
            return Err(malformed("more than belongs there"));
        }
        Ok(Self { number, at, entries })
    }
}

type Times = (Timestamp, Option<Timestamp>);

fn entry(decoder: &mut Decoder<'_>) -> Result<(What, Times), minicbor::decode::Error> {
    if decoder.array()? != Some(4) {
        return Err(minicbor::decode::Error::message("an entry of another form"));
    }
    let what = match decoder.u8()? {
        0 => What::Identity(decoder.decode()?),
        1 => What::Certificate(decoder.decode()?),
        2 => {
            let key = decoder.bytes()?.try_into();
            What::Issuer(Fingerprint(key.map_err(|_| minicbor::decode::Error::message("no fingerprint"))?))
        }
        _ => return Err(minicbor::decode::Error::message("an entry of another kind")),
    };
    Ok((what, (Timestamp(decoder.i64()?), decoder.decode()?)))
}

impl Revocations for RevocationList {
    fn refuses(&self, facts: &Facts, issuers: &[Fingerprint]) -> bool {
        facts.identity.as_ref().is_some_and(|identity| self.bans(identity))
            || self.entries.contains_key(&What::Certificate(facts.number.clone()))
            || issuers.iter().any(|issuer| self.entries.contains_key(&What::Issuer(*issuer)))
    }
}

/// The newest list, shared by everybody who asks. It takes no newer one than it is given.
#[derive(Debug, Clone, Default)]
pub struct RevocationBoard(Arc<RwLock<Arc<RevocationList>>>);

impl RevocationBoard {
    /// With this list.
    #[must_use]
    pub fn new(list: RevocationList) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(list))))
    }

    /// The list.
    #[must_use]
    pub fn get(&self) -> Arc<RevocationList> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a list in place of an older one. False when there is a newer one, or another with the same number.
    #[must_use]
    pub fn set(&self, list: RevocationList) -> bool {
        let mut place = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let newer = list.number > place.number || list == **place;
        if newer {
            *place = Arc::new(list);
        }
        newer
    }
}

impl Revocations for RevocationBoard {
    fn refuses(&self, facts: &Facts, issuers: &[Fingerprint]) -> bool {
        self.get().refuses(facts, issuers)
    }
}
