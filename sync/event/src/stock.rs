//! What the shop offers and how much of it is there: catalogue, prices, counts, receipts, adjustments.

use crate::{
    id::{Gtin, LotId, Name, Sku},
    money::Money,
    quantity::{Quantity, Unit},
    record::{code, record},
    time::{Day, Timestamp},
};

code! {
    /// Why stock was corrected.
    pub enum AdjustReason {
        /// Broken, spoiled, thrown away.
        Damaged = 0 "damaged",
        /// Missing without a reason.
        Lost = 1 "lost",
        /// More was there than the book said.
        Found = 2 "found",
        /// Used by the shop itself.
        Used = 3 "used",
    }
}

record! {
    /// A product is offered, or its description changed. Replaces the description before it.
    pub struct ProductListed {
        /// Its number.
        1 open sku: Sku,
        /// Its name for shoppers.
        2 open name: Name,
        /// The price of one unit.
        3 open price: Money,
        /// What it is sold by.
        4 open unit: Unit,
        /// Its barcode number.
        5 open gtin: Option<Gtin>,
        /// The group it is found under.
        6 open category: Option<Name>,
        /// From when.
        7 open at: Timestamp,
    }

    /// A product is no longer offered.
    pub struct ProductDelisted {
        /// Which.
        1 open sku: Sku,
        /// From when.
        2 open at: Timestamp,
    }

    /// A price is now this.
    pub struct PriceChanged {
        /// Of which product.
        1 open sku: Sku,
        /// The price of one unit.
        2 open price: Money,
        /// From when.
        3 open at: Timestamp,
        /// Until when headquarters vouches for it.
        4 open valid_until: Option<Timestamp>,
    }

    /// Somebody counted.
    pub struct StockCounted {
        /// What.
        1 open sku: Sku,
        /// How much there was.
        2 open on_hand: Quantity,
        /// When.
        3 open at: Timestamp,
    }

    /// Goods arrived.
    pub struct StockReceived {
        /// What.
        1 open sku: Sku,
        /// How much.
        2 open quantity: Quantity,
        /// The lot printed on them.
        3 open lot: Option<LotId>,
        /// When.
        4 open at: Timestamp,
        /// The last day on which they may be sold, as printed on them.
        5 open expires: Option<Day>,
    }

    /// The book was corrected.
    pub struct StockAdjusted {
        /// Of what.
        1 open sku: Sku,
        /// By how much; negative when there is less.
        2 open delta: Quantity,
        /// Why.
        3 open reason: AdjustReason,
        /// When.
        4 open at: Timestamp,
    }
}
