//! Metadata of signed artefacts: the roles and until when they are good, drafts, and publishing what comes back signed.
//!
//! No key of a person ever comes here: drafts go out, are signed elsewhere, and come back. A root or targets say who signs everything below them, so publishing
//! one wants two persons. Not here: what is signed ([`super::artefacts`]), the rules ([`crate::artefacts`]).

use super::{
    Api, Problem,
    artefacts::{LIST_DAYS, begun, expires, kind, shown, told},
    exchange::body,
    oversight::ApprovalView,
    routes::Answer,
};
use crate::{
    artefacts::{
        InForce, NotPublished,
        ceremony::{NextRoot, next_list, next_targets},
        keep::days_left,
    },
    database::NotPut,
    people::{
        approval::{Ask, Kind as Wants, Passed},
        who::Who,
    },
};
use aisle_artefact::{
    ArtefactId, Draft, Kind, Role,
    repository::{Expiry, Keys, Published},
};
use aisle_event::Timestamp;
use axum::{
    Extension, Json,
    extract::{DefaultBodyLimit, State, rejection::JsonRejection},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The longest request with drafts, in bytes. Longer lists are published by `aisle-hub artefact publish`.
const DRAFTS_BYTES_MAX: usize = 8 << 20;
/// The most lines of a draft that who agrees is shown.
const LINES_MAX: usize = 64;
/// How long a root is signed for, in days.
const ROOT_DAYS: u32 = 730;

pub(super) fn routes() -> OpenApiRouter<Api> {
    let drafts = OpenApiRouter::new().routes(routes!(metadata, publish));
    OpenApiRouter::new().merge(drafts.layer(DefaultBodyLimit::max(DRAFTS_BYTES_MAX))).routes(routes!(draft))
}

/// A role, and until when it is good.
#[derive(Debug, Serialize, ToSchema)]
struct RoleView {
    /// Which.
    role: String,
    /// The version of its metadata.
    version: u64,
    /// When it runs out, in milliseconds since 1970.
    expires_at_ms: i64,
    /// How many days that is from now; below 0 when it is over.
    days: f64,
    /// The names of the keys that have signed it.
    signed_by: Vec<String>,
    /// The names of the keys that may sign the next.
    keys: Vec<String>,
    /// How many of them it takes.
    threshold: u64,
}

/// What is in force, the first that runs out first.
#[derive(Debug, Serialize, ToSchema)]
struct MetadataView {
    /// Whether anything was published yet.
    is_begun: bool,
    /// The roles.
    roles: Vec<RoleView>,
}

impl RoleView {
    fn of(expiry: &Expiry, in_force: &InForce, now: Timestamp) -> Self {
        let plan = in_force.root_plan();
        let none = || Keys { keys: Vec::new(), threshold: 0 };
        let keys = match &expiry.role {
            Role::Root => plan.root,
            Role::Targets => plan.targets,
            Role::Snapshot => plan.snapshot,
            Role::Timestamp => plan.timestamp,
            Role::Delegated(name) => {
                let mut of = in_force.delegations().into_iter();
                of.find(|of| of.kind.folder() == name).map_or_else(none, |of| of.keys)
            }
        };
        Self {
            role: expiry.role.to_string(),
            version: expiry.version,
            expires_at_ms: expiry.expires.0,
            days: days_left(expiry.expires, now),
            signed_by: expiry.signed_by.iter().map(ToString::to_string).collect(),
            keys: keys.keys.iter().map(|key| key.id().to_string()).collect(),
            threshold: keys.threshold,
        }
    }
}

impl From<NotPublished> for Problem {
    fn from(error: NotPublished) -> Self {
        match error {
            NotPublished::Look(error) => error.into(),
            NotPublished::Put(NotPut::Database(error)) => error.into(),
            NotPublished::Refused(_) | NotPublished::Nothing | NotPublished::Put(_) => {
                Self::conflict(told(&error))
            }
            NotPublished::Online(_) => Self::internal(&error),
        }
    }
}

/// The roles, who may sign for them, and until when they are good.
#[utoipa::path(get, path = "/v1/metadata", tag = "artefacts", security(("token" = []), ("session" = [])), responses(
    (status = 200, body = MetadataView), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn metadata(State(api): State<Api>) -> Answer<MetadataView> {
    let Some(in_force) = api.artefacts.in_force().await? else {
        return Ok(Json(MetadataView { is_begun: false, roles: Vec::new() }));
    };
    let now = Timestamp(api.now_ms());
    let roles = in_force.expiries();
    let roles = roles.iter().map(|expiry| RoleView::of(expiry, &in_force, now));
    Ok(Json(MetadataView { is_begun: true, roles: roles.collect() }))
}

/// Who signs for a role.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Signers {
    /// Public keys of Ed25519, each 64 hexadecimal digits.
    #[schema(max_items = 16)]
    keys: Vec<String>,
    /// How many of them it takes; all of them, where it is absent.
    threshold: Option<u64>,
}

