//! The signed form of a document: what a store should have, and which state each of its nodes is to go by.
//!
//! ```text
//! "aisle order 1\n" ─ signature [64] ─ body: {0 form, 1 store, 2 manifest, 3 nodes: [{1 serial, 2 version, 3 state, 4 rehearse}], 4 hub, 5 at}
//! ```
//!
//! The hub that decides signs the body with the key of its receipts; a node reads it from a line or from a stick alike. The manifest says what is
//! fetched; the state says what becomes of it, and when, and `rehearse` what is only tried (`aisle-fleet` reads both; here they are bytes). What may run at all is not said here: that is signed by
//! others, offline (`aisle-artefact`). Not here: keys and the arithmetic of signatures, which both ends bring along.
//!
//! Guards: nothing of a body is looked at before its signature is good, and an order for another store is refused.

use crate::manifest::MANIFEST_BYTES_MAX;
use aisle_event::StoreId;
use minicbor::{Decode, Encode, bytes::ByteVec};

/// The form that this build writes and reads.
pub const FORM: u16 = 1;
/// How an order begins. No manifest begins so: it is a map.
pub const MAGIC: &[u8] = b"aisle order 1\n";
/// The most bytes of an order: it fits a frame of the down stream as a manifest does.
pub const ORDER_BYTES_MAX: usize = MANIFEST_BYTES_MAX;
/// The most nodes of a store that are told of.
pub const NODES_MAX: usize = 64;
/// The most bytes of a serial number.
pub const SERIAL_BYTES_MAX: usize = 64;
/// The most bytes of a state.
pub const STATE_BYTES_MAX: usize = 256 << 10;
/// The most bytes of what is to be rehearsed.
pub const REHEARSE_BYTES_MAX: usize = 16 << 10;
/// What is signed begins with this, so that no other signature of the key is one of an order.
const DOMAIN: &[u8] = b"aisle 2026-11-22 order of a store\n";
const SIGNATURE_BYTES: usize = 64;

/// Which state one node is to go by.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct NodeOrder {
    /// The node.
    #[n(1)]
    pub serial: String,
    /// The version of the state: grows when the state changes.
    #[n(2)]
    pub version: u64,
    /// The state; opaque here.
    #[n(3)]
    #[cbor(with = "minicbor::bytes")]
    pub state: Vec<u8>,
    /// What it is to try without putting it in place; opaque here. An order that wants nothing of the kind has no such field, and a build that does not know the
    /// field passes it over.
    #[n(4)]
    pub rehearse: Option<ByteVec>,
}

impl NodeOrder {
    /// A node that is to go by a state, and has nothing to try.
    #[must_use]
    pub const fn new(serial: String, version: u64, state: Vec<u8>) -> Self {
        Self { serial, version, state, rehearse: None }
    }
}

/// What a hub orders for a store.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Order {
    #[n(0)]
    form: u16,
    #[n(1)]
    store: String,
    /// The manifest, as bytes: what the store fetches.
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub manifest: Vec<u8>,
    /// Its nodes, by ascending serial number.
    #[n(3)]
    pub nodes: Vec<NodeOrder>,
    /// Which hub made it.
    #[n(4)]
    pub hub: String,
    /// When, in milliseconds since 1970 by the hub's clock. For people.
    #[n(5)]
    pub at_ms: i64,
}

/// Why bytes are no order, or none can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// It is not signed.
    #[error("it is not signed by a hub")]
    NotSigned,
    /// No key that is known made the signature.
    #[error("its signature is of no hub that this node knows")]
    Forged,
    /// It does not decode.
    #[error("the order does not decode: {reason}")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// A later form.
    #[error("the order is of form {found}; this build reads {FORM}")]
    Form {
        /// Which.
        found: u16,
    },
    /// It is for another store.
    #[error("the order is for `{found}`")]
    Store {
        /// For which.
        found: String,
    },
    /// More than there may be.
    #[error("{what} is {found}, at most {max} may be")]
    Bound {
        /// What.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// How much there may be.
        max: usize,
    },
    /// The nodes are not in order, or one is there twice.
    #[error("the nodes of the order are not in order")]
    Nodes,
}

impl Order {
    /// For a store. Nodes are put in order.
    #[must_use]
    pub fn new(store: &StoreId, manifest: Vec<u8>, mut nodes: Vec<NodeOrder>, hub: &str, at_ms: i64) -> Self {
        nodes.sort_by(|a, b| a.serial.cmp(&b.serial));
        Self { form: FORM, store: store.to_string(), manifest, nodes, hub: hub.into(), at_ms }
    }

