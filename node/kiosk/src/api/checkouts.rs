//! Checkouts and their receipts.

use crate::{
    api::{json, views::ReceiptView},
    app::App,
    checkout::{self, KEY_CHARS_MAX, Paid, Terms},
    http::{
        extract::{JsonBytes, Segment, parse, visible},
        problem::Problem,
    },
};
use aisle_event::{Currency, Money, Name};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Deserialize;
use utoipa::ToSchema;

/// The header that makes a checkout repeatable.
const KEY_HEADER: &str = "idempotency-key";

/// What the shopper agreed to. Everything may be left out, and so may the body.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Checkout)]
pub(super) struct CheckoutBody {
    /// The total that the shopper was shown last. The basket is not sold for more (409, with the `total` of now); offers that came in
    /// meanwhile are given.
    expected_total: Option<ExpectedBody>,
}

/// An amount of money, as the basket's total has it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExpectedTotal)]
pub(super) struct ExpectedBody {
    /// Minor units: pence, cents.
    #[schema(example = 255)]
    minor: i64,
    /// ISO 4217.
    #[schema(value_type = String, pattern = "^[A-Z]{3}$", example = "GBP")]
    currency: Currency,
    /// As people read it; it is not looked at.
    #[serde(default, rename = "text")]
    _text: Option<String>,
}

/// Sells the basket at the prices of this moment and ends the session.
///
/// Repeat it with the same key until an answer comes: the basket is sold once.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/checkout", tag = "baskets", operation_id = "checkout",
    params(
        ("session" = String, Path, description = "The session's id.", min_length = 1, max_length = 64),
        ("Idempotency-Key" = String, Header,
            description = "Chosen by the client, new for every checkout: 1 to 64 visible ASCII characters.",
            min_length = 1, max_length = 64, pattern = "^[!-~]+$", example = "0R6DZ0Y5T3J4W0V8H1KX"),
    ),
    request_body(content = Option<CheckoutBody>, description = "What the shopper agreed to.", content_type = "application/json"),
    responses(
        (status = 200, description = "It was sold before with this key: the same receipt.", body = ReceiptView),
        (status = 201, description = "The receipt; the sale is durable.", body = ReceiptView),
        (status = 404, description = "The session is not open.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The basket is empty, a line cannot be sold, or the total is above the expected one; nothing was sold.",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key was used for another session.",
            body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn pay(
    State(app): State<App>,
    Segment(session): Segment,
    headers: HeaderMap,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, Problem> {
    let key = key(&headers)?;
    let body = match bytes.trim_ascii() {
        b"" | b"null" => CheckoutBody::default(),
        object => parse(object)?,
    };
    let expected = body.expected_total.map(|it| Money::new(it.minor, it.currency));
    let (status, receipt) = match checkout::pay(&app, &session, Terms { key, expected }).await? {
        Paid::Now(receipt) => (StatusCode::CREATED, receipt),
        Paid::Before(receipt) => (StatusCode::OK, receipt),
    };
    Ok(json(status, &ReceiptView::new(&receipt, &app.shop())))
}

fn key(headers: &HeaderMap) -> Result<Name, Problem> {
    let mut values = headers.get_all(KEY_HEADER).iter();
    let value = values.next().ok_or_else(|| Problem::field("Idempotency-Key", "is missing"))?;
    if values.next().is_some() {
        return Err(Problem::field("Idempotency-Key", "is there more than once"));
    }
    visible("Idempotency-Key", value.to_str().unwrap_or_default(), KEY_CHARS_MAX)
}

/// A receipt of this kiosk.
#[utoipa::path(
    get, path = "/v1/receipts/{document}", tag = "baskets", operation_id = "getReceipt",
    params(("document" = String, Path, description = "The receipt's number.", min_length = 1, max_length = 64)),
    responses(
        (status = 200, description = "The receipt.", body = ReceiptView),
        (status = 404, description = "There is none with this number.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn receipt(State(app): State<App>, Segment(document): Segment) -> Result<Response, Problem> {
    let receipt = app.read(move |state| state.receipt_of(&document)).await?.ok_or_else(|| {
        Problem::unknown_receipt("the kiosk has no receipt with this number").with("document", "is not known")
    })?;
    Ok(json(StatusCode::OK, &ReceiptView::new(&receipt, &app.shop())))
}
