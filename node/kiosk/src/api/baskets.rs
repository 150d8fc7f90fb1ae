//! Baskets: one for each open session.

use crate::{
    amount::Amount,
    api::{json, views::BasketView},
    app::App,
    http::{
        extract::{Json, Segment, Segments},
        problem::Problem,
    },
    pricing,
    shopping::{self, Change},
};
use axum::{extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use utoipa::ToSchema;

/// What a line of the basket is to hold.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SetQuantity)]
pub(super) struct SetBody {
    /// Zero takes the product out.
    quantity: Amount,
}

/// The basket at the prices of this moment.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/basket", tag = "baskets", operation_id = "getBasket",
    params(("session" = String, Path, description = "The session's id.", min_length = 1, max_length = 64)),
    responses(
        (status = 200, description = "The basket.", body = BasketView),
        (status = 404, description = "The session is not open.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(State(app): State<App>, Segment(session): Segment) -> Result<Response, Problem> {
    answer(&app, &session).await
}

/// Sets how much of a product the basket holds.
#[utoipa::path(
    put, path = "/v1/sessions/{session}/basket/{sku}", tag = "baskets", operation_id = "setQuantity",
    params(
        ("session" = String, Path, description = "The session's id.", min_length = 1, max_length = 64),
        ("sku" = String, Path, description = "The product's number.", min_length = 1, max_length = 64),
    ),
    request_body(content = SetBody, content_type = "application/json"),
    responses(
        (status = 200, description = "The basket; the change is durable.", body = BasketView),
        (status = 404, description = "The session is not open or the product is not on offer.",
            body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The product is out of stock or not sold in this quantity, or the basket is full.",
            body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn set(
    State(app): State<App>,
    Segments(session, sku): Segments,
    Json(body): Json<SetBody>,
) -> Result<Response, Problem> {
    shopping::change(&app, &session, &sku, Change::Set(body.quantity)).await?;
    answer(&app, &session).await
}

/// Takes a product out of the basket.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}/basket/{sku}", tag = "baskets", operation_id = "removeFromBasket",
    params(
        ("session" = String, Path, description = "The session's id.", min_length = 1, max_length = 64),
        ("sku" = String, Path, description = "The product's number.", min_length = 1, max_length = 64),
    ),
    responses(
        (status = 200, description = "The basket without it; the change is durable.", body = BasketView),
        (status = 404, description = "The session is not open, or there is no such product.",
            body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn remove(
    State(app): State<App>,
    Segments(session, sku): Segments,
) -> Result<Response, Problem> {
    shopping::change(&app, &session, &sku, Change::Set(Amount::ZERO)).await?;
    answer(&app, &session).await
}

pub(super) async fn answer(app: &App, session: &str) -> Result<Response, Problem> {
    let shop = app.shop();
    let session = shopping::open(&shop, session)?;
    let priced = pricing::show(app, session, &shop).await;
    Ok(json(StatusCode::OK, &BasketView::new(session, &priced)))
}
