//! The routes of the port where boxes enrol: EST (RFC 7030) and what is Aisle's own under `/v1/enrol`.
//!
//! Not here: what is answered ([`super::office`]). Guards: a body is read in one go, to a bound and for a bounded time, before it is looked at.

use super::{
    answer::{self, Refused},
    office::{Caller, Office, Wanted, who},
    settings,
};
use aisle_provisioning::{
    claim::introduction::{ANSWER_HEADER, ASK_HEADER},
    code::Code,
    est::{Answer, PATH, REQUEST_BODY_BYTES_MAX},
    identity::Store,
};
use axum::{
    Extension, Json, Router,
    body::{Body, to_bytes},
    extract::{Path, Query, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::timeout;

const RECEIPT_KEY: &str = "aisle-receipt-key";
const STORE: &str = "aisle-store";

/// The routes. Requests carry who calls as an extension.
pub(super) fn router(office: Office, body: Duration) -> Router {
    let est = Router::new()
        .route("/cacerts", get(cacerts))
        .route("/csrattrs", get(csrattrs))
        .route("/simpleenroll", post(simpleenroll))
        .route("/simplereenroll", post(simplereenroll));
    Router::new()
        .nest(PATH, est)
        .route("/v1/enrol/time", get(time))
        .route("/v1/enrol/revoked", get(revoked))
        .route("/v1/enrol/settings", get(settings_of))
        .route("/v1/enrol/devices/{device}", post(certify_device).merge(delete(ban_device)))
        .fallback(|| async { Refused::nowhere() })
        .method_not_allowed_fallback(|| async {
            let refused = Refused::new(Code::RequestMalformed, "this method is not for this path");
            refused.status(StatusCode::METHOD_NOT_ALLOWED)
        })
        .layer(Extension(BodyPatience(body)))
        .layer(middleware::from_fn_with_state(office.clone(), guard))
        .with_state(office)
}

/// How long a body may take.
#[derive(Debug, Clone, Copy)]
struct BodyPatience(Duration);

/// Nobody asks more than so much in a second.
async fn guard(
    State(office): State<Office>,
    Extension(caller): Extension<Caller>,
    request: Request,
    next: Next,
) -> Response {
    match office.let_ask(&caller).await {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The body of a request, as long as a request for a certificate may be. What is too large or too slow is counted and written down.
async fn whole(
    office: &Office,
    caller: &Caller,
    body: Body,
    patience: BodyPatience,
) -> Result<Vec<u8>, Refused> {
    match bounded(body, patience).await {
        Ok(bytes) => Ok(bytes),
        Err(refused) => Err(office.told(caller, &who(caller), refused).await),
    }
}

async fn bounded(body: Body, patience: BodyPatience) -> Result<Vec<u8>, Refused> {
    let read = timeout(patience.0, to_bytes(body, REQUEST_BODY_BYTES_MAX)).await;
    match read {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(error)) => {
            // The only limit that there is; otherwise the connection broke off, and nobody reads the answer.
            let words = format!(
                "the body cannot be read to its end, or has more than {REQUEST_BODY_BYTES_MAX} bytes"
            );
            tracing::debug!(%error, "a body was refused");
            Err(Refused::new(Code::RequestTooLarge, words))
        }
        Err(_) => {
            let refused = Refused::new(Code::RequestMalformed, "the body took too long");
            Err(refused.status(StatusCode::REQUEST_TIMEOUT))
        }
    }
}

fn wanted<'a>(parts: &'a request::Parts, body: &'a [u8]) -> Wanted<'a> {
    Wanted {
        authorization: text(&parts.headers, header::AUTHORIZATION.as_str()),
        store: text(&parts.headers, STORE),
        receipt_key: text(&parts.headers, RECEIPT_KEY),
        content_type: text(&parts.headers, header::CONTENT_TYPE.as_str()),
        body,
    }
}

async fn cacerts(
    State(office): State<Office>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let (answer, proof) = office.cacerts(&caller, text(&headers, ASK_HEADER)).await?;
    let mut response = answer::of(answer);
    if let Some(proof) = proof.and_then(|proof| HeaderValue::try_from(proof).ok()) {
        response.headers_mut().insert(ANSWER_HEADER, proof);
    }
    Ok(response)
}

async fn csrattrs() -> Response {
    answer::of(Answer::attributes())
}

async fn simpleenroll(
    State(office): State<Office>,
    Extension(caller): Extension<Caller>,
    Extension(patience): Extension<BodyPatience>,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    let body = whole(&office, &caller, body, patience).await?;
    Ok(answer::of(office.enroll(&caller, wanted(&parts, &body)).await?))
}

async fn simplereenroll(
    State(office): State<Office>,
    Extension(caller): Extension<Caller>,
    Extension(patience): Extension<BodyPatience>,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    let body = whole(&office, &caller, body, patience).await?;
    Ok(answer::of(office.reenroll(&caller, wanted(&parts, &body)).await?))
}

async fn certify_device(
    State(office): State<Office>,
    Extension(caller): Extension<Caller>,
    Path(device): Path<String>,
    Extension(patience): Extension<BodyPatience>,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    let body = whole(&office, &caller, body, patience).await?;
    Ok(answer::of(office.certify_device(&caller, &device, wanted(&parts, &body)).await?))
}

async fn ban_device(
    State(office): State<Office>,
    Extension(caller): Extension<Caller>,
    Path(device): Path<String>,
) -> Result<StatusCode, Refused> {
    office.ban_device(&caller, &device).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn settings_of(
    State(office): State<Office>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let kept = office.node(&caller).await?;
    settings::answer(&office, &kept.enrolment.identity, &headers).await
}

#[derive(Debug, Deserialize)]
struct TimeQuery {
    nonce: Option<String>,
}

async fn time(State(office): State<Office>, Query(asked): Query<TimeQuery>) -> Result<Response, Refused> {
    let nonce = asked.nonce.map(|text| {
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok();
        let nonce = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        nonce.ok_or_else(|| Refused::new(Code::RequestMalformed, "`nonce` is not 64 hexadecimal digits"))
    });
    let signed = office.time(nonce.transpose()?)?;
    Ok(fresh(Json(serde_json::json!({ "statement": BASE64.encode(&signed) })).into_response()))
}

#[derive(Debug, Deserialize)]
struct RevokedQuery {
    store: Option<String>,
}

async fn revoked(
    State(office): State<Office>,
    Extension(caller): Extension<Caller>,
    Query(asked): Query<RevokedQuery>,
) -> Result<Response, Refused> {
    let store = asked.store.map(Store::new).transpose();
    let store = store.map_err(|error| Refused::new(Code::RequestMalformed, error.to_string()))?;
    let signed = office.revoked(&caller, store).await?;
    Ok(fresh(Json(serde_json::json!({ "list": BASE64.encode(&signed) })).into_response()))
}

/// Nothing between the hub and a box may keep it.
fn fresh(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
