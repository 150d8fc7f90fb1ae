//! What a basket costs: the catalogue's prices, and what plugins make of them.
//!
//! Plugins are asked through the port, beside the runtime and within a time ([`ask`]); what they answer is checked ([`check`]) and
//! applied to the basket ([`priced`]). Where nobody answers, the catalogue's prices stand, unless a sale must not be made without
//! the plugins' word.
//!
//! Guards invariant 4 at the shop's front: no answer of a plugin makes a price negative, gives more than a line costs, or keeps a
//! shopper waiting.

mod ask;
mod check;
mod priced;

pub(crate) use ask::{Asked, Pricing, Said, within};
pub(crate) use priced::{Priced, PricedLine};

use crate::{
    app::App,
    plugins::{Basket, Line, NewPrice},
};
use aisle_event::Quantity;
use aisle_state::{Product, Session, Shop};
use std::sync::Arc;

/// A session's basket as it is shown now.
pub(crate) async fn show<'a>(app: &App, session: &'a Session, shop: &'a Arc<Shop>) -> Priced<'a> {
    let basket = if app.pricing.wanted() { basket(app, session, shop) } else { None };
    let said = match basket {
        Some(basket) => app.pricing.show(app, basket).await,
        None => Said::Nothing,
    };
    Priced::of(session, shop, said)
}

/// Another price of one unit of a product than the catalogue's, as it would be in a basket with nothing else in it.
pub(crate) async fn of_one(
    app: &App,
    session: Option<&Session>,
    shop: &Arc<Shop>,
    product: &Arc<Product>,
) -> Option<NewPrice> {
    let session = session.filter(|_| app.pricing.wanted())?;
    let quantity = Quantity { thousandths: 1000, unit: product.unit };
    let line = Line { number: 1, product: product.clone(), quantity };
    let basket = with_lines(app, session, shop, vec![line])?;
    match app.pricing.show(app, basket).await {
        Said::Offers(offers) => offers.prices.into_iter().next(),
        Said::Nothing | Said::Denied(_) | Said::Lost { .. } => None,
    }
}

/// A session's basket as plugins are to see it; `None` when there is nothing in it that has a price, or prices in two currencies.
pub(crate) fn basket(app: &App, session: &Session, shop: &Arc<Shop>) -> Option<Basket> {
    let line = |(number, line): (u32, &aisle_state::BasketLine)| {
        let product = shop.product(line.sku.as_str())?.clone();
        Some(Line { number, product, quantity: line.quantity })
    };
    with_lines(app, session, shop, (1_u32..).zip(&session.basket).filter_map(line).collect())
}

fn with_lines(app: &App, session: &Session, shop: &Arc<Shop>, lines: Vec<Line>) -> Option<Basket> {
    let currency = lines.first()?.product.price.currency;
    lines.iter().all(|line| line.product.price.currency == currency).then(|| Basket {
        session: session.id.clone(),
        shop: shop.clone(),
        now: app.now(),
        currency,
        customer: session.customer.clone(),
        coupons: session.coupons.clone(),
        lines,
    })
}
