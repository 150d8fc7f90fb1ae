//! The last good order: kept as it came, read again at the next start.
//!
//! `DATA/fleet/order` is the signed document. Whoever signed it was believed when it came; keys that have changed since do not unmake it. An order of an older
//! generation than the kept one is refused, from the line and from a stick alike.
//!
//! Not here: the form ([`aisle_content::order`]), what becomes of the state ([`crate::driver`]), what may run ([`crate::signed`]).

use aisle_artefact::files::{Files, replace};
use aisle_content::{Manifest, ManifestError, NodeOrder, Order, OrderError, order::ORDER_BYTES_MAX};
use aisle_event::StoreId;
use aisle_fleet::{
    ContentHash, DesiredState, Stamp,
    desired::DesiredError,
    rehearsal::{self, Candidate},
};
use std::io;

/// The file.
const FILE: &str = "order";

/// Whether a signature over a message is a hub's that is believed; without such a hub, nothing.
pub type Verifies = Box<dyn Fn(&[u8], &[u8; 64]) -> bool + Send>;

/// The last good order.
pub struct Orders {
    files: Box<dyn Files>,
    store: StoreId,
    serial: Option<String>,
    verifies: Option<Verifies>,
    kept: Option<Kept>,
}

struct Kept {
    document: Vec<u8>,
    order: Order,
    manifest: Manifest,
}

/// What of an order is for this node.
#[derive(Debug, Clone, PartialEq)]
pub struct Mine {
    /// The version of the state.
    pub stamp: Stamp,
    /// The state.
    pub state: DesiredState,
    /// What it is to try without putting it in place.
    pub rehearse: Vec<Candidate>,
}

/// Why an order is not followed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Nobody may sign one.
    #[error(
        "this node knows no key of a hub, so it follows no order\nhint: set `sync.hub_receipt_keys`; a box that was claimed is told by its hub"
    )]
    NoKeys,
    /// It is no order, or none for this store.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// Its manifest is none.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// It is older than the one that is followed.
    #[error("the order is of generation {found}, and generation {known} is followed")]
    Older {
        /// What it is.
        found: u64,
        /// What is followed.
        known: u64,
    },
    /// The state of this node is none.
    #[error("the state of this node in the order")]
    State(#[source] DesiredError),
    /// It cannot be kept, so it is not followed.
    #[error("the order cannot be kept")]
    Keep(#[source] io::Error),
}

impl Orders {
    /// What was kept. What cannot be read any more is as good as nothing: the hub says it again.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn open(
        files: Box<dyn Files>,
        store: StoreId,
        serial: Option<String>,
        verifies: Option<Verifies>,
    ) -> io::Result<Self> {
        let document = match files.read(FILE, ORDER_BYTES_MAX as u64) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => None,
            read => read?,
        };
        let kept = document.and_then(|document| {
            let order = Order::open(&document, &store, |_, _| true).ok()?;
            let manifest = Manifest::decode(&order.manifest).ok()?;
            Some(Kept { document, order, manifest })
        });
        Ok(Self { files, store, serial, verifies, kept })
    }

    /// Takes an order: its signature is looked at before anything else of it. It is durable when this returns.
    ///
    /// # Errors
    /// When it must not be followed; then what was followed before is.
    pub fn take(&mut self, document: &[u8], announced: Option<u64>) -> Result<Manifest, Refused> {
        let verifies = self.verifies.as_ref().ok_or(Refused::NoKeys)?;
        let order = Order::open(document, &self.store, verifies)?;
        let manifest = Manifest::decode(&order.manifest)?;
        let found = manifest.generation();
        if let Some(announced) = announced.filter(|announced| *announced != found) {
            return Err(ManifestError::Generation { found, announced }.into());
        }
        if let Some(known) = self.generation().filter(|known| found < *known) {
            return Err(Refused::Older { found, known });
        }
        if let Some(mine) = find(&order, self.serial.as_deref()) {
            read(mine).map_err(Refused::State)?;
        }
        if self.kept.as_ref().is_none_or(|kept| kept.document != document) {
            replace(&mut *self.files, FILE, document).map_err(Refused::Keep)?;
            self.kept = Some(Kept { document: document.to_vec(), order, manifest: manifest.clone() });
        }
        Ok(manifest)
    }

    /// The generation of the order that is followed.
    #[must_use]
    pub fn generation(&self) -> Option<u64> {
        self.kept.as_ref().map(|kept| kept.manifest.generation())
    }

    /// What the store fetches by it.
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        self.kept.as_ref().map(|kept| &kept.manifest)
    }

    /// Who made it, and when by their clock, in milliseconds since 1970.
    #[must_use]
    pub fn made(&self) -> Option<(&str, i64)> {
        self.kept.as_ref().map(|kept| (kept.order.hub.as_str(), kept.order.at_ms))
    }

    /// What of it is for this node: what names its serial number; where it has none, what is said to the only node of the store.
    #[must_use]
    pub fn mine(&self) -> Option<Mine> {
        let kept = self.kept.as_ref()?;
        // It was read before it was kept.
        read(find(&kept.order, self.serial.as_deref())?).ok()
    }
}

fn find<'a>(order: &'a Order, serial: Option<&str>) -> Option<&'a NodeOrder> {
    match (serial, order.nodes.as_slice()) {
        (Some(serial), _) => order.node(serial),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

fn read(of_node: &NodeOrder) -> Result<Mine, DesiredError> {
    let state = DesiredState::decode(&of_node.state)?;
    let stamp = Stamp { version: of_node.version, hash: ContentHash::of(&of_node.state) };
    let asked = of_node.rehearse.as_ref().map(|bytes| rehearsal::candidates(bytes)).transpose();
    // What a later hub asks in another form keeps nobody from following the rest.
    let rehearse = asked.unwrap_or_else(|error| {
        tracing::warn!(%error, "what is to be rehearsed cannot be read, and is left out");
        None
    });
    Ok(Mine { stamp, state, rehearse: rehearse.unwrap_or_default() })
}
