//! [`Vault`]: the keys in memory and on disk, and the veil over the journal that seals with them.

use crate::{
    error::VaultError,
    holder::{self, Holder},
    intent::{self, Intent},
    slots::{MakeError, Opened, Slot, Slots, Spare},
};
use aisle_event::{CustomerRef, EventType, SEALED_TAG};
use aisle_journal::{Entry, FileError, Io, Veil, io::Access};
use aisle_residency::{
    SystemEntropy,
    entropy::Entropy,
    seal::{self, KeyId, KeyRing, PersonId},
};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};
use zeroize::Zeroizing;

const KEYS: &str = "keys";
const ERASING: &str = "erasing";
const REBUILD: &str = "rebuild";
/// How often a batch is tried while erasures destroy the keys that it needs.
const TRIES_MAX: usize = 8;
/// How every sealed value begins: the head of a CBOR tag of two bytes.
const SEALED_HEAD: [u8; 3] = [0xd9, SEALED_TAG.to_be_bytes()[6], SEALED_TAG.to_be_bytes()[7]];

/// The keys of the persons that a store has records of, in a directory of their own.
///
/// It belongs to the journal that it is the veil of, and is opened when that one is: the journal's lock keeps other processes out.
pub struct Vault {
    dir: PathBuf,
    io: Arc<dyn Io>,
    inner: RwLock<Option<Inner>>,
    unopened: AtomicU64,
}

struct Inner {
    ring: KeyRing,
    /// Where each key lies. Without it nothing can be made or destroyed: the vault was opened for reading.
    slots: Option<Slots>,
    places: BTreeMap<KeyId, u64>,
    owners: BTreeMap<KeyId, PersonId>,
    spare: Vec<Spare>,
    intent: Option<Intent>,
    /// A sync has failed: nobody knows what is on the disk.
    failed: Option<String>,
}

/// The keys that were destroyed for an erasure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destroyed {
    /// Which.
    pub(crate) keys: Vec<KeyId>,
    /// The last record with something of the person in the clear; zero when there is none.
    pub(crate) clear_through: u64,
}

impl Vault {
    /// The vault of a directory, not open yet: nothing is read or written before.
    #[must_use]
    pub fn at(dir: &Path, io: Arc<dyn Io>) -> Self {
        Self { dir: dir.into(), io, inner: RwLock::new(None), unopened: AtomicU64::new(0) }
    }

    /// Opens it for sealing, makes what is missing, and finishes the destruction of keys that was begun. The journal's lock must be held.
    ///
    /// # Errors
    /// When its files cannot be read, made or made sense of.
    pub fn open(&self) -> Result<(), VaultError> {
        let path = self.dir.join(KEYS);
        self.io.create_dir(&self.dir).map_err(|source| self.failure("make", source))?;
        let names = self.io.list(&self.dir).map_err(|source| self.failure("list", source))?;
        if !names.iter().any(|name| name == KEYS) {
            let mut index = Zeroizing::new([0; 32]);
            SystemEntropy::default().fill(index.as_mut_slice())?;
            Slots::create(self.io.as_ref(), &self.dir, &path, &index)?;
        }
        let mut inner = self.read_keys(Access::Write)?;
        if let (Some(intent), Some(slots)) = (&inner.intent, &inner.slots) {
            slots.destroy(&intent.keys)?;
        }
        inner.forget();
        *self.write() = Some(inner);
        Ok(())
    }

    /// Opens it for reading, beside a running node or without one. Where there are no keys, what is sealed stays so.
    ///
    /// # Errors
    /// When its files cannot be read or made sense of.
    pub fn open_read_only(&self) -> Result<(), VaultError> {
        let mut inner = match self.read_keys(Access::Read) {
            Err(VaultError::File(error)) if error.source.kind() == io::ErrorKind::NotFound => Inner::empty(),
            read => read?,
        };
        inner.slots = None;
        inner.forget();
        *self.write() = Some(inner);
        Ok(())
    }

    fn failure(&self, action: &'static str, source: io::Error) -> VaultError {
        FileError { action, path: self.dir.clone(), source }.into()
    }

