//! Routes of the fleet at a glance: the stores that a filter asks for, how many are so and so, and what the gates let out.
#![expect(unused_qualifications, reason = "the code that `utoipa::path` writes names its parameters in full")]

use super::{
    Api, Problem,
    routes::{Answer, Page, described_page, known, limit, query},
};
use crate::{
    database::grid::{COUNTED, GridRow},
    filter::{Filter, Is, What},
    fleet::grid::Sought,
    outcomes::Gate,
    people::{role::Permission, who::Who},
};
use aisle_fleet::Labels;
use aisle_residency::Outcome;
use axum::{
    Extension, Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

described_page!(StorePage, Page_StoreItem, StoreItem);

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(stores)).routes(routes!(counts)).routes(routes!(fields))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StoresQuery {
    /// Only those that a filter asks for, as on the console: `berlin is:away -region:eu runs:plugin/multi-buy@1.2.0 label:country=de @saved`. With it, stores that are registered and never
    /// came are there too.
    q: Option<String>,
    /// Only those of this region.
    region: Option<String>,
    /// Where a page goes on: `next` of the page before.
    after: Option<String>,
    /// The most rows, up to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A store at a glance.
#[derive(Debug, Serialize, ToSchema)]
struct StoreItem {
    /// Its name.
    #[schema(example = "store-1")]
    store: String,
    /// The region that it says it lies in; empty when it never came.
    #[schema(example = "eu")]
    region: String,
    /// When it came first, in milliseconds since 1970 by the hub's clock; 0 when it never did.
    first_seen_ms: i64,
    /// When it came last.
    last_seen_ms: i64,
    /// Nodes that may come for it.
    nodes: i64,
    /// Nodes that are connected to any hub.
    connected: i64,
    /// Logs that are in quarantine.
    quarantined: i64,
    /// The time of its latest event, in milliseconds since 1970 by the store's clock; 0 when there is none.
    last_event_ms: i64,
    /// How long ago that was by the hub's clock, in milliseconds; 0 when there is none.
    lag_ms: i64,
    /// What people call it by.
    #[schema(value_type = BTreeMap<String, String>)]
    labels: Labels,
    /// Events that it had more when it came last and that are not here.
    backlog: i64,
    /// The oldest policy that a node of it applies; 0 when none ever came.
    policy_version: i64,
    /// The generation of what it is to become; 0 when nobody has said anything.
    desired: i64,
    /// Nodes that have not answered that.
    waiting: i64,
    /// What nodes say cannot run.
    refused: i64,
    /// The programs of its nodes: the first and the last by name, one where they are the same.
    software: Vec<String>,
    /// Some of what runs, and of what cannot.
    applied: Vec<AppliedItem>,
    /// How much that is in all.
    applied_all: i64,
}

/// Something that a node reports.
#[derive(Debug, Serialize, ToSchema)]
struct AppliedItem {
    /// A kind, or a kind and a name.
    name: String,
    /// Its version.
    version: String,
    /// True when it runs.
    ok: bool,
}

impl StoreItem {
    fn of(row: GridRow, now_ms: i64) -> Self {
        let (first, last) = row.software;
        let mut software = vec![first, last];
        software.dedup();
        software.retain(|name| !name.is_empty());
        let applied = row.applied.into_iter();
        Self {
            store: row.store,
            region: row.region,
            first_seen_ms: row.first_seen_ms,
            last_seen_ms: row.last_seen_ms,
            nodes: row.nodes,
            connected: row.connected,
            quarantined: row.quarantined,
            last_event_ms: row.last_event_ms,
            lag_ms: if row.last_event_ms == 0 { 0 } else { now_ms.saturating_sub(row.last_event_ms).max(0) },
            labels: row.labels,
            backlog: row.backlog,
            policy_version: row.policy_version,
            desired: row.desired,
            waiting: row.waiting,
            refused: row.refused,
            software,
            applied: applied
                .map(|one| AppliedItem { name: one.name, version: one.version, ok: one.ok })
                .collect(),
            applied_all: row.applied_all,
        }
    }
}

/// The stores, by name. Who is bounded to a region or a label gets those within.
#[utoipa::path(get, path = "/v1/stores", tag = "stores", security(("token" = [])), params(StoresQuery), responses(
    (status = 200, body = StorePage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn stores(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    asked: Result<Query<StoresQuery>, QueryRejection>,
) -> Answer<Page<StoreItem>> {
    let asked = query(asked)?;
    let limit = limit(asked.limit)?;
    let (mut filter, mut faults) = match asked.q.as_deref() {
        Some(text) => Filter::parse(text),
        None => (Filter::default().and(true, What::Is(Is::Never)), Vec::new()),
    };
    if let Some(region) = asked.region {
        if filter.terms().iter().any(|term| matches!(term.what, What::Region(_))) {
            return Err(Problem::field("region", "is asked for in `q` too: say it once"));
        }
        filter = filter.and(false, What::Region(region));
    }
    let filter = filter.within(who.reach(Permission::StoreRead));
    let (sought, unknown) = Sought::of(&api.database, filter).await?;
    faults.extend(unknown);
    if !faults.is_empty() {
        return Err(Problem::field("q", format!("cannot be understood: {}", faults.join("; "))));
    }
    let after = asked.after.unwrap_or_default();
    let rows = sought.stores(&api.database, api.policy_wanted(), &after, limit).await?;
    let page = Page::of(rows, limit, |row| row.store.clone());
    let now_ms = api.now_ms();
    let items = page.items.into_iter().map(|row| StoreItem::of(row, now_ms)).collect();
    Ok(Json(Page { items, next: page.next }))
}

/// How many stores there are.
#[derive(Debug, Serialize, ToSchema)]
struct Counts {
    /// All stores, also those that never came.
    stores: i64,
    /// How many are so, by the words that stand behind `is:` in a filter.
    is: BTreeMap<&'static str, i64>,
}

/// How many stores are so and so, of those that you may see.
#[utoipa::path(get, path = "/v1/counts", tag = "stores", security(("token" = [])), responses(
    (status = 200, body = Counts), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn counts(State(api): State<Api>, Extension(who): Extension<Who>) -> Answer<Counts> {
    let reach = who.reach(Permission::StoreRead);
    let counts = api.database.grid_counts(api.policy_wanted(), Some(&reach)).await?;
    let is = COUNTED.into_iter().map(|is| (is.as_str(), counts.of(is))).collect();
    Ok(Json(Counts { stores: counts.stores, is }))
}

/// What became of a field.
#[derive(Debug, Serialize, ToSchema)]
struct FieldItem {
    /// The event and the field.
    field: &'static str,
    /// How often it left as it was.
    passed: u64,
    /// How often as a token.
    tokened: u64,
    /// How often coarser.
    coarsened: u64,
    /// How often it was kept for an aggregate.
    aggregated: u64,
    /// How often it was dropped.
    dropped: u64,
}

/// What the gate of a store let out.
#[derive(Debug, Serialize, ToSchema)]
struct Fields {
    /// The receipts that this is from: the latest of every running log.
    receipts: u64,
    /// Events of which nothing left.
    withheld: u64,
    /// Receipts that this hub cannot read.
    unread: u64,
    /// The versions of the policies that let them out.
    policies: Vec<u32>,
    /// Field by field.
    fields: Vec<FieldItem>,
}

/// What the gate of a store let out, field by field, by the receipts of its latest batches.
#[utoipa::path(get, path = "/v1/stores/{store}/fields", tag = "receipts", security(("token" = [])),
    params(("store" = String, Path, description = "The store.")), responses(
    (status = 200, body = Fields), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn fields(State(api): State<Api>, Path(text): Path<String>) -> Answer<Fields> {
    let store = known(&api, &text).await?;
    let gate = Gate::of(&api.database, &api.database.logs(&store).await?).await?;
    let item = |(field, sums): (&'static str, crate::outcomes::Sums)| FieldItem {
        field,
        passed: sums.of(Outcome::Passed),
        tokened: sums.of(Outcome::Tokened),
        coarsened: sums.of(Outcome::Coarsened),
        aggregated: sums.of(Outcome::Aggregated),
        dropped: sums.of(Outcome::Dropped),
    };
    Ok(Json(Fields {
        receipts: gate.receipts,
        withheld: gate.withheld,
        unread: gate.unread,
        policies: gate.policies.iter().copied().collect(),
        fields: gate.by_field().into_iter().map(item).collect(),
    }))
}
