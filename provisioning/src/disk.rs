//! Files that must be there whole or not at all: keys, certificates, what was typed.
//!
//! What is written gets another name first, is synced, takes its name by a rename, and the folder is synced. A kill or a power cut at any point leaves the
//! file as it was or as it is to be. [`Disk`] is a trait so that a test can cut the power at every step.
//!
//! Not here: what the files mean. Guards: a private file is never readable by others, not even for an instant.

use std::{
    fmt,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// The largest file that is read. A key, a chain and a bundle of roots are all far below.
pub const FILE_BYTES_MAX: u64 = 1 << 20;
/// The ending of what has not got its name yet.
pub const NEW: &str = "new";

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Its owner alone: mode 0600.
    Private,
    /// Everybody: mode 0644.
    Public,
}

impl Access {
    const fn mode(self) -> u32 {
        match self {
            Self::Private => 0o600,
            Self::Public => 0o644,
        }
    }
}

/// What is done to files here, step by step. Each may fail, and after each the power may go.
pub trait Disk: fmt::Debug {
    /// The bytes of a file.
    ///
    /// # Errors
    /// When it is not there ([`io::ErrorKind::NotFound`]), too large, or cannot be read.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// The names in a folder, in no order. Empty when there is no folder.
    ///
    /// # Errors
    /// When it cannot be read.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// Makes a folder that only its owner may enter, and those above it. Nothing happens when it is there.
    ///
    /// # Errors
    /// When that cannot be done.
    fn make_folder(&self, folder: &Path) -> io::Result<()>;
    /// Writes a file in place of what is there, and syncs its bytes. Its name is not synced.
    ///
    /// # Errors
    /// When that cannot be done.
    fn write(&self, path: &Path, bytes: &[u8], access: Access) -> io::Result<()>;
    /// Gives a file another name, in place of what has that name.
    ///
    /// # Errors
    /// When that cannot be done.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    ///
    /// # Errors
    /// When it is not there, or that cannot be done.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Syncs the names in a folder.
    ///
    /// # Errors
    /// When that cannot be done.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// The real one.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is larger than 1 MiB"));
        }
        Ok(bytes)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        match fs::read_dir(folder) {
            Ok(entries) => entries
                .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
                .collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)
    }

    fn write(&self, path: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(access.mode()).open(path)?;
        // The mode above is for a file that is made; one that was left over keeps its own.
        if file.metadata()?.permissions().mode() & 0o777 != access.mode() {
            match file.set_permissions(Permissions::from_mode(access.mode())) {
                // A stick with FAT knows no modes. What lies on one is encrypted.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                other => other?,
            }
        }
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

/// Whether only a file's owner may read it: for a doctor.
///
/// # Errors
/// When the file is not there or cannot be looked at.
pub fn is_private(path: &Path) -> io::Result<bool> {
    fs::metadata(path).map(|metadata| metadata.permissions().mode() & 0o077 == 0)
}

/// A file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`", .path.display())]
pub struct DiskError {
    /// What was to be done.
    pub action: &'static str,
    /// The file or the folder.
    pub path: PathBuf,
    /// Why it was not.
    pub source: io::Error,
}

pub(crate) fn at<'a>(action: &'static str, path: &'a Path) -> impl Fn(io::Error) -> DiskError + 'a {
    move |source| DiskError { action, path: path.to_owned(), source }
}

/// Puts a file in place of what is there; when it returns, the file outlives a power cut.
pub(crate) fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8], access: Access) -> Result<(), DiskError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".");
    beside.push(NEW);
    let beside = PathBuf::from(beside);
    let put = disk.write(&beside, bytes, access).and_then(|()| disk.rename(&beside, path));
    put.map_err(at("write", path))?;
    sync_names(disk, path)
}

/// Removes a file; when it returns, it stays removed. Nothing happens when it is not there.
pub(crate) fn erase(disk: &dyn Disk, path: &Path) -> Result<(), DiskError> {
    match disk.remove(path) {
        Ok(()) => sync_names(disk, path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(at("remove", path)(source)),
    }
}

/// The bytes of a file, or nothing when it is not there.
pub(crate) fn read(disk: &dyn Disk, path: &Path) -> Result<Option<Vec<u8>>, DiskError> {
    match disk.read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(at("read", path)(source)),
    }
}

/// Removes what never got its name.
pub(crate) fn sweep(disk: &dyn Disk, folder: &Path) -> Result<(), DiskError> {
    for name in disk.list(folder).map_err(at("list", folder))? {
        if name.rsplit_once('.').is_some_and(|(_, ending)| ending == NEW) {
            erase(disk, &folder.join(name))?;
        }
    }
    Ok(())
}

fn sync_names(disk: &dyn Disk, path: &Path) -> Result<(), DiskError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    disk.sync_folder(folder).map_err(at("sync", folder))
}
