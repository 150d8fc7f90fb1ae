//! Routes of the relay: how far the stores' logs have gone on to a hub above, and which hubs may speak for stores here.

use super::{
    Api, Problem,
    cursor::PageQuery,
    routes::{Answer, Page, described_page},
};
use crate::database::{RegisteredRelay, RelayRow};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use data_encoding::HEXLOWER;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

described_page!(RelayPage, Page_RelayRow, RelayRow);
described_page!(AllowedPage, Page_AllowedRelay, AllowedRelay);

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(relay)).routes(routes!(relays))
}

/// How the relay of each store to the hub above stands.
#[utoipa::path(get, path = "/v1/relay", tag = "hub", security(("token" = [])), params(PageQuery), responses(
    (status = 200, body = RelayPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn relay(
    State(api): State<Api>,
    asked: Result<Query<PageQuery>, QueryRejection>,
) -> Answer<Page<RelayRow>> {
    let asked = PageQuery::read(asked)?;
    let limit = asked.most()?;
    let items = api.database.relay_rows(&asked.after.unwrap_or_default(), limit).await?;
    Ok(Json(Page::of(items, limit, |row| row.store.clone())))
}

/// A hub that may speak for stores here.
#[derive(Debug, Serialize, ToSchema)]
struct AllowedRelay {
    /// Its name, as its certificate has it.
    relay: String,
    /// The regions whose stores it may speak for.
    regions: Vec<String>,
    /// The key that its receipts are signed with, in hexadecimal digits.
    receipt_key: String,
    /// True when it may not come any more. Its receipts stay good.
    is_banned: bool,
}

/// The hubs that may speak for stores here, by name.
#[utoipa::path(get, path = "/v1/relays", tag = "hub", security(("token" = [])), params(PageQuery), responses(
    (status = 200, body = AllowedPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn relays(
    State(api): State<Api>,
    asked: Result<Query<PageQuery>, QueryRejection>,
) -> Answer<Page<AllowedRelay>> {
    let asked = PageQuery::read(asked)?;
    let limit = asked.most()?;
    let rows = api.database.relays_after(&asked.after.unwrap_or_default(), limit).await?;
    let page = Page::of(rows, limit, |row| row.relay.clone());
    let item = |row: RegisteredRelay| AllowedRelay {
        regions: row.regions.iter().map(ToString::to_string).collect(),
        receipt_key: HEXLOWER.encode(&row.receipt_key.0),
        relay: row.relay,
        is_banned: row.is_banned,
    };
    Ok(Json(Page { items: page.items.into_iter().map(item).collect(), next: page.next }))
}
