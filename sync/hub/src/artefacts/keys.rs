//! Keys of people, on their own machines: made, sealed with a passphrase, opened to sign; and public halves as they are handed over.
//!
//! Not here: keys of the hub ([`super::online`]), who may sign what (`aisle_artefact::repository`). Guards: a file that is there is never written over, and a
//! private key lies nowhere but sealed.

use crate::{
    config::PassphraseSource,
    enrol::passphrase::{self, PassphraseError},
};
use aisle_artefact::{
    PublicKey, SigningKey,
    key::{NotPublicKey, SealError, SealNonce, UnsealError},
};
use data_encoding::BASE64;
use ring::rand::{SecureRandom as _, SystemRandom};
use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// The longest file of a key, in bytes.
const KEY_BYTES_MAX: u64 = 16 << 10;
/// What stands before the 32 bytes of an Ed25519 key in a `PUBLIC KEY` (RFC 8410).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// The variable that a passphrase may be given by.
pub const PASSPHRASE_VARIABLE: &str = "AISLE_ARTEFACT_PASSPHRASE";

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or made.
    #[error("cannot use the key file `{path}`")]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is a file already.
    #[error("`{path}` is there already\nhint: nothing is written over; choose another name")]
    Exists {
        /// Which.
        path: PathBuf,
    },
    /// It holds no key, or the passphrase is another one.
    #[error("cannot open the key `{path}`")]
    Key {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: UnsealError,
    },
    /// It cannot be sealed.
    #[error("cannot seal the key `{path}`")]
    Seal {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: SealError,
    },
    /// The passphrase.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// The system gives no randomness.
    #[error("the system gives no randomness for a key")]
    Randomness,
    /// Text that is no public key.
    #[error(
        "`{text}` is no public key\nhint: 64 hexadecimal digits, or a file with them or with a `PUBLIC KEY` of Ed25519, as `openssl pkey -pubout` writes it"
    )]
    Public {
        /// The text, cut where it is too long.
        text: String,
        /// Why not.
        source: NotPublicKey,
    },
}

impl KeyFileError {
    /// True when there is no such file.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::File { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// A key that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeKey {
    /// Its public half.
    pub public: PublicKey,
    /// The file of the public half.
    pub public_file: PathBuf,
}

/// The text of a key's file.
pub(super) fn text(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let failed = |source| KeyFileError::File { path: path.to_owned(), source };
    let mut text = Zeroizing::new(String::new());
    let file = File::open(path).map_err(failed)?;
    file.take(KEY_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// A new key.
pub(super) fn random() -> Result<SigningKey, KeyFileError> {
    let mut seed = Zeroizing::new([0; 32]);
    SystemRandom::new().fill(&mut *seed).map_err(|_| KeyFileError::Randomness)?;
    SigningKey::from_seed(&seed).map_err(|_| KeyFileError::Randomness)
}

/// Writes a file that was not there, for its owner alone; durable before it is used.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), KeyFileError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::Exists { path: path.to_owned() },
        _ => KeyFileError::File { path: path.to_owned(), source },
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()).map_err(failed)
}

/// Where the public half of a key lies.
fn public_file(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".pub");
    PathBuf::from(beside)
}

/// Makes a key, seals it with a passphrase, and writes its public half beside it.
///
/// # Errors
/// When one of the files is there, or the passphrase is too short.
pub fn make(path: &Path, passphrase: &str) -> Result<MadeKey, KeyFileError> {
    let public_file = public_file(path);
    for path in [path, &public_file] {
        if path.exists() {
            return Err(KeyFileError::Exists { path: path.to_owned() });
        }
    }
    let key = random()?;
    let mut nonce = [0; 32];
    SystemRandom::new().fill(&mut nonce).map_err(|_| KeyFileError::Randomness)?;
    let sealed = key.seal(passphrase, &SealNonce(nonce));
    let sealed = sealed.map_err(|source| KeyFileError::Seal { path: path.to_owned(), source })?;
    write_new(path, sealed.as_bytes())?;
    let public = key.public().clone();
    write_new(&public_file, format!("{}\n", public.digits().unwrap_or_default()).as_bytes())?;
    Ok(MadeKey { public, public_file })
}

/// Opens a sealed key.
///
/// # Errors
/// When it is none, or the passphrase is another one.
pub fn open(path: &Path, passphrase: &str) -> Result<SigningKey, KeyFileError> {
    let text = text(path)?;
    SigningKey::unseal(&text, passphrase)
        .map_err(|source| KeyFileError::Key { path: path.to_owned(), source })
}

/// A passphrase: from its source; without one, from the environment or the terminal. A new one is typed twice.
///
/// # Errors
/// When there is none.
pub fn passphrase(
    source: Option<&PassphraseSource>,
    is_new: bool,
    what: &'static str,
) -> Result<Zeroizing<String>, KeyFileError> {
    let given = std::env::var(PASSPHRASE_VARIABLE).ok().map(Zeroizing::new);
    if let (None, Some(given)) = (source, given) {
        return Ok(given);
    }
    let source = source.unwrap_or(&PassphraseSource::Prompt);
    Ok(if is_new { passphrase::choose_text(source, what)? } else { passphrase::read_text(source, what)? })
}

/// A public key as it is handed over: 64 hexadecimal digits, or a file with them or with a `PUBLIC KEY` in PEM.
///
/// # Errors
/// When it is none.
pub fn public(given: &str) -> Result<PublicKey, KeyFileError> {
    let wrong = |source| KeyFileError::Public { text: given.chars().take(128).collect(), source };
    if let Ok(key) = given.parse() {
        return Ok(key);
    }
    let text = text(Path::new(given)).map_err(|_| wrong(NotPublicKey))?;
    let base64: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    if let Ok(der) = BASE64.decode(base64.trim().as_bytes())
        && let Some(bytes) = der.strip_prefix(&SPKI)
        && let Ok(bytes) = <&[u8; 32]>::try_from(bytes)
    {
        return PublicKey::ed25519(bytes).map_err(wrong);
    }
    text.parse().map_err(wrong)
}
