//! The keys that lie at the hub: what signs snapshots and timestamps. Hubs on one database have the same file.
//!
//! The file is PEM (PKCS#8, `PRIVATE KEY`): the key of snapshots, then that of timestamps; one alone is both. It is readable by the hub's user only, or given by
//! the service manager (`credential:NAME`), like the hub's other secrets. Whoever has it can hold news back until they run out, and nothing more: no artefact
//! is signed with it.

use super::keys::{self, KeyFileError};
use aisle_artefact::{PublicKey, SigningKey, repository::Online};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// How a block of PEM ends.
const END: &str = "-----END PRIVATE KEY-----";

/// Why there are no online keys.
#[derive(Debug, thiserror::Error)]
pub enum OnlineError {
    /// There is no such file.
    #[error(
        "there is no file `{path}` of online keys (`artefacts.online_key_file`)\nhint: hubs on one database share it: copy it from the first one; `aisle-hub artefact init` makes it for a new repository"
    )]
    Missing {
        /// Which.
        path: PathBuf,
    },
    /// It cannot be read or made, or holds something else.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// It holds no key, or too many.
    #[error("`{path}` has {found} keys, expected the one of snapshots, then the one of timestamps")]
    Count {
        /// Which file.
        path: PathBuf,
        /// How many there are.
        found: usize,
    },
}

/// The keys that lie at the hub.
#[derive(Debug)]
pub struct OnlineKeys {
    snapshot: SigningKey,
    /// Where it is another one.
    timestamp: Option<SigningKey>,
}

impl OnlineKeys {
    /// Reads them.
    ///
    /// # Errors
    /// When the file is not there, or holds something else.
    pub fn read(path: &Path) -> Result<Self, OnlineError> {
        let text = keys::text(path).map_err(|error| {
            if error.is_missing() { OnlineError::Missing { path: path.to_owned() } } else { error.into() }
        })?;
        let mut found = Vec::new();
        let blocks = text.split_inclusive(END).filter(|block| block.contains(END));
        for block in blocks.take(3) {
            let key = SigningKey::from_pem(block.trim_start());
            found.push(key.map_err(|source| KeyFileError::Key { path: path.to_owned(), source })?);
        }
        let count = found.len();
        let mut found = found.into_iter();
        match (found.next(), found.next(), found.next()) {
            (Some(snapshot), timestamp, None) => Ok(Self { snapshot, timestamp }),
            _ => Err(OnlineError::Count { path: path.to_owned(), found: count }),
        }
    }

    /// Reads them, or makes two new ones where there is no file.
    ///
    /// # Errors
    /// When the file cannot be read or made, or holds something else.
    pub fn read_or_make(path: &Path) -> Result<Self, OnlineError> {
        match Self::read(path) {
            Err(OnlineError::Missing { .. }) => {}
            read => return read,
        }
        let mut text = Zeroizing::new(String::new());
        for _ in 0..2 {
            let key = keys::random()?;
            let pem = key.to_pem().map_err(|source| KeyFileError::Seal { path: path.to_owned(), source })?;
            text.push_str(&pem);
        }
        keys::write_new(path, text.as_bytes())?;
        Self::read(path)
    }

    /// Who signs what.
    #[must_use]
    pub fn online(&self) -> Online<'_> {
        let timestamp = self.timestamp.as_ref().unwrap_or(&self.snapshot);
        Online { snapshot: &self.snapshot, timestamp }
    }

    /// Their public halves: of snapshots, of timestamps.
    #[must_use]
    pub fn public(&self) -> (PublicKey, PublicKey) {
        let Online { snapshot, timestamp } = self.online();
        (snapshot.public().clone(), timestamp.public().clone())
    }
}
