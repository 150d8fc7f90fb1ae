//! Receipts: what a kiosk sold, to be shown again and to make a repeated checkout harmless.

use aisle_event::{
    DocumentId, Money, Name, SessionId, SourceName, Timestamp,
    sale::{Adjustment, Points, SaleLine, SaleRecorded},
};
use minicbor::{Decode, Encode};

/// The most that what plugins made of one basket may take on its receipt, in bytes. A receipt is one row of the index, which has
/// room for as much again of what was bought.
pub const OFFERS_BYTES_MAX: usize = 256 << 10;

/// One sale of a kiosk.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Receipt {
    /// The record of the sale.
    #[n(0)]
    pub seq: u64,
    /// Who sold it.
    #[n(1)]
    pub source: SourceName,
    /// Its number.
    #[n(2)]
    pub document: DocumentId,
    /// What was sold.
    #[n(3)]
    pub lines: Vec<SaleLine>,
    /// What was paid.
    #[n(4)]
    pub total: Money,
    /// When.
    #[n(5)]
    pub at: Timestamp,
    /// The session that paid.
    #[n(6)]
    pub session: Option<SessionId>,
    /// What the client chose to make its checkout repeatable.
    #[n(7)]
    pub idempotency_key: Option<Name>,
    /// What plugins took off.
    #[cbor(n(8), default)]
    pub adjustments: Vec<Adjustment>,
    /// Points that it gave.
    #[cbor(n(9), default)]
    pub points: Vec<Points>,
}

impl Receipt {
    /// The receipt of a sale that a kiosk session paid; `None` for a sale made elsewhere.
    pub(crate) fn of(seq: u64, sale: &SaleRecorded) -> Option<Self> {
        sale.session.as_ref()?;
        Some(Self {
            seq,
            source: sale.source.clone(),
            document: sale.document.clone(),
            total: sale.total()?,
            lines: sale.lines.clone(),
            at: sale.at,
            session: sale.session.clone(),
            idempotency_key: sale.idempotency_key.clone(),
            adjustments: sale.adjustments.clone(),
            points: sale.points.clone(),
        })
    }
}
