//! What products were before a file named them: kept when a file first does, for as long as one does.
//!
//! What somebody else has changed meanwhile is what it was from then on. Not here: where it is kept ([`Before`]), what is put back ([`super::line`]).
//! Guards: it is on the disk before anything of the file is in the journal, so a kill loses no way back.

use super::line::Line;
use crate::fleet::before::Before;
use aisle_event::{Currency, Sku};
use aisle_fleet::Slot;
use aisle_state::Shop;
use minicbor::{Decode, Encode};
use std::{collections::BTreeMap, io};

/// What a product was.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub(super) enum Was<L> {
    /// The shop had it, like this.
    #[n(0)]
    Here(#[n(0)] L),
    /// The shop had it not: it came with a file.
    #[n(1)]
    Absent,
}

/// What the products were that files of one kind have named.
#[derive(Debug)]
pub(super) struct Originals<L> {
    rows: BTreeMap<Sku, Was<L>>,
    /// Whether it is on the disk like this.
    is_kept: bool,
}

/// Where it is kept.
fn place(slot: &Slot) -> String {
    format!("{slot}/originals")
}

impl<L: Line> Originals<L> {
    /// What is kept. A node that has put `gone` in place when the whole shop was kept instead takes from that what `gone` names.
    pub(super) fn open(
        before: &Before,
        slot: &Slot,
        currency: Currency,
        gone: Option<&BTreeMap<Sku, L>>,
    ) -> io::Result<Self> {
        if let Some(bytes) = before.read(&place(slot))? {
            let rows = minicbor::decode(&bytes).unwrap_or_else(|error| {
                // New prices are worth more than the way back to the first ones.
                tracing::error!(%slot, "what the shop was before it was ordered otherwise does not read, and is lost: {error}");
                BTreeMap::new()
            });
            return Ok(Self { rows, is_kept: true });
        }
        let Some(shop) = before.read(&slot.to_string())? else {
            return Ok(Self { rows: BTreeMap::new(), is_kept: true });
        };
        let mut shop = L::read(&shop, currency).unwrap_or_default();
        let named = gone.into_iter().flat_map(BTreeMap::keys);
        let rows = named.filter_map(|sku| Some((sku.clone(), was(shop.remove(sku))?))).collect();
        Ok(Self { rows, is_kept: false })
    }

    /// Whether anything is: a file is in place that names something of the shop.
    pub(super) fn is_kept(before: &Before, slot: &Slot) -> bool {
        before.read(&place(slot)).is_ok_and(|bytes| bytes.is_some())
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (&Sku, &Was<L>)> {
        self.rows.iter()
    }

    /// Notes what the products are that a file names, before it is put in place.
    pub(super) fn note(&mut self, shop: &Shop, file: &BTreeMap<Sku, L>, gone: Option<&BTreeMap<Sku, L>>) {
        for (sku, wanted) in file {
            let is = shop.product(sku.as_str()).map(|product| L::of(product));
            let is_known = self.rows.contains_key(sku);
            // What files made of it is not what it was.
            let is_theirs = is.as_ref().is_none_or(|is| is.is_like(wanted) || is_ours(gone, sku, is));
            if is_known && is_theirs {
                continue;
            }
            if let Some(was) = was(is) {
                self.rows.insert(sku.clone(), was);
                self.is_kept = false;
            }
        }
    }

    /// Lets go of what nothing is to be known of any more: the file in place does not name it.
    pub(super) fn let_go(&mut self, file: &BTreeMap<Sku, L>) {
        let many = self.rows.len();
        self.rows.retain(|sku, was| file.contains_key(sku) || L::STAYS && *was != Was::Absent);
        self.is_kept &= many == self.rows.len();
    }

    /// Keeps it. It is durable when this returns.
    pub(super) fn keep(&mut self, before: &Before, slot: &Slot) -> io::Result<()> {
        if self.is_kept {
            return Ok(());
        }
        // Writing to a `Vec` has no way to fail.
        before.replace(&place(slot), &minicbor::to_vec(&self.rows).unwrap_or_default())?;
        before.forget(&slot.to_string())?;
        self.is_kept = true;
        Ok(())
    }

    /// Nothing of the kind is in place any more.
    pub(super) fn forget(before: &Before, slot: &Slot) -> io::Result<()> {
        before.forget(&slot.to_string())?;
        before.forget(&place(slot))
    }
}

/// What is kept of a product; nothing where that says nothing.
fn was<L: Line>(is: Option<L>) -> Option<Was<L>> {
    is.map(Was::Here).or_else(|| L::STAYS.then_some(Was::Absent))
}

/// Whether a product is what the file that goes made of it. Where that is not known it is taken to be: a price that an order was ended for must not stay in force, and what
/// comes back in its place is what the shop had itself.
pub(super) fn is_ours<L: Line>(gone: Option<&BTreeMap<Sku, L>>, sku: &Sku, is: &L) -> bool {
    gone.is_none_or(|gone| gone.get(sku).is_some_and(|gone| gone.is_like(is)))
}
