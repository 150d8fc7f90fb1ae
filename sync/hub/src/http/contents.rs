//! Routes of contents: what nodes may fetch from this hub, and how it fares. In which stores one runs is asked of the list of stores: `q=has:HASH`.
#![expect(unused_qualifications, reason = "the code that `utoipa::path` writes names its parameters in full")]

use super::{
    Api, Problem,
    cursor::strange,
    policies::hash_of,
    routes::{Answer, Page, described_page, limit, query},
};
use crate::database::glance::{ContentRow, UseRow};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

described_page!(ContentPage, Page_ContentItem, ContentItem);

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(contents)).routes(routes!(content))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ContentsQuery {
    /// True for trees and deltas as well, which belong to others.
    #[serde(default)]
    parts: bool,
    /// Where a page goes on: `next` of the page before.
    after: Option<String>,
    /// The most rows, up to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A content.
#[derive(Debug, Serialize, ToSchema)]
struct ContentItem {
    /// BLAKE3 of it, in hexadecimal digits.
    hash: String,
    /// What it was called when it was added; absent where this hub holds it no more.
    name: Option<String>,
    /// How long it is, in bytes.
    bytes: Option<u64>,
    /// When it was added, in milliseconds since 1970.
    added_at_ms: Option<i64>,
    /// What nodes know it as: a kind and a name; absent where none has reported it.
    known_as: Option<String>,
    /// The version that nodes know it as.
    version: Option<String>,
    /// Stores in which it runs.
    runs: i64,
    /// Stores that refuse it.
    refused: i64,
}

/// A content with shorter ways to it.
#[derive(Debug, Serialize, ToSchema)]
struct ContentDetail {
    /// In short.
    #[serde(flatten)]
    content: ContentItem,
    /// What stores that have another content may fetch in its place.
    deltas: Vec<Way>,
}

/// A shorter way to a content.
#[derive(Debug, Serialize, ToSchema)]
struct Way {
    /// The content that it begins at, in hexadecimal digits.
    from: String,
    /// How long the way is, in bytes.
    bytes: u64,
}

impl ContentItem {
    fn of(hash: String, held: Option<ContentRow>, used: Option<&UseRow>) -> Self {
        let known = used.map(|used| used.known_as.clone()).unzip();
        let (runs, refused) = used.map_or((0, 0), |used| (used.runs, used.refused));
        let (bytes, added_at_ms) = held.as_ref().map(|held| (held.bytes, held.added_at_ms)).unzip();
        let name = held.map(|held| held.name);
        Self { hash, name, bytes, added_at_ms, known_as: known.0, version: known.1, runs, refused }
    }
}

/// Contents that nodes may fetch, the latest first.
#[utoipa::path(get, path = "/v1/contents", tag = "artefacts", security(("token" = [])), params(ContentsQuery), responses(
    (status = 200, body = ContentPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn contents(
    State(api): State<Api>,
    asked: Result<Query<ContentsQuery>, QueryRejection>,
) -> Answer<Page<ContentItem>> {
    let asked = query(asked)?;
    let limit = limit(asked.limit)?;
    let place = |text: &str| {
        let (at_ms, hash) = text.split_once('.')?;
        Some((at_ms.parse::<i64>().ok()?, hash_of(hash)?))
    };
    let after = asked.after.as_deref().map(|text| place(text).ok_or_else(strange)).transpose()?;
    let after = after.as_ref().map(|(at_ms, hash)| (*at_ms, hash));
    let rows = api.database.contents(after, asked.parts, limit).await?;
    let page = Page::of(rows, limit, |row| format!("{}.{}", row.added_at_ms, HEXLOWER.encode(&row.hash)));
    let hashes: Vec<Vec<u8>> = page.items.iter().map(|row| row.hash.clone()).collect();
    let uses = api.database.uses(&hashes).await?;
    let item = |row: ContentRow| {
        let used = uses.iter().find(|used| used.hash == row.hash);
        ContentItem::of(HEXLOWER.encode(&row.hash), Some(row), used)
    };
    Ok(Json(Page { items: page.items.into_iter().map(item).collect(), next: page.next }))
}

/// A content: what it is, how it fares, and shorter ways to it.
#[utoipa::path(get, path = "/v1/contents/{hash}", tag = "artefacts", security(("token" = [])),
    params(("hash" = String, Path, description = "BLAKE3 of it, in hexadecimal digits.")), responses(
    (status = 200, body = ContentDetail), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn content(State(api): State<Api>, Path(text): Path<String>) -> Answer<ContentDetail> {
    let hash = hash_of(&text).ok_or_else(|| Problem::field("hash", "is not 64 hexadecimal digits"))?;
    let held = api.database.content(&hash).await?;
    let uses = api.database.uses(&[hash.0.to_vec()]).await?;
    if held.is_none() && uses.is_empty() {
        return Err(Problem::unknown("content"));
    }
    let deltas = api.database.deltas(&hash).await?;
    let way = |delta: &aisle_content::Delta| Way { from: delta.from.to_string(), bytes: delta.content.bytes };
    Ok(Json(ContentDetail {
        content: ContentItem::of(hash.to_string(), held, uses.first()),
        deltas: deltas.iter().map(way).collect(),
    }))
}
