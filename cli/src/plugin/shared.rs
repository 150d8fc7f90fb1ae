//! A target folder that several plugins share, so that the standard library and the SDK are built once for all.
//!
//! Cargo keeps what it makes of a plugin under the plugin's name alone, so of two plugins with one name it would take the one's code for
//! the other's. Here each name belongs to one folder at a time: who takes it from another removes what that one left. Guards: a
//! component is made of the sources that were named.

use super::toolchain::TARGET;
use anyhow::{Context, Result};
use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, Write},
    path::Path,
};

/// Below the target folder: a file for each name, with the folder that it belongs to.
const OWNERS: &str = ".aisle-owners";

/// The name is ours for as long as this lives.
#[derive(Debug)]
pub(crate) struct Turn {
    _locked: File,
}

/// Whether a target folder can be shared by us.
pub(crate) fn can_share(target: &Path) -> bool {
    target.is_dir() && fs::create_dir_all(target.join(OWNERS)).is_ok()
}

impl Turn {
    /// Waits until nobody else builds under the name, and takes it.
    ///
    /// # Errors
    /// When the target folder cannot be written.
    pub(crate) fn take(target: &Path, package: &str, library: &str, directory: &Path) -> Result<Self> {
        let unwritable = || format!("cannot write `{}`", target.display());
        fs::create_dir_all(target.join(OWNERS)).with_context(unwritable)?;
        let file = target.join(OWNERS).join(library);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(file)
            .with_context(unwritable)?;
        file.lock().with_context(unwritable)?;
        let ours =
            directory.canonicalize().with_context(|| format!("cannot read `{}`", directory.display()))?;
        let ours = ours.as_os_str().as_encoded_bytes();
        let mut owner = Vec::new();
        file.read_to_end(&mut owner).with_context(unwritable)?;
        if owner != ours {
            forget(&target.join(TARGET).join("release"), package, library);
            file.set_len(0)
                .and_then(|()| file.rewind())
                .and_then(|()| file.write_all(ours))
                .with_context(unwritable)?;
        }
        Ok(Self { _locked: file })
    }
}

/// Removes what cargo would take for up to date. What is not there needs no removing.
fn forget(release: &Path, package: &str, library: &str) {
    for made in [format!("{library}.wasm"), format!("deps/{library}.wasm"), format!("deps/{library}.d")] {
        let _ = fs::remove_file(release.join(made));
    }
    let prefix = format!("{package}-");
    let entries = fs::read_dir(release.join(".fingerprint")).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix)) {
        let _ = fs::remove_dir_all(entry.path());
    }
}
