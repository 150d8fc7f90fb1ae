//! The key ring: a key per person, made when first needed, destroyed for good when they are erased.
//!
//! The ring knows persons by a code that follows from their number under a key of its own, so it is no list of customers. A destroyed key
//! leaves its id behind: a ring that comes back from a backup, or a journal that is replayed, cannot bring the key back.

use super::cipher::{SealError, Sealed, Secret};
use crate::entropy::{self, Entropy};
use data_encoding::HEXLOWER;
use minicbor::{Decode, Encode, bytes::ByteArray};
use ring::hmac;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};
use zeroize::{Zeroize as _, Zeroizing};

/// The most keys of a ring, those that were destroyed included.
pub const KEYS_MAX: usize = 4_000_000;

/// The code that stands for a person: the first 16 bytes of an HMAC-SHA-256 over their number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct PersonId(
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub [u8; 16],
);

/// The id of a key: eight random bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct KeyId(
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub [u8; 8],
);

/// The keys of the persons that a store has records of.
pub struct KeyRing {
    index: hmac::Key,
    index_secret: Secret,
    keys: BTreeMap<KeyId, (PersonId, Secret)>,
    current: BTreeMap<PersonId, KeyId>,
    destroyed: BTreeSet<KeyId>,
}

/// Why a key ring does not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// There is no room for another key.
    #[error("the key ring has {KEYS_MAX} keys, and no room for another")]
    Full,
    /// There is no randomness.
    #[error("no key can be made: {0}")]
    Entropy(entropy::NoEntropy),
    /// The bytes do not open with this key.
    #[error(
        "the key ring does not open\nhint: it opens with the key of the node that wrote it, and not at all when it was changed"
    )]
    Locked,
    /// The bytes open, and are not a key ring.
    #[error("the key ring is malformed: {0}")]
    Malformed(String),
}

#[derive(Encode, Decode)]
struct Wire {
    #[n(0)]
    index: ByteArray<32>,
    /// Key id, person, key.
    #[n(1)]
    keys: Vec<(KeyId, PersonId, ByteArray<32>)>,
    #[n(2)]
    destroyed: Vec<KeyId>,
}

const BOUND: &[u8] = b"aisle key ring 1";
const WHOLE: KeyId = KeyId([0; 8]);
/// Whose the keys are of which nobody knows it.
const NOBODY: PersonId = PersonId([0; 16]);

impl KeyRing {
    /// An empty ring. The index key makes persons' codes; a store keeps the same for ever.
    #[must_use]
    pub fn new(index_key: &[u8; 32]) -> Self {
        Self {
            index: hmac::Key::new(hmac::HMAC_SHA256, index_key),
            index_secret: Zeroizing::new(*index_key),
            keys: BTreeMap::new(),
            current: BTreeMap::new(),
            destroyed: BTreeSet::new(),
        }
    }

    /// The code of a person, by what the store knows them as: a customer number, or for somebody unnamed a session.
    #[must_use]
    pub fn person(&self, known_as: &str) -> PersonId {
        let mut context = hmac::Context::with_key(&self.index);
        context.update(b"aisle person 1\0");
        context.update(known_as.as_bytes());
        let mut id = [0; 16];
        id.iter_mut().zip(context.sign().as_ref()).for_each(|(to, from)| *to = *from);
        PersonId(id)
    }

    /// The id of the person's key, made now if there is none. The ring must be kept before anything that was sealed with a new key is.
    ///
    /// # Errors
    /// When there is no room or no randomness.
    pub fn key_of(&mut self, person: PersonId, entropy: &mut dyn Entropy) -> Result<KeyId, RingError> {
        if let Some(key) = self.current.get(&person) {
            return Ok(*key);
        }
        if self.keys.len() + self.destroyed.len() >= KEYS_MAX {
            return Err(RingError::Full);
        }
        let mut id = KeyId(entropy::array(entropy).map_err(RingError::Entropy)?);
        while id == WHOLE || self.keys.contains_key(&id) || self.destroyed.contains(&id) {
            id = KeyId(u64::from_le_bytes(id.0).wrapping_add(1).to_le_bytes());
        }
        let secret = Zeroizing::new(entropy::array(entropy).map_err(RingError::Entropy)?);
        self.keys.insert(id, (person, secret));
        self.current.insert(person, id);
        Ok(id)
    }

    /// Takes a key in that was made and kept before. Without a person it only opens what was sealed with it; the last one that is taken in
    /// for a person is the one that is sealed with. A destroyed key stays destroyed.
    pub fn insert(&mut self, key: KeyId, person: Option<PersonId>, secret: &[u8; 32]) {
        if self.destroyed.contains(&key) {
            return;
        }
        self.keys.insert(key, (person.unwrap_or(NOBODY), Zeroizing::new(*secret)));
        if let Some(person) = person {
            self.current.insert(person, key);
        }
    }

