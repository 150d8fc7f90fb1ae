//! A shelf that is a folder, laid out as TUF serves it: a web server, or a copy of it, is a mirror.
//!
//! A publication is written down whole in the file `pending` before its files are put in place one by one; who finds that file finishes it. So
//! it is there wholly or not at all, whenever it is killed. One process at a time publishes: the file `lock` is locked while it does.

use super::{FILE_BYTES_MAX, Shelf, ShelfError};
use crate::{
    files::{DiskFiles, Files, replace},
    role::{FileName, Role},
};
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

/// A publication that is under way.
const PENDING: &str = "pending";
/// Keeps others out.
const LOCK: &str = "lock";
/// The most bytes of a publication: a list of every kind.
const PENDING_BYTES_MAX: u64 = 128 << 20;

/// Metadata in a folder.
pub struct Folder {
    root: PathBuf,
    files: Box<dyn Files>,
}

impl Folder {
    /// Takes a folder, makes it where it is not there, and finishes what was begun.
    ///
    /// # Errors
    /// When it cannot be made or read.
    pub fn open(root: &Path) -> Result<Self, ShelfError> {
        let files =
            DiskFiles::open(root).map_err(|source| ShelfError::Io { path: root.to_owned(), source })?;
        Self::open_with(root, Box::new(files))
    }

    /// The same on other files, which must be those of `root`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open_with(root: &Path, files: Box<dyn Files>) -> Result<Self, ShelfError> {
        let mut folder = Self { root: root.to_owned(), files };
        let _lock = folder.lock()?;
        folder.finish()?;
        Ok(folder)
    }

    fn at(&self, name: &str) -> impl Fn(io::Error) -> ShelfError + use<> {
        let path = self.root.join(name);
        move |source| ShelfError::Io { path: path.clone(), source }
    }

    /// Held until it is dropped.
    fn lock(&self) -> Result<File, ShelfError> {
        let opened = File::options().create(true).truncate(false).write(true).open(self.root.join(LOCK));
        let file = opened.map_err(self.at(LOCK))?;
        file.lock().map_err(self.at(LOCK))?;
        Ok(file)
    }

    fn finish(&mut self) -> Result<(), ShelfError> {
        let at = self.at(PENDING);
        let Some(bytes) = self.files.read(PENDING, PENDING_BYTES_MAX).map_err(&at)? else { return Ok(()) };
        let pending: Vec<(String, String)> =
            serde_json::from_slice(&bytes).map_err(|error| at(io::Error::other(error)))?;
        for (name, text) in pending {
            replace(&mut *self.files, &name, text.as_bytes()).map_err(self.at(&name))?;
        }
        self.files.remove(PENDING).map_err(&at)?;
        self.files.sync().map_err(at)
    }
}

impl Shelf for Folder {
    fn get(&self, name: &FileName) -> Result<Option<Vec<u8>>, ShelfError> {
        let name = name.to_string();
        self.files.read(&name, FILE_BYTES_MAX).map_err(self.at(&name))
    }

    fn put(&mut self, before: Option<&[u8]>, files: &[(FileName, Vec<u8>)]) -> Result<(), ShelfError> {
        let _lock = self.lock()?;
        // Another process may have been killed since this one looked.
        self.finish()?;
        if self.get(&FileName::newest(Role::Timestamp))?.as_deref() != before {
            return Err(ShelfError::Raced);
        }
        let at = self.at(PENDING);
        let mut pending = Vec::new();
        for (name, bytes) in files {
            let is_root = *name.role() == Role::Root && name.version().is_some();
            if is_root && self.get(name)?.is_some_and(|there| there != *bytes) {
                return Err(ShelfError::Taken { name: name.clone() });
            }
            let text = std::str::from_utf8(bytes).map_err(|error| at(io::Error::other(error)))?;
            pending.push((name.to_string(), text));
        }
        let bytes = serde_json::to_vec(&pending).map_err(|error| at(io::Error::other(error)))?;
        replace(&mut *self.files, PENDING, &bytes).map_err(at)?;
        self.finish()
    }

    fn remove(&mut self, names: &[FileName]) -> Result<(), ShelfError> {
        for name in names {
            let name = name.to_string();
            self.files.remove(&name).map_err(self.at(&name))?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Folder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Folder").field("root", &self.root).finish_non_exhaustive()
    }
}