impl Signers {
    fn keys(&self) -> Result<Keys, Problem> {
        // Digits only: here no text is the name of a file.
        let read = self.keys.iter().map(|key| key.parse());
        let keys: Vec<_> = read
            .collect::<Result<_, _>>()
            .map_err(|_| Problem::field("keys", "has one that is not 64 hexadecimal digits"))?;
        let threshold = self.threshold.unwrap_or(keys.len() as u64);
        Ok(Keys { keys, threshold })
    }
}

/// What is to be drafted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDraft {
    /// `root`, `targets`, or a kind such as `plugin`.
    of: String,
    /// Of a root: other keys of `root` and `targets`. Of targets: the keys of kinds. What is not named stays.
    #[serde(default)]
    keys: BTreeMap<String, Signers>,
    /// Of targets: kinds that nobody signs any more.
    #[serde(default)]
    withdraw: Vec<String>,
    /// Of a kind: paths of artefacts that go. What runs of them goes on running.
    #[serde(default)]
    remove: Vec<String>,
    /// For how many days it is to be signed; 730 for a root, 365 for all else.
    #[schema(minimum = 1, maximum = 3650)]
    days: Option<u32>,
}

/// Drafts to be signed, together where there are several.
#[derive(Debug, Serialize, ToSchema)]
struct Drafted {
    /// The drafts, as files that go to who signs.
    #[schema(value_type = Vec<Object>)]
    drafts: Vec<Value>,
    /// What each says, in lines.
    summaries: Vec<Vec<String>>,
}

