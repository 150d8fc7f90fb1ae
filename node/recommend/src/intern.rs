//! Dense numbers for SKUs, so that nothing on the way of a query compares texts.
//!
//! Numbers are given in the order in which the SKUs are first seen; the same visits in the same order give the same
//! numbers, which is what makes ties come out the same on every node.

use aisle_event::Sku;
use rustc_hash::FxHashMap;

/// SKUs and their numbers, which start at `first`.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    first: u32,
    ids: FxHashMap<Sku, u32>,
    skus: Vec<Sku>,
}

impl Interner {
    /// An interner that goes on where another ended.
    pub(crate) fn after(other: &Self) -> Self {
        Self { first: other.end(), ..Self::default() }
    }

    /// One more than the largest number given out.
    pub(crate) fn end(&self) -> u32 {
        self.first + self.skus.len() as u32
    }

    pub(crate) fn get(&self, sku: &Sku) -> Option<u32> {
        self.ids.get(sku).copied()
    }

    pub(crate) fn intern(&mut self, sku: &Sku) -> u32 {
        if let Some(id) = self.get(sku) {
            return id;
        }
        let id = self.end();
        self.ids.insert(sku.clone(), id);
        self.skus.push(sku.clone());
        id
    }

    pub(crate) fn sku(&self, id: u32) -> Option<&Sku> {
        self.skus.get(id.checked_sub(self.first)? as usize)
    }

    pub(crate) fn len(&self) -> usize {
        self.skus.len()
    }
}
