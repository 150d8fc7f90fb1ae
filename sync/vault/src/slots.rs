//! `keys`: the file that the persons' keys lie in, one slot of 128 bytes each behind a header of 128.
//!
//! ```text
//! header  "AISLEKEY" version(4) crc(4) index key(32) …
//! slot    state(1) …(3) crc(4) key id(8) secret(32) …(16) │ person(16) crc(4) …(44)
//! ```
//!
//! A slot's two halves have checksums of their own. Keys are made and synced before they are used, [`SPARE_KEYS`] at a time, so that a new
//! customer costs no sync; whose a key is, is written when it is taken and not waited for. When the power goes just then, the key still
//! opens what was sealed with it, and an erasure finds it by the records.
//!
//! Not here: which keys are destroyed and when ([`crate::Vault`]).

use crate::error::VaultError;
use aisle_journal::{
    FileError, Io,
    io::{Access, IoFile},
};
use aisle_residency::{
    entropy::{Entropy, NoEntropy},
    seal::{KEYS_MAX, KeyId, PersonId},
};
use std::{
    io,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// So many keys are made at once.
pub(crate) const SPARE_KEYS: u64 = 64;
const SLOT: usize = 128;
const HALF: usize = 64;
const MAGIC: &[u8; 8] = b"AISLEKEY";
const VERSION: u32 = 1;
const KEPT: u8 = 1;
const DESTROYED: u8 = 2;
/// So much of the file is read at once, in bytes.
const CHUNK_BYTES: usize = 8_192 * SLOT;

/// What a slot holds.
#[derive(Debug, Clone)]
pub(crate) enum Slot {
    Key {
        id: KeyId,
        secret: Zeroizing<[u8; 32]>,
        person: Option<PersonId>,
    },
    /// The key was destroyed for a person.
    Destroyed {
        id: KeyId,
    },
    /// It does not read: what was sealed with its key is lost.
    Damaged,
}

/// A key that is nobody's yet.
pub(crate) struct Spare {
    pub(crate) slot: u64,
    pub(crate) key: KeyId,
    pub(crate) secret: Zeroizing<[u8; 32]>,
}

/// The file when it was opened.
pub(crate) struct Opened {
    pub(crate) slots: Slots,
    /// What persons' codes are made with.
    pub(crate) index: Zeroizing<[u8; 32]>,
    pub(crate) found: Vec<Slot>,
}

/// The file of keys.
#[derive(Debug)]
pub(crate) struct Slots {
    path: PathBuf,
    file: Box<dyn IoFile>,
    slots: u64,
}

fn during(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    move |source| FileError { action, path: path.to_path_buf(), source }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn place(slot: u64) -> u64 {
    (slot + 1).saturating_mul(SLOT as u64)
}

impl Slots {
    /// Makes an empty file, durable before it has its name.
    pub(crate) fn create(io: &dyn Io, dir: &Path, path: &Path, index: &[u8; 32]) -> Result<(), FileError> {
        let fresh = path.with_extension("new");
        let mut header = Zeroizing::new(Vec::with_capacity(SLOT));
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&VERSION.to_le_bytes());
        header.extend_from_slice(&crc32c::crc32c(index).to_le_bytes());
        header.extend_from_slice(index);
        header.resize(SLOT, 0);
        let file = io.create(&fresh).map_err(during("make", &fresh))?;
        file.write_at(&header, 0).map_err(during("write", &fresh))?;
        file.sync_data().map_err(during("sync", &fresh))?;
        io.rename(&fresh, path).map_err(during("rename", &fresh))?;
        io.sync_dir(dir).map_err(during("sync", dir))
    }

    /// Opens the file, and gives the index key and what the slots hold.
    pub(crate) fn open(io: &dyn Io, path: &Path, access: Access) -> Result<Opened, VaultError> {
        let file = io.open(path, access).map_err(during("open", path))?;
        let bytes = file.size().map_err(during("measure", path))?;
        let header = read(file.as_ref(), path, 0, SLOT)?;
        let index = index_key(&header).ok_or_else(|| VaultError::Header { path: path.into() })?;
        // A torn end is of keys that nobody had yet.
        let slots = (bytes / SLOT as u64).saturating_sub(1);
        if slots > KEYS_MAX as u64 {
            return Err(VaultError::Header { path: path.into() });
        }
        let mut found = Vec::new();
        while (found.len() as u64) < slots {
            let from = place(found.len() as u64);
            let left = usize::try_from(place(slots).saturating_sub(from)).unwrap_or(CHUNK_BYTES);
            let chunk = read(file.as_ref(), path, from, left.min(CHUNK_BYTES))?;
            let before = found.len();
            found.extend(chunk.chunks_exact(SLOT).map(slot));
            if found.len() == before {
                break;
            }
        }
        let slots = found.len() as u64;
        Ok(Opened { slots: Self { path: path.into(), file, slots }, index, found })
    }

    /// Makes keys that are nobody's yet, durable. Gives the first one's slot with them.
    pub(crate) fn make(&mut self, entropy: &mut dyn Entropy) -> Result<Vec<Spare>, MakeError> {
        if self.slots.saturating_add(SPARE_KEYS) > KEYS_MAX as u64 {
            return Err(MakeError::Full);
        }
        let mut made = Vec::new();
        let mut bytes = Zeroizing::new(Vec::new());
        for slot in self.slots..self.slots + SPARE_KEYS {
            let (mut id, mut secret) = ([0; 8], Zeroizing::new([0; 32]));
            entropy.fill(&mut id)?;
            entropy.fill(secret.as_mut_slice())?;
            bytes.extend_from_slice(&*key_half(KEPT, KeyId(id), &secret));
            bytes.extend_from_slice(&[0; HALF]);
            made.push(Spare { slot, key: KeyId(id), secret });
        }
        self.file.write_at(&bytes, place(self.slots)).map_err(during("write", &self.path))?;
        self.file.sync_data().map_err(during("sync", &self.path))?;
        self.slots += SPARE_KEYS;
        Ok(made)
    }

    /// Writes down whose a key is. Durable with the next sync.
    pub(crate) fn assign(&self, slot: u64, person: PersonId) -> Result<(), FileError> {
        let half = person_half(person);
        self.file.write_at(&half, place(slot) + HALF as u64).map_err(during("write", &self.path))
    }

    /// Overwrites keys, durable when it returns.
    pub(crate) fn destroy(&self, keys: &[(u64, KeyId)]) -> Result<(), FileError> {
        for (slot, key) in keys {
            let mut whole = [0; SLOT];
            let half = key_half(DESTROYED, *key, &[0; 32]);
            whole.iter_mut().zip(half.iter()).for_each(|(to, from)| *to = *from);
            self.file.write_at(&whole, place(*slot)).map_err(during("overwrite", &self.path))?;
        }
        self.file.sync_data().map_err(during("sync", &self.path))
    }
}

/// Why no keys can be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MakeError {
    #[error("there are {KEYS_MAX} keys, and no room for another")]
    Full,
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    #[error(transparent)]
    File(#[from] FileError),
}

fn read(file: &dyn IoFile, path: &Path, from: u64, bytes: usize) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let mut buffer = Zeroizing::new(vec![0; bytes]);
    let filled = file.read_at(&mut buffer, from).map_err(during("read", path))?;
    buffer.truncate(filled);
    Ok(buffer)
}

