//! The manifest: what a store should have, by name, version and content.
//!
//! It is deterministic CBOR: definite lengths, shortest heads, keys and names ascending, so that equal manifests are equal bytes. Keys that are
//! not known are passed over; a form that is not known is refused whole, since half of what was meant may be worse than nothing.
//!
//! Not here: who may make one ([`crate::trust`]), fetching ([`crate::plan`]). What a manifest does not name is left as it is.

use crate::tree::PIECE_BYTES;
use aisle_protocol::{
    Hash,
    limits::{APPLIED_MAX, DOWN_BYTES_MAX},
};
use minicbor::{Decode, Encode};

/// The form that this build writes and reads.
pub const FORM: u16 = 1;
/// The most items: as many as one REPORT can answer.
pub const ITEMS_MAX: usize = APPLIED_MAX;
/// The most deltas of an item.
pub const DELTAS_MAX: usize = 16;
/// The most bytes of a name.
pub const NAME_BYTES_MAX: usize = 128;
/// The most bytes of a version.
pub const VERSION_BYTES_MAX: usize = 64;
/// The most bytes of a manifest: with what stands around it, it fits a frame of the down stream.
pub const MANIFEST_BYTES_MAX: usize = DOWN_BYTES_MAX - 4096;
/// The most bytes of a content: its tree is one piece.
pub const CONTENT_BYTES_MAX: u64 = (PIECE_BYTES / 32) * PIECE_BYTES;

/// Bytes that are fetched piece by piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(map)]
pub struct Content {
    /// BLAKE3 of them.
    #[n(1)]
    pub hash: Hash,
    /// How many they are; at least 1.
    #[n(2)]
    pub bytes: u64,
    /// BLAKE3 of the tree of its pieces, itself a content. There when the content has more than one piece.
    #[n(3)]
    pub tree: Option<Hash>,
}

/// How a content comes from another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(map)]
pub struct Delta {
    /// The content that must be there.
    #[n(1)]
    pub from: Hash,
    /// A zstd frame that gives the new one with the old one as its prefix.
    #[n(2)]
    pub content: Content,
}

/// One thing that a store should have.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Item {
    /// A kind, or a kind and a name behind a slash: `plugin/multi-buy`, `catalogue`.
    #[n(1)]
    pub name: String,
    /// Its version, for people and for reports.
    #[n(2)]
    pub version: String,
    /// What it is.
    #[n(3)]
    pub content: Content,
    /// Shorter ways to it, at most [`DELTAS_MAX`], by ascending `from`.
    #[n(4)]
    #[cbor(default)]
    pub deltas: Vec<Delta>,
}

/// What a store should have.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Manifest {
    /// The form of the manifest.
    #[n(0)]
    form: u16,
    /// Grows with every change; DESIRED says the same.
    #[n(1)]
    generation: u64,
    /// Everything, by ascending name.
    #[n(2)]
    items: Vec<Item>,
}

/// Why bytes are no manifest, or a manifest cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// They are not what a manifest looks like.
    #[error("the manifest does not decode: {reason}")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// A later form.
    #[error("the manifest is of form {found}; this build reads {FORM}")]
    Form {
        /// Which.
        found: u16,
    },
    /// More than there may be.
    #[error("{what} is {found}, at most {max} may be")]
    Bound {
        /// What.
        what: &'static str,
        /// How much there is.
        found: u64,
        /// How much there may be.
        max: u64,
    },
    /// An item that cannot be right.
    #[error("item `{name}`: {reason}")]
    Item {
        /// Which, cut where it is too long.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// DESIRED and the manifest in it are not of one generation.
    #[error("the manifest is of generation {found}, and generation {announced} was announced")]
    Generation {
        /// What the manifest says.
        found: u64,
        /// What DESIRED says.
        announced: u64,
    },
}

impl Content {
    /// The tree of its pieces, as a content.
    #[must_use]
    pub fn tree_content(&self) -> Option<Self> {
        self.tree.map(|hash| Self { hash, bytes: self.pieces().saturating_mul(32), tree: None })
    }

    /// How many pieces it has.
    #[must_use]
    pub const fn pieces(&self) -> u64 {
        self.bytes.div_ceil(PIECE_BYTES)
    }

    fn fault(&self) -> Option<&'static str> {
        if self.bytes == 0 {
            return Some("a content has at least one byte");
        }
        if self.bytes > CONTENT_BYTES_MAX {
            return Some("a content has more than 2 GiB");
        }
        (self.tree.is_some() != (self.pieces() > 1))
            .then_some("a content has a tree if, and only if, it has more than one piece")
    }
}

