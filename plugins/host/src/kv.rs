//! What a plugin keeps from one call to another. Pure: writes are applied in the order of the journal, whoever holds that.
//!
//! All versions of a plugin share one store. Guards invariant 6: the store is bounded in keys and bytes; a write that does not fit
//! is not taken, and changes nothing.

use crate::{
    call::{Bytes, KvWrite},
    types::KvRefusal,
};
use std::collections::{BTreeMap, BTreeSet};

/// The longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 128;
/// The longest value, in bytes.
pub const VALUE_BYTES_MAX: usize = 4096;
/// What a snapshot begins with.
const MAGIC: &[u8; 4] = b"AKV1";

/// How much one plugin may keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KvLimits {
    /// How many keys.
    pub keys_max: u32,
    /// How many bytes, keys and values together.
    pub bytes_max: u32,
}

impl Default for KvLimits {
    fn default() -> Self {
        Self { keys_max: 10_000, bytes_max: 1 << 20 }
    }
}

/// One plugin's store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KvStore {
    limits: KvLimits,
    bytes: usize,
    kept: BTreeMap<String, Vec<u8>>,
}

/// Why a snapshot was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the snapshot of what a plugin keeps is no good at byte {at}: {reason}")]
pub struct InvalidKvSnapshot {
    /// Where.
    pub at: usize,
    /// What is wrong.
    pub reason: &'static str,
}

impl KvStore {
    /// An empty store.
    #[must_use]
    pub fn new(limits: KvLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// What is kept under a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.kept.get(key).map(Vec::as_slice)
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Keys and values together, in bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// All there is, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.kept.iter().map(|(key, value)| (key.as_str(), value.as_slice()))
    }

    /// Whether a write would be taken.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, write: &KvWrite) -> Result<(), KvRefusal> {
        check_size(&write.key, write.value.as_ref().map(|value| value.0.as_slice()))?;
        let Some(value) = &write.value else { return Ok(()) };
        let before = self.kept.get(&write.key).map_or(0, |old| write.key.len() + old.len());
        let keys = self.kept.len() + usize::from(before == 0);
        let bytes = self.bytes - before + write.key.len() + value.0.len();
        let fits = keys <= self.limits.keys_max as usize && bytes <= self.limits.bytes_max as usize;
        if fits { Ok(()) } else { Err(KvRefusal::Full) }
    }

    /// Takes a write. One that does not fit changes nothing: two calls may both have seen room for what only one of them gets.
    pub fn apply(&mut self, write: &KvWrite) -> bool {
        if self.check(write).is_err() {
            return false;
        }
        let added = write.value.as_ref().map(|value| self.kept.insert(write.key.clone(), value.0.clone()));
        let removed = added.unwrap_or_else(|| self.kept.remove(&write.key));
        self.bytes -= removed.map_or(0, |old| write.key.len() + old.len());
        self.bytes += write.value.as_ref().map_or(0, |value| write.key.len() + value.0.len());
        true
    }

    /// A snapshot.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes + 4 * self.kept.len() + MAGIC.len());
        out.extend_from_slice(MAGIC);
        for (key, value) in &self.kept {
            // Both were held to their bounds, which fit sixteen bits.
            out.extend_from_slice(&(u16::try_from(key.len()).unwrap_or(u16::MAX)).to_le_bytes());
            out.extend_from_slice(&(u16::try_from(value.len()).unwrap_or(u16::MAX)).to_le_bytes());
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(value);
        }
        out
    }

    /// A store from a snapshot.
    ///
    /// # Errors
    /// When the bytes are not what `encode` makes, or hold more than `limits` allow.
    pub fn decode(limits: KvLimits, bytes: &[u8]) -> Result<Self, InvalidKvSnapshot> {
        let fail = |rest: &[u8], reason| Err(InvalidKvSnapshot { at: bytes.len() - rest.len(), reason });
        let mut store = Self::new(limits);
        let Some(mut rest) = bytes.strip_prefix(MAGIC) else { return fail(bytes, "another begin") };
        while !rest.is_empty() {
            let Some((&[k0, k1, v0, v1], after)) = rest.split_first_chunk() else {
                return fail(rest, "cut off");
            };
            let (keys, values) = (u16::from_le_bytes([k0, k1]).into(), u16::from_le_bytes([v0, v1]).into());
            let Some((key, after)) = after.split_at_checked(keys) else { return fail(rest, "cut off") };
            let Some((value, after)) = after.split_at_checked(values) else { return fail(rest, "cut off") };
            let Ok(key) = std::str::from_utf8(key) else { return fail(rest, "a key that is no text") };
            if store.kept.last_key_value().is_some_and(|(last, _)| last.as_str() >= key) {
                return fail(rest, "keys out of order");
            }
            if !store.apply(&KvWrite { key: key.into(), value: Some(Bytes(value.to_vec())) }) {
                return fail(rest, "more than it may hold");
            }
            rest = after;
        }
        Ok(store)
    }
}

