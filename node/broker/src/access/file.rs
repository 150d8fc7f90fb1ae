//! The credentials file: how it is written, and what is said when it is written wrong.
//!
//! ```toml
//! [[device]]
//! id = "fridge-7"
//! password = "$argon2id$v=19$m=7168,t=5,p=1$…"        # none: a certificate only
//! certificate = false                                  # whether a client certificate of that name is let in
//! publish = ["aisle/v1/%store%/%device%/#"]            # these patterns are the defaults
//! subscribe = ["aisle/v1/%store%/%device%/#"]
//! enabled = true
//! ```

use super::rights::OWN_TOPICS;
use serde::Deserialize;
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Devices in a file.
pub const DEVICES_MAX: usize = 50_000;

/// The size of a file.
pub(crate) const FILE_BYTES_MAX: u64 = 32 * 1_024 * 1_024;

/// Why the credentials file was refused.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is too large to be what it should be.
    #[error("`{path}` has {bytes} bytes, more than {FILE_BYTES_MAX}")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// It is not TOML, or has keys or types that do not belong there.
    #[error("`{path}`, line {line}: `{field}`: {message}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where in the file, from 1.
        line: usize,
        /// Where in the structure.
        field: String,
        /// What is wrong.
        message: String,
    },
    /// A value that cannot be.
    #[error("`{path}`: `{field}` is {found}, expected {expected}")]
    Field {
        /// The file.
        path: PathBuf,
        /// Where in the structure.
        field: String,
        /// What is there.
        found: String,
        /// What should be.
        expected: String,
    },
}

/// A device as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Its id, which is also its user name.
    pub id: String,
    /// Its password's hash.
    pub password: Option<String>,
    /// Whether it may show a certificate instead.
    #[serde(default)]
    pub certificate: bool,
    /// Where it may publish.
    #[serde(default = "own_topics")]
    pub publish: Vec<String>,
    /// Where it may subscribe.
    #[serde(default = "own_topics")]
    pub subscribe: Vec<String>,
    /// Whether it is let in.
    #[serde(default = "yes")]
    pub enabled: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    #[serde(default)]
    device: Vec<Listed>,
}

fn own_topics() -> Vec<String> {
    vec![OWN_TOPICS.into()]
}

fn yes() -> bool {
    true
}

/// Reads the whole file; nothing when there is none.
pub(crate) fn read(path: &Path) -> Result<Option<String>, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let bytes = file.metadata().map_err(failed)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(FileError::TooLarge { path: path.to_owned(), bytes });
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    Ok(Some(text))
}

/// The devices that a file's text lists.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Vec<Listed>, FileError> {
    let refused = |field: String, error: &toml::de::Error| FileError::Syntax {
        path: path.to_owned(),
        line: line_of(text, error.span().map_or(0, |span| span.start)),
        field,
        message: error.message().to_owned(),
    };
    let document = toml::Deserializer::parse(text).map_err(|error| refused("device".into(), &error))?;
    let contents: Contents = serde_path_to_error::deserialize(document)
        .map_err(|error| refused(error.path().to_string(), error.inner()))?;
    if contents.device.len() > DEVICES_MAX {
        return Err(FileError::Field {
            path: path.to_owned(),
            field: "device".into(),
            found: format!("a list of {}", contents.device.len()),
            expected: format!("at most {DEVICES_MAX} devices"),
        });
    }
    Ok(contents.device)
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}
