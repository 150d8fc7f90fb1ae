//! Nodes as the rules see them, and the labels of stores.
#![expect(unused_qualifications, reason = "the code that `utoipa::path` writes names its parameters in full")]

use super::{read, serial, store};
use crate::{
    database::{
        DatabaseError,
        fleet::{MemberRow, WordKind},
        read::ROWS_MAX,
    },
    fleet::{
        aged::aged,
        world::{self, REGION, Words},
    },
    http::{
        Api, Problem,
        routes::{Answer, Page, described_page, limit, query},
    },
    people::{
        role::{Permission, Traits},
        who::Who,
    },
};
use aisle_event::Timestamp;
use aisle_fleet::{
    DesiredState, Filter, Labels, Member, NodeReport, NodeSays, Resolver, Selector, Slot, Stamp,
    desired::{Source, Why},
    device::SlotDevices,
    says::{Facts, Horizon},
    setting::SettingKey,
};
use axum::{
    Extension, Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The most labels that one request sets or removes.
const LABELS_MAX: usize = 64;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(members)).routes(routes!(member)).routes(routes!(label))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MembersQuery {
    /// Only those that a selector means: `region=eu, size in (s,m), version<1.4`; or `@name` for one that was saved.
    filter: Option<String>,
    /// Only those that are `settled`, `converging`, `drifting` or `silent`.
    phase: Option<String>,
    /// Where a page goes on: `next` of the page before.
    after: Option<String>,
    /// The most rows, up to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

described_page!(MemberPage, Page_MemberView, MemberView);

/// How a node stands, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Standing {
    /// It has never said anything of itself.
    Silent,
    /// Everything is as it should be, and has proved itself.
    Settled,
    /// Something is on its way, or has to prove itself.
    Converging,
    /// Something is other than it should be.
    Drifting,
}

impl Standing {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Silent, Self::Settled, Self::Converging, Self::Drifting];

    pub(crate) const fn of(row: &MemberRow) -> Self {
        match row {
            MemberRow { reported_at_ms: 0, .. } => Self::Silent,
            MemberRow { drift: 1.., .. } => Self::Drifting,
            MemberRow { is_settled: true, .. } => Self::Settled,
            _ => Self::Converging,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Settled => "settled",
            Self::Converging => "converging",
            Self::Drifting => "drifting",
        }
    }
}

/// A node as the rules see it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberView {
    /// Its store.
    store: String,
    /// Its serial number.
    serial: String,
    /// The labels of its store, and where that lies.
    pub(crate) labels: Labels,
    /// The version of Aisle that it says it runs.
    pub(crate) version: Option<String>,
    /// True while it is connected to any hub.
    is_connected: bool,
    /// When it was heard of last, in milliseconds since 1970; 0 when it never was.
    last_seen_ms: i64,
    /// When it told how it stands; 0 when it has not.
    pub(crate) reported_at_ms: i64,
    /// How it stands, in a word.
    pub(crate) phase: Standing,
    /// How many slots hold something else than they should.
    drift: i64,
    /// The first reason that it gives; empty where there is none.
    reason: String,
    /// What would hurt it first if it stayed offline: the days that are left by now of those that it told at `reported_at_ms`.
    horizon: Option<Horizon>,
}

impl MemberView {
    fn of(row: &MemberRow, member: &Member, now_ms: i64) -> Self {
        let facts = world::facts(row).map(|facts| aged(facts, row.reported_at_ms, now_ms));
        Self {
            store: row.store.clone(),
            serial: row.node.clone(),
            labels: member.labels.clone(),
            version: member.version.as_ref().map(ToString::to_string),
            is_connected: row.is_connected,
            last_seen_ms: row.last_seen_ms,
            reported_at_ms: row.reported_at_ms,
            phase: Standing::of(row),
            drift: row.drift,
            reason: row.reason.clone(),
            horizon: facts.and_then(|facts| facts.horizon.into_iter().next()),
        }
    }
}

/// The selector of a filter, or of one that was saved.
async fn selector(api: &Api, text: &str) -> Result<Selector, Problem> {
    if let Some(name) = text.strip_prefix('@') {
        let word = api.database.fleet_word(WordKind::Filter, name, "").await?;
        let word = word.ok_or_else(|| Problem::field("filter", "names no filter that is saved"))?;
        let filter: Filter = serde_json::from_str(&word.document).map_err(|_| Problem::failed())?;
        return Ok(filter.who);
    }
    Selector::parse(text).map_err(|error| Problem::field("filter", error.to_string()))
}

