//! What people write: groups, overrides, filters and rollouts in YAML or JSON, one or many in a file.
//!
//! ```yaml
//! group:
//!   name: pilots
//!   who: pilot, region=eu
//!   says: { minimums: { plugin/multi-buy: "1.2" } }
//! ---
//! rollout:
//!   rollout: multi-buy-1-4
//!   why: sells the second at half the price
//!   who: "*"
//!   set: { plugin/multi-buy: { version: 1.4.0, hash: …, bytes: 40212 } }
//!   waves:
//!     - { name: canary, who: pilot, size: 5, soak_minutes: 60 }
//!     - { name: all }
//! ```
//!
//! What a value means follows from the field and not from how it looks: a version `1.10` stays what it is. Unknown fields are refused, and so are aliases and
//! merges, which make ten lines into a milliard. Not here: names of saved filters in documents ([`written`]), what a document does (whoever applies it), rights.

pub mod written;

pub use written::{Meant, Unsaved, Written, WrittenDocument, WrittenGroup, WrittenRollout};

use crate::{
    device::DeviceSettings,
    group::{Filter, Group, InvalidGroup, Override},
    name::{FilterName, GroupName, RolloutId},
    rollout::{InvalidRollout, RolloutSpec},
};
use aisle_event::StoreId;
use serde::{Deserialize, Serialize};

/// The longest text, in bytes.
pub const TEXT_BYTES_MAX: usize = 1 << 20;
/// The most documents in a text.
pub const DOCUMENTS_MAX: usize = 1024;

/// One thing that somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Document {
    /// A group.
    Group(Group),
    /// An override.
    Override(Override),
    /// A saved filter.
    Filter(Filter),
    /// A rollout.
    Rollout(RolloutSpec),
}

/// What a document is about: two of one text with the same one contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A group.
    Group(GroupName),
    /// An override, of a store and perhaps of one box in it.
    Override(StoreId, Option<crate::name::Serial>),
    /// A filter.
    Filter(FilterName),
    /// A rollout.
    Rollout(RolloutId),
}

/// Why a text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It is too long.
    #[error("the text has {bytes} bytes, at most {TEXT_BYTES_MAX} may be")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// It has not the form of one.
    #[error("line {line}, column {column}: {reason}")]
    Form {
        /// The line, from 1.
        line: u64,
        /// The column, from 1.
        column: u64,
        /// What is wrong there.
        reason: String,
    },
    /// There is nothing in it, or far too much.
    #[error("the text has {count} documents, expected 1 to {DOCUMENTS_MAX}")]
    Count {
        /// How many.
        count: usize,
    },
    /// A group or an override that cannot be.
    #[error("document {place}: {source}")]
    Group {
        /// Which document, from 1.
        place: usize,
        /// Why not.
        #[source]
        source: InvalidGroup,
    },
    /// A rollout that cannot be.
    #[error("document {place}: {source}")]
    Rollout {
        /// Which document, from 1.
        place: usize,
        /// Why not.
        #[source]
        source: InvalidRollout,
    },
    /// The name of a filter that nobody has saved.
    #[error("document {place}: {source}")]
    Unsaved {
        /// Which document, from 1.
        place: usize,
        /// Which name, and where it stands.
        #[source]
        source: Unsaved,
    },
    /// Two about one thing.
    #[error("document {place} is about the same thing as an earlier one")]
    Twice {
        /// Which document, from 1.
        place: usize,
    },
}

impl Document {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        match self {
            Self::Group(group) => Subject::Group(group.name.clone()),
            Self::Override(one) => Subject::Override(one.store.clone(), one.serial.clone()),
            Self::Filter(filter) => Subject::Filter(filter.name.clone()),
            Self::Rollout(rollout) => Subject::Rollout(rollout.rollout.clone()),
        }
    }

    fn check(&self, place: usize) -> Result<(), DocumentError> {
        let of_group = |source| DocumentError::Group { place, source };
        match self {
            Self::Group(group) => group.check().map_err(of_group),
            Self::Override(one) => one.check().map_err(of_group),
            Self::Filter(_) => Ok(()),
            Self::Rollout(rollout) => {
                rollout.check().map_err(|source| DocumentError::Rollout { place, source })
            }
        }
    }
}

/// Reads documents: YAML, with `---` between them, or JSON, as one object or a list of them. Saved filters that they name are those of the same text.
///
/// # Errors
/// Names the place where it goes wrong, or the document and the field that cannot be.
pub fn read(text: &str) -> Result<Vec<Document>, DocumentError> {
    read_written(text)?.resolve(|_| None)
}

/// Reads documents as they are written. They are checked when the names in them are resolved.
///
/// # Errors
/// Names the place where it goes wrong.
pub fn read_written(text: &str) -> Result<Written, DocumentError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(DocumentError::TooLong { bytes: text.len() });
    }
    let documents = match text.trim_start().chars().next() {
        Some('[') => json::<Vec<WrittenDocument>>(text)?,
        Some('{') => vec![json::<WrittenDocument>(text)?],
        _ => yaml(text)?,
    };
    if documents.is_empty() || documents.len() > DOCUMENTS_MAX {
        return Err(DocumentError::Count { count: documents.len() });
    }
    Ok(Written(documents))
}

fn json<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, DocumentError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let form = |path: String, error: &serde_json::Error| DocumentError::Form {
        line: error.line().max(1) as u64,
        column: error.column().max(1) as u64,
        reason: if path.is_empty() || path == "." { error.to_string() } else { format!("`{path}`: {error}") },
    };
    let read = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| form(error.path().to_string(), error.inner()))?;
    reader.end().map_err(|error| form(String::new(), &error))?;
    Ok(read)
}

fn yaml<'de, T: Deserialize<'de>>(text: &'de str) -> Result<Vec<T>, DocumentError> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        merge_keys: serde_saphyr::options::MergeKeyPolicy::Error,
        budget: serde_saphyr::budget! {
            max_aliases: 0,
            max_anchors: 0,
            max_documents: DOCUMENTS_MAX,
        },
    };
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
        let at = error.location();
        DocumentError::Form {
            line: at.map_or(1, |at| at.line().max(1)),
            column: at.map_or(1, |at| at.column().max(1)),
            reason: error.without_snippet().to_string(),
        }
    })
}

/// Reads what is in an artefact of device settings, in YAML or JSON.
///
/// # Errors
/// Names the place where it goes wrong, or the rule that cannot be.
pub fn read_device_settings(text: &str) -> Result<DeviceSettings, DocumentError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(DocumentError::TooLong { bytes: text.len() });
    }
    let mut read: Vec<DeviceSettings> = match text.trim_start().chars().next() {
        Some('{') => vec![json(text)?],
        _ => yaml(text)?,
    };
    let count = read.len();
    let settings = read.pop().filter(|_| count == 1).ok_or(DocumentError::Count { count })?;
    settings.check().map_err(|source| DocumentError::Group { place: 1, source })?;
    Ok(settings)
}
