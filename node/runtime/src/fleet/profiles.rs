//! Device profiles that are ordered: files among those of the store, which the device service reads again by itself.
//!
//! Not here: what a profile says (`aisle-firmware-config`), putting it in force (`aisle-devices`).

use super::before::Before;
use aisle_artefact::Kind as Listed;
use aisle_converge::{
    Applier, Piece,
    applier::{Outcome, never, not_now},
};
use aisle_firmware_config::profile;
use aisle_fleet::{Kind, Slot};
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// The file of a slot without a name.
const UNNAMED: &str = "headquarters";

pub(super) struct Profiles {
    folder: PathBuf,
    before: Before,
}

impl Profiles {
    pub(super) const fn new(folder: PathBuf, before: Before) -> Self {
        Self { folder, before }
    }

    fn path(&self, slot: &Slot) -> PathBuf {
        self.folder.join(format!("{}.toml", name(slot)))
    }

    fn put(&self, slot: &Slot, text: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let path = self.path(slot);
        if fs::read(&path).is_ok_and(|there| there == text) {
            return Ok(());
        }
        // Only what ends in `.toml` is read.
        let new = path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        File::open(&self.folder)?.sync_all()
    }

    /// The file as it was before anything was ordered: none, or another one.
    fn put_back(&self, slot: &Slot) -> io::Result<()> {
        let place = slot.to_string();
        match self.before.read(&place)?.filter(|text| !text.is_empty()) {
            Some(text) => self.put(slot, &text)?,
            None => match fs::remove_file(self.path(slot)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            },
        }
        self.before.forget(&place)
    }
}

fn name(slot: &Slot) -> &str {
    slot.name().unwrap_or(UNNAMED)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    }
}

fn disk(done: io::Result<()>) -> Outcome {
    done.map_err(|error| not_now(format!("the file of the profile: {error}")))
}

impl Applier for Profiles {
    fn kind(&self) -> Kind {
        Kind::DeviceProfiles
    }

    fn bytes_max(&self) -> u64 {
        Listed::DeviceProfile.bytes_max()
    }

    fn smoke_test(&self, piece: &Piece) -> Outcome {
        let text = str::from_utf8(&piece.bytes).map_err(|_| never("it is no text"))?;
        let mut profiles = profile::Profiles::builtin();
        profiles.with(name(&piece.slot), text).map_err(|error| never(error.to_string()))
    }

    fn activate(&self, piece: &Piece, _: Option<&Piece>) -> Outcome {
        self.smoke_test(piece)?;
        let (slot, path) = (&piece.slot, self.path(&piece.slot));
        disk(self.before.keep(&slot.to_string(), || read(&path)))?;
        disk(self.put(slot, &piece.bytes))
    }

    fn revert(&self, slot: &Slot, _: Option<&Piece>, to: Option<&Piece>) -> Outcome {
        match to {
            Some(piece) => disk(self.put(slot, &piece.bytes)),
            None => disk(self.put_back(slot)),
        }
    }

    fn remove(&self, slot: &Slot, _: Option<&Piece>) -> Outcome {
        disk(self.put_back(slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_fleet::{ContentHash, Release};

    const GOOD: &str = include_str!("../../../../firmware-config/profiles/tasmota-plug.toml");

    fn piece(text: &str) -> Piece {
        let (hash, bytes) = (ContentHash::of(text.as_bytes()), text.len() as u64);
        let needs = aisle_fleet::Needs::default();
        let release = Release { version: "1.0.0".parse().unwrap(), hash, bytes, needs };
        Piece { slot: "device-profiles/acme".parse().unwrap(), release, bytes: text.into() }
    }

    #[test]
    fn a_profile_comes_and_goes_and_what_was_there_before_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("profiles");
        let profiles = Profiles::new(dir.clone(), Before::open(&folder.path().join("before")).unwrap());
        let (one, slot) = (piece(GOOD), "device-profiles/acme".parse().unwrap());
        profiles.smoke_test(&one).unwrap();
        profiles.activate(&one, None).unwrap();
        profiles.activate(&one, None).unwrap();
        assert_eq!(fs::read_to_string(dir.join("acme.toml")).unwrap(), GOOD);
        profiles.revert(&slot, Some(&one), None).unwrap();
        assert!(!dir.join("acme.toml").exists());

        fs::write(dir.join("acme.toml"), "# the store's own").unwrap();
        profiles.activate(&one, None).unwrap();
        profiles.remove(&slot, Some(&one)).unwrap();
        assert_eq!(fs::read_to_string(dir.join("acme.toml")).unwrap(), "# the store's own");
    }

    #[test]
    fn what_is_no_profile_is_given_up_and_touches_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("profiles");
        let profiles = Profiles::new(dir.clone(), Before::open(&folder.path().join("before")).unwrap());
        let trouble = profiles.smoke_test(&piece("nonsense = [")).unwrap_err();
        assert!(trouble.is_final, "{trouble:?}");
        assert!(profiles.activate(&piece("nonsense = ["), None).is_err());
        assert!(!dir.exists());
    }
}
