//! What a call asked of the host, wrote to it and wants kept.

use super::Bytes;
use crate::types::{Position, Product};
use serde::{Deserialize, Serialize};

pub use crate::types::Level;

/// One question and its answer, as the recording keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "asked", rename_all = "kebab-case")]
pub enum Asked {
    /// `catalog.find`.
    Product {
        /// Which.
        sku: String,
        /// What the catalogue had.
        answer: Option<Product>,
    },
    /// `catalog.of-category`.
    OfCategory {
        /// Which group.
        category: String,
        /// How many at most.
        limit: u32,
        /// What the catalogue had.
        answer: Vec<Product>,
    },
    /// `stock.of`.
    Stock {
        /// Which product.
        sku: String,
        /// What was known.
        answer: Option<Position>,
    },
    /// What the plugin's store had under a key before the call.
    Kept {
        /// The key.
        key: String,
        /// What was kept.
        answer: Option<Bytes>,
    },
    /// A write that was not taken because the plugin's store is full.
    Full {
        /// The key.
        key: String,
        /// How many writes of this key the call had tried before: what does not fit once may fit later, when it is smaller or
        /// something else is forgotten.
        #[serde(default)]
        attempt: u32,
    },
}

/// A change of what a plugin keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KvWrite {
    /// The key: 1 to 128 bytes.
    pub key: String,
    /// What is kept under it from now on, at most 4096 bytes; nothing forgets the key.
    pub value: Option<Bytes>,
}

/// A line that a plugin wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// How important it is.
    pub level: Level,
    /// What it says; without control characters.
    pub text: String,
}

/// About what a product weighs in memory, in bytes.
pub(crate) fn product_bytes(product: &Product) -> usize {
    size_of::<Product>()
        + product.sku.len()
        + product.name.len()
        + product.category.as_ref().map_or(0, String::len)
}

/// The same of a position.
pub(crate) const fn position_bytes(_: &Position) -> usize {
    size_of::<Position>()
}

impl Asked {
    /// About what question and answer weigh in memory, in bytes: both are kept until the call ends.
    pub(crate) fn bytes(&self) -> usize {
        let (question, answer) = match self {
            Self::Product { sku, answer } => (sku, answer.as_ref().map_or(0, product_bytes)),
            Self::OfCategory { category, answer, .. } => {
                (category, answer.iter().map(product_bytes).sum::<usize>())
            }
            Self::Stock { sku, answer } => (sku, answer.as_ref().map_or(0, position_bytes)),
            Self::Kept { key, answer } => (key, answer.as_ref().map_or(0, |bytes| bytes.0.len())),
            Self::Full { key, .. } => (key, 0),
        };
        size_of::<Self>() + question.len() + answer
    }
}
