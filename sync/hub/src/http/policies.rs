//! Routes of policies that are there: which, who follows them, what one says, and whether every log is covered by receipts to its end.
//!
//! Not here: publishing one ([`super::oversight`]).

use super::{
    Api, Problem,
    cursor::{PageQuery, place_of},
    routes::{Answer, Page, described_page},
};
use crate::database::{
    glance::{FollowersRow, UnprovenRow},
    read::{PolicyRow, ROWS_MAX},
    rows::class_of,
};
use aisle_protocol::Hash;
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

described_page!(PolicyPage, Page_PolicyItem, PolicyItem);
described_page!(FollowersPage, Page_FollowersItem, FollowersItem);
described_page!(UnprovenPage, Page_UnprovenItem, UnprovenItem);

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(policies))
        .routes(routes!(policy))
        .routes(routes!(followers))
        .routes(routes!(unproven))
}

/// Who applied a policy when they came last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
struct Followers {
    /// Nodes.
    nodes: i64,
    /// Stores that they are of.
    stores: i64,
    /// Those of the nodes that are connected.
    connected: i64,
}

/// A policy that batches may name.
#[derive(Debug, Serialize, ToSchema)]
struct PolicyItem {
    /// Its name.
    name: String,
    /// Its version.
    version: i64,
    /// BLAKE3 of its bytes, in hexadecimal digits.
    hash: String,
    /// When this hub first accepted it, in milliseconds since 1970.
    accepted_at_ms: i64,
    /// True for the one that stores should apply.
    is_wanted: bool,
    /// Who follows it.
    followers: Followers,
}

/// A policy with its document.
#[derive(Debug, Serialize, ToSchema)]
struct PolicyDetail {
    /// In short.
    #[serde(flatten)]
    policy: PolicyItem,
    /// What was signed.
    document: String,
}

impl PolicyItem {
    fn of(row: PolicyRow, wanted: Option<&str>, followers: &[FollowersRow]) -> Self {
        let is_it = |of: &&FollowersRow| of.hash == row.hash && of.version == row.version;
        let followers = followers.iter().find(is_it).map(Followers::of).unwrap_or_default();
        let is_wanted = wanted == Some(row.hash.as_str());
        let PolicyRow { name, version, hash, accepted_at_ms } = row;
        Self { name, version, hash, accepted_at_ms, is_wanted, followers }
    }
}

impl Followers {
    const fn of(row: &FollowersRow) -> Self {
        Self { nodes: row.nodes, stores: row.stores, connected: row.connected }
    }
}

fn wanted(api: &Api) -> Option<String> {
    api.policies.borrow().wanted.map(|id| id.hash.to_string())
}

/// A hash as people give it.
pub(super) fn hash_of(text: &str) -> Option<Hash> {
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?.try_into().ok().map(Hash)
}

