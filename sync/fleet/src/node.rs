//! A node as the fleet sees it: who it is, what it is called by, what it says it runs.
//!
//! Not here: what it should run ([`crate::desired`]), how it gets there ([`crate::converge`]).

use crate::{
    label::Labels,
    name::{InvalidName, Serial},
    text::text_form,
    version::Version,
};
use aisle_event::{InvalidId, StoreId};
use std::{borrow::Cow, fmt, str::FromStr};

/// A node: the store it stands in and the serial number of the box, as in its certificate. Written `berlin-12/AB1234`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// Where it stands.
    pub store: StoreId,
    /// Which box it is.
    pub serial: Serial,
}

/// Why a text names no node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNodeId {
    /// There is no slash.
    #[error("a node is written `store/serial`, such as `berlin-12/AB1234`")]
    Slash,
    /// What stands before it is no store.
    #[error("the store {0}")]
    Store(InvalidId),
    /// What stands behind it is no serial number.
    #[error("{0}")]
    Serial(InvalidName),
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.store, self.serial)
    }
}

impl FromStr for NodeId {
    type Err = InvalidNodeId;

    fn from_str(text: &str) -> Result<Self, InvalidNodeId> {
        // A store's name may hold a slash, a serial number cannot.
        let (store, serial) = text.rsplit_once('/').ok_or(InvalidNodeId::Slash)?;
        let store = StoreId::new(store).map_err(InvalidNodeId::Store)?;
        let serial = Serial::new(serial).map_err(InvalidNodeId::Serial)?;
        Ok(Self { store, serial })
    }
}

text_form!(NodeId);

/// The names that selectors know without anybody setting a label.
pub const FACTS: [&str; 3] = ["serial", "store", "version"];

/// What a node is chosen by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who it is.
    pub id: NodeId,
    /// What people call it by.
    pub labels: Labels,
    /// The version of Aisle that it said it runs.
    pub version: Option<Version>,
}

impl Member {
    /// What stands under a name: a label, or one of [`FACTS`].
    #[must_use]
    pub fn value(&self, key: &str) -> Option<Cow<'_, str>> {
        match key {
            "store" => Some(self.id.store.as_str().into()),
            "serial" => Some(self.id.serial.as_str().into()),
            "version" => self.version.as_ref().map(|version| version.as_str().into()),
            key => self.labels.get(key).map(Cow::Borrowed),
        }
    }
}
