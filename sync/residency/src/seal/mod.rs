//! Sealing at rest: the personal fields of an event are kept encrypted under a key of the person they are about. Without the key they are
//! noise, so erasing the key erases them wherever they lie: in journals, checkpoints, backups.
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03; RFC 8439 for the cipher): its 24 random bytes of nonce can be drawn without keeping count.
//! The event's name and the field's path are authenticated with each value, so that no value can be moved to another field.
//!
//! Lives here: values, payloads and the [`KeyRing`]. Not here: in which order an erasure goes ([`crate::erasure`]).

mod cipher;
mod payload;
mod ring;

pub use aisle_event::ERASED;
pub use cipher::{SealError, Sealed};
pub use payload::{Opened, keys_in, open, seal};
pub use ring::{KEYS_MAX, KeyId, KeyRing, PersonId, RingError};
