//! A plugin as one content: its manifest and its component, side by side and uncompressed, so that a delta finds what has not changed. A model likewise: its
//! card and its graph. The fields have numbers of their own, so that the one is never taken for the other.
//!
//! Not here: what manifests, components, cards and graphs say (`aisle-plugin-host`, `aisle-model`).

use minicbor::{Decode, Encode};

/// The form that this build writes and reads.
const FORM: u16 = 1;

/// A plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginPackage {
    /// The text of `plugin.toml`.
    pub manifest: String,
    /// The bytes of `plugin.wasm`.
    pub component: Vec<u8>,
}

/// Bytes are no plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// They are not what a package looks like.
    #[error("the content is no package of a plugin: {0}")]
    Malformed(String),
    /// They are not what a model's package looks like.
    #[error("the content is no package of a model: {0}")]
    NoModel(String),
    /// A later form.
    #[error("the package is of form {0}; this build reads {FORM}")]
    Form(u16),
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Wire<'a> {
    #[n(0)]
    form: u16,
    #[b(1)]
    manifest: &'a str,
    #[b(2)]
    #[cbor(with = "minicbor::bytes")]
    component: &'a [u8],
}

/// A model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelPackage {
    /// The text of `model.toml`.
    pub card: String,
    /// The bytes of `model.onnx`.
    pub onnx: Vec<u8>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct ModelWire<'a> {
    #[n(0)]
    form: u16,
    #[b(3)]
    card: &'a str,
    #[b(4)]
    #[cbor(with = "minicbor::bytes")]
    onnx: &'a [u8],
}

impl ModelPackage {
    /// Its bytes: a CBOR map of the form (0), the card's text (3) and the graph's bytes (4).
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let wire = ModelWire { form: FORM, card: &self.card, onnx: &self.onnx };
        // Writing to a `Vec` has no way to fail.
        minicbor::to_vec(wire).unwrap_or_default()
    }

    /// Reads what may be anybody's.
    ///
    /// # Errors
    /// When it is no package.
    pub fn decode(bytes: &[u8]) -> Result<Self, PackageError> {
        let wire: ModelWire<'_> =
            minicbor::decode(bytes).map_err(|error| PackageError::NoModel(error.to_string()))?;
        if wire.form != FORM {
            return Err(PackageError::Form(wire.form));
        }
        Ok(Self { card: wire.card.to_owned(), onnx: wire.onnx.to_vec() })
    }
}

impl PluginPackage {
    /// Its bytes: a CBOR map of the form (0), the manifest's text (1) and the component's bytes (2).
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let wire = Wire { form: FORM, manifest: &self.manifest, component: &self.component };
        // Writing to a `Vec` has no way to fail.
        minicbor::to_vec(wire).unwrap_or_default()
    }

    /// Reads what may be anybody's.
    ///
    /// # Errors
    /// When it is no package.
    pub fn decode(bytes: &[u8]) -> Result<Self, PackageError> {
        let wire: Wire<'_> =
            minicbor::decode(bytes).map_err(|error| PackageError::Malformed(error.to_string()))?;
        if wire.form != FORM {
            return Err(PackageError::Form(wire.form));
        }
        Ok(Self { manifest: wire.manifest.to_owned(), component: wire.component.to_vec() })
    }
}
