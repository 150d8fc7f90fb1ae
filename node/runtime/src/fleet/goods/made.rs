//! What the file in place says of products, beside its bytes: when those cannot be read any more, it is still known which prices are its own and which somebody else has
//! set since.
//!
//! Kept once the file is in the journal, and gone while it is changed: what it says is then half in force. So it is there, and right, or it is not there. Not here: what
//! products were before any file ([`super::originals`]), where it is kept ([`Before`]).

use super::line::Line;
use crate::fleet::before::Before;
use aisle_event::Sku;
use aisle_fleet::Slot;
use std::{collections::BTreeMap, io};

/// Where it is kept.
fn place(slot: &Slot) -> String {
    format!("{slot}/made")
}

/// What the file in place says; nothing where that is not known.
pub(super) fn read<L: Line>(before: &Before, slot: &Slot) -> Option<BTreeMap<Sku, L>> {
    let bytes = before.read(&place(slot)).ok().flatten()?;
    minicbor::decode(&bytes).ok()
}

/// The file in place is changed from here on. It is durable when this returns.
pub(super) fn unknown(before: &Before, slot: &Slot) -> io::Result<()> {
    match before.read(&place(slot)) {
        Ok(None) => Ok(()),
        Ok(Some(bytes)) if bytes.is_empty() => Ok(()),
        // Nothing of a row of bytes is no map of anything. What does not read is no reason to stop.
        Ok(Some(_)) | Err(_) => before.replace(&place(slot), &[]),
    }
}

/// This file is in place.
pub(super) fn keep<L: Line>(before: &Before, slot: &Slot, file: &BTreeMap<Sku, L>) -> io::Result<()> {
    // Writing to a `Vec` has no way to fail.
    before.replace(&place(slot), &minicbor::to_vec(file).unwrap_or_default())
}

/// Nothing of the kind is in place any more.
pub(super) fn forget(before: &Before, slot: &Slot) -> io::Result<()> {
    // A file that comes back after a loss of power must not speak for one that is gone.
    unknown(before, slot)?;
    before.forget(&place(slot))
}
