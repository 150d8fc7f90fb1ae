//! The routes: each reads a question, asks the database, and gives a page.
#![expect(unused_qualifications, reason = "the code that `utoipa::path` writes names its parameters in full")]

use super::{
    Api, Problem,
    cursor::{PageQuery, place_of},
    health,
};
use crate::{
    database::{
        DatabaseError,
        read::{
            After, CursorRow, ErasureRow, EventRow, NodeRow, ROWS_MAX, ReceiptRow, ReportRow, StoreRow,
            Totals, kind_name,
        },
    },
    payload,
    publish::Desire,
};
use aisle_event::StoreId;
use aisle_protocol::{LogClass, LogId};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes that want the token.
pub(super) fn closed() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(totals))
        .routes(routes!(store))
        .routes(routes!(nodes))
        .routes(routes!(cursors))
        .routes(routes!(events))
        .routes(routes!(receipts))
        .routes(routes!(erasures))
        .routes(routes!(desired))
        .routes(routes!(reports))
        .routes(routes!(metrics))
}

/// The routes for everybody.
pub(super) fn open() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(healthz)).routes(routes!(readyz))
}

pub(super) type Answer<T> = Result<Json<T>, Problem>;

/// A list, and where it goes on. The description names it by [`described_page`].
#[derive(Debug, Serialize)]
pub(super) struct Page<T> {
    /// The rows.
    pub(super) items: Vec<T>,
    /// Where the next page begins: give it as `after`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
}

/// A page of these as the description has it: `described_page!(StorePage, Page_StoreRow, StoreRow)` for `body = StorePage`. What `utoipa` writes for a type with
/// parameters asks for `Cow<str>::as_ref()` and leaves open of what, and `typed_path`, which comes with `tough`, gives it a second answer.
macro_rules! described_page {
    ($name:ident, $schema:ident, $row:ty) => {
        /// A list, and where it goes on.
        #[derive(serde::Serialize, utoipa::ToSchema)]
        #[schema(as = $schema)]
        struct $name {
            /// The rows.
            items: Vec<$row>,
            /// Where the next page begins: give it as `after`. Absent on the last page.
            #[serde(skip_serializing_if = "Option::is_none")]
            next: Option<String>,
        }
    };
}
pub(super) use described_page;

impl<T> Page<T> {
    /// A page that goes on behind its last row where it is full.
    pub(super) fn of(items: Vec<T>, limit: u32, place: impl FnOnce(&T) -> String) -> Self {
        let next = (items.len() >= limit as usize).then(|| items.last().map(place)).flatten();
        Self { items, next }
    }
}

described_page!(NodePage, Page_NodeRow, NodeRow);
described_page!(CursorPage, Page_CursorRow, CursorRow);
described_page!(EventPage, Page_EventView, EventView);
described_page!(ReceiptPage, Page_ReceiptView, ReceiptView);
described_page!(ErasurePage, Page_ErasureRow, ErasureRow);
described_page!(ReportPage, Page_ReportRow, ReportRow);

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// From this time on, in milliseconds since 1970.
    from_ms: Option<u64>,
    /// Before this time.
    before_ms: Option<u64>,
    /// Where a page goes on: `next` of the page before.
    after: Option<String>,
    /// The most rows, up to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ReceiptsQuery {
    /// `sales`, `stock`, `telemetry`, `bulk`.
    #[param(pattern = "^(sales|stock|telemetry|bulk)$")]
    class: String,
    /// The epoch; the latest, where it is absent.
    epoch: Option<String>,
    /// Where a page goes on: `next` of the page before.
    after: Option<u64>,
    /// The most rows, up to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// An event.
#[derive(Debug, Serialize, ToSchema)]
struct EventView {
    /// `sales`, `stock`, `telemetry`, `bulk`.
    class: &'static str,
    /// The epoch of its log, in hexadecimal digits.
    epoch: String,
    /// Its number in its log.
    seq: u64,
    /// Its time, in milliseconds since 1970 by the store's clock, as exact as the policy lets it be.
    at_ms: u64,
    /// What orders events of one time.
    counter: u64,
    /// The number of its type.
    kind: u16,
    /// The name of its type, where this hub knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    /// What left the store, by the names of the fields; bytes that are not what the type says, in hexadecimal digits.
    #[schema(value_type = Value)]
    payload: Value,
}

/// A receipt.
#[derive(Debug, Serialize, ToSchema)]
struct ReceiptView {
    /// The first event that it covers.
    first_seq: u64,
    /// The last event that it covers.
    last_seq: u64,
    /// The head after it, in hexadecimal digits.
    head_after: String,
    /// The version of the policy that let these events out.
    policy_version: u32,
    /// The hash of that policy, in hexadecimal digits.
    policy_hash: String,
    /// The receipt as it came, in hexadecimal digits.
    receipt: String,
    /// When it was taken, in milliseconds since 1970.
    received_at_ms: i64,
}

pub(super) fn limit(limit: Option<u32>) -> Result<u32, Problem> {
    match limit.unwrap_or(100) {
        0 => Err(Problem::field("limit", "is 0, expected 1 to 1000")),
        limit if limit > ROWS_MAX => Err(Problem::field("limit", format!("is {limit}, expected 1 to 1000"))),
        limit => Ok(limit),
    }
}

