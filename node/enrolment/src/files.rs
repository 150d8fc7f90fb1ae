//! What the node keeps of its enrolment beside its keys, and the copies of its certificate that others of the node read.
//!
//! ```text
//! DATA/identity/…              the keyring (aisle_provisioning::keyring)
//! DATA/identity/hub            where the hub is called for certificates; claim-hub, where a claim under way calls it
//! DATA/identity/time           a time that has been
//! DATA/identity/settings.json  what the hub said of the line, as it came
//! DATA/identity/policy.toml    the residency policy that came along, its signature in `policy.toml.sig`
//! DATA/identity/revoked        the signed list of who may not come in
//! DATA/identity/node.pem       the certificate in use, node.key.pem its key: for sync and for MQTT over TLS
//! DATA/artefacts/root.json     the first root of signed artefacts, where none was there
//! DATA/identity.lock           held by whoever works on the folder
//! ```
//!
//! Guards: a file is there whole or not at all, and what is secret is the node's user's alone.

use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// The folder of the identity, below the node's data.
#[must_use]
pub fn folder(data: &Path) -> PathBuf {
    data.join("identity")
}

/// The certificate in use, for those who read files.
#[must_use]
pub fn certificate(data: &Path) -> PathBuf {
    folder(data).join("node.pem")
}

/// Its key.
#[must_use]
pub fn private_key(data: &Path) -> PathBuf {
    folder(data).join("node.key.pem")
}

/// The roots that are believed. The keyring's own file.
#[must_use]
pub fn roots(data: &Path) -> PathBuf {
    folder(data).join("roots.pem")
}

/// The residency policy that came along.
#[must_use]
pub fn policy(data: &Path) -> PathBuf {
    folder(data).join("policy.toml")
}

/// The first root of signed artefacts that this node trusts. Whatever comes later is signed by it.
#[must_use]
pub fn artefact_root(data: &Path) -> PathBuf {
    data.join("artefacts").join("root.json")
}

/// A file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} `{path}`")]
pub struct FileError {
    what: &'static str,
    path: PathBuf,
    source: io::Error,
}

pub(crate) fn cannot<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> FileError + 'a {
    move |source| FileError { what, path: path.to_owned(), source }
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// The node's user alone.
    Owner,
    /// Everybody.
    All,
}

/// Makes the folder, for the node's user alone.
pub(crate) fn make_folder(folder: &Path) -> Result<(), FileError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(cannot("make", folder))
}

/// Puts a file in place as a whole: a crash leaves what was there or what comes.
pub(crate) fn replace(path: &Path, bytes: &[u8], access: Access) -> Result<(), FileError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".tmp");
    let beside = PathBuf::from(beside);
    let folder = path.parent().unwrap_or(Path::new("."));
    let mode = if access == Access::Owner { 0o600 } else { 0o644 };
    let put = || {
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(folder)?.sync_all()
    };
    make_folder(folder)?;
    put().map_err(cannot("write", path))
}

/// Reads a file of at most so many bytes; nothing when it is not there.
pub(crate) fn read(path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>, FileError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(cannot("read", path))?,
    };
    let mut bytes = Vec::new();
    file.take(bytes_max).read_to_end(&mut bytes).map_err(cannot("read", path))?;
    Ok(Some(bytes))
}

/// Puts a file in place unless it holds just that. True when it was written.
pub(crate) fn settle(path: &Path, bytes: &[u8], access: Access) -> Result<bool, FileError> {
    let found = read(path, bytes.len() as u64 + 1)?;
    if found.as_deref() == Some(bytes) {
        return Ok(false);
    }
    replace(path, bytes, access).map(|()| true)
}

/// Puts a file in place where there is none. True when it was written.
pub(crate) fn begin(path: &Path, bytes: &[u8]) -> Result<bool, FileError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            replace(path, bytes, Access::All).map(|()| true)
        }
        Err(error) => Err(cannot("look at", path)(error)),
    }
}

/// Held while somebody works on the folder; let go when dropped or when the process ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock lives as long as the file is open")] File);

impl Lock {
    /// Takes it, unless somebody else has it.
    ///
    /// # Errors
    /// When its file cannot be made.
    pub fn take(data: &Path) -> Result<Option<Self>, FileError> {
        make_folder(data)?;
        let path = data.join("identity.lock");
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(cannot("open", &path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self(file))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(cannot("lock", &path)(error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_secret_is_the_users_alone_and_what_is_the_same_is_not_written_again() {
        let data = tempfile::tempdir().unwrap();
        let path = private_key(data.path());
        assert!(settle(&path, b"key", Access::Owner).unwrap());
        assert!(!settle(&path, b"key", Access::Owner).unwrap());
        assert!(settle(&path, b"other", Access::Owner).unwrap());
        assert!(settle(&path, b"oth", Access::Owner).unwrap(), "a shorter one is another one");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(folder(data.path())).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(folder(data.path())).unwrap().count(), 1);
    }

    #[test]
    fn one_works_on_the_folder_at_a_time() {
        let data = tempfile::tempdir().unwrap();
        let first = Lock::take(data.path()).unwrap();
        assert!(first.is_some() && Lock::take(data.path()).unwrap().is_none());
        drop(first);
        assert!(Lock::take(data.path()).unwrap().is_some());
    }
}