/// Whether key and value are as long as they may be.
fn check_size(key: &str, value: Option<&[u8]>) -> Result<(), KvRefusal> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(KvRefusal::Key);
    }
    if value.is_some_and(|value| value.len() > VALUE_BYTES_MAX) {
        return Err(KvRefusal::Value);
    }
    Ok(())
}

/// A store as one call sees it: what was kept before, and its own writes over it.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    writes: Vec<KvWrite>,
    own: BTreeMap<String, Option<Bytes>>,
    /// Keys that were read from below, so that each is recorded once.
    read: BTreeSet<String>,
    /// How often a write of a key was tried. Bounded, as a write that is taken and one that is not both are.
    tried: BTreeMap<String, u32>,
}

impl Overlay {
    /// What the call itself has made of a key; nothing when it has not touched it.
    pub(crate) fn own(&self, key: &str) -> Option<&Option<Bytes>> {
        self.own.get(key)
    }

    /// True the first time that a key is read from below.
    pub(crate) fn first_read(&mut self, key: &str) -> bool {
        self.read.insert(key.into())
    }

    /// How many writes of a key were tried before this one.
    pub(crate) fn attempt(&mut self, key: &str) -> u32 {
        let tried = self.tried.entry(key.into()).or_default();
        let before = *tried;
        *tried = tried.saturating_add(1);
        before
    }

    /// How many writes there are.
    pub(crate) const fn len(&self) -> usize {
        self.writes.len()
    }

    /// Notes a write.
    pub(crate) fn write(&mut self, write: KvWrite) {
        self.own.insert(write.key.clone(), write.value.clone());
        self.writes.push(write);
    }

    /// Whether `base` would take this write after all that were noted.
    pub(crate) fn check(&self, base: &KvStore, write: &KvWrite) -> Result<(), KvRefusal> {
        check_size(&write.key, write.value.as_ref().map(|value| value.0.as_slice()))?;
        let Some(value) = &write.value else { return Ok(()) };
        let (mut keys, mut bytes) = (base.len() as i64, base.bytes() as i64);
        let mut change = |key: &str, old: Option<usize>, new: Option<usize>| {
            keys += i64::from(new.is_some()) - i64::from(old.is_some());
            bytes +=
                new.map_or(0, |len| (key.len() + len) as i64) - old.map_or(0, |len| (key.len() + len) as i64);
        };
        for (key, own) in self.own.iter().filter(|(key, _)| **key != write.key) {
            change(key, base.get(key).map(<[u8]>::len), own.as_ref().map(|own| own.0.len()));
        }
        change(&write.key, base.get(&write.key).map(<[u8]>::len), Some(value.0.len()));
        let fits = keys <= i64::from(base.limits.keys_max) && bytes <= i64::from(base.limits.bytes_max);
        if fits { Ok(()) } else { Err(KvRefusal::Full) }
    }

    /// The same without knowing what is below: only the sizes are looked at.
    pub(crate) fn check_size(write: &KvWrite) -> Result<(), KvRefusal> {
        check_size(&write.key, write.value.as_ref().map(|value| value.0.as_slice()))
    }

    /// All writes in order.
    pub(crate) fn into_writes(self) -> Vec<KvWrite> {
        self.writes
    }
}
