//! The basket: what is in it, how to change it, and paying.

use crate::{
    amount::{Amount, UNITS_MAX},
    app::App,
    checkout::{self, Paid},
    http::problem::Problem,
    ids,
    pages::{
        form::Fields,
        layout::{self, Page},
        parts,
        tile::tile,
        visitor::Visitor,
    },
    shopping::{self, Change, Priced, PricedLine},
    text,
};
use aisle_event::{Name, Sku, Unit, shopper::Slot};
use axum::{extract::State, http::StatusCode, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

/// One touch of + or −, in thousandths: a piece, or a tenth of a kilogram.
const fn step(unit: Unit) -> i64 {
    match unit {
        Unit::Each => 1000,
        Unit::Kilogram | Unit::Litre | Unit::Metre => 100,
    }
}

/// `GET /basket`.
pub(super) async fn show(State(app): State<App>, visitor: Visitor) -> Response {
    let strings = visitor.language.strings();
    let last = visitor.session.as_ref().and_then(|session| session.basket.last());
    let picks = parts::picks(&app, &visitor, Slot::Basket, last.map(|line| &line.sku)).await;
    let priced = visitor.session.as_ref().map(|session| Priced::of(session, &visitor.shop));
    let content = html! {
        h1 { (strings.basket) }
        @match &priced {
            Some(priced) if !(priced.lines.is_empty() && priced.gone.is_empty()) => (filled(priced, &visitor)),
            _ => div.empty {
                p { (strings.basket_empty) }
                p { (strings.basket_empty_hint) }
                a.button.primary href="/" { (strings.keep_shopping) }
            },
        }
        (parts::recommendations(&app, &visitor, &picks, Slot::Basket, strings.goes_with_basket))
    };
    layout::answer(&app, &visitor, StatusCode::OK, &Page::new(strings.basket, content))
}

fn filled(priced: &Priced<'_>, visitor: &Visitor) -> Markup {
    let strings = visitor.language.strings();
    let sellable = priced.gone.is_empty() && priced.lines.iter().all(|line| line.product.in_stock());
    html! {
        ul.lines {
            @for line in &priced.lines { (line_row(line, visitor)) }
            @for sku in &priced.gone {
                li.line {
                    p.warn { ((strings.not_offered_any_more)(sku.as_str())) }
                    (remove(sku, sku.as_str(), visitor))
                }
            }
        }
        div.pay {
            p.total { (strings.total) " " strong { @if let Some(total) = priced.total { (text::money(total)) } @else { "–" } } }
            form action="/checkout" method="post" {
                input type="hidden" name="key" value=(ids::idempotency_key());
                button.primary type="submit" disabled[!sellable] { (strings.pay) }
            }
            a.button href="/" { (strings.keep_shopping) }
        }
    }
}

fn line_row(line: &PricedLine<'_>, visitor: &Visitor) -> Markup {
    let strings = visitor.language.strings();
    let product = line.product;
    let name = product.name.as_str();
    let more = (line.quantity.thousandths + step(product.unit)).min(UNITS_MAX * 1000);
    let less = (line.quantity.thousandths - step(product.unit)).max(0);
    let button = |thousandths: i64, label: String, sign: &str| {
        let quantity = text::number(aisle_event::Quantity { thousandths, unit: product.unit });
        html! { button type="submit" name="quantity" value=(quantity) aria-label=(label) { (sign) } }
    };
    html! {
        li.line {
            (tile(product))
            div.what {
                a href=(parts::address(&product.sku)) { (name) }
                p.small { (text::money(product.price)) " " ((strings.per_unit)(product.unit)) }
                @if !product.in_stock() { p.warn { (strings.out_of_stock) } }
            }
            form.change action="/basket" method="post" {
                input type="hidden" name="sku" value=(product.sku);
                input type="hidden" name="change" value="set";
                (button(less, (strings.one_less_of)(name), "−"))
                span.quantity { span.hidden { ((strings.quantity_of)(name)) ": " } (parts::amount(line.quantity)) }
                (button(more, (strings.one_more_of)(name), "+"))
            }
            p.sum { @if let Some(total) = line.total { (text::money(total)) } }
            (remove(&product.sku, name, visitor))
        }
    }
}

fn remove(sku: &Sku, name: &str, visitor: &Visitor) -> Markup {
    let strings = visitor.language.strings();
    html! {
        form action="/basket" method="post" {
            input type="hidden" name="sku" value=(sku);
            input type="hidden" name="change" value="set";
            button.quiet type="submit" name="quantity" value="0" aria-label=((strings.remove_named)(name)) { (strings.remove) }
        }
    }
}

/// A change that a page asks for.
#[derive(Deserialize)]
pub(super) struct ChangeFields {
    sku: String,
    change: String,
    quantity: String,
}

/// `POST /basket`.
pub(super) async fn change(
    State(app): State<App>,
    mut visitor: Visitor,
    Fields(fields): Fields<ChangeFields>,
) -> Result<Response, Problem> {
    let amount = Amount::parse(fields.quantity.trim())
        .map_err(|error| Problem::field("quantity", error.to_string()))?;
    let change = match fields.change.as_str() {
        "add" => Change::Add(amount),
        "set" => Change::Set(amount),
        _ => return Err(Problem::field("change", "is none of add, set")),
    };
    visitor.must_begin(&app).await?;
    if let Some(session) = &visitor.session {
        shopping::change(&app, session.id.as_str(), &fields.sku, change).await?;
    }
    Ok(layout::see_other(&visitor, "/basket"))
}

/// What makes a payment repeatable: the key that the page was made with.
#[derive(Deserialize)]
pub(super) struct PayFields {
    key: String,
}

/// `POST /checkout`.
pub(super) async fn pay(
    State(app): State<App>,
    mut visitor: Visitor,
    Fields(fields): Fields<PayFields>,
) -> Result<Response, Problem> {
    let key = Name::new(&fields.key)
        .ok()
        .filter(|key| key.as_str().len() <= 64 && key.as_str().bytes().all(|byte| byte.is_ascii_graphic()))
        .ok_or_else(|| Problem::field("key", "is not 1 to 64 visible ASCII characters"))?;
    // A second touch of the button comes with the cookie of a session that is paid by now.
    let Some(session) = visitor.named().map(str::to_owned) else {
        return Ok(layout::see_other(&visitor, "/"));
    };
    let (Paid::Now(receipt) | Paid::Before(receipt)) = checkout::pay(&app, &session, key).await?;
    visitor.paid(receipt.document.as_str(), app.config.thanks_s);
    Ok(layout::see_other(&visitor, &format!("/thanks/{}", receipt.document)))
}
