//! The receipt on the screen, for the shopper who paid and for nobody after.

use crate::{
    app::App,
    http::{extract::Segment, problem::Problem},
    pages::{
        layout::{self, Page},
        offers, parts,
        visitor::Visitor,
    },
    pricing::together,
    text,
};
use aisle_event::{Money, sale::AdjustmentKind};
use aisle_state::Receipt;
use axum::{extract::State, http::StatusCode, response::Response};
use maud::html;

/// What was taken off one line alone, or put on it again.
fn of_line(receipt: &Receipt, line: u32) -> impl Iterator<Item = (&str, Money)> {
    let of_line = receipt
        .adjustments
        .iter()
        .filter(move |it| it.line == Some(line) && it.kind != AdjustmentKind::BasketDiscount);
    of_line.map(|it| (it.reason.as_str(), it.amount))
}

/// What was taken off the basket as a whole.
fn of_all(receipt: &Receipt) -> Vec<(&str, Money)> {
    let of_all = receipt
        .adjustments
        .iter()
        .filter(|it| it.line.is_none() || it.kind == AdjustmentKind::BasketDiscount)
        .map(|it| ((it.plugin.as_str(), it.version.as_str(), it.reason.as_str()), it.amount));
    together(of_all).into_iter().map(|((.., reason), amount)| (reason, amount)).collect()
}

/// `GET /thanks/{document}`. Only the browser that paid, and only for a while, may see it.
pub(super) async fn show(
    State(app): State<App>,
    Segment(document): Segment,
    visitor: Visitor,
) -> Result<Response, Problem> {
    if visitor.receipt.as_deref() != Some(document.as_str()) {
        return Ok(layout::see_other(&visitor, "/"));
    }
    let receipt = app.read(move |state| state.receipt_of(&document)).await?;
    let Some(receipt) = receipt else { return Ok(layout::see_other(&visitor, "/")) };
    let strings = visitor.language.strings();
    let name =
        |sku: &str| visitor.shop.product(sku).map_or(sku.to_owned(), |product| product.name.to_string());
    let content = html! {
        div.thanks {
            h1 { (strings.thanks) }
            p.lead { (strings.thanks_hint) }
            h2 { ((strings.receipt)(receipt.document.as_str())) }
            p.small { (text::local(receipt.at, app.config.time_zone.zone())) }
            ul.lines {
                @for line in &receipt.lines {
                    li.line {
                        div.what {
                            (name(line.sku.as_str()))
                            p.small {
                                (parts::amount(line.quantity)) " × "
                                (offers::unit_price(line.repriced.as_ref().map(|it| it.list_price), line.unit_price, strings))
                                @if let Some(repriced) = &line.repriced { " · " (repriced.reason.as_str()) }
                            }
                            (offers::amounts(strings.offers, of_line(&receipt, line.line)))
                        }
                        p.sum { @if let Some(total) = line.quantity.price(line.unit_price) { (text::money(total)) } }
                    }
                }
            }
            (offers::amounts(strings.offers, of_all(&receipt)))
            (offers::points(receipt.points.iter().map(|it| (it.count, it.reason.as_str())), strings.points_given))
            p.total { (strings.total) " " strong { (text::money(receipt.total)) } }
            form action="/leave" method="post" {
                button.primary type="submit" name="reason" value="left" { (strings.done) }
            }
            p.small { ((strings.closes_in)(app.config.thanks_s)) }
        }
    };
    let page = Page { closes_after_s: Some(app.config.thanks_s), ..Page::new(strings.thanks, content) };
    Ok(layout::answer(&app, &visitor, StatusCode::OK, &page))
}
