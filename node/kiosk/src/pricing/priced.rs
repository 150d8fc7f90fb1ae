//! A basket with its sums: at the catalogue's prices, or as plugins have them.

use crate::{
    plugins::{Adjustment, Denied, NewPrice, Offers, Points, Refusal, Why},
    pricing::Said,
};
use aisle_event::{Money, Quantity, Sku};
use aisle_state::{Product, Session, Shop};

/// An open session's basket at the prices of a snapshot.
pub(crate) struct Priced<'a> {
    pub(crate) lines: Vec<PricedLine<'a>>,
    /// What is in the basket and no longer on offer.
    pub(crate) gone: Vec<&'a Sku>,
    /// What is to be paid. `None` when there are no lines, or the sum does not fit.
    pub(crate) total: Option<Money>,
    /// What plugins take off, in order.
    pub(crate) adjustments: Vec<Adjustment>,
    /// Points that a purchase gives.
    pub(crate) points: Vec<Points>,
    /// A plugin failed without whose word it cannot be paid.
    pub(crate) denied: Option<Denied>,
    /// Plugins did not answer: the catalogue's prices are shown.
    pub(crate) lost: bool,
    /// Nothing that plugins say, or do not say, keeps it from being paid.
    pub(crate) payable: bool,
}

/// One line of it.
pub(crate) struct PricedLine<'a> {
    /// Its place in the basket, from 1.
    pub(crate) number: u32,
    pub(crate) product: &'a Product,
    pub(crate) quantity: Quantity,
    /// The price of one unit, where it is not the catalogue's.
    pub(crate) new_price: Option<NewPrice>,
    /// The sum before adjustments. `None` when it does not fit.
    pub(crate) total: Option<Money>,
    /// Why plugins do not let it be sold.
    pub(crate) refused: Option<Why>,
}

impl PricedLine<'_> {
    /// The price of one unit.
    pub(crate) fn unit_price(&self) -> Money {
        self.new_price.as_ref().map_or(self.product.price, |price| price.unit_price)
    }
}

impl<'a> Priced<'a> {
    pub(crate) fn of(session: &'a Session, shop: &'a Shop, said: Said) -> Self {
        let lost = matches!(said, Said::Lost { .. });
        let (offers, denied, payable) = match said {
            Said::Nothing => (Offers::default(), None, true),
            Said::Denied(denied) => (Offers::default(), Some(denied), false),
            Said::Lost { payable } => (Offers::default(), None, payable),
            Said::Offers(offers) => {
                let payable = offers.refusals.is_empty();
                (offers, None, payable)
            }
        };
        let Offers { prices, adjustments, refusals, points } = offers;
        let (mut lines, mut gone) = (Vec::with_capacity(session.basket.len()), Vec::new());
        for (number, line) in (1_u32..).zip(&session.basket) {
            let Some(product) = shop.product(line.sku.as_str()) else {
                gone.push(&line.sku);
                continue;
            };
            let new_price = prices.iter().find(|price| price.line == number).cloned();
            let unit_price = new_price.as_ref().map_or(product.price, |price| price.unit_price);
            let refusal = refusals.iter().find(|refusal: &&Refusal| refusal.line == number);
            lines.push(PricedLine {
                number,
                product,
                quantity: line.quantity,
                new_price,
                total: line.quantity.price(unit_price),
                refused: refusal.map(|refusal| refusal.why.clone()),
            });
        }
        let gross = lines.iter().map(|line| line.total).reduce(|sum, line| sum?.checked_add(line?)).flatten();
        let total = gross.and_then(|gross| less(gross, &adjustments));
        Self { lines, gone, total, adjustments, points, denied, lost, payable }
    }

    /// What a line comes to after everything that is taken off it, where anything is.
    pub(crate) fn charged(&self, line: &PricedLine<'_>) -> Option<Money> {
        let mut of_line = self.adjustments.iter().filter(|it| it.line == Some(line.number)).peekable();
        of_line.peek()?;
        of_line.try_fold(line.total?, |sum, it| subtracted(sum, it.amount))
    }
}

fn less(gross: Money, adjustments: &[Adjustment]) -> Option<Money> {
    adjustments.iter().try_fold(gross, |sum, adjustment| subtracted(sum, adjustment.amount))
}

fn subtracted(sum: Money, amount: Money) -> Option<Money> {
    sum.checked_add(Money { minor: amount.minor.checked_neg()?, ..amount })
}
