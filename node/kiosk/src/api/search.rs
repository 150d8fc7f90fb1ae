//! Search by name or number.

use crate::{
    api::{json, views::FoundView},
    app::App,
    http::{
        extract::{Params, number, text},
        problem::Problem,
    },
};
use axum::{extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use utoipa::IntoParams;

/// The longest query, in characters.
pub(crate) const QUERY_CHARS_MAX: usize = 64;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchParams {
    /// Words of a name, of which the last may be unfinished, or a product's number or barcode number.
    #[param(value_type = String, min_length = 1, max_length = 64, nullable = false, required, example = "paper cup")]
    q: Option<String>,
    /// How many products at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 24, nullable = false)]
    limit: Option<String>,
}

/// Finds products, best first.
#[utoipa::path(
    get, path = "/v1/search", tag = "catalogue", operation_id = "searchProducts", params(SearchParams),
    responses((status = 200, description = "What was found.", body = FoundView)),
)]
pub(super) async fn search(
    State(app): State<App>,
    Params(params): Params<SearchParams>,
) -> Result<Response, Problem> {
    let query =
        text("q", params.q.as_deref(), QUERY_CHARS_MAX)?.ok_or_else(|| Problem::field("q", "is missing"))?;
    let limit = number("limit", params.limit.as_deref(), &(1..=100), 24)?;
    let shop = app.shop();
    let index = app.catalogue.index(&app, &shop).await;
    let found: Vec<_> =
        index.search(query).into_iter().filter_map(|sku| shop.product(sku.as_str())).collect();
    let products = found.iter().take(limit).map(|product| product.as_ref().into()).collect();
    Ok(json(StatusCode::OK, &FoundView { products, total: found.len() }))
}
