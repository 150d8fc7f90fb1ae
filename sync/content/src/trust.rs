//! Who may say what a store should be.
//!
//! The bytes in DESIRED are a *document*: whatever its signature looks like, a [`Publisher`] takes the manifest out of it or refuses it. Today
//! the hub is believed for being the hub: its certificate is checked by the line ([`HubsWord`], where document and manifest are the same
//! bytes). Signed documents are another `Publisher`; nothing else changes with them.

use crate::manifest::{Manifest, ManifestError};
use aisle_protocol::control::Desired;

/// Why a document is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nobody who may publish has made it: {reason}")]
pub struct NotTrusted {
    /// Why not.
    pub reason: String,
}

/// Knows who may publish.
pub trait Publisher {
    /// The manifest's bytes in a document.
    ///
    /// # Errors
    /// When nobody who may publish has made it.
    fn open<'a>(&self, document: &'a [u8]) -> Result<&'a [u8], NotTrusted>;
}

/// Believes the hub that the line leads to: a document is a manifest.
#[derive(Debug, Clone, Copy, Default)]
pub struct HubsWord;

impl Publisher for HubsWord {
    fn open<'a>(&self, document: &'a [u8]) -> Result<&'a [u8], NotTrusted> {
        Ok(document)
    }
}

/// Why a DESIRED changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDesired {
    /// Who made it may not.
    #[error(transparent)]
    NotTrusted(#[from] NotTrusted),
    /// It is no manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// The manifest of a DESIRED.
///
/// # Errors
/// When it is not believed, is none, or is of another generation than it was announced with.
pub fn manifest(desired: &Desired, publisher: &impl Publisher) -> Result<Manifest, NotDesired> {
    let manifest = Manifest::decode(publisher.open(&desired.manifest.0)?)?;
    let (found, announced) = (manifest.generation(), desired.generation);
    if found != announced {
        return Err(ManifestError::Generation { found, announced }.into());
    }
    Ok(manifest)
}
