//! The document that describes the API, and what all of its operations have in common.

use crate::{
    app::App,
    http::problem::{PROBLEM_JSON, Problem},
};
use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use utoipa::{
    OpenApi,
    openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder, path::Operation},
};

/// Problems that every operation may answer with.
const COMMON: &[(&str, &str)] = &[
    ("400", "The request is malformed; `errors` names the field."),
    ("405", "The path has no such method; see the `allow` header."),
    ("413", "The body is too large."),
    ("500", "The node failed; it was logged."),
    ("503", "The node is busy or cannot write; see the `retry-after` header."),
];
/// Problems that operations which change something may answer with besides.
const COMMON_OF_WRITES: &[(&str, &str)] =
    &[("403", "A browser sent it for another site."), ("415", "The body is not JSON.")];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Aisle kiosk",
        description = "What a store's kiosk shows and sells. A write answers 2xx only when it is durable and visible. \
                       Every error is an `application/problem+json` that names the field. Times are RFC 3339 in UTC; \
                       amounts of money are whole minor units.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "catalogue", description = "Products on offer, and finding them."),
        (name = "recommendations", description = "What to show next, and why."),
        (name = "sessions", description = "One shopper at one kiosk, and what they did."),
        (name = "baskets", description = "Baskets, checkouts and receipts."),
        (name = "staff", description = "For those who work in the shop. The cookie `aisle_staff` is needed."),
        (name = "operation", description = "For those who run the shop."),
    ),
    components(schemas(Problem)),
)]
struct Base;

/// The document without operations.
pub(super) fn base() -> utoipa::openapi::OpenApi {
    Base::openapi()
}

/// The whole document, with what the node's other routes say of themselves.
pub(crate) fn document(more: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    let mut document = super::router().into_openapi();
    document.merge(crate::staff::described());
    document.merge(more);
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.post, &mut item.put, &mut item.patch, &mut item.delete] {
            operation.iter_mut().for_each(|operation| add(operation, COMMON_OF_WRITES));
        }
        for operation in [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete] {
            operation.iter_mut().for_each(|operation| add(operation, COMMON));
        }
    }
    document
}

fn add(operation: &mut Operation, problems: &[(&str, &str)]) {
    for (status, description) in problems {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response =
            ResponseBuilder::new().description(*description).content(PROBLEM_JSON, content).build();
        operation.responses.responses.entry((*status).to_owned()).or_insert(RefOr::T(response));
    }
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "operation", operation_id = "describe",
    responses((status = 200, description = "An OpenAPI document.", body = Object, content_type = "application/json")),
)]
pub(super) async fn serve(State(app): State<App>) -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], app.document.clone()).into_response()
}
