//! What a search found.

use crate::{
    api::QUERY_CHARS_MAX,
    app::App,
    catalogue::Index,
    http::{extract::Params, problem::Problem},
    pages::{
        layout::{self, Page},
        parts,
        visitor::Visitor,
    },
};
use aisle_event::{Name, shopper::Searched};
use aisle_state::{Product, Shop};
use axum::{extract::State, http::StatusCode, response::Response};
use maud::html;
use serde::Deserialize;

/// How many products are shown.
const SHOWN_MAX: usize = 48;
/// How many popular products are shown when nothing was found.
const POPULAR_SHOWN: usize = 8;

#[derive(Deserialize)]
pub(super) struct SearchParams {
    q: Option<String>,
}

/// `GET /search?q=`.
pub(super) async fn show(
    State(app): State<App>,
    Params(params): Params<SearchParams>,
    mut visitor: Visitor,
) -> Result<Response, Problem> {
    let query: String =
        params.q.as_deref().unwrap_or_default().trim().chars().take(QUERY_CHARS_MAX).collect();
    if query.is_empty() {
        return Ok(layout::see_other(&visitor, "/"));
    }
    visitor.begin(&app).await;
    let strings = visitor.language.strings();
    let index = app.catalogue.index(&app, &visitor.shop).await;
    let shop = &visitor.shop;
    let found: Vec<&Product> = index
        .search(&query)
        .into_iter()
        .filter_map(|sku| shop.product(sku.as_str()))
        .map(AsRef::as_ref)
        .collect();
    record(&app, &visitor, &query, found.len());
    let content = if found.is_empty() {
        html! {
            h1 { ((strings.nothing_found)(&query)) }
            p.lead { (strings.nothing_found_hint) }
            (parts::grid(popular(&index, shop), strings))
        }
    } else {
        html! {
            h1 { ((strings.results)(found.len(), &query)) }
            (parts::grid(found.iter().copied().take(SHOWN_MAX), strings))
            @if found.len() > SHOWN_MAX { p.lead { ((strings.more_results_hint)(SHOWN_MAX)) } }
        }
    };
    let page = Page { query: &query, ..Page::new(strings.search, content) };
    Ok(layout::answer(&app, &visitor, StatusCode::OK, &page))
}

/// What sells, or the newest in a shop that has not sold anything.
fn popular<'a>(index: &'a Index, shop: &'a Shop) -> impl Iterator<Item = &'a Product> {
    index
        .popular()
        .iter()
        .chain(if index.popular().is_empty() { index.newest() } else { &[] })
        .filter_map(|sku| shop.product(sku.as_str()))
        .map(AsRef::as_ref)
        .filter(|product| product.in_stock())
        .take(POPULAR_SHOWN)
}

fn record(app: &App, visitor: &Visitor, query: &str, hits: usize) {
    // Terms with a control character are no name, and nothing that a shopper typed.
    if let (Some(session), Ok(terms)) = (&visitor.session, Name::new(query)) {
        let hits = u32::try_from(hits).unwrap_or(u32::MAX);
        let event =
            Searched { session: session.id.clone(), terms, hits, at: app.now(), unknown: Default::default() };
        app.observe(event.into());
    }
}
