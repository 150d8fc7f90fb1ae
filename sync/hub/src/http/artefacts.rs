//! Signed artefacts: what may run and until when who says so is good; what is brought, drafted and published.
//!
//! No key of a person ever comes here: drafts go out, are signed elsewhere, and come back. A root or targets say who signs everything below them, so publishing
//! one wants two persons. Not here: the rules ([`crate::artefacts`]).
#![expect(unused_qualifications, reason = "the code that `utoipa::path` writes names its parameters in full")]

use super::{
    Api, Problem,
    exchange::body,
    oversight::ApprovalView,
    routes::{Answer, Page, described_page, limit, query},
};
use crate::{
    artefacts::{
        InForce, LookError, NotPublished,
        add::{AddError, NewArtefact},
        ceremony::{NextRoot, in_days, next_list, next_targets},
        keep::days_left,
    },
    database::NotPut,
    people::{
        approval::{Ask, Kind as Wants, Passed},
        who::Who,
    },
    publish::PublishError,
};
use aisle_artefact::{
    Artefact, ArtefactId, Draft, Kind, Role,
    repository::{ChangeError, DraftError, Expiry, Keys, Published},
};
use aisle_event::Timestamp;
use axum::{
    Extension, Json,
    body::Bytes,
    extract::{
        DefaultBodyLimit, Path, Query, State,
        rejection::{BytesRejection, JsonRejection, QueryRejection},
    },
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The longest content that comes this way, in bytes: what a plugin may have. Longer ones are brought by `aisle-hub artefact add`.
const CONTENT_BYTES_MAX: usize = 32 << 20;
/// The longest request with drafts, in bytes. Longer lists are published by `aisle-hub artefact publish`.
const DRAFTS_BYTES_MAX: usize = 8 << 20;
/// The most days that something is signed for, counted from now.
const DAYS_MAX: u32 = 3_650;
/// The most lines of a draft that who agrees is shown.
const LINES_MAX: usize = 64;

described_page!(ArtefactPage, Page_ArtefactView, ArtefactView);

pub(super) fn routes() -> OpenApiRouter<Api> {
    let contents = OpenApiRouter::new().routes(routes!(artefacts, bring));
    let drafts = OpenApiRouter::new().routes(routes!(metadata, publish));
    OpenApiRouter::new()
        .merge(contents.layer(DefaultBodyLimit::max(CONTENT_BYTES_MAX)))
        .merge(drafts.layer(DefaultBodyLimit::max(DRAFTS_BYTES_MAX)))
        .routes(routes!(artefact))
        .routes(routes!(draft))
}

/// A signed artefact.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ArtefactView {
    /// Where its target lies: `plugins/buy-two/1.4.0.plugin`.
    path: String,
    /// What it is.
    kind: &'static str,
    /// What it is called.
    name: String,
    /// Which version.
    version: String,
    /// How many bytes its content has.
    bytes: u64,
    /// BLAKE3 of its content, in hexadecimal digits.
    blake3: String,
    /// SHA-256 of its content, in hexadecimal digits.
    sha256: String,
    /// The oldest node that can use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    node_min: Option<String>,
    /// Free disk in bytes that it takes beside its content.
    disk_bytes: u64,
    /// What a store must grant it.
    grants: Vec<String>,
    /// The role that has signed it.
    role: &'static str,
    /// When the first of those that say so runs out, in milliseconds since 1970: then it is not installed any more, and runs on where it is.
    expires_at_ms: i64,
}