    fn read_keys(&self, access: Access) -> Result<Inner, VaultError> {
        let Opened { slots, index, found } = Slots::open(self.io.as_ref(), &self.dir.join(KEYS), access)?;
        let mut inner = Inner { ring: KeyRing::new(&index), slots: Some(slots), ..Inner::empty() };
        for (slot, place) in found.into_iter().zip(0_u64..) {
            match slot {
                Slot::Key { id, secret, person } => {
                    inner.ring.insert(id, person, &secret);
                    inner.places.insert(id, place);
                    inner.owners.extend(person.map(|person| (id, person)));
                }
                Slot::Destroyed { id } => inner.ring.bury([id]),
                Slot::Damaged => {
                    tracing::warn!(place, "a key does not read; what was sealed with it is lost");
                }
            }
        }
        let path = self.dir.join(ERASING);
        inner.intent = match Intent::read(self.io.as_ref(), &path)? {
            None => None,
            Some(Ok(intent)) => Some(intent),
            Some(Err(())) => return Err(VaultError::Intent { path }),
        };
        Ok(inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, Option<Inner>> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Option<Inner>> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it lies.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn io(&self) -> &dyn Io {
        self.io.as_ref()
    }

    /// Why the process must exit, if a sync of the keys has failed (invariant 8).
    #[must_use]
    pub fn failed(&self) -> Option<String> {
        self.read().as_ref().and_then(|inner| inner.failed.clone())
    }

    /// Values that did not open although their key was not destroyed, since the start: changed ones, and those of keys that are lost.
    #[must_use]
    pub fn unopened(&self) -> u64 {
        self.unopened.load(Ordering::Relaxed)
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read().as_ref().map_or(0, |inner| inner.ring.len())
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The code of a customer; `None` while it is not open.
    #[must_use]
    pub fn person(&self, customer: &CustomerRef) -> Option<PersonId> {
        Some(self.read().as_ref()?.ring.person(customer.as_str()))
    }

    /// The code that stands for somebody whom a token names and the store has no record of.
    pub(crate) fn unknown_person(&self, token: &str) -> Option<PersonId> {
        Some(self.read().as_ref()?.ring.person(&format!("\0token {token}")))
    }

    /// Whose a key is.
    pub(crate) fn owner(&self, key: KeyId) -> Option<PersonId> {
        self.read().as_ref()?.owners.get(&key).copied()
    }

    /// The code that a plugin's key is found by.
    pub(crate) fn plugin(&self, plugin: &aisle_event::Name) -> Option<PersonId> {
        let known_as = Holder::Plugin(plugin.clone()).known_as()?;
        Some(self.read().as_ref()?.ring.person(&known_as))
    }

    /// An event's bytes, sealed under a customer's key.
    pub(crate) fn seal_for(&self, person: PersonId, entry: &Entry) -> Result<Entry, String> {
        self.ensure(person)?;
        let guard = self.read();
        let inner = guard.as_ref().ok_or_else(closed)?;
        sealed(inner, person, entry)
    }

    fn ensure(&self, person: PersonId) -> Result<(), String> {
        if self.read().as_ref().ok_or_else(closed)?.ring.current_key(person).is_some() {
            return Ok(());
        }
        self.write().as_mut().ok_or_else(closed)?.ensure(person)
    }

    /// Destroys a person's keys and those given, all or none, and says which went. Asked again by the same erasure, it says the same.
    ///
    /// # Errors
    /// When a file cannot be written, or another erasure has not noted what it destroyed.
    pub(crate) fn destroy(
        &self,
        erasure: &str,
        person: PersonId,
        found: &BTreeSet<KeyId>,
        clear_through: u64,
    ) -> Result<Destroyed, VaultError> {
        let mut guard = self.write();
        let Some(inner) = guard.as_mut() else {
            return Err(self.failure("open", io::ErrorKind::NotConnected.into()));
        };
        if let Some(before) = &inner.intent {
            return match before.erasure == erasure {
                true => Ok(Destroyed::of(before)),
                false => Err(VaultError::Unsettled { erasure: before.erasure.clone() }),
            };
        }
        let theirs = inner.owners.iter().filter(|(_, owner)| **owner == person).map(|(key, _)| *key);
        let keys: BTreeSet<KeyId> = theirs.chain(found.iter().copied()).collect();
        let keys = keys.into_iter().filter_map(|key| Some((*inner.places.get(&key)?, key))).collect();
        let intent = Intent { erasure: erasure.into(), person, clear_through, keys };
        // The index has to be made anew even if everything stops right after.
        let (io, dir) = (self.io.as_ref(), &self.dir);
        let marked = intent::replace(io, dir, &dir.join(REBUILD), erasure.as_bytes());
        let written = marked.and_then(|()| intent.write(io, dir, &dir.join(ERASING)));
        written.map_err(|error| inner.fail(error))?;
        let destroyed = match &inner.slots {
            Some(slots) => slots.destroy(&intent.keys),
            None => Ok(()),
        };
        let answer = Destroyed::of(&intent);
        inner.intent = Some(intent);
        inner.forget();
        destroyed.map_err(|error| inner.fail(error))?;
        Ok(answer)
    }

    /// What an erasure has destroyed and not noted yet.
    pub(crate) fn unsettled(&self, erasure: &str) -> Option<Destroyed> {
        let guard = self.read();
        let intent = guard.as_ref()?.intent.as_ref()?;
        (intent.erasure == erasure).then(|| Destroyed::of(intent))
    }

    /// The journal says what an erasure has destroyed: another one may.
    pub(crate) fn settle(&self, erasure: &str) -> Result<(), VaultError> {
        let mut guard = self.write();
        let Some(inner) = guard.as_mut() else { return Ok(()) };
        if inner.intent.as_ref().is_some_and(|intent| intent.erasure == erasure) {
            let removed = intent::remove(self.io.as_ref(), &self.dir, &self.dir.join(ERASING));
            removed.map_err(|error| inner.fail(error))?;
            inner.intent = None;
        }
        Ok(())
    }

    /// Destroys keys that came back, from a backup, although the journal says that they were destroyed.
    pub(crate) fn bury(&self, keys: impl IntoIterator<Item = KeyId>) -> Result<usize, VaultError> {
        let mut guard = self.write();
        let Some(inner) = guard.as_mut() else { return Ok(0) };
        let back = keys.into_iter().filter_map(|key| Some((*inner.places.get(&key)?, key)));
        let back: Vec<(u64, KeyId)> = back.collect();
        if back.is_empty() {
            return Ok(0);
        }
        let Some(slots) = &inner.slots else { return Ok(0) };
        slots.destroy(&back).map_err(|error| inner.fail(error))?;
        inner.bury(&back);
        Ok(back.len())
    }

    /// True when what was derived from the journal must be made anew before it is used: a key was destroyed since it was made.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn wants_rebuild(&self) -> Result<bool, VaultError> {
        Ok(intent::contents(self.io.as_ref(), &self.dir.join(REBUILD), 1)?.is_some())
    }

    pub(crate) fn rebuilt(&self) -> Result<(), VaultError> {
        Ok(intent::remove(self.io.as_ref(), &self.dir, &self.dir.join(REBUILD))?)
    }
}

impl Destroyed {
    fn of(intent: &Intent) -> Self {
        let keys = intent.keys.iter().map(|(_, key)| *key).collect();
        Self { keys, clear_through: intent.clear_through }
    }
}

impl Inner {
    fn empty() -> Self {
        Self {
            ring: KeyRing::new(&[0; 32]),
            slots: None,
            places: BTreeMap::new(),
            owners: BTreeMap::new(),
            spare: Vec::new(),
            intent: None,
            failed: None,
        }
    }

    /// Takes the keys of the intent out of memory.
    fn forget(&mut self) {
        let keys = self.intent.as_ref().map(|intent| intent.keys.clone()).unwrap_or_default();
        self.bury(&keys);
    }

    fn bury(&mut self, keys: &[(u64, KeyId)]) {
        self.ring.bury(keys.iter().map(|(_, key)| *key));
        for (_, key) in keys {
            self.places.remove(key);
            self.owners.remove(key);
        }
    }

    /// After a failed sync nobody knows what is on the disk.
    fn fail(&mut self, error: FileError) -> VaultError {
        if error.action == "sync" {
            self.failed.get_or_insert_with(|| format!("{error}: {}", error.source));
        }
        error.into()
    }

    fn ensure(&mut self, person: PersonId) -> Result<(), String> {
        if self.ring.current_key(person).is_some() {
            return Ok(());
        }
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        let Some(slots) = &mut self.slots else { return Err("the keys are open for reading only".into()) };
        loop {
            let Some(Spare { slot, key, secret }) = self.spare.pop() else {
                match slots.make(&mut SystemEntropy::default()) {
                    Ok(made) => self.spare = made,
                    Err(MakeError::File(error)) => {
                        let text = format!("{error}: {}", error.source);
                        if error.action == "sync" {
                            self.failed = Some(text.clone());
                        }
                        return Err(text);
                    }
                    Err(error) => return Err(error.to_string()),
                }
                continue;
            };
            if self.places.contains_key(&key) || self.ring.is_destroyed(key) {
                continue;
            }
            slots.assign(slot, person).map_err(|error| format!("{error}: {}", error.source))?;
            self.ring.insert(key, Some(person), &secret);
            self.places.insert(key, slot);
            self.owners.insert(key, person);
            return Ok(());
        }
    }
}

fn closed() -> String {
    "the keys are not open".into()
}

fn sealed(inner: &Inner, person: PersonId, entry: &Entry) -> Result<Entry, String> {
    let kind = EventType(entry.kind);
    let payload = seal::seal(kind, &entry.payload, &inner.ring, person, &mut SystemEntropy::default());
    Ok(Entry { kind: entry.kind, payload: payload.map_err(|error| error.to_string())? })
}

/// True when there may be a sealed value in a payload.
fn may_hold_sealed(payload: &[u8]) -> bool {
    payload.windows(SEALED_HEAD.len()).any(|window| window == SEALED_HEAD)
}

/// True when everything private in a payload is sealed already.
fn is_sealed(entry: &Entry) -> bool {
    may_hold_sealed(&entry.payload)
        && seal::keys_in(EventType(entry.kind), &entry.payload)
            .is_ok_and(|(keys, plain)| !keys.is_empty() && plain == 0)
}

impl Veil for Vault {
    fn cover(&self, batch: &[Entry]) -> Result<Option<Vec<Entry>>, String> {
        if !batch.iter().any(|entry| holder::may_be_sealed(entry.kind)) {
            return Ok(None);
        }
        let holders = holder::holders(batch, self.io.now_ms())?;
        let persons: Vec<Option<PersonId>> = {
            let guard = self.read();
            let ring = &guard.as_ref().ok_or_else(closed)?.ring;
            holders.iter().map(|holder| holder.known_as().map(|known_as| ring.person(&known_as))).collect()
        };
        for _ in 0..TRIES_MAX {
            for person in persons.iter().flatten() {
                self.ensure(*person)?;
            }
            let guard = self.read();
            let inner = guard.as_ref().ok_or_else(closed)?;
            // An erasure may have come in between.
            if persons.iter().flatten().any(|person| inner.ring.current_key(*person).is_none()) {
                continue;
            }
            let covered = batch.iter().zip(&persons).map(|(entry, person)| match person {
                Some(person) if !is_sealed(entry) => sealed(inner, *person, entry),
                _ => Ok(entry.clone()),
            });
            return covered.collect::<Result<Vec<_>, _>>().map(Some);
        }
        Err("keys are destroyed as fast as they are made".into())
    }

    fn uncover(&self, kind: u16, payload: &Bytes) -> Option<Bytes> {
        if !holder::may_be_sealed(kind) || !may_hold_sealed(payload) {
            return None;
        }
        let guard = self.read();
        let inner = guard.as_ref()?;
        match seal::open(EventType(kind), payload, &inner.ring) {
            Ok(opened) => {
                if !opened.lost.is_empty() {
                    self.unopened.fetch_add(1, Ordering::Relaxed);
                }
                Some(opened.payload.into())
            }
            // It reads as if it were erased, and is counted: somebody changed it.
            Err(_) => {
                self.unopened.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({}, {} keys)", self.dir.display(), self.len())
    }
}
