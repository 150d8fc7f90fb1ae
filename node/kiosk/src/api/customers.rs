//! Who shops in a session, and the coupons they have.

use crate::{
    api::{
        baskets, json,
        views::{BasketView, SessionView},
    },
    app::App,
    claims,
    http::{
        extract::{Json, Segment, Segments, visible},
        problem::Problem,
    },
    pricing, shopping,
};
use aisle_state::Customer;
use axum::{extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use utoipa::ToSchema;

/// Who is buying.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NameCustomer)]
pub(super) struct CustomerBody {
    /// What stands for the customer and says nothing about them: the same at each visit, such as a keyed hash of the card's number.
    #[schema(min_length = 1, max_length = 64, pattern = "^[!-~]+$", example = "c-5d1f93ab")]
    token: String,
    /// The tier of the loyalty programme.
    #[schema(min_length = 1, max_length = 32, pattern = "^[!-~]+$", example = "gold")]
    tier: Option<String>,
}

/// The longest token, in characters.
const TOKEN_CHARS_MAX: usize = 64;
/// The longest tier, in characters.
const TIER_CHARS_MAX: usize = 32;

/// Says who shops in a session.
///
/// Offers for customers count from now on, and the sale carries the token. It is forgotten with the session.
#[utoipa::path(
    put, path = "/v1/sessions/{session}/customer", tag = "sessions", operation_id = "nameCustomer",
    params(("session" = String, Path, description = "The session's id.", min_length = 1, max_length = 64)),
    request_body(content = CustomerBody, content_type = "application/json"),
    responses(
        (status = 200, description = "The session; the change is durable.", body = SessionView),
        (status = 404, description = "The session is not open.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn name(
    State(app): State<App>,
    Segment(session): Segment,
    Json(body): Json<CustomerBody>,
) -> Result<Response, Problem> {
    let token = visible("token", &body.token, TOKEN_CHARS_MAX)?;
    let tier = body.tier.map(|tier| visible("tier", &tier, TIER_CHARS_MAX)).transpose()?;
    let who = Customer { token, tier };
    claims::customer(&app, &session, Some(who)).await?;
    answer(&app, &session).await
}

/// Forgets who shops in a session.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}/customer", tag = "sessions", operation_id = "forgetCustomer",
    params(("session" = String, Path, description = "The session's id.", min_length = 1, max_length = 64)),
    responses(
        (status = 200, description = "The session; the change is durable.", body = SessionView),
        (status = 404, description = "The session is not open.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn forget(State(app): State<App>, Segment(session): Segment) -> Result<Response, Problem> {
    claims::customer(&app, &session, None).await?;
    answer(&app, &session).await
}

async fn answer(app: &App, session: &str) -> Result<Response, Problem> {
    let shop = app.shop();
    let session = shopping::open(&shop, session)?;
    let priced = pricing::show(app, session, &shop).await;
    Ok(json(StatusCode::OK, &SessionView::new(session, BasketView::new(session, &priced))))
}

/// Puts a coupon to the basket. What it is good for, the basket's adjustments show.
#[utoipa::path(
    put, path = "/v1/sessions/{session}/coupons/{code}", tag = "baskets", operation_id = "enterCoupon",
    params(
        ("session" = String, Path, description = "The session's id.", min_length = 1, max_length = 64),
        ("code" = String, Path, description = "The coupon's code; small letters are read as capitals.",
            min_length = 1, max_length = 32, pattern = "^[A-Za-z0-9-]+$", example = "SPRING-10"),
    ),
    responses(
        (status = 200, description = "The basket; the change is durable.", body = BasketView),
        (status = 404, description = "The session is not open.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The basket has as many coupons as it can have.",
            body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn enter(
    State(app): State<App>,
    Segments(session, code): Segments,
) -> Result<Response, Problem> {
    claims::coupon(&app, &session, claims::code(&code)?, true).await?;
    baskets::answer(&app, &session).await
}

/// Takes a coupon away from the basket.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}/coupons/{code}", tag = "baskets", operation_id = "removeCoupon",
    params(
        ("session" = String, Path, description = "The session's id.", min_length = 1, max_length = 64),
        ("code" = String, Path, description = "The coupon's code; small letters are read as capitals.",
            min_length = 1, max_length = 32, pattern = "^[A-Za-z0-9-]+$", example = "SPRING-10"),
    ),
    responses(
        (status = 200, description = "The basket without it; the change is durable.", body = BasketView),
        (status = 404, description = "The session is not open.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn remove(
    State(app): State<App>,
    Segments(session, code): Segments,
) -> Result<Response, Problem> {
    claims::coupon(&app, &session, claims::code(&code)?, false).await?;
    baskets::answer(&app, &session).await
}
