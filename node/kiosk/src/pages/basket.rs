//! The basket: what is in it, how to change it, and paying.

use crate::{
    amount::{Amount, UNITS_MAX},
    app::App,
    checkout::{self, KEY_CHARS_MAX, Paid, Terms},
    claims,
    http::{extract::visible, problem::Problem},
    ids,
    pages::{
        form::Fields,
        layout::{self, Page},
        offers, parts,
        tile::tile,
        visitor::Visitor,
    },
    plugins::{Place, Why},
    pricing::{self, Priced, PricedLine},
    shopping::{self, Change},
    strings::Strings,
    text,
};
use aisle_event::{Money, Sku, Unit};
use aisle_state::Session;
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
    page(&app, &visitor, StatusCode::OK, None).await
}

/// The page, with what is wrong with a coupon that was just entered.
async fn page(app: &App, visitor: &Visitor, status: StatusCode, coupon_fault: Option<&str>) -> Response {
    let strings = visitor.language.strings();
    let last = visitor.session.as_ref().and_then(|session| session.basket.last());
    let picks = parts::picks(app, visitor, Place::Basket, last.map(|line| &line.sku)).await;
    let priced = match &visitor.session {
        Some(session) => Some((session, pricing::show(app, session, &visitor.shop).await)),
        None => None,
    };
    let content = html! {
        h1 { (strings.basket) }
        @match &priced {
            Some((session, priced)) if !(priced.lines.is_empty() && priced.gone.is_empty()) => {
                (filled(app, session, priced, visitor, coupon_fault))
            }
            _ => div.empty {
                p { (strings.basket_empty) }
                p { (strings.basket_empty_hint) }
                a.button.primary href="/" { (strings.keep_shopping) }
            },
        }
        (parts::recommendations(app, visitor, &picks, Place::Basket, strings.goes_with_basket))
    };
    layout::answer(app, visitor, status, &Page::new(strings.basket, content))
}

fn filled(
    app: &App,
    session: &Session,
    priced: &Priced<'_>,
    visitor: &Visitor,
    coupon_fault: Option<&str>,
) -> Markup {
    let strings = visitor.language.strings();
    let there = priced.gone.is_empty() && priced.lines.iter().all(|line| line.product.in_stock());
    html! {
        @if priced.denied.is_some() || (priced.lost && !priced.payable) {
            p.notice role="note" { (strings.not_payable) }
        } @else if priced.lost {
            p.notice role="note" { (strings.without_offers) }
        }
        ul.lines {
            @for line in &priced.lines { (line_row(line, priced, visitor)) }
            @for sku in &priced.gone {
                li.line {
                    p.warn { ((strings.not_offered_any_more)(sku.as_str())) }
                    (remove(sku, sku.as_str(), visitor))
                }
            }
        }
        (offers::amounts(strings.offers, offers::of_basket(&priced.adjustments)))
        (offers::points(&priced.points, strings.points))
        @if app.pricing.wanted() || !session.coupons.is_empty() {
            (offers::coupons(&session.coupons, coupon_fault, strings))
        }
        div.pay {
            (payment(priced.total, there && priced.payable, strings))
            a.button href="/" { (strings.keep_shopping) }
        }
    }
}

/// A total and the button that pays it. The basket is not sold for more than what stands here.
pub(super) fn payment(total: Option<Money>, is_payable: bool, strings: &Strings) -> Markup {
    html! {
        p.total { (strings.total) " " strong { @if let Some(total) = total { (text::money(total)) } @else { "–" } } }
        form action="/checkout" method="post" {
            input type="hidden" name="key" value=(ids::idempotency_key());
            @if let Some(total) = total {
                input type="hidden" name="expected" value=(format!("{} {}", total.minor, total.currency));
            }
            button.primary type="submit" disabled[!is_payable || total.is_none()] { (strings.pay) }
        }
    }
}