/// An artefact with all its versions.
#[derive(Debug, Serialize, ToSchema)]
struct ArtefactVersions {
    /// What it is.
    kind: &'static str,
    /// What it is called.
    name: String,
    /// Its versions, the latest first.
    versions: Vec<ArtefactView>,
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

impl ArtefactView {
    fn of(artefact: &Artefact, in_force: &InForce) -> Self {
        let Artefact { id, bytes, sha256, blake3, node_min, needs } = artefact;
        let role = id.kind().folder();
        let says = in_force.expiries();
        let says = says.iter().filter(|expiry| !is_list(&expiry.role) || expiry.role.as_str() == role);
        Self {
            path: id.to_string(),
            kind: id.kind().as_str(),
            name: id.name().to_string(),
            version: id.version().to_string(),
            bytes: *bytes,
            blake3: blake3.to_string(),
            sha256: sha256.to_string(),
            node_min: node_min.as_ref().map(ToString::to_string),
            disk_bytes: needs.disk_bytes,
            grants: needs.grants.clone(),
            role,
            expires_at_ms: says.map(|expiry| expiry.expires.0).min().unwrap_or(0),
        }
    }
}

const fn is_list(role: &Role) -> bool {
    matches!(role, Role::Delegated(_))
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

impl From<LookError> for Problem {
    fn from(error: LookError) -> Self {
        match error {
            LookError::Database(error) => error.into(),
            error => Self::internal(&error),
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

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        Self::conflict(told(&error))
    }
}

impl From<DraftError> for Problem {
    fn from(error: DraftError) -> Self {
        Self::malformed(told(&error))
    }
}

impl From<AddError> for Problem {
    fn from(error: AddError) -> Self {
        match error {
            AddError::Look(error) => error.into(),
            AddError::Nothing => Self::conflict(told(&error)),
            AddError::Change(error) => error.into(),
            AddError::Publish(PublishError::Database(error)) => error.into(),
            AddError::Publish(error) => Self::internal(&error),
            error => Self::malformed(told(&error)),
        }
    }
}

/// What an error and what is behind it say.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text.replace("\nhint: ", "; ")
}

async fn begun(api: &Api) -> Result<Arc<InForce>, Problem> {
    let in_force = api.artefacts.in_force().await?;
    in_force.ok_or_else(|| {
        Problem::conflict("no artefact was ever published here; `aisle-hub artefact init` begins".to_owned())
    })
}

fn kind(text: &str) -> Result<Kind, Problem> {
    Kind::named(text).ok_or_else(|| {
        Problem::field("kind", "is no kind; one is `plugin`, `model`, `catalogue`, `prices`, `device-profile`, `device-settings`, `policy`, `rules`")
    })
}

fn expires(api: &Api, days: Option<u32>, default: u32) -> Result<Timestamp, Problem> {
    let days = days.unwrap_or(default);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(Problem::field("days", format!("is {days}, expected 1 to {DAYS_MAX}")));
    }
    Ok(in_days(Timestamp(api.now_ms()), days))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ArtefactsQuery {
    /// Only those of this kind, such as `plugin`.
    kind: Option<String>,
    /// Where a page goes on: `next` of the page before.
    after: Option<String>,
    /// The most rows, up to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// The signed artefacts, by path.
#[utoipa::path(get, path = "/v1/artefacts", tag = "artefacts", security(("token" = []), ("session" = [])), params(ArtefactsQuery), responses(
    (status = 200, body = ArtefactPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn artefacts(
    State(api): State<Api>,
    asked: Result<Query<ArtefactsQuery>, QueryRejection>,
) -> Answer<Page<ArtefactView>> {
    let asked = query(asked)?;
    let limit = limit(asked.limit)? as usize;
    let wanted = asked.kind.as_deref().map(kind).transpose()?;
    let after = asked.after.as_deref().map(str::parse::<ArtefactId>).transpose();
    let after = after.map_err(|_| Problem::field("after", "is no `next` of a page"))?;
    let Some(in_force) = api.artefacts.in_force().await? else {
        return Ok(Json(Page { items: Vec::new(), next: None }));
    };
    let artefacts = in_force.artefacts().into_values();
    let rest = artefacts.filter(|artefact| after.as_ref().is_none_or(|after| artefact.id > *after));
    let rest = rest.filter(|artefact| wanted.is_none_or(|kind| artefact.id.kind() == kind));
    let items: Vec<_> = rest.take(limit).map(|artefact| ArtefactView::of(&artefact, &in_force)).collect();
    let next = (items.len() == limit).then(|| items.last().map(|last| last.path.clone())).flatten();
    Ok(Json(Page { items, next }))
}

/// An artefact with all its versions.
#[utoipa::path(get, path = "/v1/artefacts/{kind}/{name}", tag = "artefacts", security(("token" = []), ("session" = [])),
    params(("kind" = String, Path, description = "Its kind, such as `plugin`."), ("name" = String, Path, description = "Its name.")), responses(
    (status = 200, body = ArtefactVersions), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn artefact(
    State(api): State<Api>,
    Path((of, name)): Path<(String, String)>,
) -> Answer<ArtefactVersions> {
    let unknown = || Problem::unknown("artefact");
    let of = Kind::named(&of).ok_or_else(unknown)?;
    let in_force = api.artefacts.in_force().await?.ok_or_else(unknown)?;
    let artefacts = in_force.artefacts().into_values();
    let same = artefacts.filter(|artefact| artefact.id.kind() == of && artefact.id.name().as_str() == name);
    let mut versions: Vec<Artefact> = same.collect();
    versions.sort_by(|a, b| b.id.version().cmp(a.id.version()));
    if versions.is_empty() {
        return Err(unknown());
    }
    let versions = versions.iter().map(|artefact| ArtefactView::of(artefact, &in_force)).collect();
    Ok(Json(ArtefactVersions { kind: of.as_str(), name, versions }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NewQuery {
    /// What it is, such as `plugin`.
    kind: String,
    /// What it is called.
    name: String,
    /// Which version: `1.4.0`.
    version: String,
    /// The oldest node that can use it.
    node_min: Option<String>,
    /// Free disk in bytes that it takes beside its content.
    disk_bytes: Option<u64>,
    /// What a store must grant it, with commas between; of a plugin what its manifest asks for, where it is absent.
    grants: Option<String>,
    /// For how many days the list is to be signed; 365 where it is absent.
    #[param(minimum = 1, maximum = 3650)]
    days: Option<u32>,
}

/// The bytes of a content.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
struct ContentBytes(#[expect(dead_code, reason = "it stands in the description only")] Vec<u8>);

/// Something new that nobody has signed yet.
#[derive(Debug, Serialize, ToSchema)]
struct Brought {
    /// As it is to be signed.
    artefact: ArtefactView,
    /// How many bytes a store fetches that has the version before; absent where there is no such delta.
    #[serde(skip_serializing_if = "Option::is_none")]
    delta_bytes: Option<u64>,
    /// The next list of its kind: give it to who signs the kind, and publish what comes back.
    #[schema(value_type = Object)]
    draft: Value,
}

/// Bring a content of at most 32 MiB: it is kept, described, and put into the next draft of its kind. Nothing runs before that is signed and published.
#[utoipa::path(post, path = "/v1/artefacts", tag = "artefacts", security(("token" = []), ("session" = [])), params(NewQuery),
    request_body(content = ContentBytes, content_type = "application/octet-stream", description = "The content; of a plugin its package."), responses(
    (status = 201, body = Brought), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 413, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn bring(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    asked: Result<Query<NewQuery>, QueryRejection>,
    content: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Brought>), Problem> {
    let asked = query(asked)?;
    let content = content.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(CONTENT_BYTES_MAX),
        _ => Problem::malformed("the content did not come whole".to_owned()),
    })?;
    let node_min = asked.node_min.as_deref().map(str::parse).transpose();
    let grants = asked.grants.iter().flat_map(|grants| grants.split(',')).map(str::trim);
    let new = NewArtefact {
        kind: kind(&asked.kind)?,
        name: asked.name,
        version: asked.version,
        node_min: node_min.map_err(|_| Problem::field("node_min", "is no version such as `0.3.0`"))?,
        disk_bytes: asked.disk_bytes.unwrap_or(0),
        grants: grants.filter(|grant| !grant.is_empty()).map(str::to_owned).collect(),
    };
    let until = expires(&api, asked.days, LIST_DAYS)?;
    let added = api.artefacts.add(new, content, None, until).await?;
    let line = api.people.line(who.by(), "artefact.bring", &added.artefact.id.to_string(), api.now_ms());
    let became = json!({ "blake3": added.artefact.blake3.to_string(), "bytes": added.artefact.bytes });
    api.database.audit(&line.became(became)).await?;
    let in_force = begun(&api).await?;
    let brought = Brought {
        artefact: ArtefactView::of(&added.artefact, &in_force),
        delta_bytes: added.delta.map(|(_, bytes)| bytes),
        draft: shown(&added.draft)?,
    };
    Ok((StatusCode::CREATED, Json(brought)))
}

/// How long lists and targets are signed for, in days.
const LIST_DAYS: u32 = 365;
/// How long a root is signed for, in days.
const ROOT_DAYS: u32 = 730;

fn shown(draft: &Draft) -> Result<Value, Problem> {
    serde_json::from_slice(&draft.write()?).map_err(|error| Problem::internal(&error))
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
