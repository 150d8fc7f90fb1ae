//! Installed plugins on disk: `DATA/plugins/<id>/<version>-<hash12>/{plugin.toml, plugin.wasm}`.
//!
//! A folder is written whole (beside, synced, renamed) before the journal says that the plugin is installed, and is named after
//! what is in it. What is read is held against the digests in the journal.
//!
//! Not here: which versions are installed (`fold`), what a component is (`aisle-plugin-host`).
//! Guards invariant 2: the journal says what is installed; a folder that it does not name is nothing.

use super::fold::Installed;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// The manifest's file.
const MANIFEST: &str = "plugin.toml";
/// The component's file.
const COMPONENT: &str = "plugin.wasm";
/// Folders that are being written begin so.
const NEW: &str = ".new-";
/// The longest part of a path that comes from a manifest, in bytes.
const PART_BYTES_MAX: usize = 96;

/// The folder.
#[derive(Debug)]
pub(super) struct Files {
    root: PathBuf,
    next: AtomicU64,
}

/// What names the content of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digests {
    /// BLAKE3 of the component, in hexadecimal digits.
    pub component: String,
    /// BLAKE3 of the manifest, in hexadecimal digits.
    pub manifest: String,
}

/// A version as it is on disk.
#[derive(Debug)]
pub(super) struct Version {
    /// The text of `plugin.toml`.
    pub manifest: String,
    /// The component.
    pub component: Vec<u8>,
}

/// Why a version cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilesError {
    /// A name that is no part of a path.
    #[error("`{name}` is no name of a folder: letters, digits, `-`, `.` and `+`")]
    Name {
        /// Which.
        name: String,
    },
    /// The file system refuses.
    #[error("cannot use `{path}`: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is longer than one may be.
    #[error("`{path}` is longer than {bytes_max} bytes")]
    TooLong {
        /// Which.
        path: PathBuf,
        /// The bound.
        bytes_max: usize,
    },
    /// The file is not what was installed.
    #[error("`{path}` is not what was installed: its digest is another\nhint: install the plugin again")]
    Damaged {
        /// Which.
        path: PathBuf,
    },
}

impl Digests {
    /// Those of a version.
    pub(super) fn of(manifest: &str, component: &[u8]) -> Self {
        let hex = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
        Self { component: hex(component), manifest: hex(manifest.as_bytes()) }
    }

    fn short(&self) -> String {
        let both = blake3::Hasher::new()
            .update(self.component.as_bytes())
            .update(self.manifest.as_bytes())
            .finalize();
        both.to_hex().chars().take(12).collect()
    }
}

impl Files {
    /// Takes the folder, and removes what a crash left half written.
    pub(super) fn open(data: &Path) -> Result<Self, FilesError> {
        let files = Self { root: data.join("plugins"), next: AtomicU64::new(0) };
        fs::create_dir_all(&files.root).map_err(|source| io_at(&files.root, source))?;
        for entry in files.list(&files.root)? {
            if entry.file_name().to_string_lossy().starts_with(NEW) {
                remove(&entry.path())?;
            }
        }
        Ok(files)
    }

    /// Writes a version; when this returns, it is on disk and can be named by the journal.
    pub(super) fn write(
        &self,
        plugin: &str,
        version: &str,
        manifest: &str,
        component: &[u8],
    ) -> Result<Digests, FilesError> {
        let digests = Digests::of(manifest, component);
        let place = self.place(plugin, version, &digests)?;
        if self.read_at(&place, &digests, (manifest.len(), component.len())).is_ok() {
            return Ok(digests);
        }
        let parent = self.root.join(plugin);
        fs::create_dir_all(&parent).map_err(|source| io_at(&parent, source))?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let beside = self.root.join(format!("{NEW}{}-{number}", std::process::id()));
        remove(&beside)?;
        fs::create_dir(&beside).map_err(|source| io_at(&beside, source))?;
        put(&beside.join(MANIFEST), manifest.as_bytes())?;
        put(&beside.join(COMPONENT), component)?;
        sync_dir(&beside)?;
        // Whatever is there is damaged: it was read just now.
        remove(&place)?;
        fs::rename(&beside, &place).map_err(|source| io_at(&place, source))?;
        sync_dir(&parent)?;
        sync_dir(&self.root)?;
        Ok(digests)
    }

    /// Reads a version as it was installed.
    pub(super) fn read(
        &self,
        plugin: &str,
        installed: &Installed,
        (manifest_bytes_max, component_bytes_max): (usize, usize),
    ) -> Result<Version, FilesError> {
        let digests = digests(installed);
        let place = self.place(plugin, installed.version.as_str(), &digests)?;
        self.read_at(&place, &digests, (manifest_bytes_max, component_bytes_max))
    }