fn line_row(line: &PricedLine<'_>, priced: &Priced<'_>, visitor: &Visitor) -> Markup {
    let strings = visitor.language.strings();
    let product = line.product;
    let name = product.name.as_str();
    let more = (line.quantity.thousandths + step(product.unit)).min(UNITS_MAX * 1000);
    let less = (line.quantity.thousandths - step(product.unit)).max(0);
    let usual = line.new_price.as_ref().map(|_| product.price);
    let button = |thousandths: i64, label: String, sign: &str| {
        let quantity = text::number(aisle_event::Quantity { thousandths, unit: product.unit });
        html! { button type="submit" name="quantity" value=(quantity) aria-label=(label) { (sign) } }
    };
    html! {
        li.line {
            (tile(product))
            div.what {
                a href=(parts::address(&product.sku)) { (name) }
                p.small {
                    (offers::unit_price(usual, line.unit_price(), strings)) " " ((strings.per_unit)(product.unit))
                    @if let Some(price) = &line.new_price { " · " (why(&price.why)) }
                }
                @if !product.in_stock() { p.warn { (parts::not_there(product, strings)) } }
                @if let Some(refused) = &line.refused { p.warn { (why(refused)) } }
                (offers::amounts(strings.offers, offers::of_line(&priced.adjustments, line.number)))
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

fn why(why: &Why) -> Markup {
    offers::why(why.reason.as_str(), &why.plugin, &why.version)
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
    /// The total that stood on the page: minor units and currency.
    expected: Option<String>,
}

/// A coupon that a page puts to the basket, or takes away.
#[derive(Deserialize)]
pub(super) struct CouponFields {
    code: String,
    change: String,
}

/// `POST /coupon`.
pub(super) async fn coupon(
    State(app): State<App>,
    mut visitor: Visitor,
    Fields(fields): Fields<CouponFields>,
) -> Result<Response, Problem> {
    let entered = match fields.change.as_str() {
        "enter" => true,
        "remove" => false,
        _ => return Err(Problem::field("change", "is none of enter, remove")),
    };
    let strings = visitor.language.strings();
    let Ok(code) = claims::code(fields.code.trim()) else {
        return Ok(page(&app, &visitor, StatusCode::BAD_REQUEST, Some(strings.coupon_refused)).await);
    };
    visitor.must_begin(&app).await?;
    if let Some(session) = &visitor.session {
        match claims::coupon(&app, session.id.as_str(), code, entered).await {
            Err(problem) if problem.status() == StatusCode::CONFLICT => {
                return Ok(page(&app, &visitor, problem.status(), Some(strings.coupons_full)).await);
            }
            outcome => outcome?,
        }
    }
    Ok(layout::see_other(&visitor, "/basket"))
}

/// `POST /checkout`.
pub(super) async fn pay(
    State(app): State<App>,
    mut visitor: Visitor,
    Fields(fields): Fields<PayFields>,
) -> Result<Response, Problem> {
    let key = visible("key", &fields.key, KEY_CHARS_MAX)?;
    let expected = fields.expected.as_deref().map(expected).transpose()?;
    // A second touch of the button comes with the cookie of a session that is paid by now.
    let Some(session) = visitor.named().map(str::to_owned) else {
        return Ok(layout::see_other(&visitor, "/"));
    };
    let (Paid::Now(receipt) | Paid::Before(receipt)) =
        checkout::pay(&app, &session, Terms { key, expected }).await?;
    visitor.paid(receipt.document.as_str(), app.config.thanks_s);
    Ok(layout::see_other(&visitor, &format!("/thanks/{}", receipt.document)))
}

/// Reads a total as the page wrote it.
fn expected(text: &str) -> Result<Money, Problem> {
    let (minor, currency) = text.split_once(' ').unwrap_or_default();
    match (minor.parse(), currency.parse()) {
        (Ok(minor), Ok(currency)) => Ok(Money::new(minor, currency)),
        _ => Err(Problem::field("expected", "is not a number of minor units and a currency")),
    }
}
