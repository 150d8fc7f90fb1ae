//! The catalogue.

use crate::{
    api::{json, views::ProductView, views::ProductsView},
    app::App,
    http::{
        extract::{Params, Segment, number, text},
        problem::Problem,
    },
    shopping,
};
use aisle_state::Product;
use axum::{extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use std::{ops::Bound, sync::Arc};
use utoipa::IntoParams;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// Only products of this category.
    #[param(min_length = 1, max_length = 256, nullable = false)]
    category: Option<String>,
    /// Only products whose number comes after this one.
    #[param(min_length = 1, max_length = 64, nullable = false)]
    after: Option<String>,
    /// How many products at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 24, nullable = false)]
    limit: Option<String>,
}

/// Lists products in order of their numbers.
#[utoipa::path(
    get, path = "/v1/products", tag = "catalogue", operation_id = "listProducts", params(ListParams),
    responses((status = 200, description = "A page of products.", body = ProductsView)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Params(params): Params<ListParams>,
) -> Result<Response, Problem> {
    let category = text("category", params.category.as_deref(), 256)?;
    let after = text("after", params.after.as_deref(), 64)?;
    let limit = number("limit", params.limit.as_deref(), &(1..=100), 24)?;
    let shop = app.shop();
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut matching = shop
        .products
        .range::<_, str>((from, Bound::Unbounded))
        .map(|(_, product)| product)
        .filter(|product| in_category(product, category));
    let page: Vec<&Arc<Product>> = matching.by_ref().take(limit).collect();
    let next = matching.next().and(page.last()).map(|last| &last.sku);
    let products = page.iter().map(|product| ProductView::from(product.as_ref())).collect();
    Ok(json(StatusCode::OK, &ProductsView { products, next }))
}

fn in_category(product: &Product, category: Option<&str>) -> bool {
    category
        .is_none_or(|wanted| product.category.as_ref().is_some_and(|category| category.as_str() == wanted))
}

/// One product.
#[utoipa::path(
    get, path = "/v1/products/{sku}", tag = "catalogue", operation_id = "getProduct",
    params(("sku" = String, Path, description = "The product's number.", min_length = 1, max_length = 64)),
    responses(
        (status = 200, description = "The product.", body = ProductView),
        (status = 404, description = "It is not on offer.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(State(app): State<App>, Segment(sku): Segment) -> Result<Response, Problem> {
    let shop = app.shop();
    let product = shopping::offered(&shop, &sku, "sku")?;
    Ok(json(StatusCode::OK, &ProductView::from(product.as_ref())))
}
