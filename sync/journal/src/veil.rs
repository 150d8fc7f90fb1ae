//! [`Veil`]: what hides parts of payloads from who has the files but not the keys.
//!
//! A journal that was opened with a veil hands every batch to it before the batch is taken in, and every record to it when it is read. So
//! what lies on the disk, and what the chain is over, is the covered form; who appends and who reads see none of it. Without a veil
//! payloads are what they are, and a veil leaves what it did not cover as it is: a journal may have been without one before.
//!
//! Not here: what is covered, and how. The journal knows no event type.

use crate::queue::Entry;
use bytes::Bytes;
use std::fmt;

/// Covers payloads before they are written, and uncovers them when they are read.
pub trait Veil: fmt::Debug + Send + Sync {
    /// A batch as it is to be written; `None` when it may be written as it is. Entries keep their number, order and kind.
    ///
    /// # Errors
    /// When something must be covered and cannot be, in words. Nothing of the batch is written then.
    fn cover(&self, batch: &[Entry]) -> Result<Option<Vec<Entry>>, String>;

    /// A payload as it was before it was covered; `None` when it is as it was.
    fn uncover(&self, kind: u16, payload: &Bytes) -> Option<Bytes>;
}
