//! What sync keeps below the node's data, and the files that it is given: secrets, keys, certificates.
//!
//! ```text
//! DATA/sync/token.secret   what tokens are made with          DATA/sync/policy   the policy in force, as it came last
//! DATA/sync/store.secret   the store's own, for ever          DATA/sync/budget   what the line has cost
//! DATA/sync/receipt.key    what receipts are signed with      DATA/sync/begun    the regions that ever had an outbox
//! DATA/outbox/<region>     what waits for the hub                 DATA/content   what the hub wants the store to have
//! ```
//!
//! Secrets are made at the first start, readable by the node's user alone, and durable before they are used: receipts that were signed
//! with a key that is lost are good for nobody.

use super::config::Settings;
use aisle_residency::{Region, signing::SigningKey};
use aisle_transport::{
    Credentials,
    tls::{CredentialsError, NameError, Own},
};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

/// So much of a secret's file is read.
const SECRET_BYTES_MAX: u64 = 1_024;

/// Where sync keeps its own files.
pub(crate) fn dir(data: &Path) -> PathBuf {
    data.join("sync")
}

/// Where the outbox to a region is.
pub(crate) fn outbox_dir(data: &Path, region: &Region) -> PathBuf {
    data.join("outbox").join(region.as_str())
}

/// Where contents are that the hub wants the store to have.
pub(super) fn content_dir(data: &Path) -> PathBuf {
    data.join("content")
}

/// Where the policy in force is kept.
pub(crate) fn policy_path(data: &Path) -> PathBuf {
    dir(data).join("policy")
}

/// Where it is kept what the line has cost.
pub(super) fn budget_path(data: &Path) -> PathBuf {
    dir(data).join("budget")
}

/// Where the tokens' secret is.
pub(crate) fn token_path(data: &Path, settings: &Settings) -> PathBuf {
    settings.token_secret_file.clone().unwrap_or_else(|| dir(data).join("token.secret"))
}

/// Where the receipts' key is.
pub(crate) fn key_path(data: &Path, settings: &Settings) -> PathBuf {
    settings.receipt_key_file.clone().unwrap_or_else(|| dir(data).join("receipt.key"))
}

fn store_path(data: &Path) -> PathBuf {
    dir(data).join("store.secret")
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write `{path}`")]
    Write { path: PathBuf, source: io::Error },
    #[error(
        "`{path}` is not 64 hexadecimal digits\nhint: put the right file back; a new one is made only where there is none"
    )]
    Secret { path: PathBuf },
    #[error("the certificate, the key and the roots of `sync` cannot be used")]
    Credentials(#[from] CredentialsError),
    #[error("`{path}` names no node")]
    Name { path: PathBuf, source: NameError },
    #[error(
        "`{path}` is the certificate of store `{found}`, and this is store `{expected}`\nhint: set `store.id`, or have a certificate made for this store"
    )]
    Store { path: PathBuf, found: String, expected: String },
}

fn reading(path: &Path) -> impl FnOnce(io::Error) -> FileError {
    move |source| FileError::Read { path: path.to_owned(), source }
}

fn writing(path: &Path) -> impl FnOnce(io::Error) -> FileError {
    move |source| FileError::Write { path: path.to_owned(), source }
}

/// What the node signs and disguises with.
pub(super) struct Secrets {
    /// What tokens are made with.
    pub token: [u8; 32],
    /// The store's own.
    pub store: [u8; 32],
    /// What receipts are signed with.
    pub key: Arc<SigningKey>,
}

impl Secrets {
    /// Reads them; makes those that are not there.
    pub(super) fn open(data: &Path, settings: &Settings) -> Result<Self, FileError> {
        let dir = dir(data);
        fs::create_dir_all(&dir).map_err(writing(&dir))?;
        let (token, key) = (token_path(data, settings), key_path(data, settings));
        let store = store_path(data);
        for path in [&token, &key, &store] {
            make_if_missing(path).map_err(writing(path))?;
        }
        Ok(Self { token: secret(&token)?, store: secret(&store)?, key: Arc::new(signing_key(&key)?) })
    }

    /// The key that makes contributors of aggregates into numbers.
    pub(super) fn contributor_key(&self) -> [u8; 32] {
        blake3::derive_key("aisle 2026-11-21 contributors of aggregates", &self.store)
    }
}

