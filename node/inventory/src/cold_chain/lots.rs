//! Which lots of a product may still be in the shop, as far as receipts say.
//!
//! What is sold, thrown away or counted away is taken from the oldest lot first. Shoppers do not always do that, so the lot that was
//! used up last still counts as possibly there: a lot named in vain costs a look, a lot not named may make somebody ill.

use super::config::Config;
use aisle_event::{LotId, Sku};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// A delivery; no name where the receipt gave none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Delivery {
    lot: Option<LotId>,
    left: i64,
}

/// The lots of every product.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Lots {
    by_sku: BTreeMap<Sku, VecDeque<Delivery>>,
}

impl Lots {
    /// Goods came. `false` when there are too many products.
    pub(crate) fn received(
        &mut self,
        sku: &Sku,
        lot: Option<&LotId>,
        thousandths: i64,
        config: &Config,
    ) -> bool {
        if thousandths <= 0 || (lot.is_none() && !self.by_sku.contains_key(sku)) {
            return true;
        }
        if !self.by_sku.contains_key(sku) && self.by_sku.len() >= config.lot_skus_max {
            return false;
        }
        let deliveries = self.by_sku.entry(sku.clone()).or_default();
        deliveries.push_back(Delivery { lot: lot.cloned(), left: thousandths });
        while deliveries.len() > config.lots_per_sku_max {
            deliveries.pop_front();
        }
        true
    }

    /// Goods went.
    pub(crate) fn went(&mut self, sku: &Sku, thousandths: i64) {
        let Some(deliveries) = self.by_sku.get_mut(sku) else { return };
        let mut to_take = thousandths.max(0);
        for delivery in deliveries.iter_mut() {
            let taken = to_take.min(delivery.left);
            delivery.left -= taken;
            to_take -= taken;
        }
        // The one used up last stays.
        while deliveries.len() > 1 && deliveries.iter().take(2).all(|delivery| delivery.left == 0) {
            deliveries.pop_front();
        }
    }

    /// Somebody counted: what is more than that in the lots has gone.
    pub(crate) fn counted(&mut self, sku: &Sku, thousandths: i64) {
        let left: i64 = self.by_sku.get(sku).map_or(0, |deliveries| {
            deliveries.iter().fold(0, |sum, delivery| sum.saturating_add(delivery.left))
        });
        self.went(sku, left.saturating_sub(thousandths.max(0)));
    }

    /// The lots of these products, each once, in order.
    pub(crate) fn of(&self, skus: &[Sku]) -> Vec<LotId> {
        let mut lots: Vec<LotId> = skus
            .iter()
            .filter_map(|sku| self.by_sku.get(sku))
            .flatten()
            .filter_map(|delivery| delivery.lot.clone())
            .collect();
        lots.sort();
        lots.dedup();
        lots
    }
}
