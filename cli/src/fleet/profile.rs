//! `~/.config/aisle/fleet.toml`: hubs by name, each with the token that somebody made for this machine.
//!
//! ```toml
//! default = "hq"
//! [profile.hq]
//! hub = "https://hub.example"
//! token = "aisle_…"
//! ```
//!
//! Guards: the file is its owner's alone (0600), from the moment it is made; one that others can read is refused.

use super::error::FleetError;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    env, fmt,
    fs::{self, DirBuilder, OpenOptions},
    io::{ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// The longest file, in bytes.
const FILE_BYTES_MAX: u64 = 256 << 10;
/// The most profiles.
const PROFILES_MAX: usize = 64;
/// The name of one where nobody has given a name.
pub(super) const DEFAULT: &str = "default";

/// A hub, and what opens it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    /// `https://hub.example`.
    pub(super) hub: String,
    /// The token. A secret.
    pub(super) token: String,
    /// The token's name, which is none.
    pub(super) token_id: String,
    /// Who made it.
    pub(super) person: String,
    /// When it ends, in milliseconds since 1970.
    pub(super) ends_at_ms: i64,
    /// Whom to believe that it is the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ca_file: Option<PathBuf>,
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("hub", &self.hub)
            .field("person", &self.person)
            .finish_non_exhaustive()
    }
}

/// All of them.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profiles {
    /// Which is meant where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) default: Option<String>,
    /// By name.
    #[serde(default)]
    pub(super) profile: BTreeMap<String, Profile>,
}

/// Where the file is.
///
/// # Errors
/// When nobody knows where one's settings are.
pub(super) fn file() -> Result<PathBuf, FleetError> {
    let named = env::var_os("AISLE_FLEET_CONFIG").map(PathBuf::from);
    let of = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    named
        .or_else(|| of("XDG_CONFIG_HOME").map(|folder| folder.join("aisle/fleet.toml")))
        .or_else(|| of("HOME").map(|folder| folder.join(".config/aisle/fleet.toml")))
        .ok_or_else(|| FleetError::Content {
            path: "~/.config/aisle/fleet.toml".into(),
            why: "`HOME` is not set".into(),
        })
}

impl Profiles {
    /// As they are kept; none where there is no file.
    ///
    /// # Errors
    /// When others can read it, or it cannot be read.
    pub(super) fn read(path: &Path) -> Result<Self, FleetError> {
        let failed = |source| FleetError::File { what: "read", path: path.to_owned(), source };
        let content = |why: String| FleetError::Content { path: path.to_owned(), why };
        let file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(failed(source)),
        };
        // What was opened is what is looked at.
        let mode = file.metadata().map_err(failed)?.mode();
        if mode & 0o077 != 0 {
            let why =
                format!("others can read it, and it holds tokens\nhint: `chmod 600 {}`", path.display());
            return Err(content(why));
        }
        let mut text = String::new();
        file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
        toml::from_str(&text).map_err(|error| content(error.message().to_owned()))
    }

    /// Keeps them: the file is whole at any moment, and nobody else's.
    ///
    /// # Errors
    /// When it cannot be written, or there are too many.
    pub(super) fn write(&self, path: &Path) -> Result<(), FleetError> {
        let content = |why: String| FleetError::Content { path: path.to_owned(), why };
        if self.profile.len() > PROFILES_MAX {
            return Err(content(format!(
                "would have more than {PROFILES_MAX} profiles\nhint: `aisle fleet logout --profile NAME`"
            )));
        }
        let text = toml::to_string(self).map_err(|error| content(error.to_string()))?;
        let failed = |source| FleetError::File { what: "write", path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        }
        let beside = path.with_extension(format!("toml.{}", std::process::id()));
        let written = (|| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, path)
        })();
        written.map_err(|source| {
            // It may not be there at all.
            drop(fs::remove_file(&beside));
            failed(source)
        })
    }

    /// The profile that is meant: the one of this name, the one for this hub, the default, the only one.
    ///
    /// # Errors
    /// When there is none of this name.
    pub(super) fn meant(
        &self,
        name: Option<&str>,
        hub: Option<&str>,
    ) -> Result<Option<&Profile>, FleetError> {
        if let Some(name) = name {
            let found = self.profile.get(name);
            return found.map(Some).ok_or_else(|| FleetError::NoProfile { name: name.to_owned() });
        }
        if let Some(hub) = hub {
            return Ok(self.profile.values().find(|profile| profile.hub == hub));
        }
        let default = self.default.as_ref().and_then(|name| self.profile.get(name));
        let only = || self.profile.values().next().filter(|_| self.profile.len() == 1);
        Ok(default.or_else(only))
    }
}

#[cfg(test)]
mod tests {
    use super::{Profile, Profiles};
    use std::{fs, os::unix::fs::PermissionsExt};

    fn profile(hub: &str) -> Profile {
        Profile {
            hub: hub.into(),
            token: "aisle_secret".into(),
            token_id: "t1".into(),
            person: "ada".into(),
            ends_at_ms: 1,
            ca_file: None,
        }
    }

    #[test]
    fn what_is_kept_is_its_owners_alone_and_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("aisle/fleet.toml");
        let mut profiles = Profiles { default: Some("a".into()), ..Profiles::default() };
        profiles.profile.insert("a".into(), profile("https://a.example"));
        profiles.profile.insert("b".into(), profile("https://b.example"));
        profiles.write(&path).unwrap();
        profiles.write(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read = Profiles::read(&path).unwrap();
        assert_eq!(read.profile, profiles.profile);
        assert_eq!(read.meant(None, None).unwrap().unwrap().hub, "https://a.example");
        assert_eq!(read.meant(None, Some("https://b.example")).unwrap().unwrap().hub, "https://b.example");
        assert!(read.meant(None, Some("https://c.example")).unwrap().is_none(), "no token for another hub");
        assert!(read.meant(Some("c"), None).is_err());
        assert!(!format!("{read:?}").contains("secret"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Profiles::read(&path).unwrap_err().to_string().contains("chmod 600"));
    }
}
