//! Roles of TUF, and the names of the files that their metadata lies in.
//!
//! Guards: a role that somebody made up cannot stand for one of the four at the top, nor its file for one outside its folder.

use crate::id::shown;
use std::{fmt, str::FromStr};

/// The most bytes of the name of a delegated role: what it becomes as the name of a file is at most three times as long.
pub const ROLE_BYTES_MAX: usize = 64;

/// Who signs what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Says who all others are.
    Root,
    /// Says which snapshot is the newest.
    Timestamp,
    /// Says which versions of all others belong together.
    Snapshot,
    /// Says who signs which kind.
    Targets,
    /// Signs artefacts of a kind.
    Delegated(String),
}

/// A name that no delegated role can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` is no name of a delegated role\nhint: 1 to 64 bytes, none of them a control character, and none of the four at the top"
)]
pub struct RoleError {
    /// The text, cut where it is too long.
    pub name: String,
}

impl Role {
    /// A delegated role.
    ///
    /// # Errors
    /// When the name is empty, too long, not to be shown, or one of the four at the top.
    pub fn delegated(name: &str) -> Result<Self, RoleError> {
        let is_top = [Self::Root, Self::Timestamp, Self::Snapshot, Self::Targets]
            .iter()
            .any(|role| role.as_str().eq_ignore_ascii_case(name));
        let is_good =
            (1..=ROLE_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control) && !is_top;
        if is_good { Ok(Self::Delegated(name.to_owned())) } else { Err(RoleError { name: shown(name) }) }
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Root => "root",
            Self::Timestamp => "timestamp",
            Self::Snapshot => "snapshot",
            Self::Targets => "targets",
            Self::Delegated(name) => name,
        }
    }

    /// What stands in `_type`.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Timestamp => "timestamp",
            Self::Snapshot => "snapshot",
            Self::Targets | Self::Delegated(_) => "targets",
        }
    }

    /// How a snapshot or a timestamp calls its metadata.
    pub(crate) fn meta_path(&self) -> String {
        format!("{self}.json")
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(name: &str) -> Result<Self, RoleError> {
        match name {
            "root" => Ok(Self::Root),
            "timestamp" => Ok(Self::Timestamp),
            "snapshot" => Ok(Self::Snapshot),
            "targets" => Ok(Self::Targets),
            name => Self::delegated(name),
        }
    }
}

/// The name of a file of metadata: `12.plugins.json`, or `timestamp.json` for the newest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName {
    role: Role,
    version: Option<u64>,
}

impl FileName {
    /// Of a certain version.
    #[must_use]
    pub const fn versioned(role: Role, version: u64) -> Self {
        Self { role, version: Some(version) }
    }

    /// Of whichever is the newest.
    #[must_use]
    pub const fn newest(role: Role) -> Self {
        Self { role, version: None }
    }

    /// Whose metadata.
    #[must_use]
    pub const fn role(&self) -> &Role {
        &self.role
    }

    /// Which version; nothing where it is the newest.
    #[must_use]
    pub const fn version(&self) -> Option<u64> {
        self.version
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(version) = self.version {
            write!(f, "{version}.")?;
        }
        for byte in self.role.as_str().bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                write!(f, "{}", char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        f.write_str(".json")
    }
}