/// The key that the node signs receipts with; made where there is none.
pub(crate) fn receipt_key(data: &Path, settings: Option<&Settings>) -> Result<SigningKey, FileError> {
    let path = settings.map_or_else(|| dir(data).join("receipt.key"), |settings| key_path(data, settings));
    let dir = dir(data);
    fs::create_dir_all(&dir).map_err(writing(&dir))?;
    make_if_missing(&path).map_err(writing(&path))?;
    signing_key(&path)
}

/// The key in a file.
pub(crate) fn signing_key(path: &Path) -> Result<SigningKey, FileError> {
    SigningKey::from_seed(&secret(path)?).map_err(|_| FileError::Secret { path: path.to_owned() })
}

/// The secret in a file.
pub(crate) fn secret(path: &Path) -> Result<[u8; 32], FileError> {
    let mut text = String::new();
    let file = File::open(path).map_err(reading(path))?;
    file.take(SECRET_BYTES_MAX).read_to_string(&mut text).map_err(reading(path))?;
    let bytes = HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).ok();
    let secret = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    secret.ok_or_else(|| FileError::Secret { path: path.to_owned() })
}

fn make_if_missing(path: &Path) -> io::Result<()> {
    if path.try_exists()? {
        return Ok(());
    }
    let text = HEXLOWER.encode(&rand::random::<[u8; 32]>());
    replace(path, format!("{text}\n").as_bytes())
}

/// Puts a file in place as a whole, readable by the node's user alone, so that a crash leaves what was there or what comes.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// True when there never was an outbox to the region.
pub(super) fn is_first(data: &Path, region: &Region) -> Result<bool, FileError> {
    let path = dir(data).join("begun");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(!text.lines().any(|line| line == region.as_str())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(reading(&path)(error)),
    }
}

/// Remembers that there was one.
pub(super) fn note_begun(data: &Path, region: &Region) -> Result<(), FileError> {
    if !is_first(data, region)? {
        return Ok(());
    }
    let path = dir(data).join("begun");
    let before = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read.map_err(reading(&path))?,
    };
    replace(&path, format!("{before}{region}\n").as_bytes()).map_err(writing(&path))
}

/// What the node shows, whom it believes, and who it is by that.
pub(crate) fn credentials(settings: &Settings, store: &str) -> Result<(Credentials, Own), FileError> {
    let read = |path: &Path| fs::read(path).map_err(reading(path));
    let chain = read(&settings.certificate_file)?;
    let key = read(&settings.private_key_file)?;
    let roots = read(&settings.roots_file)?;
    let credentials = Credentials::from_pem(&chain, &key, &roots)?;
    let path = || settings.certificate_file.clone();
    let own = credentials.own().map_err(|source| FileError::Name { path: path(), source })?;
    let found = own.identity.store.as_str();
    if found != store {
        return Err(FileError::Store { path: path(), found: found.into(), expected: store.into() });
    }
    Ok((credentials, own))
}

/// When and how long the three files were written, to see that others have taken their places.
pub(super) fn stamp(settings: &Settings) -> [Option<(SystemTime, u64)>; 3] {
    [&settings.certificate_file, &settings.private_key_file, &settings.roots_file].map(|path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_is_made_once_for_the_nodes_user_alone_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.secret");
        make_if_missing(&path).unwrap();
        let made = secret(&path).unwrap();
        make_if_missing(&path).unwrap();
        assert_eq!(secret(&path).unwrap(), made);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_was_cut_off_is_no_secret_and_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipt.key");
        fs::write(&path, "00ff").unwrap();
        make_if_missing(&path).unwrap();
        assert!(matches!(secret(&path), Err(FileError::Secret { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "00ff");
    }

    #[test]
    fn a_region_is_new_until_it_was_begun() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(dir(folder.path())).unwrap();
        let [eu, cn] = ["eu", "cn"].map(|name| Region::new(name).unwrap());
        assert!(is_first(folder.path(), &eu).unwrap());
        note_begun(folder.path(), &eu).unwrap();
        note_begun(folder.path(), &eu).unwrap();
        assert!(!is_first(folder.path(), &eu).unwrap());
        assert!(is_first(folder.path(), &cn).unwrap());
        note_begun(folder.path(), &cn).unwrap();
        assert!(!is_first(folder.path(), &eu).unwrap() && !is_first(folder.path(), &cn).unwrap());
        assert_eq!(fs::read_to_string(dir(folder.path()).join("begun")).unwrap(), "eu\ncn\n");
    }
}
