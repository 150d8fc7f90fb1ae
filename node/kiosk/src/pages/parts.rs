//! Pieces that several pages are made of: a product's card, its stock, a list of recommendations.

use crate::{
    app::App,
    engine::{Ask, Picks, slot},
    pages::{tile::tile, visitor::Visitor},
    plugins::Place,
    strings::Strings,
    text,
};
use aisle_event::{Quantity, Sku, Unit, shopper::ItemsShown};
use aisle_state::{Product, Stock};
use maud::{Markup, html};

/// How many recommendations a page shows.
const PICKS: usize = 8;
/// At or below this, in thousandths, shoppers are told how much is left.
const FEW_THOUSANDTHS: i64 = 5_000;

/// Where a product's page is.
pub(super) fn address(sku: &Sku) -> String {
    format!("/product/{}", text::encoded(sku.as_str()))
}

/// A quantity with its unit where it is not counted in pieces.
pub(super) fn amount(quantity: Quantity) -> String {
    quantity.to_string()
}

/// One product to touch.
fn card(product: &Product, href: &str, reason: Option<&str>, strings: &Strings) -> Markup {
    html! {
        li.card {
            a href=(href) {
                (tile(product))
                span.name { (product.name) }
                span.price { (text::money(product.price)) @if product.unit != Unit::Each { " " (( strings.per_unit)(product.unit)) } }
                @if !product.in_stock() { span.warn { (not_there(product, strings)) } }
                @if let Some(reason) = reason { span.reason { (reason) } }
            }
        }
    }
}

/// Why a product cannot be bought.
pub(super) const fn not_there(product: &Product, strings: &Strings) -> &'static str {
    if product.suppressed.is_some() { strings.not_for_sale } else { strings.out_of_stock }
}

/// Products to touch, in a grid.
pub(super) fn grid<'a>(products: impl Iterator<Item = &'a Product>, strings: &Strings) -> Markup {
    html! {
        ul.grid {
            @for product in products { (card(product, &address(&product.sku), None, strings)) }
        }
    }
}

/// What is known of a product's stock.
pub(super) fn stock(product: &Product, strings: &Strings) -> Markup {
    html! {
        @match product.available() {
            _ if !product.in_stock() => p.stock.warn { (not_there(product, strings)) },
            Stock::Unknown => p.stock { (strings.stock_unknown) },
            Stock::Known { on_hand, .. } if on_hand.thousandths <= FEW_THOUSANDTHS => {
                p.stock { ((strings.few_left)(&amount(on_hand))) }
            }
            Stock::Known { .. } => p.stock { (strings.in_stock) },
        }
    }
}

/// Chooses what to recommend, and records that it is shown.
pub(super) async fn picks<'a>(app: &App, visitor: &'a Visitor, place: Place, sku: Option<&Sku>) -> Picks<'a> {
    let index = app.catalogue.present(app, &visitor.shop).await;
    let session = visitor.session.as_deref();
    let ask = Ask { place, session, sku, count: PICKS, now: app.now() };
    let picks = app.engine.pick(app, &visitor.shop, &index, &ask).await;
    if let (Some(session), false) = (session, picks.items.is_empty()) {
        app.observe(
            ItemsShown {
                session: session.id.clone(),
                slot: slot(place),
                skus: picks.items.iter().map(|pick| pick.product.sku.clone()).collect(),
                rung: picks.rung,
                arm: session.arm.clone(),
                at: ask.now,
                unknown: Default::default(),
            }
            .into(),
        );
    }
    picks
}

/// Recommendations under a heading; nothing at all when there are none.
pub(super) fn recommendations(
    app: &App,
    visitor: &Visitor,
    picks: &Picks<'_>,
    place: Place,
    heading: &str,
) -> Markup {
    let strings = visitor.language.strings();
    let slot = slot(place);
    let id = if place == Place::Substitute { "substitutes" } else { "recommendations" };
    html! {
        @if !picks.items.is_empty() {
            section aria-labelledby=(id) {
                h2 id=(id) { (heading) }
                ul.grid {
                    @for (position, pick) in picks.items.iter().enumerate() {
                        (card(
                            pick.product,
                            &format!("{}?slot={slot}&position={position}", address(&pick.product.sku)),
                            Some(&pick.why.words(&visitor.shop, strings, &app.config.store_name)),
                            strings,
                        ))
                    }
                }
            }
        }
    }
}
