//! Products: those worth a look, and finding any.

use super::{
    layout::{self, Page, Tab},
    parts::{Eye, list, product_address, section},
};
use crate::{
    api::QUERY_CHARS_MAX,
    http::{
        extract::{Params, text},
        problem::Problem,
    },
    staff::{board::PositionRow, desk::Desk, visit::Colleague},
};
use aisle_event::{Name, Sku, device::Place};
use axum::{extract::State, http::StatusCode, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

/// How many products a search shows.
const FOUND_MAX: usize = 24;

#[derive(Deserialize)]
pub(super) struct SearchParams {
    q: Option<String>,
}

/// `GET /staff/products?q=`.
pub(super) async fn show(
    colleague: Colleague,
    State(desk): State<Desk>,
    Params(params): Params<SearchParams>,
) -> Result<Response, Problem> {
    let query = params.q.as_deref().map(str::trim).filter(|query| !query.is_empty());
    let query = text("q", query, QUERY_CHARS_MAX)?;
    let eye = Eye::of(&colleague);
    let words = eye.words;
    let board = desk.floor.board();
    let found = match query {
        Some(query) => Some(search(&desk, eye, query).await),
        None => None,
    };
    let gaps: Vec<Markup> = board.gaps.iter().map(|gap| eye.gap(gap)).collect();
    let positions: Vec<Markup> = board.positions.iter().map(|position| row(eye, position)).collect();
    let content = html! {
        form.find role="search" action="/staff/products" method="get" {
            label.hidden for="q" { (words.find_label) }
            input #q name="q" type="search" value=[query] placeholder=(words.find_label) maxlength="64"
                autocomplete="off" enterkeyhint="search";
            button.primary type="submit" { (words.find) }
        }
        @if let Some(found) = found { (found) }
        (section("gaps", words.gaps, None, &list(&gaps, words.no_gaps)))
        (section("positions", words.watched, None, &list(&positions, words.no_positions)))
    };
    let page = Page { tab: Tab::Products, title: words.products, content };
    Ok(layout::answer(&desk, &colleague, &board, StatusCode::OK, &page))
}

async fn search(desk: &Desk, eye: Eye<'_>, query: &str) -> Markup {
    let shop = desk.app.shop();
    let index = desk.app.catalogue.index(&desk.app, &shop).await;
    let found: Vec<_> =
        index.search(query).into_iter().filter_map(|sku| shop.product(sku.as_str())).collect();
    html! {
        section #found aria-labelledby="found-title" {
            h2 #found-title role="status" { ((eye.words.found)(found.len(), query)) }
            ul.list {
                @for product in found.iter().take(FOUND_MAX) {
                    li {
                        a.row href=(product_address(&product.sku)) {
                            span.main { strong { (product.name) } span.why { (product.sku) } }
                        }
                    }
                }
            }
        }
    }
}

fn row(eye: Eye<'_>, position: &PositionRow) -> Markup {
    let name = |name: Option<&Name>, sku: &Sku| name.map_or(sku.as_str(), Name::as_str).to_owned();
    html! {
        li data-key=(format!("position {}", position.sku)) {
            a class={ "row " (if position.sellable { "fine" } else { "warn" }) } href=(product_address(&position.sku)) {
                span.main {
                    strong { (name(position.product.as_ref(), &position.sku)) }
                    @for place in Place::ALL {
                        @if let Some(estimate) = position.at(*place) {
                            span.amounts { (eye.inline_estimate((eye.words.place)(*place), estimate)) }
                        }
                    }
                }
            }
        }
    }
}
