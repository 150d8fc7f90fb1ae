//! Sales and returns: what was bought, at what price, on which document.
//!
//! A document is named by its source and its number; a line by its place in the document. The three together are
//! unique, which is what makes an import repeatable. What plugins made of a price stands beside it, each part with the plugin, its
//! version and its reason, so that a receipt can be explained years later.

use crate::{
    id::{CustomerRef, DocumentId, Name, SessionId, Sku, SourceName},
    money::Money,
    opaque::Text,
    quantity::Quantity,
    record::{code, record},
    time::Timestamp,
};

code! {
    /// How an amount came off.
    pub enum AdjustmentKind {
        /// Off one line.
        Discount = 0 "discount",
        /// A line's share of what came off the basket as a whole.
        BasketDiscount = 1 "basket-discount",
        /// A part of what came off a line, put on again.
        TakeBack = 2 "take-back",
    }
}

record! {
    /// What a plugin made of the catalogue's price of one unit.
    pub struct Repriced {
        /// The price in the catalogue.
        1 open list_price: Money,
        /// The plugin that set the price which the line carries.
        2 open plugin: Name,
        /// Its version.
        3 open version: Name,
        /// Why, in words for the shopper.
        4 open reason: Text,
    }

    /// An amount that a plugin took off a sale, or put on again.
    pub struct Adjustment {
        /// The line; nothing when it is on the sale as a whole.
        1 open line: Option<u32>,
        /// How it came about.
        2 open kind: AdjustmentKind,
        /// How much the sale costs less; below zero when it costs more again.
        3 open amount: Money,
        /// The plugin.
        4 open plugin: Name,
        /// Its version.
        5 open version: Name,
        /// Why, in words for the shopper.
        6 open reason: Text,
    }

    /// Points that a sale gives its customer.
    pub struct Points {
        /// How many.
        1 open count: u32,
        /// The plugin.
        2 open plugin: Name,
        /// Its version.
        3 open version: Name,
        /// Why, in words for the shopper.
        4 open reason: Text,
    }

    /// One line of a document.
    pub struct SaleLine {
        /// Its place in the document, from 1, as the source counts.
        1 open line: u32,
        /// What was sold.
        2 open sku: Sku,
        /// How much: positive in a sale and in a return.
        3 open quantity: Quantity,
        /// The price of one unit, before adjustments.
        4 open unit_price: Money,
        /// Where a plugin set that price: what the catalogue says, and why it is another.
        5 nested(Repriced) repriced: Option<Repriced>,
    }

    /// Goods were sold.
    pub struct SaleRecorded {
        /// Where the document comes from.
        1 open source: SourceName,
        /// Its number there.
        2 open document: DocumentId,
        /// Its lines, or those of its lines that happened at this time.
        3 nested(SaleLine) lines: Vec<SaleLine>,
        /// When it was sold, by the document.
        4 open at: Timestamp,
        /// The kiosk session that paid.
        5 pseudonymous session: Option<SessionId>,
        /// The customer, where the document names one.
        6 personal customer: Option<CustomerRef>,
        /// The country the document names.
        7 pseudonymous country: Option<Name>,
        /// What the client chose to make its checkout repeatable.
        8 pseudonymous idempotency_key: Option<Name>,
        /// The arm of the running experiment, as `experiment/arm`.
        9 open arm: Option<Name>,
        /// What plugins took off, in the order in which they did.
        10 nested(Adjustment) adjustments: Vec<Adjustment>,
        /// Points for the customer.
        11 nested(Points) points: Vec<Points>,
    }

    /// Goods came back.
    pub struct ReturnRecorded {
        /// Where the document comes from.
        1 open source: SourceName,
        /// Its number there.
        2 open document: DocumentId,
        /// Its lines; quantities are positive.
        3 nested(SaleLine) lines: Vec<SaleLine>,
        /// When they came back, by the document.
        4 open at: Timestamp,
        /// The customer, where the document names one.
        5 personal customer: Option<CustomerRef>,
        /// The country the document names.
        6 pseudonymous country: Option<Name>,
    }
}

impl SaleRecorded {
    /// What was paid: the sum of the lines less the adjustments. `None` when there are no lines, currencies differ or it does not fit.
    #[must_use]
    pub fn total(&self) -> Option<Money> {
        charged(&self.lines, &self.adjustments)
    }
}

/// The sum of the lines less the adjustments; `None` when there are no lines, currencies differ or it does not fit.
#[must_use]
pub fn charged(lines: &[SaleLine], adjustments: &[Adjustment]) -> Option<Money> {
    adjustments.iter().try_fold(total(lines)?, |sum, adjustment| {
        let Money { minor, currency } = adjustment.amount;
        sum.checked_add(Money::new(minor.checked_neg()?, currency))
    })
}

/// The sum of the lines before any adjustment; `None` when there are none, currencies differ or it does not fit.
#[must_use]
pub fn total(lines: &[SaleLine]) -> Option<Money> {
    lines
        .iter()
        .map(|line| line.quantity.price(line.unit_price))
        .reduce(|sum, line| sum?.checked_add(line?))
        .flatten()
}
