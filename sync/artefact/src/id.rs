//! What an artefact is called: kind, name and version, which together are the path of its target.
//!
//! Guards: a path that reads as an identifier is exactly the path of that identifier, so no two paths mean one artefact, and none of them
//! leaves its folder.

use crate::kind::Kind;
use semver::Version;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// The most bytes of a name.
pub const NAME_BYTES_MAX: usize = 64;
/// The most bytes of a version as text.
pub const VERSION_BYTES_MAX: usize = 64;

/// The name of an artefact: 1 to 64 of `a-z`, `0-9`, `-` and `_`; it begins and ends with a letter or a digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// An artefact by kind, name and version. It is shown and read as the path of its target: `plugins/buy-two/1.4.0.plugin`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtefactId {
    kind: Kind,
    name: Name,
    version: Version,
}

/// Why text names no artefact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// A name that cannot be one.
    #[error(
        "`{name}` is no name of an artefact\nhint: 1 to 64 of `a-z`, `0-9`, `-` and `_`, with a letter or a digit at both ends"
    )]
    Name {
        /// The text, cut where it is too long.
        name: String,
    },
    /// A version that cannot be one.
    #[error(
        "`{version}` is no version of an artefact\nhint: three numbers as in `1.4.0`, or `1.4.0-rc.1`; nothing behind a `+`; at most 64 characters"
    )]
    Version {
        /// The text, cut where it is too long.
        version: String,
    },
    /// A path that is none of an artefact.
    #[error("`{path}` is no path of an artefact\nhint: one looks like `plugins/buy-two/1.4.0.plugin`")]
    Path {
        /// The text, cut where it is too long.
        path: String,
    },
}

/// Text of somebody else's, fit to be shown in a message.
pub(crate) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(128).collect()
}

impl Name {
    /// Checks a name.
    ///
    /// # Errors
    /// When it cannot be one.
    pub fn new(name: &str) -> Result<Self, IdError> {
        let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        let is_outer = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_good = name.len() <= NAME_BYTES_MAX
            && name.chars().all(is_inner)
            && name.starts_with(is_outer)
            && name.ends_with(is_outer);
        if is_good { Ok(Self(name.to_owned())) } else { Err(IdError::Name { name: shown(name) }) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ArtefactId {
    /// Of these three.
    ///
    /// # Errors
    /// When the name or the version cannot be one. A version has no part behind a `+`: two that differ there alone would be equal.
    pub fn new(kind: Kind, name: &str, version: &str) -> Result<Self, IdError> {
        let bad = || IdError::Version { version: shown(version) };
        if version.len() > VERSION_BYTES_MAX {
            return Err(bad());
        }
        let parsed = Version::parse(version).map_err(|_| bad())?;
        if !parsed.build.is_empty() || parsed.to_string() != version {
            return Err(bad());
        }
        Ok(Self { kind, name: Name::new(name)?, version: parsed })
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// What it is called.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// Which version.
    #[must_use]
    pub const fn version(&self) -> &Version {
        &self.version
    }
}

impl fmt::Display for ArtefactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, version } = self;
        write!(f, "{}/{name}/{version}.{}", kind.folder(), kind.ending())
    }
}

impl FromStr for ArtefactId {
    type Err = IdError;

    fn from_str(path: &str) -> Result<Self, IdError> {
        let bad = || IdError::Path { path: shown(path) };
        let (folder, rest) = path.split_once('/').ok_or_else(bad)?;
        let kind = Kind::of_folder(folder).ok_or_else(bad)?;
        let (name, file) = rest.split_once('/').ok_or_else(bad)?;
        let version =
            file.strip_suffix(kind.ending()).and_then(|file| file.strip_suffix('.')).ok_or_else(bad)?;
        Self::new(kind, name, version)
    }
}

impl Serialize for ArtefactId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ArtefactId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
