//! Lists of products: one category, or everything.

use crate::{
    app::App,
    http::{
        extract::{Params, Segment, number},
        problem::Problem,
    },
    pages::{
        layout::{self, Page},
        parts,
        visitor::Visitor,
    },
    text,
};
use aisle_event::Sku;
use axum::{extract::State, http::StatusCode, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

/// How many products a page shows.
const PAGE_PRODUCTS: usize = 24;
/// The highest page that can be asked for.
const PAGES_MAX: usize = 100_000;

#[derive(Deserialize)]
pub(super) struct PageParams {
    page: Option<String>,
}

/// `GET /category/{name}`.
pub(super) async fn one(
    State(app): State<App>,
    Segment(name): Segment,
    Params(params): Params<PageParams>,
    visitor: Visitor,
) -> Result<Response, Problem> {
    let index = app.catalogue.index(&app, &visitor.shop).await;
    let skus = index.category(&name).ok_or_else(|| Problem::unknown_path("there is no such category"))?;
    list(&app, visitor, &name, &format!("/category/{}", text::encoded(&name)), skus, &params).await
}

/// `GET /category`.
pub(super) async fn all(
    State(app): State<App>,
    Params(params): Params<PageParams>,
    visitor: Visitor,
) -> Result<Response, Problem> {
    let index = app.catalogue.index(&app, &visitor.shop).await;
    let title = visitor.language.strings().all_products;
    list(&app, visitor, title, "/category", index.all(), &params).await
}

async fn list(
    app: &App,
    mut visitor: Visitor,
    title: &str,
    address: &str,
    skus: &[Sku],
    params: &PageParams,
) -> Result<Response, Problem> {
    let page = number("page", params.page.as_deref(), &(1..=PAGES_MAX), 1)?;
    let pages = skus.len().div_ceil(PAGE_PRODUCTS).max(1);
    let page = page.min(pages);
    visitor.begin(app).await;
    let strings = visitor.language.strings();
    let shown = skus
        .iter()
        .skip((page - 1) * PAGE_PRODUCTS)
        .take(PAGE_PRODUCTS)
        .filter_map(|sku| visitor.shop.product(sku.as_str()))
        .map(AsRef::as_ref);
    let content = html! {
        h1 { (title) }
        p.lead { ((strings.products_count)(skus.len())) }
        (parts::grid(shown, strings))
        @if pages > 1 {
            nav.pages aria-label=(strings.pages) {
                (turn(address, page.checked_sub(1).filter(|page| *page > 0), strings.previous_page))
                span { ((strings.page_of)(page, pages)) }
                (turn(address, Some(page + 1).filter(|page| *page <= pages), strings.next_page))
            }
        }
    };
    Ok(layout::answer(app, &visitor, StatusCode::OK, &Page::new(title, content)))
}

fn turn(address: &str, page: Option<usize>, label: &str) -> Markup {
    html! {
        @match page {
            Some(page) => a.button href=(format!("{address}?page={page}")) { (label) },
            None => span.button.off aria-hidden="true" { (label) },
        }
    }
}
