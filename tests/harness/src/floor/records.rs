//! Writing what the store knows of its floor before any device speaks.

use super::{Scene, SceneError};
use aisle_event::Timestamp;
use aisle_journal::{AppendError, Config, Entry, Journal, OpenError, RealIo};
use prometheus_client::registry::Registry;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Why the floor's records were not written.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// There are none.
    #[error("the floor has no records")]
    Scene(#[from] SceneError),
    /// The journal does not open.
    #[error("cannot open the journal in `{path}`")]
    Open {
        /// Its directory.
        path: PathBuf,
        /// Why.
        source: OpenError,
    },
    /// They were not committed.
    #[error("cannot append to the journal in `{path}`")]
    Append {
        /// Its directory.
        path: PathBuf,
        /// Why.
        source: AppendError,
    },
}

/// Appends to the journal in `data/journal` what is sold on the floor and where it lies; the number of products.
///
/// # Errors
/// When the journal does not open or does not commit.
pub fn write(data: &Path, scene: &Scene, at: Timestamp) -> Result<usize, RecordsError> {
    let events = scene.records(at)?;
    let path = data.join("journal");
    let (journal, _) = Journal::open(&path, Config::default(), Arc::new(RealIo), &mut Registry::default())
        .map_err(|source| RecordsError::Open { path: path.clone(), source })?;
    let entries =
        events.iter().map(|event| Entry { kind: event.kind().0, payload: event.encode() }).collect();
    let appended = journal.append(entries);
    journal.close();
    appended.map_err(|source| RecordsError::Append { path, source })?;
    Ok(scene.items().count())
}
