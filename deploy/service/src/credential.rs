//! Secrets by name: a setting that says `credential:NAME` means the file that the service manager gave the program under that name.
//!
//! systemd gives a unit with `LoadCredential=aisle:/etc/aisle/credentials` every file of that folder, `node.key` as `aisle_node.key`, in a
//! folder in memory that only the unit's user can read. Where no manager gave a folder, as in a container or for a command that somebody
//! runs by hand, the name means the file in the folder `credentials` beside the configuration: the same files, from their source.

use std::{
    env,
    path::{Path, PathBuf},
};

/// What a setting begins with that names a credential.
pub const PREFIX: &str = "credential:";
/// What the names of ours begin with in the folder of the service manager, which may give others too.
const GIVEN_PREFIX: &str = "aisle_";
/// The variable with that folder.
const GIVEN: &str = "CREDENTIALS_DIRECTORY";
/// The folder beside the configuration.
const BESIDE: &str = "credentials";
/// The longest name, in bytes: so that it fits into a file's with what goes before it.
const NAME_BYTES_MAX: usize = 128;

/// A name that no credential can have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no name of a credential\nhint: 1 to {NAME_BYTES_MAX} of a-z, A-Z, 0-9, `.`, `-` and `_`, the first one no `.`, as in `{PREFIX}node.key`"
)]
pub struct InvalidCredential(String);

/// Where credentials lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    given: Option<PathBuf>,
    beside: PathBuf,
}

impl Credentials {
    /// In the folder that a service manager gave, else beside the configuration, in the folder `credentials`.
    #[must_use]
    pub fn from_environment(configuration: &Path) -> Self {
        let given = env::var_os(GIVEN).filter(|folder| !folder.is_empty());
        Self::new(given.map(PathBuf::from), configuration)
    }

    /// In the folder that was given, if one was, else in that beside the configuration, whose own folder this is.
    #[must_use]
    pub fn new(given: Option<PathBuf>, configuration: &Path) -> Self {
        Self { given, beside: configuration.join(BESIDE) }
    }

    /// The file that a setting means; `None` for one that names no credential, and is a path as it stands. Whether the file is there is
    /// for the one to say who reads it.
    ///
    /// # Errors
    /// When the name cannot be one.
    pub fn find(&self, setting: &Path) -> Result<Option<PathBuf>, InvalidCredential> {
        let Some(name) = setting.to_str().and_then(|setting| setting.strip_prefix(PREFIX)) else {
            return Ok(None);
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let is_name = (1..=NAME_BYTES_MAX).contains(&name.len());
        if !is_name || name.starts_with('.') || !name.chars().all(is_plain) {
            return Err(InvalidCredential(name.chars().take(NAME_BYTES_MAX).collect()));
        }
        Ok(Some(match &self.given {
            Some(given) => given.join(format!("{GIVEN_PREFIX}{name}")),
            None => self.beside.join(name),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(credentials: &Credentials, setting: &str) -> Option<String> {
        let path = credentials.find(Path::new(setting)).unwrap();
        path.map(|path| path.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_credential_is_where_the_service_manager_put_it() {
        let given =
            Credentials::new(Some("/run/credentials/aisle-node.service".into()), Path::new("/etc/aisle"));
        let path = "/run/credentials/aisle-node.service/aisle_node.key";
        assert_eq!(found(&given, "credential:node.key").as_deref(), Some(path));
    }

    #[test]
    fn without_a_service_manager_it_is_beside_the_configuration() {
        let alone = Credentials::new(None, Path::new("/etc/aisle"));
        assert_eq!(found(&alone, "credential:node.key").as_deref(), Some("/etc/aisle/credentials/node.key"));
    }

    #[test]
    fn a_path_stays_a_path() {
        let alone = Credentials::new(None, Path::new("/etc/aisle"));
        for path in ["node.key", "/etc/aisle/node.key", "", "credentials/node.key"] {
            assert_eq!(found(&alone, path), None, "{path}");
        }
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        let alone = Credentials::new(None, Path::new("/etc/aisle"));
        for name in ["", ".", "..", "../node.key", "a/b", "/etc/shadow", "a:b", "clé", &"k".repeat(129)] {
            let setting = format!("{PREFIX}{name}");
            let error = alone.find(Path::new(&setting)).unwrap_err();
            assert!(error.to_string().contains("hint: "), "{error}");
        }
    }
}
