//! What the relay signs receipts, tells times apart and makes tokens with: all of it follows from one secret.
//!
//! Hubs on one database share it, because the log of a store goes on under whichever of them relays it.

use aisle_event::StoreId;
use aisle_residency::{
    Policy, Region,
    policy::Action,
    signing::{InvalidSeed, SigningKey},
    token::TokenKeys,
    vocabulary::Path as Field,
};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use ring::rand::{SecureRandom as _, SystemRandom};
use std::{
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// The number of the key that tokens are made with. It stands in them.
const TOKEN_KEY: u32 = 1;

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read or made.
    #[error("cannot read or make the secret `{path}`")]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It holds something else.
    #[error("the secret `{0}` is not 64 hexadecimal digits")]
    Form(PathBuf),
    /// The system gives no randomness.
    #[error("the system gives no randomness for a secret")]
    Randomness,
    /// No key can be made of it.
    #[error(transparent)]
    Seed(#[from] InvalidSeed),
}

/// The relay's secrets.
pub struct Secrets {
    root: [u8; 32],
    tokens: [u8; 32],
    /// What receipts are signed with.
    pub key: SigningKey,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Secrets {
    /// From files. That of the secret is made where it is not there.
    ///
    /// # Errors
    /// When one cannot be read or made.
    pub fn open(secret: &Path, tokens: Option<&Path>) -> Result<Self, SecretError> {
        let root = match read(secret)? {
            Some(root) => root,
            None => make(secret)?,
        };
        let tokens = match tokens {
            None => blake3::derive_key("aisle relay tokens 1", &root),
            Some(path) => read(path)?.ok_or_else(|| SecretError::File {
                path: path.to_owned(),
                source: io::ErrorKind::NotFound.into(),
            })?,
        };
        let key = SigningKey::from_seed(&blake3::derive_key("aisle relay receipts 1", &root))?;
        Ok(Self { root, tokens, key })
    }

    /// What the gate to a region needs for a store by a policy.
    pub(super) fn token_keys(&self, policy: &Policy, region: &Region, store: &StoreId) -> TokenKeys {
        let own = blake3::Hasher::new_keyed(&blake3::derive_key("aisle relay times 1", &self.root))
            .update(store.as_str().as_bytes())
            .finalize();
        let rules = Field::all().filter_map(|field| policy.rule(region, field));
        rules.fold(TokenKeys::new(own.as_bytes()), |keys, rule| match &rule.action {
            Action::Token { purpose, .. } => keys.with_derived(region, purpose, TOKEN_KEY, &self.tokens),
            _ => keys,
        })
    }
}

fn read(path: &Path) -> Result<Option<[u8; 32]>, SecretError> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(SecretError::File { path: path.to_owned(), source }),
    };
    let bytes = HEXLOWER_PERMISSIVE.decode(text.trim_ascii()).ok();
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    bytes.map(Some).ok_or_else(|| SecretError::Form(path.to_owned()))
}

fn make(path: &Path) -> Result<[u8; 32], SecretError> {
    let failed = |source| SecretError::File { path: path.to_owned(), source };
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| SecretError::Randomness)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    writeln!(file, "{}", HEXLOWER.encode(&bytes)).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::File::open(folder.unwrap_or(Path::new(".")))
        .and_then(|folder| folder.sync_all())
        .map_err(failed)?;
    Ok(bytes)
}