/// Nodes that may come, as the rules see them, by store and serial. Who is bounded to a region or a label gets those within.
#[utoipa::path(get, path = "/v1/members", tag = "fleet", security(("token" = [])), params(MembersQuery), responses(
    (status = 200, body = MemberPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn members(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    asked: Result<Query<MembersQuery>, QueryRejection>,
) -> Answer<Page<MemberView>> {
    let asked = query(asked)?;
    let limit = limit(asked.limit)? as usize;
    let filter = match asked.filter.as_deref() {
        None => Selector::every(),
        Some(text) => selector(&api, text).await?,
    };
    if asked.phase.as_ref().is_some_and(|phase| Standing::ALL.iter().all(|one| one.as_str() != phase)) {
        return Err(Problem::field("phase", "is none of `silent`, `settled`, `converging`, `drifting`"));
    }
    let mut after = match asked.after.as_deref() {
        None => (String::new(), String::new()),
        Some(after) => {
            let place =
                after.rsplit_once('/').ok_or_else(|| Problem::field("after", "is no `next` of a page"))?;
            (place.0.to_owned(), place.1.to_owned())
        }
    };
    let reach = who.reach(Permission::StoreRead);
    let (mut items, now_ms) = (Vec::new(), api.now_ms());
    loop {
        let page = api.database.members((&after.0, &after.1), ROWS_MAX).await?;
        let is_last = page.len() < ROWS_MAX as usize;
        for row in page {
            after = (row.store.clone(), row.node.clone());
            let Some(member) = world::member(&row) else { continue };
            let is_asked = asked.phase.as_ref().is_none_or(|phase| Standing::of(&row).as_str() == phase);
            if !is_asked
                || !filter.matches(&member)
                || !(reach.is_everything() || reach.covers(&traits(&row, &member)))
            {
                continue;
            }
            items.push(MemberView::of(&row, &member, now_ms));
            if items.len() == limit {
                return Ok(Json(Page { items, next: Some(format!("{}/{}", after.0, after.1)) }));
            }
        }
        if is_last {
            return Ok(Json(Page { items, next: None }));
        }
    }
}

fn traits(row: &MemberRow, member: &Member) -> Traits {
    let labels = member.labels.iter().filter(|(key, _)| *key != REGION);
    Traits {
        region: row.region.clone(),
        labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
    }
}

/// What a node should be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DesiredView {
    /// The stamp of the state that its store was given last; absent before it was given one.
    pub(crate) stamp: Option<Stamp>,
    /// What follows for it of everything that is said now.
    pub(crate) state: DesiredState,
    /// How each slot was decided.
    #[schema(value_type = BTreeMap<String, Why>)]
    pub(crate) why: BTreeMap<Slot, Why>,
    /// Who said each setting.
    #[schema(value_type = BTreeMap<String, Source>)]
    why_settings: BTreeMap<SettingKey, Source>,
}

/// A node with what it should be, what it says it is, and why they differ.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberDetail {
    /// In short.
    pub(crate) member: MemberView,
    /// What it should be.
    pub(crate) desired: DesiredView,
    /// What it says it is; absent before it has said anything.
    pub(crate) reported: Option<NodeReport>,
    /// The slots that hold something else than they should, as it says; their reasons are in the report.
    drift: Vec<Slot>,
    /// True when it goes by the state that its store was given last.
    pub(crate) is_told: bool,
    /// What it told of itself besides; days and free disk are what is left of them by now.
    pub(crate) facts: Option<Facts>,
    /// What became of settings at its devices, by the slot that says them, as it says.
    #[schema(value_type = BTreeMap<String, SlotDevices>)]
    pub(crate) devices: BTreeMap<Slot, SlotDevices>,
}