    /// Removes every version that is not named. Bytes of those that stay.
    pub(super) fn sweep<'a>(
        &self,
        kept: impl IntoIterator<Item = (&'a str, &'a Installed)>,
    ) -> Result<u64, FilesError> {
        let kept: BTreeSet<PathBuf> = kept
            .into_iter()
            .filter_map(|(plugin, installed)| {
                self.place(plugin, installed.version.as_str(), &digests(installed)).ok()
            })
            .collect();
        let mut bytes = 0;
        for plugin in self.list(&self.root)? {
            let name = plugin.file_name();
            if name.to_string_lossy().starts_with('.') || !plugin.path().is_dir() {
                continue;
            }
            let mut left = 0;
            for version in self.list(&plugin.path())? {
                let path = version.path();
                if kept.contains(&path) {
                    left += 1;
                    bytes += size(&path.join(MANIFEST)) + size(&path.join(COMPONENT));
                } else {
                    remove(&path)?;
                }
            }
            if left == 0 {
                remove(&plugin.path())?;
            }
        }
        Ok(bytes)
    }

    fn place(&self, plugin: &str, version: &str, digests: &Digests) -> Result<PathBuf, FilesError> {
        for part in [plugin, version] {
            let is_good = |c: char| c.is_ascii_alphanumeric() || "-.+".contains(c);
            if part.is_empty()
                || part.len() > PART_BYTES_MAX
                || part.starts_with('.')
                || !part.chars().all(is_good)
            {
                return Err(FilesError::Name { name: part.into() });
            }
        }
        Ok(self.root.join(plugin).join(format!("{version}-{}", digests.short())))
    }

    fn read_at(
        &self,
        place: &Path,
        digests: &Digests,
        (manifest_bytes_max, component_bytes_max): (usize, usize),
    ) -> Result<Version, FilesError> {
        let (manifest, component) = (place.join(MANIFEST), place.join(COMPONENT));
        let text = get(&manifest, manifest_bytes_max, &digests.manifest)?;
        let text = String::from_utf8(text).map_err(|_| FilesError::Damaged { path: manifest })?;
        Ok(Version { manifest: text, component: get(&component, component_bytes_max, &digests.component)? })
    }

    fn list(&self, dir: &Path) -> Result<Vec<fs::DirEntry>, FilesError> {
        let listed = fs::read_dir(dir).and_then(Iterator::collect);
        listed.map_err(|source| io_at(dir, source))
    }
}

fn digests(installed: &Installed) -> Digests {
    Digests { component: installed.hash.to_string(), manifest: installed.manifest_hash.to_string() }
}

fn get(path: &Path, bytes_max: usize, digest: &str) -> Result<Vec<u8>, FilesError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|source| io_at(path, source))?;
    file.take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(|source| io_at(path, source))?;
    if bytes.len() > bytes_max {
        return Err(FilesError::TooLong { path: path.into(), bytes_max });
    }
    if blake3::hash(&bytes).to_hex().as_str() == digest {
        Ok(bytes)
    } else {
        Err(FilesError::Damaged { path: path.into() })
    }
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), FilesError> {
    let written = File::create_new(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|source| io_at(path, source))
}

fn sync_dir(path: &Path) -> Result<(), FilesError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(|source| io_at(path, source))
}

fn remove(path: &Path) -> Result<(), FilesError> {
    match fs::remove_dir_all(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(io_at(path, source)),
        _ => Ok(()),
    }
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn io_at(path: &Path, source: io::Error) -> FilesError {
    FilesError::Io { path: path.into(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_event::{Name, Timestamp};

    fn installed(version: &str, digests: &Digests) -> Installed {
        let name = |text: &str| Name::new(text).unwrap();
        Installed {
            version: name(version),
            hash: name(&digests.component),
            manifest_hash: name(&digests.manifest),
            seq: 1,
            at: Timestamp(0),
            by: None,
            denies: Vec::new(),
        }
    }

    #[test]
    fn a_version_is_read_as_it_was_written_and_never_otherwise() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::open(dir.path()).unwrap();
        let digests = files.write("multi-buy", "1.0.0", "id = 1", b"component").unwrap();
        let installed = installed("1.0.0", &digests);
        let version = files.read("multi-buy", &installed, (100, 100)).unwrap();
        assert_eq!((version.manifest.as_str(), version.component.as_slice()), ("id = 1", &b"component"[..]));
        assert!(matches!(files.read("multi-buy", &installed, (100, 3)), Err(FilesError::TooLong { .. })));

        let path = files.place("multi-buy", "1.0.0", &digests).unwrap().join(COMPONENT);
        fs::write(&path, b"c0mponent").unwrap();
        assert!(matches!(files.read("multi-buy", &installed, (100, 100)), Err(FilesError::Damaged { .. })));
        files.write("multi-buy", "1.0.0", "id = 1", b"component").unwrap();
        files.read("multi-buy", &installed, (100, 100)).expect("written anew over what was damaged");
    }

    #[test]
    fn only_named_versions_stay_and_nothing_half_written() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::open(dir.path()).unwrap();
        let first = files.write("multi-buy", "1.0.0", "a", b"one").unwrap();
        let second = files.write("multi-buy", "1.0.0", "b", b"one").unwrap();
        let gone = files.write("gone", "0.1.0", "a", b"one").unwrap();
        fs::create_dir(dir.path().join("plugins/.new-1-1")).unwrap();
        assert_ne!(first, second, "another manifest is another version on disk");
        let kept = installed("1.0.0", &second);
        assert_eq!(Files::open(dir.path()).unwrap().sweep([("multi-buy", &kept)]).unwrap(), 4);
        files.read("multi-buy", &kept, (9, 9)).unwrap();
        assert!(files.read("multi-buy", &installed("1.0.0", &first), (9, 9)).is_err());
        assert!(files.read("gone", &installed("0.1.0", &gone), (9, 9)).is_err());
        assert_eq!(fs::read_dir(dir.path().join("plugins")).unwrap().count(), 1);
    }

    #[test]
    fn a_name_never_leads_out_of_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::open(dir.path()).unwrap();
        for name in ["..", ".hidden", "a/b", "", "ä"] {
            assert!(matches!(files.write(name, "1.0.0", "", b""), Err(FilesError::Name { .. })), "{name}");
            assert!(matches!(files.write("a", name, "", b""), Err(FilesError::Name { .. })), "{name}");
        }
    }
}
