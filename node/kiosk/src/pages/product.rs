//! One product: what it is, what it costs since when, whether it is there, and what goes with it.

use crate::{
    amount::UNITS_MAX,
    app::App,
    http::{
        extract::{Params, Segment},
        problem::Problem,
    },
    pages::{
        layout::{self, Page},
        offers, parts,
        tile::tile,
        visitor::Visitor,
    },
    plugins::Place,
    pricing, shopping, text,
};
use aisle_event::{
    Unit,
    shopper::{ItemClicked, ProductViewed, Slot},
};
use aisle_state::Product;
use axum::{extract::State, http::StatusCode, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

/// Which recommendation was touched to get here.
#[derive(Deserialize)]
pub(super) struct FromParams {
    slot: Option<String>,
    position: Option<String>,
}

/// `GET /product/{sku}`.
pub(super) async fn show(
    State(app): State<App>,
    Segment(sku): Segment,
    Params(from): Params<FromParams>,
    mut visitor: Visitor,
) -> Result<Response, Problem> {
    shopping::offered(&visitor.shop, &sku, "sku")?;
    visitor.begin(&app).await;
    let product = shopping::offered(&visitor.shop, &sku, "sku")?.clone();
    record(&app, &visitor, &product, &from);
    let strings = visitor.language.strings();
    let picks = parts::picks(&app, &visitor, Place::Product, Some(&product.sku)).await;
    let substitutes = if !product.in_stock() && app.engine.ranks(Place::Substitute) {
        Some(parts::picks(&app, &visitor, Place::Substitute, Some(&product.sku)).await)
    } else {
        None
    };
    let now = pricing::of_one(&app, visitor.session.as_deref(), &visitor.shop, &product).await;
    let (usual, price) =
        (now.as_ref().map(|_| product.price), now.as_ref().map_or(product.price, |now| now.unit_price));
    let since = text::local(product.priced_at, app.config.time_zone.zone());
    let content = html! {
        article.product {
            (tile(&product))
            div {
                h1 { (product.name) }
                p.price { (offers::unit_price(usual, price, strings)) " " span.unit { ((strings.per_unit)(product.unit)) } }
                // Since when a plugin's price holds nobody knows: it is made for this shopper.
                p.small { @if let Some(now) = &now { (now.why.reason.as_str()) } @else { ((strings.price_since)(&since)) } }
                @if shopping::price_expired(&product, app.now()) { p.notice role="note" { (strings.price_may_have_changed) } }
                (parts::stock(&product, strings))
                p.small {
                    ((strings.article)(product.sku.as_str()))
                    @if let Some(category) = &product.category {
                        " · " a.target href=(format!("/category/{}", text::encoded(category.as_str()))) { (category) }
                    }
                }
                (add_form(&product, &visitor))
            }
        }
        @if let Some(substitutes) = &substitutes {
            (parts::recommendations(&app, &visitor, substitutes, Place::Substitute, strings.instead))
        }
        (parts::recommendations(&app, &visitor, &picks, Place::Product, strings.goes_with_this))
    };
    Ok(layout::answer(&app, &visitor, StatusCode::OK, &Page::new(product.name.as_str(), content)))
}

fn add_form(product: &Product, visitor: &Visitor) -> Markup {
    let strings = visitor.language.strings();
    let step = if product.unit == Unit::Each { "1" } else { "0.001" };
    html! {
        @if product.in_stock() {
            form.add action="/basket" method="post" {
                input type="hidden" name="sku" value=(product.sku);
                input type="hidden" name="change" value="add";
                label for="quantity" { (strings.quantity) @if product.unit != Unit::Each { " (" (product.unit) ")" } }
                input #quantity type="number" name="quantity" value="1" min=(step) max=(UNITS_MAX) step=(step)
                    inputmode=(if product.unit == Unit::Each { "numeric" } else { "decimal" }) required;
                button.primary type="submit" { (strings.add_to_basket) }
            }
        }
    }
}

/// Records the look at the product, and the touch that led here where there was one.
fn record(app: &App, visitor: &Visitor, product: &Product, from: &FromParams) {
    let Some(session) = &visitor.session else { return };
    let at = app.now();
    let slot = from.slot.as_deref().and_then(|name| Slot::ALL.iter().find(|slot| slot.as_str() == name));
    let position =
        from.position.as_deref().and_then(|text| text.parse().ok()).filter(|position: &u32| *position < 50);
    if let (Some(slot), Some(position)) = (slot, position) {
        app.observe(
            ItemClicked {
                session: session.id.clone(),
                slot: *slot,
                sku: product.sku.clone(),
                position,
                arm: session.arm.clone(),
                at,
                unknown: Default::default(),
            }
            .into(),
        );
    }
    app.observe(
        ProductViewed {
            session: session.id.clone(),
            sku: product.sku.clone(),
            at,
            unknown: Default::default(),
        }
        .into(),
    );
}
