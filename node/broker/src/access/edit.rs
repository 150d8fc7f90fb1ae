//! Editing the credentials file: comments and order stay, and a reader sees the old file or the new one, whole.
//!
//! Guards that no edit leaves a file that the node would refuse, and that two edits at once do not undo each other.

use super::{
    file::{self, FileError, Listed},
    table::Table,
};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table as Section, value};

/// How long an edit waits for another one, in tries of `LOCK_PAUSE`.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(100);

const HEADER: &str = "# The devices that may connect by MQTT. `aisle-node mqtt device …` edits this file; a running node rereads it.\n\n";

/// The credentials file of a store, to be edited.
#[derive(Debug, Clone)]
pub struct DevicesFile {
    path: PathBuf,
    store: String,
}

/// Why an edit was not made. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The file is broken already.
    #[error("the file is broken already\nhint: mend it by hand first")]
    File(#[from] FileError),
    /// What would be written cannot be.
    #[error(transparent)]
    Refused(FileError),
    /// There is one already.
    #[error("device `{id}` is listed already\nhint: `passwd` gives it a new password, `remove` takes it out")]
    Exists {
        /// Its id.
        id: String,
    },
    /// There is none.
    #[error(
        "no device `{id}` is listed in `{path}`\nhint: `aisle-node mqtt device list` shows those that are"
    )]
    Unknown {
        /// The id.
        id: String,
        /// The file.
        path: PathBuf,
    },
    /// Somebody else edits it.
    #[error("`{path}` is being edited by somebody else\nhint: try again when that has ended")]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The disk refused.
    #[error("cannot write `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl DevicesFile {
    /// The file at this path, for a store of this id. Nothing is read yet.
    pub fn at(path: PathBuf, store: &str) -> Self {
        Self { path, store: store.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The devices in it, in its order.
    pub fn list(&self) -> Result<Vec<Listed>, FileError> {
        let Some(text) = file::read(&self.path)? else {
            return Ok(Vec::new());
        };
        Table::parse(&self.path, &text, &self.store)?;
        file::parse(&self.path, &text)
    }

    /// Lists a device; its password is a hash ([`super::hash_password`]).
    pub fn add(&self, device: &Listed) -> Result<(), EditError> {
        self.edit(|devices| {
            if find(devices, &device.id).is_some() {
                return Err(EditError::Exists { id: device.id.clone() });
            }
            devices.push(section(device));
            Ok(())
        })
    }

    /// Gives a device another password.
    pub fn set_password(&self, id: &str, hash: &str) -> Result<(), EditError> {
        self.change(id, |device| {
            device.insert("password", value(hash));
        })
    }

    /// Lets a device in, or no longer.
    pub fn set_enabled(&self, id: &str, enabled: bool) -> Result<(), EditError> {
        self.change(id, |device| {
            device.insert("enabled", value(enabled));
        })
    }

    /// Takes a device out.
    pub fn remove(&self, id: &str) -> Result<(), EditError> {
        self.edit(|devices| {
            let index = find(devices, id).ok_or_else(|| self.unknown(id))?;
            devices.remove(index);
            Ok(())
        })
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Section)) -> Result<(), EditError> {
        self.edit(|devices| {
            let device = find(devices, id).and_then(|index| devices.get_mut(index));
            change(device.ok_or_else(|| self.unknown(id))?);
            Ok(())
        })
    }

    fn unknown(&self, id: &str) -> EditError {
        EditError::Unknown { id: id.into(), path: self.path.clone() }
    }

    /// Reads, changes, checks and replaces the file, alone.
    fn edit(
        &self,
        change: impl FnOnce(&mut ArrayOfTables) -> Result<(), EditError>,
    ) -> Result<(), EditError> {
        let failed = |source| EditError::Write { path: self.path.clone(), source };
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let _lock = lock(&self.path.with_extension("toml.lock"))?;

        let (header, text) = match file::read(&self.path)? {
            Some(text) => ("", text),
            None => (HEADER, String::new()),
        };
        Table::parse(&self.path, &text, &self.store)?;
        let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
            failed(io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
        })?;
        let devices = document.entry("device").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        // `device = […]` on one line is the same list, written otherwise.
        if let Ok(listed) = std::mem::take(devices).into_array_of_tables() {
            *devices = Item::ArrayOfTables(listed);
        }
        let Some(devices) = devices.as_array_of_tables_mut() else {
            return Err(failed(io::Error::new(io::ErrorKind::InvalidData, "`device` is no list of tables")));
        };
        change(devices)?;
        let text = format!("{header}{document}");
        Table::parse(&self.path, &text, &self.store).map_err(EditError::Refused)?;
        replace(&self.path, folder, &text).map_err(failed)
    }
}

fn find(devices: &ArrayOfTables, id: &str) -> Option<usize> {
    devices.iter().position(|device| device.get("id").and_then(Item::as_str) == Some(id))
}

fn section(device: &Listed) -> Section {
    let Listed { id, password, certificate, publish, subscribe, enabled } = device;
    let mut section = Section::new();
    section.insert("id", value(id));
    if let Some(password) = password {
        section.insert("password", value(password));
    }
    if *certificate {
        section.insert("certificate", value(true));
    }
    section.insert("publish", value(publish.iter().collect::<Array>()));
    section.insert("subscribe", value(subscribe.iter().collect::<Array>()));
    if !enabled {
        section.insert("enabled", value(false));
    }
    section
}

/// Held until dropped. The file itself cannot be locked, as each edit puts another in its place.
fn lock(path: &Path) -> Result<File, EditError> {
    let failed = |source| EditError::Write { path: path.to_owned(), source };
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map_err(failed)?;
    for _ in 0..LOCK_TRIES {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(LOCK_PAUSE),
            Err(error) => return Err(failed(error.into())),
        }
    }
    Err(EditError::Locked { path: path.to_owned() })
}

fn replace(path: &Path, folder: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("toml.new");
    // Left by an edit that was interrupted; the lock says that nobody is at it now.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(folder)?.sync_all()
}
