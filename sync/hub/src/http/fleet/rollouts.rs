//! Rollouts: written, looked at, and what people say to them.
//!
//! `approve` and `reject` want `rollout.approve`, everything else that changes one `rollout.start`. Who wrote it cannot approve it; the machine's own token can
//! approve what it wrote only where no person has the permission, and the answer says so.
#![expect(unused_qualifications, reason = "the code that `utoipa::path` writes names its parameters in full")]

use super::{read, saved, store, voice};
use crate::{
    database::{
        DatabaseError,
        fleet::{EventRow, KeptRollout, RolloutRow},
        read::ROWS_MAX,
    },
    fleet::{
        act::{self, ActError},
        ahead::Found,
        apply, forget as forgetting,
        rehearse::{self, RehearsalView},
    },
    http::{
        Api, Problem,
        routes::{Answer, Page, described_page, limit, query},
    },
    people::{
        role::Permission,
        who::{MACHINE, Who},
    },
};
use aisle_fleet::{
    NodeId, RolloutSpec, WaveName,
    document::WrittenRollout,
    rollout::{Progress, Refusal, RolloutView, Verb},
};
use axum::{
    Extension, Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// What the machine is to the rules where no person can be found to approve what it wrote.
const ALONE: &str = "machine, for want of a person";

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(rollouts, write))
        .routes(routes!(rollout, forget))
        .routes(routes!(nodes))
        .routes(routes!(events))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(say))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RolloutsQuery {
    /// Only those that are so far, such as `running`.
    #[serde(default)]
    phase: String,
    /// Where a page goes on: `next` of the page before.
    after: Option<i64>,
    /// The most rows, up to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

described_page!(RolloutPage, Page_RolloutItem, RolloutItem);
described_page!(NodeItemPage, Page_NodeItem, NodeItem);
described_page!(HappenedPage, Page_HappenedView, HappenedView);

/// A rollout in a list.
#[derive(Debug, Serialize, ToSchema)]
struct RolloutItem {
    /// How it goes.
    rollout: RolloutView,
    /// Who wrote it, by name.
    author_name: String,
    /// When it was written, in milliseconds since 1970.
    made_at_ms: i64,
    /// When it was changed last.
    moved_at_ms: i64,
}

impl RolloutItem {
    fn of(row: RolloutRow) -> Result<Self, Problem> {
        let damaged =
            |_| DatabaseError::Damaged { table: "rollouts", column: "seen", row: row.rollout.clone() };
        let rollout = serde_json::from_str(&row.seen).map_err(damaged)?;
        let RolloutRow { author_name, made_at_ms, moved_at_ms, .. } = row;
        Ok(Self { rollout, author_name, made_at_ms, moved_at_ms })
    }
}

/// A rollout.
#[derive(Debug, Serialize, ToSchema)]
struct RolloutDetail {
    /// How it goes.
    rollout: RolloutView,
    /// As it was written.
    spec: RolloutSpec,
    /// Who wrote it, by name.
    author_name: String,
    /// What its last preflight found; absent before there was one.
    preflight: Option<Found>,
    /// What its last rehearsal found; absent before there was one.
    rehearsal: Option<RehearsalView>,
    /// Stores that take no part, and why.
    excluded: BTreeMap<String, String>,
    /// Grows with every change.
    version: i64,
    /// When it was written, in milliseconds since 1970.
    made_at_ms: i64,
    /// When it was changed last.
    moved_at_ms: i64,
    /// What should be known of how something was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

impl RolloutDetail {
    async fn of(api: &Api, kept: &KeptRollout) -> Result<Self, Problem> {
        let rehearsal = rehearse::view(&api.database, kept.rollout.spec().rollout.as_str()).await?;
        let excluded = kept.rollout.excluded().iter();
        Ok(Self {
            rollout: kept.rollout.view(),
            spec: kept.rollout.spec().clone(),
            author_name: kept.author_name.clone(),
            // One that an earlier build wrote is none that can be shown.
            preflight: serde_json::from_str(&kept.preflight).ok(),
            rehearsal,
            excluded: excluded.map(|(store, why)| (store.to_string(), why.clone())).collect(),
            version: kept.counter,
            made_at_ms: kept.made_at_ms,
            moved_at_ms: kept.moved_at_ms,
            note: None,
        })
    }
}

/// The rollouts, those first that were started last; one that was not by when it was written.
#[utoipa::path(get, path = "/v1/rollouts", tag = "rollouts", security(("token" = [])), params(RolloutsQuery), responses(
    (status = 200, body = RolloutPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn rollouts(
    State(api): State<Api>,
    asked: Result<Query<RolloutsQuery>, QueryRejection>,
) -> Answer<Page<RolloutItem>> {
    let RolloutsQuery { phase, after, limit: most } = query(asked)?;
    let limit = limit(most)?;
    let rows = api.database.rollouts(&phase, after.unwrap_or(i64::MAX), limit).await?;
    let next = (rows.len() == limit as usize).then(|| rows.last().map(|row| row.place.to_string())).flatten();
    let items = rows.into_iter().map(RolloutItem::of).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(Page { items, next }))
}

/// Write a draft of a rollout. `who` may be `@` and the name of a saved filter, there and in its waves: kept is what it says now.
#[utoipa::path(post, path = "/v1/rollouts", tag = "rollouts", security(("token" = [])),
    request_body(content = RolloutSpec, example = json!({
        "rollout": "multi-buy-1-4", "why": "sells the second at half the price", "who": "*",
        "set": { "plugin/multi-buy": { "version": "1.4.0", "hash": "8f2f7b7ee6b0cd1d0ed41d8f5a9fb0a5ea1e4a0e9a9fcd5b9a7c2a4f6b6c7d8e", "bytes": 40212 } },
        "waves": [{ "name": "canary", "who": "pilot", "size": 5, "soak_minutes": 60 }, { "name": "all" }]
    })), responses(
    (status = 201, body = RolloutDetail), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn write(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    asked: Result<Json<Value>, JsonRejection>,
) -> Result<(StatusCode, Json<RolloutDetail>), Problem> {
    let written: WrittenRollout = read(asked)?;
    let known = saved(&api, written.names().collect()).await?;
    let spec = written.resolve(|name| known.get(name).cloned());
    let spec = spec.map_err(|error| Problem::malformed(error.to_string()))?;
    let rollout = apply::draft(voice(&api, &who), spec, None).await?;
    let kept = kept(&api, rollout.spec().rollout.as_str()).await?;
    Ok((StatusCode::CREATED, Json(RolloutDetail::of(&api, &kept).await?)))
}

async fn kept(api: &Api, name: &str) -> Result<KeptRollout, Problem> {
    api.database.rollout(name).await?.ok_or_else(|| Problem::unknown("rollout"))
}

/// A rollout: its waves, what their gates say, why nodes failed, what its preflight found.
#[utoipa::path(get, path = "/v1/rollouts/{rollout}", tag = "rollouts", security(("token" = [])),
    params(("rollout" = String, Path, description = "The rollout.")), responses(
    (status = 200, body = RolloutDetail), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn rollout(State(api): State<Api>, Path(name): Path<String>) -> Answer<RolloutDetail> {
    Ok(Json(RolloutDetail::of(&api, &kept(&api, &name).await?).await?))
}

/// Forget a rollout that is over, and what happened to it; the audit log is kept. Refused while a node would be given something else without it: what only it said is left
/// as it is.
#[utoipa::path(delete, path = "/v1/rollouts/{rollout}", tag = "rollouts", security(("token" = [])),
    params(("rollout" = String, Path, description = "The rollout.")), responses(
    (status = 204), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn forget(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    forgetting::forget(voice(&api, &who), &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NodesQuery {
    /// Only those that stand so: `waiting`, `given`, `working`, `live`, `passed`, `failed`, `excluded`, `back`.
    status: Option<String>,
    /// Only those of this wave, by its name.
    wave: Option<String>,
    /// Where a page goes on: `next` of the page before.
    after: Option<String>,
    /// The most rows, up to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A node in a rollout.
#[derive(Debug, Serialize, ToSchema)]
struct NodeItem {
    /// Which.
    node: NodeId,
    /// The name of its wave.
    wave: Option<WaveName>,
    /// How it stands.
    progress: Progress,
}

/// The nodes of a rollout and how each stands, by store and serial.
#[utoipa::path(get, path = "/v1/rollouts/{rollout}/nodes", tag = "rollouts", security(("token" = [])),
    params(("rollout" = String, Path, description = "The rollout."), NodesQuery), responses(
    (status = 200, body = NodeItemPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn nodes(
    State(api): State<Api>,
    Path(name): Path<String>,
    asked: Result<Query<NodesQuery>, QueryRejection>,
) -> Answer<Page<NodeItem>> {
    let asked = query(asked)?;
    let limit = limit(asked.limit)? as usize;
    let after = asked.after.as_deref().map(str::parse::<NodeId>).transpose();
    let after = after.map_err(|error| Problem::field("after", error.to_string()))?;
    let rollout = kept(&api, &name).await?.rollout;
    let wave_of =
        |progress: &Progress| rollout.spec().waves.get(usize::from(progress.wave)).map(|wave| &wave.name);
    let is_asked = |node: &NodeId, progress: &Progress| {
        let status = serde_json::to_value(progress.status).unwrap_or_default();
        after.as_ref().is_none_or(|after| node > after)
            && asked.status.as_deref().is_none_or(|asked| status == asked)
            && asked
                .wave
                .as_deref()
                .is_none_or(|asked| wave_of(progress).is_some_and(|wave| wave.as_str() == asked))
    };
    let found = rollout.nodes().iter().filter(|(node, progress)| is_asked(node, progress)).take(limit);
    let items: Vec<NodeItem> = found
        .map(|(node, progress)| NodeItem {
            node: node.clone(),
            wave: wave_of(progress).cloned(),
            progress: progress.clone(),
        })
        .collect();
    let next = (items.len() == limit).then(|| items.last().map(|item| item.node.to_string())).flatten();
    Ok(Json(Page { items, next }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// Where a page goes on: `next` of the page before.
    after: Option<i64>,
    /// The most rows, up to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Something that happened to a rollout.
#[derive(Debug, Serialize, ToSchema)]
struct HappenedView {
    /// Its number, from 1.
    number: i64,
    /// When, in milliseconds since 1970.
    at_ms: i64,
    /// Who: a person's id, `machine`, or `rules`.
    actor: String,
    /// Their name then.
    actor_name: String,
    /// What: a verb, `draft`, `phase`, `wave-started`, `wave-passed` or `wave-stopped`.
    what: String,
    /// What belongs to it.
    #[schema(value_type = Object)]
    detail: Value,
}

/// What happened to a rollout, the latest first.
#[utoipa::path(get, path = "/v1/rollouts/{rollout}/events", tag = "rollouts", security(("token" = [])),
    params(("rollout" = String, Path, description = "The rollout."), EventsQuery), responses(
    (status = 200, body = HappenedPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn events(
    State(api): State<Api>,
    Path(name): Path<String>,
    asked: Result<Query<EventsQuery>, QueryRejection>,
) -> Answer<Page<HappenedView>> {
    let EventsQuery { after, limit: most } = query(asked)?;
    let limit = limit(most)?;
    let rows = api.database.rollout_events(&name, after.unwrap_or(i64::MAX), limit).await?;
    if rows.is_empty() {
        kept(&api, &name).await?;
    }
    let next =
        (rows.len() == limit as usize).then(|| rows.last().map(|row| row.number.to_string())).flatten();
    let item = |row: EventRow| HappenedView {
        number: row.number,
        at_ms: row.at_ms,
        actor: row.actor,
        actor_name: row.actor_name,
        what: row.what,
        detail: serde_json::from_str(&row.detail).unwrap_or_default(),
    };
    Ok(Json(Page { items: rows.into_iter().map(item).collect(), next }))
}

/// What belongs to a verb.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    /// Why: for `reject`, `pause`, `abort`, `rollback` and `exclude`.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(crate) why: Option<String>,
    /// Which store: for `exclude`.
    #[serde(default)]
    pub(crate) store: Option<String>,
}

fn words(body: Result<Option<Json<Value>>, JsonRejection>) -> Result<Words, Problem> {
    match body.map_err(|rejection| Problem::body(&rejection))? {
        None => Ok(Words::default()),
        Some(body) => read(Ok(body)),
    }
}

/// What can be said to a rollout: a verb of its rules, or that stores are to rehearse it, of which the rules know nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Verb(Verb),
    Rehearse,
}

/// What a word says, with what belongs to it.
pub(crate) fn said(word: &str, words: &Words) -> Result<Said, Problem> {
    if word == "rehearse" { Ok(Said::Rehearse) } else { verb(word, words).map(Said::Verb) }
}

fn verb(word: &str, words: &Words) -> Result<Verb, Problem> {
    let why = || words.why.clone().ok_or_else(|| Problem::field("why", "is missing: say why"));
    let verb = match word {
        "preflight" => Verb::Preflight,
        "approve" => Verb::Approve,
        "reject" => Verb::Reject { why: why()? },
        "start" => Verb::Start,
        "pause" => Verb::Pause { why: why()? },
        "resume" => Verb::Resume,
        "promote" => Verb::Promote,
        "finish" => Verb::Finish,
        "abort" => Verb::Abort { why: why()? },
        "rollback" => Verb::Rollback { why: why()? },
        "retry-failed" => Verb::RetryFailed,
        "exclude" => {
            let named =
                words.store.as_deref().ok_or_else(|| Problem::field("store", "is missing: say which"))?;
            Verb::Exclude { store: store(named)?, why: why()? }
        }
        _ => return Err(Problem::unknown_path()),
    };
    Ok(verb)
}

async fn answer(api: &Api, who: &Who, name: &str, said: Said) -> Result<RolloutDetail, Problem> {
    let (kept, is_alone) = speak(api, who, name, said).await?;
    let mut detail = RolloutDetail::of(api, &kept).await?;
    detail.note = is_alone.then_some(
        "the machine's token approved what it wrote itself, because no person has the permission `rollout.approve`: one alone decided",
    );
    Ok(detail)
}

/// Says it as somebody who may. True besides, where one alone decided.
pub(crate) async fn speak(
    api: &Api,
    who: &Who,
    name: &str,
    said: Said,
) -> Result<(KeptRollout, bool), Problem> {
    let verb = match said {
        Said::Verb(verb) => verb,
        Said::Rehearse => return Ok((rehearse::ask(voice(api, who), name).await?, false)),
    };
    let is_alone = verb == Verb::Approve && is_alone(api, who, name).await?;
    let by = if is_alone { ALONE } else { who.id.as_str() };
    let word = verb.as_str();
    match act::say(voice(api, who), name, by, verb).await {
        Ok(kept) => Ok((kept, is_alone)),
        Err(error) => {
            if let ActError::Refused(refusal @ Refusal::Author { .. }) = &error {
                // What somebody may not do stands in the log as well.
                let line =
                    api.people.line(who.by(), "rollout.approve", &format!("rollout/{name}"), api.now_ms());
                api.people.refused(line, refusal.to_string()).await?;
            }
            tracing::debug!(rollout = name, verb = word, %error, "nothing came of it");
            Err(error.into())
        }
    }
}

/// Whether the machine's token wrote it, and no person could approve it.
async fn is_alone(api: &Api, who: &Who, name: &str) -> Result<bool, Problem> {
    if who.id != MACHINE || kept(api, name).await?.rollout.author() != MACHINE {
        return Ok(false);
    }
    let mut after = String::new();
    loop {
        let page = api.database.people(&after, ROWS_MAX).await?;
        let is_last = page.len() < ROWS_MAX as usize;
        for person in page {
            let may = person.grants.iter().any(|grant| {
                grant.role.may(Permission::RolloutApprove)
                    && grant.scope == crate::people::role::Scope::Everything
            });
            if may && !person.is_disabled {
                return Ok(false);
            }
            // They go by their names.
            after = person.name;
        }
        if is_last {
            return Ok(true);
        }
    }
}

/// Approve a rollout that waits for it. Who wrote it cannot.
#[utoipa::path(post, path = "/v1/rollouts/{rollout}/approve", tag = "rollouts", security(("token" = [])),
    params(("rollout" = String, Path, description = "The rollout.")), responses(
    (status = 200, body = RolloutDetail), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn approve(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Answer<RolloutDetail> {
    answer(&api, &who, &name, Said::Verb(Verb::Approve)).await.map(Json)
}

/// Send a rollout back to its author.
#[utoipa::path(post, path = "/v1/rollouts/{rollout}/reject", tag = "rollouts", security(("token" = [])),
    params(("rollout" = String, Path, description = "The rollout.")), request_body = Words, responses(
    (status = 200, body = RolloutDetail), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn reject(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    body: Result<Option<Json<Value>>, JsonRejection>,
) -> Answer<RolloutDetail> {
    answer(&api, &who, &name, said("reject", &words(body)?)?).await.map(Json)
}

/// Say something to a rollout: `preflight`, `start`, `pause`, `resume`, `promote`, `finish`, `abort`, `rollback`, `retry-failed`, `exclude`, `rehearse`.
#[utoipa::path(post, path = "/v1/rollouts/{rollout}/{verb}", tag = "rollouts", security(("token" = [])),
    params(("rollout" = String, Path, description = "The rollout."), ("verb" = String, Path, description = "What.",
        pattern = "^(preflight|start|pause|resume|promote|finish|abort|rollback|retry-failed|exclude|rehearse)$")),
    request_body = Words, responses(
    (status = 200, body = RolloutDetail), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn say(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path((name, word)): Path<(String, String)>,
    body: Result<Option<Json<Value>>, JsonRejection>,
) -> Answer<RolloutDetail> {
    if matches!(word.as_str(), "approve" | "reject") {
        return Err(Problem::unknown_path());
    }
    answer(&api, &who, &name, said(&word, &words(body)?)?).await.map(Json)
}
