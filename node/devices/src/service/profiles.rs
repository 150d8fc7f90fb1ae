//! The profiles of a store: files beside the built-in ones, read again when they change.
//!
//! Guards: a wrong file is refused whole and reported by name; every other one stays in force, and so does what the same file
//! said before it was wrong.

use super::control::{Control, lock};
use aisle_firmware_config::profile::Profiles;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use utoipa::ToSchema;

/// Files that are read; further ones are reported and left out.
const FILES_MAX: usize = 256;
/// The longest file.
const FILE_BYTES_MAX: u64 = 256 << 10;

/// A file that is not in force as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedProfile {
    /// Its name in the directory.
    pub file: String,
    /// What is wrong with it.
    pub reason: String,
    /// What the file said before is still in force.
    pub earlier_in_force: bool,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct LoadedProfiles {
    /// The built-in profiles with those of the directory.
    pub profiles: Arc<Profiles>,
    /// Files that are not in force as they stand.
    pub refused: Arc<[RefusedProfile]>,
}

/// A directory of profiles, `*.toml`.
#[derive(Debug)]
pub struct ProfileDir {
    dir: PathBuf,
    /// What each file held when it was looked at last.
    seen: Option<BTreeMap<String, Result<String, String>>>,
    /// The last text of each file that was in force.
    good: BTreeMap<String, String>,
}

impl ProfileDir {
    /// A directory; it need not exist.
    #[must_use]
    pub const fn new(dir: PathBuf) -> Self {
        Self { dir, seen: None, good: BTreeMap::new() }
    }

    /// Reads the directory. Gives something the first time, and whenever a file came, went or changed. Blocks for as long as
    /// that takes.
    ///
    /// # Errors
    /// When the directory cannot be read; what is in force stays so.
    pub fn load(&mut self) -> io::Result<Option<LoadedProfiles>> {
        let found = read(&self.dir)?;
        if self.seen.as_ref() == Some(&found) {
            return Ok(None);
        }
        let mut profiles = Profiles::builtin();
        let mut refused = Vec::new();
        self.good.retain(|file, _| found.contains_key(file));
        for (file, text) in &found {
            let stem = file.strip_suffix(".toml").unwrap_or(file);
            let why = match text {
                Ok(text) => match profiles.with(stem, text) {
                    Ok(()) => {
                        self.good.insert(file.clone(), text.clone());
                        continue;
                    }
                    Err(error) => error.to_string(),
                },
                Err(why) => why.clone(),
            };
            let earlier = self.good.get(file);
            let earlier_in_force = earlier.is_some_and(|text| profiles.with(stem, text).is_ok());
            refused.push(RefusedProfile { file: file.clone(), reason: why, earlier_in_force });
        }
        self.seen = Some(found);
        Ok(Some(LoadedProfiles { profiles: Arc::new(profiles), refused: refused.into() }))
    }

    /// Looks at the directory again and again and puts what it finds in force. Never ends; give it a task of its own.
    pub async fn watch(self, control: Control, every: Duration) {
        let mut this = self;
        let mut unreadable: Option<String> = None;
        loop {
            let looked = tokio::task::spawn_blocking(move || {
                let loaded = this.load();
                (this, loaded)
            });
            let Ok((back, loaded)) = looked.await else { return };
            this = back;
            match loaded {
                Ok(Some(loaded)) => {
                    for it in loaded.refused.iter() {
                        tracing::warn!(file = it.file, reason = it.reason, "device profile refused");
                    }
                    *lock(&control.0.refused_profiles) = loaded.refused;
                    control.use_profiles(loaded.profiles);
                    unreadable = None;
                }
                Ok(None) => unreadable = None,
                Err(error) => {
                    let error = error.to_string();
                    if unreadable.as_ref() != Some(&error) {
                        tracing::warn!(dir = %this.dir.display(), error, "cannot read device profiles");
                    }
                    unreadable = Some(error);
                }
            }
            tokio::time::sleep(every).await;
        }
    }
}

fn read(dir: &Path) -> io::Result<BTreeMap<String, Result<String, String>>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        if let Ok(name) = entry?.file_name().into_string()
            && name.ends_with(".toml")
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    let text_of = |(index, name): (usize, String)| {
        let text = if index < FILES_MAX {
            text(&dir.join(&name))
        } else {
            Err(format!("there are more than {FILES_MAX} files"))
        };
        (name, text)
    };
    Ok(names.into_iter().enumerate().take(FILES_MAX * 2).map(text_of).collect())
}

fn text(path: &Path) -> Result<String, String> {
    let bytes = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(format!("it has {bytes} bytes; at most {FILE_BYTES_MAX} are read"));
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}
