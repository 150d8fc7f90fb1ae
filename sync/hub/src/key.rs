//! The key that this hub signs its receipts of erasures with, in a file that only the hub's user can read.

use aisle_residency::signing::SigningKey;
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use ring::rand::{SecureRandom, SystemRandom};
use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("cannot use the key file `{path}`")]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It holds something else.
    #[error(
        "`{path}` is not 64 hexadecimal digits\nhint: put the right file back; a new one is made only where there is none"
    )]
    Malformed {
        /// Which file.
        path: PathBuf,
    },
    /// The system gives no randomness.
    #[error("the system gives no randomness for a key")]
    Randomness,
}

/// The key in a file, which is made with a new one where it is not there; durable before it is used.
///
/// # Errors
/// When the file cannot be read or made, or holds something else.
pub fn signing_key(path: &Path) -> Result<SigningKey, KeyError> {
    let failed = |source| KeyError::File { path: path.to_owned(), source };
    let malformed = || KeyError::Malformed { path: path.to_owned() };
    let seed = match std::fs::read_to_string(path) {
        Ok(text) => {
            let bytes = HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).unwrap_or_default();
            <[u8; 32]>::try_from(bytes).map_err(|_| malformed())?
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut seed = [0; 32];
            SystemRandom::new().fill(&mut seed).map_err(|_| KeyError::Randomness)?;
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                std::fs::create_dir_all(folder).map_err(failed)?;
            }
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            let written = file.and_then(|mut file| {
                writeln!(file, "{}", HEXLOWER.encode(&seed))?;
                file.sync_all()
            });
            written.map_err(failed)?;
            seed
        }
        Err(error) => return Err(failed(error)),
    };
    SigningKey::from_seed(&seed).map_err(|_| malformed())
}
