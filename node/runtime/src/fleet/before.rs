//! What was there before anything was ordered, so that a way back without a version before leads somewhere: `DATA/fleet/before/NAME`.
//!
//! Written before the first version of a slot is put in place, and removed when that is taken back. Not here: what is in it.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// What was there before.
#[derive(Debug, Clone)]
pub(super) struct Before {
    root: PathBuf,
}

impl Before {
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        Ok(Self { root: root.to_owned() })
    }

    /// Keeps it, where nothing is kept yet. It is durable when this returns.
    pub(super) fn keep(&self, name: &str, bytes: impl FnOnce() -> io::Result<Vec<u8>>) -> io::Result<()> {
        if self.path(name).exists() {
            return Ok(());
        }
        self.replace(name, &bytes()?)
    }

    /// Keeps it in the place of what is kept. It is durable when this returns.
    pub(super) fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(name);
        let new = path.with_extension("new");
        let written = File::create(&new).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&new, &path)
        });
        if let Err(error) = written {
            // What is not whole takes no room from the journal.
            let _ = fs::remove_file(&new);
            return Err(error);
        }
        File::open(&self.root)?.sync_all()
    }

    /// What is kept; nothing where nothing is.
    pub(super) fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    /// It is in place again.
    pub(super) fn forget(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Where it is.
    #[cfg(test)]
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path(name)
    }

    /// Names are slots, whose parts are plain.
    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name.replace('/', "+"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_first_is_kept_until_it_is_back() {
        let folder = tempfile::tempdir().unwrap();
        let before = Before::open(folder.path()).unwrap();
        before.keep("device-profiles/acme", || Ok(b"one".to_vec())).unwrap();
        before.keep("device-profiles/acme", || Ok(b"two".to_vec())).unwrap();
        assert_eq!(before.read("device-profiles/acme").unwrap().as_deref(), Some(&b"one"[..]));
        before.forget("device-profiles/acme").unwrap();
        before.forget("device-profiles/acme").unwrap();
        assert_eq!(before.read("device-profiles/acme").unwrap(), None);
    }
}