    /// The key that a person's values are sealed with, if they have one.
    #[must_use]
    pub fn current_key(&self, person: PersonId) -> Option<KeyId> {
        self.current.get(&person).copied()
    }

    pub(super) fn secret(&self, key: KeyId) -> Option<&Secret> {
        self.keys.get(&key).map(|(_, secret)| secret)
    }

    pub(super) fn current(&self, person: PersonId) -> Option<(KeyId, &Secret)> {
        let key = self.current.get(&person)?;
        self.secret(*key).map(|secret| (*key, secret))
    }

    /// Destroys all keys of a person and says which. What was sealed with them cannot be opened any more, by anybody. Idempotent.
    pub fn erase(&mut self, person: PersonId) -> Vec<KeyId> {
        self.current.remove(&person);
        let theirs: Vec<KeyId> =
            self.keys.iter().filter(|(_, (of, _))| *of == person).map(|(id, _)| *id).collect();
        theirs.iter().for_each(|key| self.destroy(*key));
        theirs
    }

    /// Destroys keys by their ids, as a journal says: so a ring that comes back from a backup forgets again what it must not know.
    pub fn bury(&mut self, keys: impl IntoIterator<Item = KeyId>) {
        keys.into_iter().for_each(|key| self.destroy(key));
    }

    /// Drops keys of which no record is left: not in the journal, in no backup of it that may come back. Ids of destroyed ones go too, so
    /// that the ring has room again. A person whose key it was gets another one.
    ///
    /// What was sealed with such a key and is there all the same opens as lost.
    pub fn retire(&mut self, keys: impl IntoIterator<Item = KeyId>) {
        for key in keys {
            self.destroyed.remove(&key);
            self.remove(key);
        }
    }

    fn remove(&mut self, key: KeyId) {
        if let Some((person, mut secret)) = self.keys.remove(&key) {
            secret.zeroize();
            if self.current.get(&person) == Some(&key) {
                self.current.remove(&person);
            }
        }
    }

    fn destroy(&mut self, key: KeyId) {
        self.remove(key);
        if self.destroyed.len() < KEYS_MAX {
            self.destroyed.insert(key);
        }
    }

    /// True when the key was here and is no more.
    #[must_use]
    pub fn is_destroyed(&self, key: KeyId) -> bool {
        self.destroyed.contains(&key)
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The ring sealed under a key of the node. Whoever keeps it overwrites the one before: old copies hold destroyed keys.
    ///
    /// # Errors
    /// When there is no randomness for the nonce.
    pub fn encode(&self, node_key: &[u8; 32], entropy: &mut dyn Entropy) -> Result<Vec<u8>, SealError> {
        let wire = Wire {
            index: (*self.index_secret).into(),
            keys: self.keys.iter().map(|(id, (person, secret))| (*id, *person, (**secret).into())).collect(),
            destroyed: self.destroyed.iter().copied().collect(),
        };
        // Writing to a `Vec` has no way to fail.
        let plain = Zeroizing::new(minicbor::to_vec(&wire).unwrap_or_default());
        drop(wire);
        Ok(Sealed::seal(WHOLE, &Zeroizing::new(*node_key), BOUND, &plain, entropy)?.encode())
    }

    /// Opens a ring.
    ///
    /// # Errors
    /// When it does not open with this key, or is not a ring.
    pub fn decode(node_key: &[u8; 32], bytes: &[u8]) -> Result<Self, RingError> {
        let sealed = Sealed::decode(bytes).map_err(|_| RingError::Locked)?;
        let plain = sealed.open(&Zeroizing::new(*node_key), BOUND).map_err(|_| RingError::Locked)?;
        let wire: Wire = minicbor::decode(&plain).map_err(|error| RingError::Malformed(error.to_string()))?;
        let mut opened = Self::new(&wire.index);
        opened.destroyed.extend(&wire.destroyed);
        for (id, person, secret) in &wire.keys {
            if !opened.destroyed.contains(id) {
                opened.keys.insert(*id, (*person, Zeroizing::new(**secret)));
                opened.current.insert(*person, *id);
            }
        }
        Ok(opened)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.index.zeroize();
        self.keys.iter_mut().for_each(|(_, _, secret)| secret.zeroize());
    }
}

impl fmt::Debug for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({} keys, {} destroyed)", self.keys.len(), self.destroyed.len())
    }
}
