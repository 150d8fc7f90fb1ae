//! Signed artefacts: what may run and until when who says so is good, and something new that nobody has signed yet.
//!
//! Not here: roles, drafts and publishing ([`super::metadata`]), the rules ([`crate::artefacts`]).
#![expect(unused_qualifications, reason = "the code that `utoipa::path` writes names its parameters in full")]

use super::{
    Api, Problem,
    routes::{Answer, Page, described_page, limit, query},
};
use crate::{
    artefacts::{
        InForce, LookError,
        add::{AddError, NewArtefact},
        ceremony::in_days,
    },
    people::who::Who,
    publish::PublishError,
};
use aisle_artefact::{
    Artefact, ArtefactId, Draft, Kind, Role,
    repository::{ChangeError, DraftError},
};
use aisle_event::Timestamp;
use axum::{
    Extension, Json,
    body::Bytes,
    extract::{
        DefaultBodyLimit, Path, Query, State,
        rejection::{BytesRejection, QueryRejection},
    },
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The longest content that comes this way, in bytes: what a plugin may have. Longer ones are brought by `aisle-hub artefact add`.
const CONTENT_BYTES_MAX: usize = 32 << 20;
/// The most days that something is signed for, counted from now.
const DAYS_MAX: u32 = 3_650;

described_page!(ArtefactPage, Page_ArtefactView, ArtefactView);

pub(super) fn routes() -> OpenApiRouter<Api> {
    let contents = OpenApiRouter::new().routes(routes!(artefacts, bring));
    OpenApiRouter::new()
        .merge(contents.layer(DefaultBodyLimit::max(CONTENT_BYTES_MAX)))
        .routes(routes!(artefact))
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

impl From<LookError> for Problem {
    fn from(error: LookError) -> Self {
        match error {
            LookError::Database(error) => error.into(),
            error => Self::internal(&error),
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
pub(super) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text.replace("\nhint: ", "; ")
}

pub(super) async fn begun(api: &Api) -> Result<Arc<InForce>, Problem> {
    let in_force = api.artefacts.in_force().await?;
    in_force.ok_or_else(|| {
        Problem::conflict("no artefact was ever published here; `aisle-hub artefact init` begins".to_owned())
    })
}

pub(super) fn kind(text: &str) -> Result<Kind, Problem> {
    Kind::named(text).ok_or_else(|| {
        Problem::field("kind", "is no kind; one is `plugin`, `model`, `catalogue`, `prices`, `device-profile`, `device-settings`, `policy`, `rules`")
    })
}

pub(super) fn expires(api: &Api, days: Option<u32>, default: u32) -> Result<Timestamp, Problem> {
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
    let object = asked.as_ref().map_or_else(
        |_| String::new(),
        |Query(asked)| format!("{}/{}/{}", asked.kind, asked.name, asked.version),
    );
    match brought(&api, &who, asked, content).await {
        Ok(brought) => Ok((StatusCode::CREATED, Json(brought))),
        Err(problem) => {
            // What is too large, forged or damaged is found later by who brought it.
            if problem.status().is_client_error() {
                let line = api.people.line(who.by(), "artefact.bring", &object, api.now_ms());
                api.people.refused(line, problem.detail()).await?;
            }
            Err(problem)
        }
    }
}

async fn brought(
    api: &Api,
    who: &Who,
    asked: Result<Query<NewQuery>, QueryRejection>,
    content: Result<Bytes, BytesRejection>,
) -> Result<Brought, Problem> {
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
    let until = expires(api, asked.days, LIST_DAYS)?;
    let added = api.artefacts.add(new, content, None, until).await?;
    let line = api.people.line(who.by(), "artefact.bring", &added.artefact.id.to_string(), api.now_ms());
    let became = json!({ "blake3": added.artefact.blake3.to_string(), "bytes": added.artefact.bytes });
    api.database.audit(&line.became(became)).await?;
    let in_force = begun(api).await?;
    Ok(Brought {
        artefact: ArtefactView::of(&added.artefact, &in_force),
        delta_bytes: added.delta.map(|(_, bytes)| bytes),
        draft: shown(&added.draft)?,
    })
}

/// How long lists and targets are signed for, in days.
pub(super) const LIST_DAYS: u32 = 365;
pub(super) fn shown(draft: &Draft) -> Result<Value, Problem> {
    serde_json::from_slice(&draft.write()?).map_err(|error| Problem::internal(&error))
}
