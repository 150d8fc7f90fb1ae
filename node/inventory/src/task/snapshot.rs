//! The fold as bytes, so that a restart need not read the whole journal.

use super::{Config, Known, Tasks};
use std::collections::BTreeMap;

/// The form of the bytes; one more whenever it changes, so that old bytes are refused and the journal is read instead.
const FORM: u16 = 1;

/// Why bytes are no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Another build wrote them.
    #[error("the snapshot of tasks has form {found}, this build reads {FORM}")]
    Form {
        /// What they say.
        found: u16,
    },
    /// They are damaged.
    #[error("the snapshot of tasks does not decode: {reason}")]
    Damaged {
        /// What is wrong.
        reason: String,
    },
}

impl Tasks {
    /// The state as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Everything in it has a form in CBOR, and a `Vec` takes all of it.
        minicbor_serde::to_vec((FORM, &self.known)).unwrap_or_default()
    }

    /// The state from bytes. Any bytes are survived.
    ///
    /// # Errors
    /// When they are not what [`Tasks::encode`] of this build wrote.
    pub fn decode(config: Config, bytes: &[u8]) -> Result<Self, SnapshotError> {
        // The form comes first, so that another build's bytes are told from damaged ones.
        let mut decoder = minicbor::Decoder::new(bytes);
        let form = decoder.array().and_then(|_| decoder.u16());
        if let Some(found) = form.ok().filter(|form| *form != FORM) {
            return Err(SnapshotError::Form { found });
        }
        let (_, known): (u16, Known) = minicbor_serde::from_slice(bytes)
            .map_err(|error| SnapshotError::Damaged { reason: error.to_string() })?;
        Ok(Self { config, known, unwanted: BTreeMap::new() })
    }
}
