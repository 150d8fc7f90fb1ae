//! Open sessions: what a shopper has looked at and put into the basket since they touched the kiosk.

use aisle_event::{CustomerRef, Name, Quantity, SessionId, Sku, Timestamp, shopper::CustomerNamed};
use minicbor::{Decode, Encode};

/// The most viewed products that a session remembers; the oldest goes first.
pub(crate) const VIEWED_MAX: usize = 50;
/// The most lines in a basket; more are refused by the kiosk and ignored here.
pub const BASKET_LINES_MAX: usize = 200;

/// The most coupons of a session; more are refused by the kiosk and ignored here.
pub const COUPONS_MAX: usize = 8;

/// Who shops, where they said so.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Customer {
    /// What stands for them.
    #[n(0)]
    pub token: CustomerRef,
    /// Their tier of the loyalty programme.
    #[n(1)]
    pub tier: Option<Name>,
}

/// One line of a basket.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct BasketLine {
    /// What.
    #[n(0)]
    pub sku: Sku,
    /// How much, more than zero.
    #[n(1)]
    pub quantity: Quantity,
}

/// One open session.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Session {
    /// Which.
    #[n(0)]
    pub id: SessionId,
    /// When it began.
    #[n(1)]
    pub started_at: Timestamp,
    /// When it was last touched, by the shopper's clock.
    #[n(2)]
    pub last_at: Timestamp,
    /// When it was last touched, in milliseconds of the journal's clock; sessions expire by this one.
    #[n(3)]
    pub touched_ms: u64,
    /// The language of the page, as in BCP 47.
    #[n(4)]
    pub language: Option<Name>,
    /// The arm of the running experiment, as `experiment/arm`.
    #[n(5)]
    pub arm: Option<Name>,
    /// What was looked at, oldest first, each product once, at its latest view.
    #[n(6)]
    pub viewed: Vec<Sku>,
    /// What was put into the basket, in order.
    #[n(7)]
    pub basket: Vec<BasketLine>,
    /// Who shops, where they said so.
    #[n(8)]
    pub customer: Option<Customer>,
    /// The codes of coupons that were entered, in order, at most [`COUPONS_MAX`].
    #[cbor(n(9), default)]
    pub coupons: Vec<Name>,
}

impl Session {
    pub(crate) fn new(id: SessionId, at: Timestamp) -> Self {
        Self {
            id,
            started_at: at,
            last_at: at,
            touched_ms: 0,
            language: None,
            arm: None,
            viewed: Vec::new(),
            basket: Vec::new(),
            customer: None,
            coupons: Vec::new(),
        }
    }

    pub(crate) fn name_customer(&mut self, event: &CustomerNamed) {
        let tier = event.tier.clone();
        self.customer = event.customer.clone().map(|token| Customer { token, tier });
    }

    pub(crate) fn set_coupon(&mut self, code: &Name, entered: bool) {
        self.coupons.retain(|known| known != code);
        if entered && self.coupons.len() < COUPONS_MAX {
            self.coupons.push(code.clone());
        }
    }

    pub(crate) fn view(&mut self, sku: &Sku) {
        self.viewed.retain(|seen| seen != sku);
        self.viewed.push(sku.clone());
        if self.viewed.len() > VIEWED_MAX {
            self.viewed.remove(0);
        }
    }

    pub(crate) fn set_quantity(&mut self, sku: &Sku, quantity: Quantity) {
        if quantity.thousandths <= 0 {
            self.basket.retain(|line| line.sku != *sku);
        } else if let Some(line) = self.basket.iter_mut().find(|line| line.sku == *sku) {
            line.quantity = quantity;
        } else if self.basket.len() < BASKET_LINES_MAX {
            self.basket.push(BasketLine { sku: sku.clone(), quantity });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_from_before_there_were_customers_and_coupons_is_read() {
        let session = Session::new("s".parse().unwrap(), Timestamp(7));
        let mut row = minicbor::to_vec(&session).unwrap();
        // An array of eight: the last two fields are not there.
        assert_eq!(row[0], 0x8a);
        row[0] = 0x88;
        row.truncate(row.len() - 2);
        assert_eq!(minicbor::decode::<Session>(&row).unwrap(), session);
    }
}