    /// Whether bytes say of themselves that they are an order.
    #[must_use]
    pub fn is_one(document: &[u8]) -> bool {
        document.starts_with(MAGIC)
    }

    /// Signed: the document of a DESIRED.
    ///
    /// # Errors
    /// When it is longer than it may be, or its nodes cannot be right.
    pub fn seal(&self, sign: impl FnOnce(&[u8]) -> [u8; SIGNATURE_BYTES]) -> Result<Vec<u8>, OrderError> {
        self.check()?;
        // Writing to a `Vec` has no way to fail.
        let body = minicbor::to_vec(self).unwrap_or_default();
        let mut document = Vec::with_capacity(MAGIC.len() + SIGNATURE_BYTES + body.len());
        document.extend_from_slice(MAGIC);
        document.extend_from_slice(&sign(&signed(&body)));
        document.extend_from_slice(&body);
        bound("the order's length in bytes", document.len(), ORDER_BYTES_MAX)?;
        Ok(document)
    }

    /// Reads what may be anybody's. `verifies` says whether a signature over a message is a hub's that is believed.
    ///
    /// # Errors
    /// When it is not signed by such a hub, is for another store, or cannot be right.
    pub fn open(
        document: &[u8],
        store: &StoreId,
        verifies: impl FnOnce(&[u8], &[u8; SIGNATURE_BYTES]) -> bool,
    ) -> Result<Self, OrderError> {
        bound("the order's length in bytes", document.len(), ORDER_BYTES_MAX)?;
        let signed_part = document.strip_prefix(MAGIC).ok_or(OrderError::NotSigned)?;
        let (signature, body) =
            signed_part.split_first_chunk::<SIGNATURE_BYTES>().ok_or(OrderError::NotSigned)?;
        if !verifies(&signed(body), signature) {
            return Err(OrderError::Forged);
        }
        let order = Self::read(body)?;
        if order.store != store.as_str() {
            return Err(OrderError::Store { found: order.store.chars().take(64).collect() });
        }
        Ok(order)
    }

    /// Reads one's own, which needs no looking at its signature: what a hub itself has kept.
    ///
    /// # Errors
    /// When it is no order, or cannot be right.
    pub fn own(document: &[u8]) -> Result<Self, OrderError> {
        bound("the order's length in bytes", document.len(), ORDER_BYTES_MAX)?;
        let signed_part = document.strip_prefix(MAGIC).ok_or(OrderError::NotSigned)?;
        let (_, body) = signed_part.split_first_chunk::<SIGNATURE_BYTES>().ok_or(OrderError::NotSigned)?;
        Self::read(body)
    }

    fn read(body: &[u8]) -> Result<Self, OrderError> {
        let malformed = |error: minicbor::decode::Error| OrderError::Malformed { reason: error.to_string() };
        let Head { form } = minicbor::decode(body).map_err(malformed)?;
        if form != FORM {
            return Err(OrderError::Form { found: form });
        }
        let order: Self = minicbor::decode(body).map_err(malformed)?;
        order.check()?;
        Ok(order)
    }

    /// What a node is to go by.
    #[must_use]
    pub fn node(&self, serial: &str) -> Option<&NodeOrder> {
        self.nodes.iter().find(|node| node.serial == serial)
    }

    fn check(&self) -> Result<(), OrderError> {
        bound("the number of nodes", self.nodes.len(), NODES_MAX)?;
        for node in &self.nodes {
            bound("a serial number's length in bytes", node.serial.len(), SERIAL_BYTES_MAX)?;
            bound("a state's length in bytes", node.state.len(), STATE_BYTES_MAX)?;
            let rehearse = node.rehearse.as_ref().map_or(0, |bytes| bytes.len());
            bound("the length of what is to be rehearsed in bytes", rehearse, REHEARSE_BYTES_MAX)?;
        }
        if !self.nodes.is_sorted_by(|a, b| a.serial < b.serial) {
            return Err(OrderError::Nodes);
        }
        Ok(())
    }
}

fn bound(what: &'static str, found: usize, max: usize) -> Result<(), OrderError> {
    if found > max { Err(OrderError::Bound { what, found, max }) } else { Ok(()) }
}

fn signed(body: &[u8]) -> Vec<u8> {
    [DOMAIN, body].concat()
}

/// What every form begins with.
#[derive(Decode)]
#[cbor(map)]
struct Head {
    #[n(0)]
    form: u16,
}
