//! The fold as bytes, so that a restart need not read the whole journal.

use super::{ColdChain, Config, Known};
use aisle_event::Name;

/// The form of the bytes; one more whenever it changes, so that old bytes are refused and the journal is read instead.
const FORM: u16 = 3;

/// Why bytes are no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Another build wrote them.
    #[error("the snapshot of the cold chain has form {found}, this build reads {FORM}")]
    Form {
        /// What they say.
        found: u16,
    },
    /// They are damaged.
    #[error("the snapshot of the cold chain does not decode: {reason}")]
    Damaged {
        /// What is wrong.
        reason: String,
    },
}

impl ColdChain {
    /// The state as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Everything in it has a form in CBOR, and a `Vec` takes all of it.
        minicbor_serde::to_vec((FORM, &self.state)).unwrap_or_default()
    }

    /// The state from bytes. Any bytes are survived.
    ///
    /// # Errors
    /// When they are not what [`ColdChain::encode`] of this build wrote.
    pub fn decode(config: Config, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let damaged =
            |error: minicbor_serde::error::DecodeError| SnapshotError::Damaged { reason: error.to_string() };
        // The form comes first, so that another build's bytes are told from damaged ones.
        let mut decoder = minicbor::Decoder::new(bytes);
        let form = decoder.array().and_then(|_| decoder.u16());
        if let Some(found) = form.ok().filter(|form| *form != FORM) {
            return Err(SnapshotError::Form { found });
        }
        let (_, mut state): (u16, Known) = minicbor_serde::from_slice(bytes).map_err(damaged)?;
        for (name, unit) in &mut state.units {
            if !unit.minutes.is_sound() {
                let reason = format!("the minutes of `{name}` are not in order");
                return Err(SnapshotError::Damaged { reason });
            }
            unit.minutes.refold(0, unit.limit, &config);
        }
        let mut cold_chain = Self::of(config, state);
        let names: Vec<Name> = cold_chain.state.units.keys().cloned().collect();
        for name in names {
            cold_chain.show(&name);
        }
        Ok(cold_chain)
    }
}