/// The policies that batches may name, the latest first.
#[utoipa::path(get, path = "/v1/policies", tag = "hub", security(("token" = [])), params(PageQuery), responses(
    (status = 200, body = PolicyPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn policies(
    State(api): State<Api>,
    asked: Result<Query<PageQuery>, QueryRejection>,
) -> Answer<Page<PolicyItem>> {
    let asked = PageQuery::read(asked)?;
    let limit = asked.whole()?;
    let after = asked.after_hash()?;
    let after = after.as_ref().map(|(version, hash)| (*version, hash.as_slice()));
    let rows = api.database.policies_after(after, limit).await?;
    let page = Page::of(rows, limit, |row| format!("{}.{}", row.version, row.hash));
    let (followers, wanted) = (api.database.followers_after(None, ROWS_MAX).await?, wanted(&api));
    let item = |row| PolicyItem::of(row, wanted.as_deref(), &followers);
    Ok(Json(Page { items: page.items.into_iter().map(item).collect(), next: page.next }))
}

/// A policy: its document, and who follows it.
#[utoipa::path(get, path = "/v1/policies/{hash}", tag = "hub", security(("token" = [])),
    params(("hash" = String, Path, description = "BLAKE3 of its bytes, in hexadecimal digits.")), responses(
    (status = 200, body = PolicyDetail), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn policy(State(api): State<Api>, Path(text): Path<String>) -> Answer<PolicyDetail> {
    let hash = hash_of(&text).ok_or_else(|| Problem::field("hash", "is not 64 hexadecimal digits"))?;
    let found = api.database.policy_by_hash(&hash).await?;
    let (version, name, document, accepted_at_ms) = found.ok_or_else(|| Problem::unknown("policy"))?;
    let row = PolicyRow { name, version, hash: hash.to_string(), accepted_at_ms };
    // Right before it in the list of those who follow one.
    let followers =
        api.database.followers_after(Some((version.saturating_add(1), &[0xff; 33])), ROWS_MAX).await?;
    let policy = PolicyItem::of(row, wanted(&api).as_deref(), &followers);
    Ok(Json(PolicyDetail { policy, document: String::from_utf8_lossy(&document).into_owned() }))
}

/// A policy that nodes apply, whether this hub has it or not.
#[derive(Debug, Serialize, ToSchema)]
struct FollowersItem {
    /// Its version; 0 of nodes that had none.
    version: i64,
    /// BLAKE3 of its bytes, in hexadecimal digits; empty of nodes that had none.
    hash: String,
    /// False where this hub does not have it: batches under it are refused.
    is_known: bool,
    /// Who follows it.
    #[serde(flatten)]
    followers: Followers,
}

/// Which policies nodes applied when they came last, the highest version first.
#[utoipa::path(get, path = "/v1/followers", tag = "hub", security(("token" = [])), params(PageQuery), responses(
    (status = 200, body = FollowersPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn followers(
    State(api): State<Api>,
    asked: Result<Query<PageQuery>, QueryRejection>,
) -> Answer<Page<FollowersItem>> {
    let asked = PageQuery::read(asked)?;
    let limit = asked.most()?;
    let after = asked.after_hash()?;
    let after = after.as_ref().map(|(version, hash)| (*version, hash.as_slice()));
    let rows = api.database.followers_after(after, limit).await?;
    let page = Page::of(rows, limit, |row| format!("{}.{}", row.version, row.hash));
    let mut items = Vec::with_capacity(page.items.len());
    for row in page.items {
        let known = match hash_of(&row.hash) {
            Some(hash) => api.database.policy_by_hash(&hash).await?,
            None => None,
        };
        let is_known = known.is_some_and(|(version, ..)| version == row.version);
        items.push(FollowersItem {
            followers: Followers::of(&row),
            version: row.version,
            hash: row.hash,
            is_known,
        });
    }
    Ok(Json(Page { items, next: page.next }))
}

/// A log whose last receipt does not end where the log ends.
#[derive(Debug, Serialize, ToSchema)]
struct UnprovenItem {
    /// The store.
    store: String,
    /// `sales`, `stock`, `telemetry`, `bulk`.
    class: &'static str,
    /// The last event of it.
    through: u64,
}

/// Logs whose last receipt does not end where the log ends. There are none, unless somebody else wrote to the database; `aisle-hub verify` finds what else is wrong.
#[utoipa::path(get, path = "/v1/unproven", tag = "receipts", security(("token" = [])), params(PageQuery), responses(
    (status = 200, body = UnprovenPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn unproven(
    State(api): State<Api>,
    asked: Result<Query<PageQuery>, QueryRejection>,
) -> Answer<Page<UnprovenItem>> {
    let asked = PageQuery::read(asked)?;
    let limit = asked.most()?;
    let (store, class, log) = asked.place::<(String, i16, i32)>()?.unwrap_or_default();
    let rows = api.database.unproven_after((&store, class, log), limit).await?;
    let page = Page::of(rows, limit, |row| place_of(&(&row.store, class_of(row.class), row.log)));
    let item = |UnprovenRow { store, class, through, .. }: UnprovenRow| UnprovenItem {
        store,
        class: class.as_str(),
        through,
    };
    Ok(Json(Page { items: page.items.into_iter().map(item).collect(), next: page.next }))
}
