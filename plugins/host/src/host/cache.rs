//! Native code kept between starts, by the component's hash and what the engine is.
//!
//! A file is: magic, BLAKE3 of component's hash, engine's hash and code, code. What does not fit is thrown away and compiled again.
//! Native code is trusted as much as the folder it lies in, which belongs to the node's user alone; the checksum finds what a disk
//! or a crash did to it.

use super::HostError;
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::SystemTime,
};
use wasmtime::{Engine, component::Component};

const MAGIC: &[u8; 8] = b"AISLENC1";
const HEAD: usize = MAGIC.len() + blake3::OUT_LEN;
/// A larger file is none of ours, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 30;
const ENDING: &str = "native";
/// Of a file that is being written, or was when its process ended.
const PART: &str = "part";
/// The bits of a folder's mode by which its group and everybody else may write there.
const OTHERS_WRITE: u32 = 0o022;

/// The folder.
pub(crate) struct Cache {
    dir: PathBuf,
    bytes_max: u64,
    engine: blake3::Hash,
    unique: AtomicU64,
}

/// What the cache had.
pub(crate) enum Found {
    /// The component, ready.
    Ready(Component),
    /// Nothing.
    Nothing,
    /// Something that was no good, and is gone now.
    Bad(String),
}

impl Cache {
    pub(crate) fn open(dir: &Path, bytes_max: u64, engine: &Engine) -> Result<Self, HostError> {
        let failed = |source| HostError::Cache { path: dir.into(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
        trusted(dir).map_err(failed)?;
        Ok(Self { dir: dir.into(), bytes_max, engine: compatibility(engine), unique: AtomicU64::new(0) })
    }

    /// Looks for a component.
    pub(crate) fn get(&self, engine: &Engine, component: &blake3::Hash) -> Found {
        let path = self.path(component);
        let Ok(mut file) = File::open(&path) else { return Found::Nothing };
        match self.read(engine, component, &mut file) {
            Ok(component) => Found::Ready(component),
            Err(reason) => {
                // What cannot be removed is written over by what is compiled next.
                let _ = fs::remove_file(&path);
                Found::Bad(reason)
            }
        }
    }

    fn read(&self, engine: &Engine, component: &blake3::Hash, file: &mut File) -> Result<Component, String> {
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        let code = bytes.get(HEAD..).ok_or("it is cut off")?;
        let sum = bytes.get(MAGIC.len()..HEAD).ok_or("it is cut off")?;
        if !bytes.starts_with(MAGIC) {
            return Err("it begins with something else".into());
        }
        if self.sum(component, code).as_bytes() != sum {
            return Err("its checksum is another".into());
        }
        #[expect(
            unsafe_code,
            reason = "the checksum says that these are bytes which `put` got from `Component::serialize`"
        )]
        // SAFETY: see the reason; the engine's hash is part of the checksum, and wasmtime compares its own version and settings.
        let loaded = unsafe { Component::deserialize(engine, code) };
        loaded.map_err(|error| format!("{error:#}"))
    }

    /// Keeps a component. A cache that cannot be written to costs time at the next start and nothing else.
    pub(crate) fn put(&self, hash: &blake3::Hash, component: &Component) -> Result<(), String> {
        let code = component.serialize().map_err(|error| format!("{error:#}"))?;
        let number = self.unique.fetch_add(1, Relaxed);
        let made = self.dir.join(format!("{}-{number}.{PART}", std::process::id()));
        let written = self.write(&made, hash, &code).and_then(|()| fs::rename(&made, self.path(hash)));
        if written.is_err() {
            let _ = fs::remove_file(&made);
        }
        self.make_room(&self.path(hash));
        written.map_err(|error| error.to_string())
    }

    fn write(&self, path: &Path, hash: &blake3::Hash, code: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(MAGIC)?;
        file.write_all(self.sum(hash, code).as_bytes())?;
        file.write_all(code)
    }

    /// Removes the oldest files until the rest has room, except the one that was just made. What a process left half written counts.
    fn make_room(&self, newest: &Path) {
        let Ok(entries) = fs::read_dir(&self.dir) else { return };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let path = entry.path();
                let about = entry.metadata().ok()?;
                let is_ours = path.extension().is_some_and(|ending| ending == ENDING || ending == PART);
                (is_ours && about.is_file()).then_some((about.modified().ok()?, about.len(), path))
            })
            .collect();
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, len, path) in files {
            if bytes <= self.bytes_max {
                return;
            }
            if path != newest && fs::remove_file(&path).is_ok() {
                bytes -= len;
            }
        }
    }

    fn path(&self, component: &blake3::Hash) -> PathBuf {
        let engine = self.engine.to_hex();
        let engine = engine.get(..16).unwrap_or_default();
        self.dir.join(format!("{}-{engine}.{ENDING}", component.to_hex()))
    }

    fn sum(&self, component: &blake3::Hash, code: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(component.as_bytes()).update(self.engine.as_bytes()).update(code);
        hasher.finalize()
    }
}

/// Whether nobody else can put anything into the folder: what lies there is run.
fn trusted(dir: &Path) -> io::Result<()> {
    let refuse = |why: String| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    let (about, us) = (fs::metadata(dir)?, rustix::process::geteuid().as_raw());
    let path = dir.display();
    if about.uid() != us {
        let owner = about.uid();
        return refuse(format!("it belongs to user {owner}, and this is user {us}\nhint: chown {us} {path}"));
    }
    if about.mode() & OTHERS_WRITE != 0 {
        let mode = about.mode() & 0o777;
        return refuse(format!("others may write there (mode {mode:o})\nhint: chmod 700 {path}"));
    }
    Ok(())
}

/// What has to be equal for native code to run: wasmtime's version, its settings, the processor's abilities.
fn compatibility(engine: &Engine) -> blake3::Hash {
    /// The standard hasher is not promised to be the same in the next compiler.
    struct Into(blake3::Hasher);
    impl std::hash::Hasher for Into {
        fn finish(&self) -> u64 {
            0
        }

        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
    }
    let mut into = Into(blake3::Hasher::new());
    std::hash::Hash::hash(&engine.precompile_compatibility_hash(), &mut into);
    into.0.finalize()
}
