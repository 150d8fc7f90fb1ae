//! HTTP API v1: JSON for apps, shelf screens and tests. Its document is `/openapi.json`.
//!
//! One file for each thing that has an address. Not here: pages (`pages`), what a change means (`shopping`, `checkout`).

#![expect(unused_qualifications, reason = "the code that `utoipa::path` writes names its parameters in full")]

mod baskets;
mod checkouts;
mod customers;
mod events;
mod experiments;
mod offers;
mod openapi;
mod products;
mod recommendations;
mod search;
mod sessions;
pub(crate) mod views;

pub(crate) use openapi::document;
pub(crate) use search::QUERY_CHARS_MAX;

use crate::app::App;
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of the API with their descriptions.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(products::list))
        .routes(routes!(products::get))
        .routes(routes!(search::search))
        .routes(routes!(recommendations::recommend))
        .routes(routes!(sessions::start))
        .routes(routes!(sessions::get, sessions::end))
        .routes(routes!(events::record))
        .routes(routes!(baskets::get))
        .routes(routes!(baskets::set, baskets::remove))
        .routes(routes!(customers::name, customers::forget))
        .routes(routes!(customers::enter, customers::remove))
        .routes(routes!(checkouts::pay))
        .routes(routes!(checkouts::receipt))
        .routes(routes!(experiments::list))
        .routes(routes!(openapi::serve))
}

/// An answer with a JSON body. It is never kept: the next shopper is another one.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    // The views are made of texts, numbers and lists; they always have a JSON form.
    let body = serde_json::to_vec(value).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
