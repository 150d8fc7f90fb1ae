//! A folder whose files change whole or not at all.
//!
//! [`replace`] writes beside, syncs, renames and syncs the folder: after a kill or a power cut there is what was before, or what is after. A
//! sync that fails proves nothing about what is on the disk: who gets an error from here stops, and goes on from the files at the next start.
//! Only where there was no room beside, nothing has happened yet, and it may be done again ([`NotReplaced::NoRoom`]).
//!
//! Guards: no name that is given here leaves the folder.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

/// The ending of what is not renamed yet.
const NEW: &str = "new";

/// The few things that are asked of a folder. Another implementation of them is a disk that fails where a test wants it to.
pub trait Files: Send {
    /// The bytes of a file; nothing where there is none.
    ///
    /// # Errors
    /// When it cannot be read, or is longer than that.
    fn read(&self, name: &str, bytes_max: u64) -> io::Result<Option<Vec<u8>>>;

    /// Writes a file whole and syncs it.
    ///
    /// # Errors
    /// When the disk refuses. What is there then is not known.
    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Gives a file another name, in place of what had it.
    ///
    /// # Errors
    /// When the disk refuses.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file, where there is one.
    ///
    /// # Errors
    /// When the disk refuses.
    fn remove(&mut self, name: &str) -> io::Result<()>;

    /// Makes the names durable.
    ///
    /// # Errors
    /// When the disk refuses.
    fn sync(&mut self) -> io::Result<()>;
}

/// A folder on a disk.
#[derive(Debug)]
pub struct DiskFiles {
    root: PathBuf,
}

impl DiskFiles {
    /// Takes a folder, and makes it where it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        Ok(Self { root: root.to_owned() })
    }

    /// A file to be read; nothing where there is none.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn file(&self, name: &str) -> io::Result<Option<File>> {
        match File::open(self.path(name)?) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }

    fn path(&self, name: &str) -> io::Result<PathBuf> {
        let is_plain = !name.is_empty() && !name.contains(['/', '\\', '\0']) && name != "." && name != "..";
        if is_plain {
            Ok(self.root.join(name))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "this is no name of a file in a folder"))
        }
    }
}

impl Files for DiskFiles {
    fn read(&self, name: &str, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(file) = self.file(name)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > bytes_max {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("it is longer than {bytes_max} bytes"),
            ));
        }
        Ok(Some(bytes))
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create(self.path(name)?)?;
        file.write_all(bytes)?;
        // It may say that there is no room, too; that is another thing then.
        file.sync_all().map_err(|source| io::Error::new(source.kind(), Unsynced(source)))
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from)?, self.path(to)?)
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path(name)?) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        File::open(&self.root)?.sync_all()
    }
}

/// Puts a file in place of what has its name.
///
/// # Errors
/// When the disk refuses.
pub fn replace(files: &mut (impl Files + ?Sized), name: &str, bytes: &[u8]) -> io::Result<()> {
    try_replace(files, name, bytes)
        .map_err(|(NotReplaced::NoRoom(error) | NotReplaced::Unknown(error))| error)
}

/// The same for who can wait for room.
///
/// # Errors
/// When the disk refuses, and whether it may be done again.
pub fn try_replace(files: &mut (impl Files + ?Sized), name: &str, bytes: &[u8]) -> Result<(), NotReplaced> {
    let beside = format!("{name}.{NEW}");
    files.write(&beside, bytes).map_err(|error| {
        let is_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let is_synced = error.get_ref().is_none_or(|inner| !inner.is::<Unsynced>());
        if is_full && is_synced { NotReplaced::NoRoom(error) } else { NotReplaced::Unknown(error) }
    })?;
    files.rename(&beside, name).map_err(NotReplaced::Unknown)?;
    files.sync().map_err(NotReplaced::Unknown)
}

/// Why a file was not put in place of another.
#[derive(Debug, thiserror::Error)]
pub enum NotReplaced {
    /// There was no room to write it beside: what was there is there, and it may be tried again.
    #[error("there is no room on the disk")]
    NoRoom(#[source] io::Error),
    /// The disk refused otherwise. What is on it is known at the next start.
    #[error("the disk refuses")]
    Unknown(#[source] io::Error),
}

/// It was written, and the disk did not make it durable.
#[derive(Debug, thiserror::Error)]
#[error("it cannot be synced")]
struct Unsynced(#[source] io::Error);