fn store_id(text: &str) -> Result<StoreId, Problem> {
    StoreId::new(text).map_err(|_| Problem::field("store", "is not the id of a store"))
}

pub(super) async fn known(api: &Api, text: &str) -> Result<StoreId, Problem> {
    let store = store_id(text)?;
    match api.database.store(&store).await? {
        Some(_) => Ok(store),
        None => Err(Problem::unknown_store(text)),
    }
}

pub(super) fn query<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Problem> {
    query.map(|Query(query)| query).map_err(|rejection| Problem::malformed(rejection.body_text()))
}

/// How much there is.
#[utoipa::path(get, path = "/v1/totals", tag = "hub", security(("token" = [])), responses(
    (status = 200, body = Totals), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn totals(State(api): State<Api>) -> Answer<Totals> {
    Ok(Json(api.database.totals().await?))
}

/// A store.
#[utoipa::path(get, path = "/v1/stores/{store}", tag = "stores", security(("token" = [])),
    params(("store" = String, Path, description = "The store.")), responses(
    (status = 200, body = StoreRow), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn store(State(api): State<Api>, Path(text): Path<String>) -> Answer<StoreRow> {
    let store = store_id(&text)?;
    api.database.store(&store).await?.map(Json).ok_or_else(|| Problem::unknown_store(&text))
}

/// The nodes of a store.
#[utoipa::path(get, path = "/v1/stores/{store}/nodes", tag = "stores", security(("token" = [])),
    params(("store" = String, Path, description = "The store."), PageQuery), responses(
    (status = 200, body = NodePage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn nodes(
    State(api): State<Api>,
    Path(text): Path<String>,
    asked: Result<Query<PageQuery>, QueryRejection>,
) -> Answer<Page<NodeRow>> {
    let (asked, store) = (query(asked)?, store_id(&text)?);
    let limit = asked.whole()?;
    let after = asked.after.unwrap_or_default();
    let items = api.database.nodes_after(&store, &after, limit).await?;
    if items.is_empty() && after.is_empty() {
        known(&api, &text).await?;
    }
    Ok(Json(Page::of(items, limit, |row| row.node.clone())))
}

/// How far the logs of a store are, and how far behind.
#[utoipa::path(get, path = "/v1/stores/{store}/cursors", tag = "stores", security(("token" = [])),
    params(("store" = String, Path, description = "The store.")), responses(
    (status = 200, body = CursorPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn cursors(State(api): State<Api>, Path(text): Path<String>) -> Answer<Page<CursorRow>> {
    let store = known(&api, &text).await?;
    let items = api.database.logs(&store).await?.iter().map(crate::database::read::LogRow::cursor).collect();
    Ok(Json(Page { items, next: None }))
}

/// The events of a store by time. What two epochs of a log hold is shown once.
#[utoipa::path(get, path = "/v1/stores/{store}/events", tag = "events", security(("token" = [])),
    params(("store" = String, Path, description = "The store."), EventsQuery), responses(
    (status = 200, body = EventPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn events(
    State(api): State<Api>,
    Path(text): Path<String>,
    asked: Result<Query<EventsQuery>, QueryRejection>,
) -> Answer<Page<EventView>> {
    let asked = query(asked)?;
    let limit = limit(asked.limit)?;
    let store = known(&api, &text).await?;
    let after = match asked.after.as_deref() {
        Some(text) => place(text).ok_or_else(|| Problem::field("after", "is no `next` of a page"))?,
        None => After::time(asked.from_ms.unwrap_or(0).min(u64::MAX >> 17)),
    };
    let rows = api.database.events_by_time(&store, after, asked.before_ms.unwrap_or(u64::MAX), limit).await?;
    let epochs: HashMap<_, _> =
        api.database.logs(&store).await?.into_iter().map(|log| ((log.class, log.log), log.epoch)).collect();
    let next =
        (rows.len() == limit as usize).then(|| rows.last().map(|row| text_of(After::event(row)))).flatten();
    let view = |row: EventRow| EventView {
        class: row.class.as_str(),
        epoch: epochs.get(&(row.class, row.log)).map(ToString::to_string).unwrap_or_default(),
        seq: row.seq,
        at_ms: row.hlc >> 16,
        counter: row.hlc & 0xffff,
        kind: row.kind,
        name: kind_name(row.kind),
        payload: payload::to_json(row.kind, &row.payload),
    };
    Ok(Json(Page { items: rows.into_iter().map(view).collect(), next }))
}

fn text_of(After { hlc, class, log, seq }: After) -> String {
    format!("{hlc}.{class}.{log}.{seq}")
}

fn place(text: &str) -> Option<After> {
    let mut parts = text.split('.');
    let after = After {
        hlc: parts.next()?.parse().ok()?,
        class: parts.next()?.parse().ok()?,
        log: parts.next()?.parse().ok()?,
        seq: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(after)
}

/// The receipts of a log, in their order.
#[utoipa::path(get, path = "/v1/stores/{store}/receipts", tag = "receipts", security(("token" = [])),
    params(("store" = String, Path, description = "The store."), ReceiptsQuery), responses(
    (status = 200, body = ReceiptPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn receipts(
    State(api): State<Api>,
    Path(text): Path<String>,
    asked: Result<Query<ReceiptsQuery>, QueryRejection>,
) -> Answer<Page<ReceiptView>> {
    let asked = query(asked)?;
    let limit = limit(asked.limit)?;
    let class = LogClass::ALL
        .into_iter()
        .find(|class| class.as_str() == asked.class)
        .ok_or_else(|| Problem::field("class", "is none of `sales`, `stock`, `telemetry`, `bulk`"))?;
    let store = known(&api, &text).await?;
    let logs = api.database.logs(&store).await?.into_iter().filter(|log| log.class == class);
    let wanted = |id: &LogId| asked.epoch.as_ref().is_none_or(|epoch| *epoch == id.epoch.to_string());
    let log = logs.rev().find(|log| wanted(&log.id())).ok_or_else(|| Problem::unknown_log(&text))?;
    let rows = api.database.receipts(&log, asked.after.unwrap_or(0), limit).await?;
    let next =
        (rows.len() == limit as usize).then(|| rows.last().map(|row| row.last_seq.to_string())).flatten();
    let view = |row: ReceiptRow| ReceiptView {
        first_seq: row.first_seq,
        last_seq: row.last_seq,
        head_after: HEXLOWER.encode(&row.head_after),
        policy_version: row.policy_version,
        policy_hash: HEXLOWER.encode(&row.policy_hash),
        receipt: HEXLOWER.encode(&row.receipt),
        received_at_ms: row.received_at_ms,
    };
    Ok(Json(Page { items: rows.into_iter().map(view).collect(), next }))
}

/// The erasures that a store was asked for, with its receipts.
#[utoipa::path(get, path = "/v1/stores/{store}/erasures", tag = "receipts", security(("token" = [])),
    params(("store" = String, Path, description = "The store."), PageQuery), responses(
    (status = 200, body = ErasurePage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn erasures(
    State(api): State<Api>,
    Path(text): Path<String>,
    asked: Result<Query<PageQuery>, QueryRejection>,
) -> Answer<Page<ErasureRow>> {
    let asked = query(asked)?;
    let limit = asked.whole()?;
    let after = asked.after_hash()?;
    let store = known(&api, &text).await?;
    let after = after.as_ref().map(|(at_ms, id)| (*at_ms, id.as_slice()));
    let items = api.database.erasures_after(&store, after, limit).await?;
    Ok(Json(Page::of(items, limit, |row| format!("{}.{}", row.requested_at_ms, row.id))))
}

/// What a store is to become.
#[utoipa::path(get, path = "/v1/stores/{store}/desired", tag = "stores", security(("token" = [])),
    params(("store" = String, Path, description = "The store.")), responses(
    (status = 200, body = Desire), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn desired(State(api): State<Api>, Path(text): Path<String>) -> Answer<Desire> {
    let store = store_id(&text)?;
    let row = api.database.desired(&store).await?;
    if row.is_none() {
        known(&api, &text).await?;
    }
    let damaged = |_| DatabaseError::Damaged { table: "desired", column: "manifest", row: text };
    Ok(Json(Desire::of(row).map_err(damaged)?))
}

/// What the nodes of a store report to run.
#[utoipa::path(get, path = "/v1/stores/{store}/reports", tag = "stores", security(("token" = [])),
    params(("store" = String, Path, description = "The store."), PageQuery), responses(
    (status = 200, body = ReportPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn reports(
    State(api): State<Api>,
    Path(text): Path<String>,
    asked: Result<Query<PageQuery>, QueryRejection>,
) -> Answer<Page<ReportRow>> {
    let asked = query(asked)?;
    let limit = asked.whole()?;
    let (node, name) = asked.place::<(String, String)>()?.unwrap_or_default();
    let store = known(&api, &text).await?;
    let items = api.database.reports_after(&store, (&node, &name), limit).await?;
    Ok(Json(Page::of(items, limit, |row| place_of(&(&row.node, &row.name)))))
}

/// Metrics, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "hub", security(("token" = [])), responses(
    (status = 200, body = String, content_type = "application/openmetrics-text"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json")))]
async fn metrics(State(api): State<Api>) -> Response {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &api.registry) {
        Ok(()) => {
            let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, form)], text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Whether the hub lives: its database answers.
#[utoipa::path(get, path = "/healthz", tag = "health", responses(
    (status = 200, body = String, content_type = "text/plain"), (status = 503, body = String, content_type = "text/plain")))]
async fn healthz(State(api): State<Api>) -> (StatusCode, &'static str) {
    health(api.database.is_well().await)
}

/// Whether the hub takes stores in.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, body = String, content_type = "text/plain"), (status = 503, body = String, content_type = "text/plain")))]
async fn readyz(State(api): State<Api>) -> (StatusCode, &'static str) {
    health(api.is_ready() && api.database.is_well().await)
}
