//! Somebody who sees everything in the shop but the inside of boxes: what cannot be known from tills, scales and notes alone.
//!
//! Each sale, theft and filling is seen and counted without fault, whoever enters it; a delivery is believed to be what its
//! note says, and one without a note is not noticed. A count of the backroom tells the truth, and so does a filling that leaves nothing there.
//! What such an observer is wrong by is what deliveries brought beyond or below their notes since then. No estimate from the events of the
//! store knows more than that of it, except by luck, or by a guess at whether a note was wrong.

use aisle_device::floor::{Floor, Place, What};
use std::collections::BTreeMap;

/// How many pieces there are beyond what the observer believes, by SKU.
#[derive(Debug, Default)]
pub(super) struct Observer(BTreeMap<String, i64>);

impl Observer {
    pub(super) fn see(&mut self, what: &What) {
        match what {
            What::Received { sku, pieces, noted } => {
                *self.0.entry(sku.clone()).or_default() += pieces - noted.unwrap_or(0);
            }
            What::Counted { sku, place: Place::Backroom, .. } => drop(self.0.remove(sku)),
            _ => {}
        }
    }

    /// Staff have filled a shelf: where that leaves nothing, or takes what should not be there, the observer learns of it.
    pub(super) fn see_filled(&mut self, what: &What, floor: &Floor) {
        if let What::Moved { sku, .. } = what
            && let Some(beyond) = self.0.get_mut(sku)
        {
            let back = floor.truth(sku, Place::Backroom);
            *beyond = if back == 0 { 0 } else { (*beyond).min(back) };
        }
    }

    /// By how many pieces the observer believes too few; too many below zero.
    pub(super) fn beyond(&self, sku: &str) -> i64 {
        self.0.get(sku).copied().unwrap_or_default()
    }
}