/// A node: desired, reported, drift and why.
#[utoipa::path(get, path = "/v1/members/{store}/{serial}", tag = "fleet", security(("token" = [])),
    params(("store" = String, Path, description = "The store."), ("serial" = String, Path, description = "The serial number.")), responses(
    (status = 200, body = MemberDetail), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn member(
    State(api): State<Api>,
    Path((store_text, serial_text)): Path<(String, String)>,
) -> Answer<MemberDetail> {
    let (store, serial) = (store(&store_text)?, serial(&serial_text)?);
    look(&api, store.as_str(), serial.as_str()).await?.map(Json).ok_or_else(|| Problem::unknown("node"))
}

/// A node: desired, reported, drift and why; none where there is no such node.
pub(crate) async fn look(
    api: &Api,
    store: &str,
    serial: &str,
) -> Result<Option<MemberDetail>, DatabaseError> {
    let Some(row) = api.database.member(store, serial).await? else { return Ok(None) };
    let Some(member) = world::member(&row) else { return Ok(None) };
    let words = Words::read(&api.database).await?;
    let rollouts = world::rollouts(&api.database).await?;
    let layers = rollouts.values().map(|kept| kept.rollout.layer()).collect();
    let now_ms = api.now_ms();
    let resolver = Resolver::new(&words.groups, layers, &words.overrides, Timestamp(now_ms));
    let resolved = resolver.one(&member);
    let stamp = api.database.fleet_node(store, serial).await?.and_then(|node| node.stamp);
    let says = api.database.node_says(store, serial).await?;
    let says = says.and_then(|bytes| NodeSays::decode(&bytes).ok());
    let drift = says.iter().flat_map(|says| says.report.drift().map(|(slot, _)| slot.clone())).collect();
    Ok(Some(MemberDetail {
        member: MemberView::of(&row, &member, now_ms),
        desired: DesiredView {
            stamp,
            state: resolved.state,
            why: resolved.why,
            why_settings: resolved.why_settings,
        },
        drift,
        is_told: says.as_ref().is_some_and(|says| stamp.is_some() && says.report.desired == stamp),
        facts: says.as_ref().map(|says| aged(says.facts.clone(), row.reported_at_ms, now_ms)),
        devices: says.as_ref().map(|says| says.devices.clone()).unwrap_or_default(),
        reported: says.map(|says| says.report),
    }))
}

/// How the labels of a store are to change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LabelsChange {
    /// Set these.
    #[serde(default)]
    set: BTreeMap<String, String>,
    /// Take these away.
    #[serde(default)]
    remove: Vec<String>,
}

/// The labels of a store.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LabelsView {
    /// The store.
    store: String,
    /// Its labels.
    labels: Labels,
    /// Grows with every change.
    version: i64,
}

/// Label a store: every node in it is called by its labels. `region` is the store's own word.
#[utoipa::path(patch, path = "/v1/stores/{store}/labels", tag = "fleet", security(("token" = [])),
    params(("store" = String, Path, description = "The store.")), request_body = LabelsChange, responses(
    (status = 200, body = LabelsView), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn label(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path(text): Path<String>,
    asked: Result<Json<Value>, JsonRejection>,
) -> Answer<LabelsView> {
    let LabelsChange { set, remove } = read(asked)?;
    relabel(&api, &who, &text, &set, &remove).await.map(Json)
}

/// Changes the labels of a store as somebody who may.
pub(crate) async fn relabel(
    api: &Api,
    who: &Who,
    text: &str,
    set: &BTreeMap<String, String>,
    remove: &[String],
) -> Result<LabelsView, Problem> {
    let store = store(text)?;
    if set.len() > LABELS_MAX || remove.len() > LABELS_MAX {
        return Err(Problem::field("set", "has more labels than a node may have"));
    }
    if set.contains_key(REGION) {
        return Err(Problem::field("set", "names `region`, which is the store's own word"));
    }
    let (known, nodes) = (api.database.store(&store).await?, api.database.nodes(&store).await?);
    if known.is_none() && nodes.is_empty() {
        return Err(Problem::unknown_store(text));
    }
    let now_ms = api.now_ms();
    let mut change = api.database.change_fleet(false).await?;
    let was: Value =
        serde_json::from_str(&change.labels(store.as_str()).await?).unwrap_or_else(|_| json!({}));
    let mut labels: Labels = serde_json::from_value(was.clone()).unwrap_or_default();
    for key in remove {
        labels.remove(key);
    }
    for (key, value) in set {
        labels.set(key, value).map_err(|error| Problem::field("set", error.to_string()))?;
    }
    let becomes = json!(labels);
    let version = change.put_labels(store.as_str(), &becomes.to_string(), now_ms).await?;
    let line = api.people.line(who.by(), Permission::StoreLabel.as_str(), store.as_str(), now_ms);
    change.audit(&line.was(was).became(becomes)).await?;
    change.commit().await?;
    api.wake.wake();
    Ok(LabelsView { store: store.to_string(), labels, version })
}
