//! [`Problem`]: the one form of every error of the API (RFC 9457), with the path of the field that is wrong.
//!
//! Guards invariant 10: an error names the thing, the cause and the next step, and never shows what is inside the node.

use crate::api::views::{MoneyView, Price};
use aisle_event::Money;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use utoipa::ToSchema;

/// The media type of a problem.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// What is wrong with one field of a request.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// The path of the field: a name in the query, the path, a header or the body, such as `skus[2]`.
    #[schema(example = "quantity")]
    pub(crate) field: Cow<'static, str>,
    /// What is wrong with it.
    #[schema(example = "is above 9999")]
    pub(crate) reason: Cow<'static, str>,
}

/// Why a request was not done (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "urn:aisle:problem:unknown-product",
    "title": "No such product",
    "status": 404,
    "detail": "the shop has no product `TEA-9`",
    "errors": [{ "field": "sku", "reason": "is not on offer" }]
}))]
pub struct Problem {
    /// Which problem it is, for programs.
    #[serde(rename = "type")]
    #[schema(value_type = String, pattern = "^urn:aisle:problem:[a-z-]+$")]
    kind: Kind,
    /// The same, for people.
    title: &'static str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened this time, and what can be done.
    detail: Cow<'static, str>,
    /// The fields that are wrong, if it is a matter of fields.
    errors: Vec<FieldError>,
    /// What the basket costs now, where it is more than expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MoneyView>, nullable = false)]
    total: Option<Price>,
    #[serde(skip)]
    retry_after_s: Option<u32>,
}

macro_rules! kinds {
    ($($kind:ident $name:ident = $status:ident $urn:literal $title:literal;)+) => {
        /// Which problem it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind {
            $(#[doc = $title] $kind,)+
        }

        impl Serialize for Kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(match self {
                    $(Self::$kind => concat!("urn:aisle:problem:", $urn),)+
                })
            }
        }

        impl Problem {
            $(#[doc = concat!("“", $title, "”, and what happened this time.")]
            #[must_use]
            pub fn $name(detail: impl Into<Cow<'static, str>>) -> Self {
                Self {
                    kind: Kind::$kind,
                    title: $title,
                    status: StatusCode::$status.as_u16(),
                    detail: detail.into(),
                    errors: Vec::new(),
                    total: None,
                    retry_after_s: None,
                }
            })+
        }
    };
}

kinds! {
    Malformed malformed = BAD_REQUEST "malformed" "The request is malformed";
    NoToken no_token = UNAUTHORIZED "no-token" "The node's token is needed";
    NotSignedIn not_signed_in = UNAUTHORIZED "not-signed-in" "Nobody is signed in";
    CrossSite cross_site = FORBIDDEN "cross-site" "The request comes from another site";
    UnknownPath unknown_path = NOT_FOUND "unknown-path" "No such page";
    UnknownProduct unknown_product = NOT_FOUND "unknown-product" "No such product";
    UnknownSession unknown_session = NOT_FOUND "unknown-session" "No such session";
    UnknownDevice unknown_device = NOT_FOUND "unknown-device" "No such device";
    UnknownUnit unknown_unit = NOT_FOUND "unknown-unit" "No such cold chain unit";
    UnknownStream unknown_stream = NOT_FOUND "unknown-stream" "No such stream";
    UnknownPosition unknown_position = NOT_FOUND "unknown-position" "Nothing is known of this product's stock";
    UnknownExcursion unknown_excursion = NOT_FOUND "unknown-excursion" "No such excursion";
    UnknownPlugin unknown_plugin = NOT_FOUND "unknown-plugin" "No such plugin";
    UnknownModel unknown_model = NOT_FOUND "unknown-model" "No such model";
    UnknownTask unknown_task = NOT_FOUND "unknown-task" "No such task";
    UnknownClient unknown_client = NOT_FOUND "unknown-client" "No such client";
    UnknownMessage unknown_message = NOT_FOUND "unknown-message" "No such message";
    UnknownReceipt unknown_receipt = NOT_FOUND "unknown-receipt" "No such receipt";
    Method method = METHOD_NOT_ALLOWED "method" "This method is not for this path";
    Conflict conflict = CONFLICT "conflict" "It cannot be done as things are";
    NotSellable not_sellable = CONFLICT "not-sellable" "The product cannot be sold";
    Quantity quantity = CONFLICT "quantity" "The product is not sold in this quantity";
    BasketFull basket_full = CONFLICT "basket-full" "The basket is full";
    CouponsFull coupons_full = CONFLICT "coupons-full" "There is no room for another coupon";
    Denied denied = CONFLICT "denied" "The basket cannot be paid";
    TotalChanged total_changed = CONFLICT "total-changed" "The total has changed";
    BasketEmpty basket_empty = CONFLICT "basket-empty" "The basket is empty";
    TooLarge too_large = PAYLOAD_TOO_LARGE "too-large" "The body is too large";
    MediaType media_type = UNSUPPORTED_MEDIA_TYPE "media-type" "The body has the wrong type";
    KeyReused key_reused = UNPROCESSABLE_ENTITY "key-reused" "The idempotency key belongs to another checkout";
    Internal internal = INTERNAL_SERVER_ERROR "internal" "The node failed";
    Busy busy = SERVICE_UNAVAILABLE "busy" "The node is busy";
    Unanswered unanswered = SERVICE_UNAVAILABLE "unanswered" "The basket cannot be paid yet";
    Stopped stopped = SERVICE_UNAVAILABLE "stopped" "The node cannot write";
}

impl Problem {
    /// Adds a field that is wrong.
    #[must_use]
    pub fn with(mut self, field: impl Into<Cow<'static, str>>, reason: impl Into<Cow<'static, str>>) -> Self {
        self.errors.push(FieldError { field: field.into(), reason: reason.into() });
        self
    }

    /// Says when it makes sense to try again.
    #[must_use]
    pub const fn retry_after_s(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Says what the basket costs now.
    #[must_use]
    pub(crate) const fn costing(mut self, total: Money) -> Self {
        self.total = Some(Price(total));
        self
    }

    /// A field of the request that does not hold what it may hold.
    #[must_use]
    pub fn field(field: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        let reason = reason.into();
        Self::malformed(format!("`{field}` {reason}")).with(field, reason)
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What happened this time.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The fields that are wrong, each with its reason.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.errors.iter().map(|error| (error.field.as_ref(), error.reason.as_ref()))
    }

    /// Which problem it is.
    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// What the basket costs now, where that is more than the shopper was shown.
    pub(crate) fn total(&self) -> Option<Money> {
        self.total.map(|Price(total)| total)
    }

    /// The header that goes with it, for an answer in another form.
    pub(crate) fn retry_after(&self) -> Option<HeaderValue> {
        self.retry_after_s.map(HeaderValue::from)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // A problem is made of texts and numbers; it always has a JSON form.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status(), [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        // For the gate, which turns it into a page where a page was asked for.
        response.extensions_mut().insert(self);
        response
    }
}
