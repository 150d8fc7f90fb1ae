//! Sales and returns: what was bought, at what price, on which document.
//!
//! A document is named by its source and its number; a line by its place in the document. The three together are
//! unique, which is what makes an import repeatable.

use crate::{
    id::{CustomerRef, DocumentId, Name, SessionId, Sku, SourceName},
    money::Money,
    quantity::Quantity,
    record::record,
    time::Timestamp,
};

record! {
    /// One line of a document.
    pub struct SaleLine {
        /// Its place in the document, from 1, as the source counts.
        1 open line: u32,
        /// What was sold.
        2 open sku: Sku,
        /// How much: positive in a sale and in a return.
        3 open quantity: Quantity,
        /// The price of one unit.
        4 open unit_price: Money,
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

/// The sum of the lines; `None` when there are none, currencies differ or it does not fit.
#[must_use]
pub fn total(lines: &[SaleLine]) -> Option<Money> {
    lines
        .iter()
        .map(|line| line.quantity.price(line.unit_price))
        .reduce(|sum, line| sum?.checked_add(line?))
        .flatten()
}
