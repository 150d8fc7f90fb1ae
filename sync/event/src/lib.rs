//! Aisle's vocabulary: what can happen in a store, in types that cannot be wrong.
//!
//! Lives here: ids ([`id`]), units ([`money`], [`quantity`]), time ([`time`], [`hlc`]), the events themselves
//! ([`shopper`], [`sale`], [`stock`], [`operation`], [`mqtt`],
//! [`device`], [`inventory`], [`cold_chain`], [`plugin`], [`erasure`]), the [`Event`] that is any one of them, and the
//! [`Class`] of every field, the [`LogClass`] of every type. Events are CBOR maps with numbered fields; a reader keeps the fields it does not
//! know ([`Unknown`]) so that an older node loses nothing that a newer one wrote.
//!
//! Not here: files, sockets, clocks (callers pass the time in), and what the events add up to (`aisle-state`).
//! Guards invariant 3: a field without a class does not compile, because `record!` has no syntax for it.

mod class;
pub mod cold_chain;
pub mod device;
pub mod erasure;
mod event;
pub mod hlc;
pub mod id;
pub mod inventory;
mod log_class;
mod measure;
pub mod money;
pub mod mqtt;
mod opaque;
pub mod operation;
pub mod plugin;
pub mod quantity;
mod record;
pub mod sale;
mod sealed;
pub mod shopper;
pub mod stock;
pub mod time;

pub use class::{Class, Field, FieldClass, Record};
pub use event::{DecodeError, Event, EventType};
pub use hlc::{Hlc, HlcClock};
pub use id::{
    CustomerRef, DeviceId, DocumentId, Gtin, InvalidGtin, InvalidId, LotId, Name, SessionId, Sku, SourceName,
    StoreId,
};
pub use log_class::LogClass;
pub use measure::{InvalidMeasure, Measure};
pub use money::{Currency, InvalidMoney, Money};
pub use opaque::{Blob, TEXT_BYTES_MAX, Text, TextTooLong};
pub use quantity::{InvalidQuantity, Quantity, Unit};
pub use record::Unknown;
pub use sealed::{ERASED, SEALED_TAG};
pub use time::{Day, Timestamp};