fn index_key(header: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let index: &[u8; 32] = header.get(16..)?.first_chunk()?;
    let good = header.starts_with(MAGIC)
        && number(header, 8) == Some(VERSION)
        && number(header, 12) == Some(crc32c::crc32c(index));
    good.then(|| Zeroizing::new(*index))
}

fn key_half(state: u8, id: KeyId, secret: &[u8; 32]) -> Zeroizing<[u8; HALF]> {
    let mut half = Zeroizing::new([0; HALF]);
    let body = Zeroizing::new([&[state, 0, 0, 0][..], &id.0, secret].concat());
    let crc = crc32c::crc32c(&body);
    let parts = [&[state, 0, 0, 0][..], &crc.to_le_bytes(), &id.0, secret];
    half.iter_mut().zip(parts.into_iter().flatten()).for_each(|(to, from)| *to = *from);
    half
}

fn person_half(person: PersonId) -> [u8; HALF] {
    let mut half = [0; HALF];
    let crc = crc32c::crc32c(&person.0).to_le_bytes();
    half.iter_mut().zip(person.0.iter().chain(&crc)).for_each(|(to, from)| *to = *from);
    half
}

fn slot(bytes: &[u8]) -> Slot {
    slot_of(bytes).unwrap_or(Slot::Damaged)
}

fn slot_of(bytes: &[u8]) -> Option<Slot> {
    let (state, id) = (*bytes.first()?, KeyId(*bytes.get(8..)?.first_chunk()?));
    let secret: &[u8; 32] = bytes.get(16..)?.first_chunk()?;
    let body = Zeroizing::new([bytes.get(..4)?, &id.0, secret].concat());
    if number(bytes, 4)? != crc32c::crc32c(&body) {
        return None;
    }
    let person = PersonId(*bytes.get(HALF..)?.first_chunk()?);
    let known = number(bytes, HALF + 16)? == crc32c::crc32c(&person.0) && person != PersonId([0; 16]);
    match state {
        KEPT => Some(Slot::Key { id, secret: Zeroizing::new(*secret), person: known.then_some(person) }),
        DESTROYED => Some(Slot::Destroyed { id }),
        _ => None,
    }
}
