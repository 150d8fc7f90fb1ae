//! The bytes of what was ordered: `DATA/fleet/contents/HASH`, as long as the machine needs them.
//!
//! They are here as well as where they were fetched to, because a way back needs what is wanted no more. Where both lie on one file system they are one file with
//! two names. A content gets its name only when it is whole and synced.
//!
//! Not here: fetching, and what may be put in place ([`crate::signed`]).

use aisle_fleet::{ContentHash, Release};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// The ending of what is not whole.
const PART: &str = "part";

/// Contents in a folder.
#[derive(Debug, Clone)]
pub struct Contents {
    root: PathBuf,
}

/// Why a content cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ContentsError {
    /// It is not here.
    #[error("the content {hash} is not here")]
    Missing {
        /// Which.
        hash: ContentHash,
    },
    /// It is not what its name says.
    #[error("the content {hash} is spoilt: it is {found} now, of {bytes} bytes")]
    Spoilt {
        /// Which.
        hash: ContentHash,
        /// What it is.
        found: ContentHash,
        /// How long it is.
        bytes: u64,
    },
    /// The file system refuses.
    #[error("cannot use `{path}`")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Contents {
    /// Takes a folder, makes it where it is not there, and removes what is not whole.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn open(root: &Path) -> Result<Self, ContentsError> {
        let at = |source| ContentsError::Io { path: root.to_owned(), source };
        fs::create_dir_all(root).map_err(at)?;
        let contents = Self { root: root.to_owned() };
        for path in contents.files()? {
            if path.extension().is_some_and(|ending| ending == PART) {
                contents.remove_file(&path)?;
            }
        }
        Ok(contents)
    }

    /// Where they lie.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where one lies, or would.
    #[must_use]
    pub fn path(&self, hash: &ContentHash) -> PathBuf {
        self.root.join(hash.to_string())
    }

    /// True when it is here.
    #[must_use]
    pub fn has(&self, hash: &ContentHash) -> bool {
        self.path(hash).is_file()
    }

    /// All that are here. A folder that cannot be read has none.
    #[must_use]
    pub fn here(&self) -> BTreeSet<ContentHash> {
        let files = self.files().unwrap_or_default();
        files.iter().filter_map(|path| hash_of(path)).collect()
    }

    /// Takes a content that lies elsewhere, whole. It is one file with two names where that is possible.
    ///
    /// # Errors
    /// When it cannot be taken.
    pub fn take(&self, hash: &ContentHash, from: &Path) -> Result<(), ContentsError> {
        if self.has(hash) {
            return Ok(());
        }
        let whole = self.path(hash);
        if fs::hard_link(from, &whole).is_err() {
            let part = whole.with_extension(PART);
            let copied = File::open(from).and_then(|mut from| {
                let mut file = File::create(&part)?;
                io::copy(&mut from, &mut file)?;
                file.flush()?;
                file.sync_all()?;
                fs::rename(&part, &whole)
            });
            if let Err(source) = copied {
                // What is not whole must not take room.
                let _ = fs::remove_file(&part);
                return Err(ContentsError::Io { path: whole, source });
            }
        }
        self.sync()
    }

    /// The bytes of an artefact, held against its hash and length.
    ///
    /// # Errors
    /// When it is not here, spoilt, or cannot be read.
    pub fn read(&self, release: &Release) -> Result<Vec<u8>, ContentsError> {
        let (path, hash) = (self.path(&release.hash), release.hash);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ContentsError::Missing { hash });
            }
            Err(source) => return Err(ContentsError::Io { path, source }),
        };
        let found = ContentHash::of(&bytes);
        if found != hash || bytes.len() as u64 != release.bytes {
            return Err(ContentsError::Spoilt { hash, found, bytes: bytes.len() as u64 });
        }
        Ok(bytes)
    }

    /// True when what lies here by that name is something else: it is of no use to anybody.
    #[must_use]
    pub fn is_spoilt(&self, hash: &ContentHash) -> bool {
        fs::read(self.path(hash)).is_ok_and(|bytes| ContentHash::of(&bytes) != *hash)
    }

    /// Forgets one.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, hash: &ContentHash) -> Result<(), ContentsError> {
        self.remove_file(&self.path(hash))
    }

    /// Forgets all others. Files that are no contents are left alone.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub fn sweep(&self, keep: &BTreeSet<ContentHash>) -> Result<(), ContentsError> {
        for path in self.files()? {
            if hash_of(&path).is_some_and(|hash| !keep.contains(&hash)) {
                self.remove_file(&path)?;
            }
        }
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> Result<(), ContentsError> {
        match fs::remove_file(path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(ContentsError::Io { path: path.to_owned(), source })
            }
            _ => Ok(()),
        }
    }

    fn files(&self) -> Result<Vec<PathBuf>, ContentsError> {
        let listed = fs::read_dir(&self.root)
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect());
        listed.map_err(|source| ContentsError::Io { path: self.root.clone(), source })
    }

    fn sync(&self) -> Result<(), ContentsError> {
        let synced = File::open(&self.root).and_then(|folder| folder.sync_all());
        synced.map_err(|source| ContentsError::Io { path: self.root.clone(), source })
    }
}

/// The content that a file is by its name; nothing where it is none, or not whole.
fn hash_of(path: &Path) -> Option<ContentHash> {
    path.file_name()?.to_str()?.parse().ok()
}
