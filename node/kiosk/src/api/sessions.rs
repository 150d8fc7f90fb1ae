//! Sessions: one shopper at one kiosk, from the first touch to the last.

use crate::{
    api::{
        json,
        recommendations::LanguageView,
        views::{BasketView, SessionView, StartedView},
    },
    app::App,
    http::{
        extract::{JsonBytes, Params, Segment, choice, id, parse},
        problem::Problem,
    },
    pricing, shopping,
};
use aisle_event::shopper::EndReason;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// How a session begins. Everything may be left out, and so may the body.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = StartSession)]
pub(super) struct StartBody {
    /// The kiosk, where there is more than one.
    #[schema(
        pattern = "^[A-Za-z0-9]([A-Za-z0-9._:-]*[A-Za-z0-9])?$",
        min_length = 1,
        max_length = 64,
        example = "kiosk-1"
    )]
    kiosk: Option<String>,
    /// The language of the page.
    #[schema(value_type = Option<LanguageView>)]
    language: Option<String>,
}

/// Begins a session.
#[utoipa::path(
    post, path = "/v1/sessions", tag = "sessions", operation_id = "startSession",
    request_body(content = Option<StartBody>, description = "What is known of the shopper's place.", content_type = "application/json"),
    responses((status = 201, description = "The session; it is durable.", body = StartedView)),
)]
pub(super) async fn start(State(app): State<App>, JsonBytes(bytes): JsonBytes) -> Result<Response, Problem> {
    let body = match bytes.trim_ascii() {
        b"" | b"null" => StartBody::default(),
        object => parse(object)?,
    };
    let kiosk = body.kiosk.as_deref().map(kiosk_id).transpose()?;
    let language = body.language.as_deref();
    if let Some(language) = language {
        choice("language", language, super::recommendations::LANGUAGES)?;
    }
    let started =
        shopping::start(&app, kiosk, language.map(|language| id("language", language)).transpose()?).await?;
    let view = StartedView { session: started.session, arm: started.arm, started_at: started.at };
    Ok(json(StatusCode::CREATED, &view))
}

/// The name of a kiosk: what can stand in a topic, a log line and an address without escaping.
fn kiosk_id(text: &str) -> Result<aisle_event::DeviceId, Problem> {
    let outer = |c: char| c.is_ascii_alphanumeric();
    let inner = |c: char| outer(c) || matches!(c, '.' | '_' | ':' | '-');
    if text.chars().all(inner) && text.starts_with(outer) && text.ends_with(outer) {
        id("kiosk", text)
    } else {
        Err(Problem::field(
            "kiosk",
            "is not made of letters, digits, `.`, `_`, `:` and `-` with a letter or digit at its ends",
        ))
    }
}

/// One open session with its basket.
#[utoipa::path(
    get, path = "/v1/sessions/{session}", tag = "sessions", operation_id = "getSession",
    params(("session" = String, Path, description = "The session's id.", min_length = 1, max_length = 64)),
    responses(
        (status = 200, description = "The session.", body = SessionView),
        (status = 404, description = "It is not open.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(State(app): State<App>, Segment(session): Segment) -> Result<Response, Problem> {
    let shop = app.shop();
    let session = shopping::open(&shop, &session)?;
    let priced = pricing::show(&app, session, &shop).await;
    Ok(json(StatusCode::OK, &SessionView::new(session, BasketView::new(session, &priced))))
}

/// Why a session ends.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "gives the schema; the event's own reason is read")]
enum EndReasonView {
    Left,
    Idle,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct EndParams {
    /// `left`, which is the default, when the shopper said so, `idle` when nobody was there any more.
    #[param(value_type = EndReasonView, inline, required = false)]
    reason: Option<String>,
}

/// Ends a session and empties its basket.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}", tag = "sessions", operation_id = "endSession",
    params(("session" = String, Path, description = "The session's id.", min_length = 1, max_length = 64), EndParams),
    responses(
        (status = 204, description = "It has ended; that is durable."),
        (status = 404, description = "It is not open.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn end(
    State(app): State<App>,
    Segment(session): Segment,
    Params(params): Params<EndParams>,
) -> Result<Response, Problem> {
    let reasons = [("left", EndReason::Left), ("idle", EndReason::Idle)];
    let reason =
        params.reason.as_deref().map_or(Ok(EndReason::Left), |reason| choice("reason", reason, &reasons))?;
    shopping::end(&app, &session, reason).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
