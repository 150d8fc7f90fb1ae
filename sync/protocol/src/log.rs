//! A log: what one store sends of one class since one outbox was made, numbered from 1 without a gap, and the hash
//! chain that ties every event to all before it.
//!
//! Not here: the bytes of a batch ([`crate::batch`]). Guards: who knows one head can tell whether anything before it was
//! changed, left out or put in.

pub use aisle_event::LogClass;

use aisle_event::StoreId;
use minicbor::{Decode, Encode};
use std::fmt;

macro_rules! fixed_bytes {
    ($($(#[$meta:meta])* $name:ident($bytes:literal);)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
        #[cbor(transparent)]
        pub struct $name(
            #[n(0)]
            #[cbor(with = "minicbor::bytes")]
            pub [u8; $bytes],
        );

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str("…")
            }
        }
    )+};
}

fixed_bytes! {
    /// Sixteen random bytes, drawn when an outbox is made. A lost outbox is a new epoch: numbers are never used again.
    Epoch(16);
    /// A BLAKE3 hash that stands for everything up to one event.
    Head(32);
    /// The BLAKE3 hash of some content.
    Hash(32);
}

/// Something of each class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PerClass<T> {
    /// Of sales.
    pub sales: T,
    /// Of stock.
    pub stock: T,
    /// Of telemetry.
    pub telemetry: T,
    /// Of bulk.
    pub bulk: T,
}

impl<T> PerClass<T> {
    /// Made for each class, the most valuable first.
    pub fn from_fn(mut make: impl FnMut(LogClass) -> T) -> Self {
        Self {
            sales: make(LogClass::Sales),
            stock: make(LogClass::Stock),
            telemetry: make(LogClass::Telemetry),
            bulk: make(LogClass::Bulk),
        }
    }

    /// That of a class.
    #[must_use]
    pub const fn get(&self, class: LogClass) -> &T {
        match class {
            LogClass::Sales => &self.sales,
            LogClass::Stock => &self.stock,
            LogClass::Telemetry => &self.telemetry,
            LogClass::Bulk => &self.bulk,
        }
    }

    /// That of a class, to be changed.
    #[must_use]
    pub const fn get_mut(&mut self, class: LogClass) -> &mut T {
        match class {
            LogClass::Sales => &mut self.sales,
            LogClass::Stock => &mut self.stock,
            LogClass::Telemetry => &mut self.telemetry,
            LogClass::Bulk => &mut self.bulk,
        }
    }

    /// All, the most valuable class first.
    pub fn iter(&self) -> impl Iterator<Item = (LogClass, &T)> {
        LogClass::ALL.into_iter().map(|class| (class, self.get(class)))
    }
}

/// The name of a log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId {
    /// Whose it is.
    pub store: StoreId,
    /// What it carries.
    pub class: LogClass,
    /// Which outbox it came from.
    pub epoch: Epoch,
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.store, self.class, self.epoch)
    }
}

/// A place in a log and the head there. Place 0 is before the first event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Point {
    /// The number of the last event that the head covers.
    #[n(0)]
    pub seq: u64,
    /// The head after it.
    #[n(1)]
    pub head: Head,
}

impl LogId {
    /// The head before the first event: `BLAKE3("aisle outbox 1" ‖ store ‖ class ‖ epoch)`.
    #[must_use]
    pub fn genesis(&self) -> Head {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"aisle outbox 1");
        hasher.update(self.store.as_str().as_bytes());
        hasher.update(&[self.class.number()]);
        hasher.update(&self.epoch.0);
        Head(*hasher.finalize().as_bytes())
    }

    /// The place before the first event.
    #[must_use]
    pub fn start(&self) -> Point {
        Point { seq: 0, head: self.genesis() }
    }
}

/// One event as it leaves the store: what the residency gate let through, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its number in its log, from 1.
    pub seq: u64,
    /// Its hybrid time, packed as [`aisle_event::Hlc`] has it.
    pub hlc: u64,
    /// The number of its type.
    pub kind: u16,
    /// The CBOR map of its fields.
    pub payload: bytes::Bytes,
}

/// Extends a head, event by event.
#[derive(Debug, Clone)]
pub struct Chain {
    point: Point,
    // One contiguous input is hashed twice as fast as short updates of an incremental hasher.
    input: Vec<u8>,
}

impl Chain {
    /// Goes on after a place.
    #[must_use]
    pub const fn after(point: Point) -> Self {
        Self { point, input: Vec::new() }
    }

    /// Where it stands.
    #[must_use]
    pub const fn point(&self) -> Point {
        self.point
    }

    /// Takes the next event in: `BLAKE3(head ‖ seq ‖ hlc ‖ kind ‖ length ‖ payload)`, integers little-endian with 8, 8, 2 and 4
    /// bytes. The event's number is not looked at: the chain counts by itself.
    pub fn push(&mut self, hlc: u64, kind: u16, payload: &[u8]) -> Point {
        let seq = self.point.seq.saturating_add(1);
        self.input.clear();
        self.input.extend_from_slice(&self.point.head.0);
        self.input.extend_from_slice(&seq.to_le_bytes());
        self.input.extend_from_slice(&hlc.to_le_bytes());
        self.input.extend_from_slice(&kind.to_le_bytes());
        // A payload is bounded far below this by the batch that carries it.
        self.input.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.input.extend_from_slice(payload);
        self.point = Point { seq, head: Head(*blake3::hash(&self.input).as_bytes()) };
        self.point
    }
}