impl Item {
    /// What it is: the part of the name before the slash, or before the hash of one that stands beside another of its place.
    #[must_use]
    pub fn kind(&self) -> &str {
        let kind = self.name.split_once('/').map_or(self.name.as_str(), |(kind, _)| kind);
        kind.split_once('+').map_or(kind, |(kind, _)| kind)
    }

    /// Which one of its kind: the part of the name behind the slash.
    #[must_use]
    pub fn which(&self) -> Option<&str> {
        self.name.split_once('/').map(|(_, which)| which)
    }

    /// What fetching it takes in bytes by this content, its tree included.
    pub(crate) fn cost(content: &Content) -> u64 {
        content.bytes.saturating_add(content.tree_content().map_or(0, |tree| tree.bytes))
    }

    fn fault(&self) -> Option<&'static str> {
        let is_good = |c: char| c.is_ascii_alphanumeric() || "-._+".contains(c);
        let is_part = |part: &str| !part.is_empty() && part.chars().all(is_good);
        if self.name.len() > NAME_BYTES_MAX {
            return Some("its name is longer than 128 bytes");
        }
        if !is_part(self.kind()) || !self.which().is_none_or(is_part) {
            return Some(
                "its name is not a kind, or a kind and a name, of letters, digits, `-`, `.`, `_` and `+`",
            );
        }
        if self.version.is_empty() || self.version.len() > VERSION_BYTES_MAX {
            return Some("its version does not have 1 to 64 bytes");
        }
        if self.version.chars().any(char::is_control) {
            return Some("its version holds what cannot be shown");
        }
        if self.deltas.len() > DELTAS_MAX {
            return Some("it has more than 16 deltas");
        }
        if !self.deltas.is_sorted_by(|a, b| a.from < b.from) {
            return Some("its deltas are not in order, or two come from one content");
        }
        let fault = self.deltas.iter().find_map(|delta| delta.content.fault());
        fault.or_else(|| self.content.fault())
    }
}

impl Manifest {
    /// Of these items, in any order.
    ///
    /// # Errors
    /// When an item cannot be right, or there are too many.
    pub fn new(generation: u64, mut items: Vec<Item>) -> Result<Self, ManifestError> {
        items.sort_by(|a, b| a.name.cmp(&b.name));
        for item in &mut items {
            item.deltas.sort_unstable();
        }
        let manifest = Self { form: FORM, generation, items };
        manifest.check()?;
        let found = manifest.encode().len();
        if found > MANIFEST_BYTES_MAX {
            return Err(bound("the length of the manifest", found, MANIFEST_BYTES_MAX));
        }
        Ok(manifest)
    }

    /// Reads what may be anybody's.
    ///
    /// # Errors
    /// When it is no manifest, of a later form, or beyond a bound.
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MANIFEST_BYTES_MAX {
            return Err(bound("the length of the manifest", bytes.len(), MANIFEST_BYTES_MAX));
        }
        let malformed = |reason: String| ManifestError::Malformed { reason };
        let Form { form } = minicbor::decode(bytes).map_err(|error| malformed(error.to_string()))?;
        if form != FORM {
            return Err(ManifestError::Form { found: form });
        }
        let mut decoder = minicbor::Decoder::new(bytes);
        let manifest: Self = decoder.decode().map_err(|error| malformed(error.to_string()))?;
        if decoder.position() != bytes.len() {
            return Err(malformed("bytes follow its end".into()));
        }
        manifest.check()?;
        Ok(manifest)
    }

    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Writing to a `Vec` has no way to fail.
        minicbor::to_vec(self).unwrap_or_default()
    }

    /// Grows with every change.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Everything, by ascending name.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    fn check(&self) -> Result<(), ManifestError> {
        if self.items.len() > ITEMS_MAX {
            return Err(bound("the count of items", self.items.len(), ITEMS_MAX));
        }
        let told = |name: &str, reason| {
            let name = name.chars().filter(|c| !c.is_control()).take(NAME_BYTES_MAX).collect();
            ManifestError::Item { name, reason }
        };
        for item in &self.items {
            if let Some(reason) = item.fault() {
                return Err(told(&item.name, reason));
            }
        }
        match self.items.iter().zip(self.items.iter().skip(1)).find(|(a, b)| a.name >= b.name) {
            Some((_, second)) => Err(told(&second.name, "it stands twice, or not in its place by name")),
            None => Ok(()),
        }
    }
}

/// What every form begins with.
#[derive(Decode)]
#[cbor(map)]
struct Form {
    #[n(0)]
    form: u16,
}

fn bound(what: &'static str, found: usize, max: usize) -> ManifestError {
    ManifestError::Bound { what, found: found as u64, max: max as u64 }
}
