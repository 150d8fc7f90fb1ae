//! The bearer token of the interface, in a file that only the hub's user can read.

use data_encoding::HEXLOWER;
use ring::rand::{SecureRandom, SystemRandom};
use std::{
    fmt,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// The fewest characters of a token.
const CHARS_MIN: usize = 16;

/// What a caller has to know.
pub struct Token(blake3::Hash);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read or made.
    #[error("cannot use the token file `{path}`")]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The token is too short to be one.
    #[error(
        "the token in `{path}` has fewer than {CHARS_MIN} characters\nhint: delete the file, and another one is made"
    )]
    Short {
        /// Which file.
        path: PathBuf,
    },
    /// The system gives no randomness.
    #[error("the system gives no randomness for a token")]
    Randomness,
}

impl Token {
    /// Of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(blake3::hash(text.as_bytes()))
    }

    /// From a file, which is made with a new token where it is not there.
    ///
    /// # Errors
    /// When it cannot be read or made, or holds too short a token.
    pub fn from_file(path: &Path) -> Result<Self, TokenError> {
        let failed = |source| TokenError::File { path: path.to_owned(), source };
        match std::fs::read_to_string(path) {
            Ok(text) if text.trim().len() >= CHARS_MIN => Ok(Self::of(text.trim())),
            Ok(_) => Err(TokenError::Short { path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut bytes = [0; 32];
                SystemRandom::new().fill(&mut bytes).map_err(|_| TokenError::Randomness)?;
                let text = HEXLOWER.encode(&bytes);
                if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                    std::fs::create_dir_all(folder).map_err(failed)?;
                }
                let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
                file.and_then(|mut file| writeln!(file, "{text}")).map_err(failed)?;
                Ok(Self::of(&text))
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// True for the same token. Hashes are compared in constant time.
    #[must_use]
    pub fn is(&self, given: &str) -> bool {
        self.0 == blake3::hash(given.as_bytes())
    }

    /// A seal over a text that only whoever has this token can make. It gives nothing of the token away.
    pub(crate) fn seal(&self, text: &[u8]) -> blake3::Hash {
        blake3::keyed_hash(self.0.as_bytes(), text)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
