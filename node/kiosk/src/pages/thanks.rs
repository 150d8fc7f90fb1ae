//! The receipt on the screen, for the shopper who paid and for nobody after.

use crate::{
    app::App,
    http::{extract::Segment, problem::Problem},
    pages::{
        layout::{self, Page},
        offers, parts,
        visitor::Visitor,
    },
    text,
};
use axum::{extract::State, http::StatusCode, response::Response};
use maud::html;

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
                                @if let Some(it) = &line.repriced {
                                    " · " (offers::why(it.reason.as_str(), &it.plugin, &it.version))
                                }
                            }
                            (offers::amounts(strings.offers, offers::of_line(&receipt.adjustments, line.line)))
                        }
                        p.sum { @if let Some(total) = line.quantity.price(line.unit_price) { (text::money(total)) } }
                    }
                }
            }
            (offers::amounts(strings.offers, offers::of_basket(&receipt.adjustments)))
            (offers::points(&receipt.points, strings.points_given))
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