/// Draft the next root, targets or list of a kind: with other keys, without an artefact, or the same with a later end. The hub keeps no drafts.
#[utoipa::path(post, path = "/v1/metadata/drafts", tag = "artefacts", security(("token" = []), ("session" = [])), request_body = NewDraft, responses(
    (status = 200, body = Drafted), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn draft(State(api): State<Api>, asked: Result<Json<NewDraft>, JsonRejection>) -> Answer<Drafted> {
    let NewDraft { of, keys: named, withdraw, remove, days } = body(asked)?;
    let in_force = begun(&api).await?;
    let drafts = match of.as_str() {
        "root" => {
            let mut next = NextRoot::default();
            for (role, signers) in &named {
                match role.as_str() {
                    "root" => next.root = Some(signers.keys()?),
                    "targets" => next.targets = Some(signers.keys()?),
                    // The hub's own keys are exchanged at the hub: `aisle-hub artefact draft root --online-key-file`.
                    _ => return Err(Problem::field("keys", "of a root are those of `root` and `targets`")),
                }
            }
            vec![next.draft(&in_force, expires(&api, days, ROOT_DAYS)?)?]
        }
        "targets" => {
            let mut kinds = BTreeMap::new();
            for (name, signers) in &named {
                kinds.insert(kind(name)?, signers.keys()?);
            }
            let withdrawn = withdraw.iter().map(|name| kind(name)).collect::<Result<Vec<_>, _>>()?;
            next_targets(&in_force, &kinds, &withdrawn, expires(&api, days, LIST_DAYS)?)?
        }
        name => {
            let of = Kind::named(name)
                .ok_or_else(|| Problem::field("of", "is neither `root` nor `targets` nor a kind"))?;
            let paths = remove.iter().map(|path| path.parse()).collect::<Result<Vec<ArtefactId>, _>>();
            let remove = paths.map_err(|error| Problem::field("remove", told(&error)))?;
            vec![next_list(&in_force, of, remove, expires(&api, days, LIST_DAYS)?)?]
        }
    };
    let summaries = drafts.iter().map(Draft::summary).collect::<Result<_, _>>()?;
    Ok(Json(Drafted { drafts: drafts.iter().map(shown).collect::<Result<_, _>>()?, summaries }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PublishDrafts {
    /// Drafts that were signed; they are published together or not at all.
    #[schema(value_type = Vec<Object>, min_items = 1, max_items = 16)]
    drafts: Vec<Value>,
    /// The approval, once another person has agreed. Without it, one is asked for where the drafts have a root or targets.
    #[serde(default)]
    approval: Option<String>,
}

/// What was published.
#[derive(Debug, Serialize, ToSchema)]
struct PublishedMetadata {
    /// The version of the timestamp.
    timestamp: u64,
    /// The version of the snapshot.
    snapshot: u64,
    /// When the first of everything runs out, in milliseconds since 1970.
    first_expiry_ms: i64,
}

/// Publish signed drafts. A root or targets want two persons: the first call asks, the same with the `approval` that another person has given publishes.
#[utoipa::path(post, path = "/v1/metadata", tag = "artefacts", security(("token" = []), ("session" = [])), request_body = PublishDrafts, responses(
    (status = 201, body = PublishedMetadata), (status = 202, body = ApprovalView, description = "Another person has to agree."),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 413, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn publish(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    asked: Result<Json<PublishDrafts>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let PublishDrafts { drafts: given, approval } = body(asked)?;
    if !(1..=16).contains(&given.len()) {
        return Err(Problem::field("drafts", "has not 1 to 16 drafts"));
    }
    let mut drafts = Vec::with_capacity(given.len());
    for value in given {
        // It was JSON when it came.
        drafts.push(Draft::read(&serde_json::to_vec(&value).unwrap_or_default())?);
    }
    let named = drafts.iter().map(|draft| format!("{} {}", draft.role(), draft.version()));
    let named = named.collect::<Vec<_>>().join(", ");
    let now_ms = api.now_ms();
    let mut passed = None;
    if drafts.iter().any(|draft| matches!(draft.role(), Role::Root | Role::Targets)) {
        let ask = ask(&drafts, &named)?;
        match api.people.approvals().pass(&who, &ask, approval.as_deref(), now_ms).await? {
            Passed::Waits(approval) => {
                let view = ApprovalView::of(*approval, now_ms);
                return Ok((StatusCode::ACCEPTED, Json(serde_json::to_value(view).unwrap_or_default())));
            }
            Passed::Go(approval) => passed = Some(approval),
        }
    } else if approval.is_some() {
        return Err(Problem::field("approval", "is for drafts that have a root or targets"));
    }
    let line = api.people.line(who.by(), Wants::ArtefactPublish.as_str(), &named, now_ms);
    let published = api.artefacts.publish(drafts, Some(line.clone()), Timestamp(now_ms)).await;
    let Published { timestamp, snapshot, first_expiry } = match published {
        Ok(published) => published,
        Err(error) => {
            if let Some(approval) = passed {
                api.people.approvals().told(&who, &approval, Err(told(&error)), now_ms).await?;
            } else if error.is_of_drafts() {
                api.people.refused(line, told(&error)).await?;
            }
            return Err(error.into());
        }
    };
    let view = PublishedMetadata { timestamp, snapshot, first_expiry_ms: first_expiry.0 };
    Ok((StatusCode::CREATED, Json(serde_json::to_value(view).unwrap_or_default())))
}

/// What another person has to agree to: what each draft says, and its hash with all signatures. A list can be long, and is bound by its hash.
fn ask(drafts: &[Draft], named: &str) -> Result<Ask, Problem> {
    let mut request = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let mut says = draft.summary()?;
        let lines = says.len();
        says.truncate(LINES_MAX);
        if lines > LINES_MAX {
            says.push(format!("and {} lines more", lines.saturating_sub(LINES_MAX)));
        }
        let signed_by: Vec<String> = draft.signed_by().iter().map(ToString::to_string).collect();
        let hash = blake3::hash(&draft.write()?).to_string();
        request.push(json!({
            "role": draft.role().to_string(), "version": draft.version(), "says": says, "signed_by": signed_by, "blake3": hash,
        }));
    }
    let summary = format!("signed metadata: {named}");
    Ok(Ask { kind: Wants::ArtefactPublish, summary, request: json!({ "drafts": request }) })
}
