//! Contents: bytes held against what was signed of them while they are read, and a place where they become whole or nothing.
//!
//! Guards: never more bytes are read than were signed (and one, to notice), and a content gets its name only after all of it was verified and synced.

use crate::{artefact::Artefact, digest::Digest};
use std::{
    fmt,
    fs::{self, File},
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
};

/// The ending of a content that is not whole.
const PART: &str = "part";

/// Why bytes are not the content that was signed.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// More or fewer bytes.
    #[error("the content has {found} bytes, {expected} were signed")]
    Length {
        /// How many there are; one more than signed where it would go on.
        found: u64,
        /// How many were signed.
        expected: u64,
    },
    /// Other bytes.
    #[error("the content is not the one that was signed: its {what} is another one")]
    Hash {
        /// Which hash.
        what: &'static str,
    },
}

/// Reads a content, and gives its last byte only if all of it is what was signed.
pub struct Verified<R> {
    inner: R,
    bytes: u64,
    sha256: Digest,
    blake3: Option<Digest>,
    read: u64,
    hashers: Option<(ring::digest::Context, blake3::Hasher)>,
}

impl<R: Read> Verified<R> {
    /// Of an artefact.
    pub fn of(artefact: &Artefact, inner: R) -> Self {
        Self::new(inner, artefact.bytes, artefact.sha256, Some(artefact.blake3))
    }

    /// Of so many bytes with this hash, and perhaps this other one.
    pub fn new(inner: R, bytes: u64, sha256: Digest, blake3: Option<Digest>) -> Self {
        let hashers = (ring::digest::Context::new(&ring::digest::SHA256), blake3::Hasher::new());
        Self { inner, bytes, sha256, blake3, read: 0, hashers: Some(hashers) }
    }

    fn goes_on(&mut self) -> io::Result<bool> {
        let mut one = Vec::new();
        self.inner.by_ref().take(1).read_to_end(&mut one)?;
        Ok(!one.is_empty())
    }

    fn end(&mut self) -> Result<(), ContentError> {
        let Some((sha256, blake3)) = self.hashers.take() else { return Ok(()) };
        if self.read != self.bytes {
            return Err(ContentError::Length { found: self.read, expected: self.bytes });
        }
        if Digest::from_slice(sha256.finish().as_ref()) != self.sha256 {
            return Err(ContentError::Hash { what: "SHA-256" });
        }
        let found = Digest(*blake3.finalize().as_bytes());
        if self.blake3.is_some_and(|signed| signed != found) {
            return Err(ContentError::Hash { what: "BLAKE3" });
        }
        Ok(())
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = self.inner.read(buffer)?;
        let piece = buffer.get(..read).unwrap_or_default();
        self.read = self.read.saturating_add(piece.len() as u64);
        if let Some((sha256, blake3)) = &mut self.hashers {
            sha256.update(piece);
            blake3.update(piece);
        }
        // The last byte is given only when it is known to be the last, and right.
        let is_longer = self.read > self.bytes || (self.read == self.bytes && self.goes_on()?);
        if is_longer {
            self.hashers = None;
            let found = self.bytes.saturating_add(1);
            return Err(bad(ContentError::Length { found, expected: self.bytes }));
        }
        if piece.is_empty() || self.read == self.bytes {
            self.end().map_err(bad)?;
        }
        Ok(read)
    }
}

fn bad(error: ContentError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Where contents go.
pub trait Sink {
    /// True when the content is there whole, so that it need not be read.
    ///
    /// # Errors
    /// When that cannot be seen.
    fn has(&mut self, artefact: &Artefact) -> io::Result<bool>;

    /// Takes a content. The reader gives its last byte only once all of them are what was signed; a content that ends with an error is
    /// none, and nothing of it may count. When this returns it is durable.
    ///
    /// # Errors
    /// What the reader or the disk said.
    fn take(&mut self, artefact: &Artefact, content: &mut dyn Read) -> io::Result<()>;
}

/// How many bytes of the disk are free.
pub type FreeBytes = Box<dyn Fn() -> u64 + Send>;

/// Why the disk takes no content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it has {bytes} bytes, and the disk is {missing} bytes short of room for it: {reserve} bytes stay free for what the store records\nhint: make room on the disk, and apply the bundle again; it goes on where it ended"
)]
pub struct NoRoom {
    /// How many bytes it has.
    pub bytes: u64,
    /// How many bytes more would have to be free.
    pub missing: u64,
    /// What stays free.
    pub reserve: u64,
}

impl NoRoom {
    /// Whether so many bytes can come and leave the reserve free.
    ///
    /// # Errors
    /// When they cannot.
    pub const fn check(bytes: u64, reserve: u64, free: u64) -> Result<(), Self> {
        let needed = bytes.saturating_add(reserve);
        if needed <= free { Ok(()) } else { Err(Self { bytes, missing: needed - free, reserve }) }
    }
}

/// Contents in a folder, by BLAKE3.
pub struct ContentFolder {
    root: PathBuf,
    /// What is left to others of what is free.
    reserve: Option<(u64, FreeBytes)>,
}

impl fmt::Debug for ContentFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentFolder").field("root", &self.root).finish_non_exhaustive()
    }
}

impl ContentFolder {
    /// Takes a folder, and makes it where it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        Ok(Self { root: root.to_owned(), reserve: None })
    }

    /// The same folder, which leaves so many bytes of the disk free: others who write there need them more.
    #[must_use]
    pub fn with_reserve(self, reserve_bytes: u64, free: FreeBytes) -> Self {
        Self { reserve: Some((reserve_bytes, free)), ..self }
    }

    /// Where a content lies, or would.
    #[must_use]
    pub fn path(&self, blake3: &Digest) -> PathBuf {
        self.root.join(blake3.to_string())
    }
}

impl Sink for ContentFolder {
    fn has(&mut self, artefact: &Artefact) -> io::Result<bool> {
        match fs::metadata(self.path(&artefact.blake3)) {
            Ok(found) => Ok(found.len() == artefact.bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn take(&mut self, artefact: &Artefact, content: &mut dyn Read) -> io::Result<()> {
        if let Some((reserve, free)) = &self.reserve {
            let room = NoRoom::check(artefact.bytes, *reserve, free());
            room.map_err(|error| io::Error::new(io::ErrorKind::StorageFull, error))?;
        }
        let whole = self.path(&artefact.blake3);
        let part = whole.with_extension(PART);
        let mut file = File::create(&part)?;
        let taken = io::copy(content, &mut file).and_then(|_| {
            file.flush()?;
            file.sync_all()
        });
        if let Err(error) = taken {
            // What is not whole must not take room.
            let _ = fs::remove_file(&part);
            return Err(error);
        }
        fs::rename(&part, &whole)?;
        File::open(&self.root)?.sync_all()
    }
}
