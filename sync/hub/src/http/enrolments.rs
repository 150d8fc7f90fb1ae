//! Who may come: claims made and taken back, boxes that ask, and what is decided about them.
//!
//! What is read here wants the permission `enrolment.read`, what is written `enrolment.decide`; who is bounded to some stores sees and decides about those.
//! What is decided is in the audit log, in the transaction of the decision. Not here: what may follow on what ([`crate::enrol`]).
#![expect(unused_qualifications, reason = "the code that `utoipa::path` writes names its parameters in full")]

use super::{
    Api, Problem,
    access::permitted,
    permits::Need,
    routes::{Answer, Page, described_page, limit, query},
};
use crate::{
    database::{ClaimNotKept, ClaimRow, EnrolError, EnrolmentRow, read::ROWS_MAX},
    enrol::{
        claims::{self, ClaimFailed, Wanted},
        decide::{Decided, Verb, decide},
        within,
    },
    people::{role::Permission, who::Who},
};
use aisle_event::{Name, Timestamp};
use aisle_provisioning::{
    claim::Locator,
    enrolment::State,
    fingerprint::Fingerprint,
    identity::{Serial, Store},
};
use axum::{
    Extension, Json,
    extract::{
        Path, Query, State as Shared,
        rejection::{JsonRejection, QueryRejection},
    },
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes as described};

/// An hour in milliseconds.
const HOUR_MS: u64 = 3_600_000;

described_page!(ClaimPage, Page_ClaimRow, ClaimRow);
described_page!(EnrolmentPage, Page_EnrolmentRow, EnrolmentRow);

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(described!(list_claims, make_claim))
        .routes(described!(withdraw_claim))
        .routes(described!(list_enrolments))
        .routes(described!(enrolment))
        .routes(described!(decide_enrolment))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ClaimsQuery {
    /// Only those for this store.
    store: Option<String>,
    /// Where a page goes on: `next` of the page before.
    after: Option<String>,
    /// The most rows, up to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EnrolmentsQuery {
    /// Only those of this store.
    store: Option<String>,
    /// Only those in this state: `claimed`, `pending`, `active`, `renewing`, `suspended`, `banned`.
    state: Option<String>,
    /// Where a page goes on: `next` of the page before.
    after: Option<String>,
    /// The most rows, up to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A claim that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewClaim {
    /// For which store.
    #[schema(example = "store-1")]
    store: String,
    /// For which box; for any where it is absent. A box that was there before has to be named.
    serial: Option<String>,
    /// How long it can be used, in hours; as the hub is set up, where it is absent.
    #[schema(minimum = 1, maximum = 2160)]
    hours: Option<u32>,
}

/// A claim that was made. The code is told this once.
#[derive(Debug, Serialize, ToSchema)]
struct MadeClaim {
    /// The part of the code that finds it.
    locator: String,
    /// For which store.
    store: String,
    /// For which box; empty for any.
    serial: String,
    /// Until when it can be used, in milliseconds since 1970.
    expires_at_ms: i64,
    /// The code, in five groups. A secret.
    code: String,
    /// The code with where the hub is called and whom to believe. A secret.
    link: String,
    /// The link as a QR code, in SVG. A secret.
    qr_svg: String,
}

/// What is decided, and why.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Decision {
    /// Why. Whoever stands before the box reads it; rejecting, suspending and banning want one.
    reason: Option<String>,
    /// The fingerprint of the key that was looked at: the node must have asked with it.
    key: Option<String>,
}

impl From<EnrolError> for Problem {
    fn from(error: EnrolError) -> Self {
        match error {
            EnrolError::Database(error) => error.into(),
            EnrolError::Unknown { store, node } => Self::unknown_node(&store, &node),
            error => Self::state(error.to_string()),
        }
    }
}

impl From<ClaimFailed> for Problem {
    fn from(error: ClaimFailed) -> Self {
        match error {
            ClaimFailed::Kept(ClaimNotKept::Database(error)) => error.into(),
            ClaimFailed::Kept(error) => Self::state(error.to_string()),
            error => Self::internal(&error),
        }
    }
}

fn after(text: Option<&str>) -> Result<(&str, &str), Problem> {
    match text {
        None => Ok(("", "")),
        Some(text) => text.split_once('/').ok_or_else(|| Problem::field("after", "is no `next` of a page")),
    }
}

fn body<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Problem> {
    body.map(|Json(body)| body).map_err(|rejection| Problem::malformed(rejection.body_text()))
}

/// The claims, by store.
#[utoipa::path(get, path = "/v1/claims", tag = "enrolment", security(("token" = [])), params(ClaimsQuery), responses(
    (status = 200, body = ClaimPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn list_claims(
    Shared(api): Shared<Api>,
    Extension(who): Extension<Who>,
    asked: Result<Query<ClaimsQuery>, QueryRejection>,
) -> Answer<Page<ClaimRow>> {
    let asked = query(asked)?;
    let limit = limit(asked.limit)?.min(ROWS_MAX);
    let place = after(asked.after.as_deref())?;
    let found = api.database.claims(asked.store.as_deref(), place, limit).await?;
    let now = Timestamp(api.now_ms());
    let rows: Vec<ClaimRow> = found.iter().map(|kept| kept.row(now)).collect();
    let next = (rows.len() == limit as usize).then(|| rows.last()).flatten();
    let next = next.map(|row| format!("{}/{}", row.store, row.locator));
    let reach = who.reach(Permission::EnrolmentRead);
    let items = within(&api.database, &reach, rows, |row| &row.store).await?;
    Ok(Json(Page { items, next }))
}

/// Makes a claim. Its code is told once, and kept nowhere.
#[utoipa::path(post, path = "/v1/claims", tag = "enrolment", security(("token" = [])), request_body = NewClaim, responses(
    (status = 201, body = MadeClaim), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn make_claim(
    Shared(api): Shared<Api>,
    Extension(who): Extension<Who>,
    wanted: Result<Json<NewClaim>, JsonRejection>,
) -> Result<(StatusCode, Json<MadeClaim>), Problem> {
    let NewClaim { store, serial, hours } = body(wanted)?;
    let config = api.enrolment.as_deref().ok_or_else(Problem::no_enrolment)?;
    let store = Store::new(&store).map_err(|error| Problem::field("store", error.reason.to_string()))?;
    let serial = serial.map(Serial::new).transpose();
    let serial = serial.map_err(|error| Problem::field("serial", error.reason.to_string()))?;
    if hours.is_some_and(|hours| !(1..=2_160).contains(&hours)) {
        return Err(Problem::field("hours", "is not 1 to 2160"));
    }
    permitted(&api, &who, Need::Store(Permission::EnrolmentDecide), Some(store.as_str())).await?;
    let holds_ms = hours.map(|hours| u64::from(hours).saturating_mul(HOUR_MS));
    let wanted = Wanted { store, serial, holds_ms };
    let slip = claims::create(&api.people, &who, config, wanted, Timestamp(api.now_ms())).await?;
    let svg = slip.to_svg().map_err(ClaimFailed::from)?;
    let made = MadeClaim {
        locator: slip.link.code.locator().to_string(),
        store: slip.store.to_string(),
        serial: slip.serial.as_ref().map(ToString::to_string).unwrap_or_default(),
        expires_at_ms: slip.expires_at.0,
        code: slip.link.code.to_groups().to_string(),
        link: slip.link.to_uri().to_string(),
        qr_svg: svg.to_string(),
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Takes a claim back. One that was used stays used.
#[utoipa::path(delete, path = "/v1/claims/{locator}", tag = "enrolment", security(("token" = [])),
    params(("locator" = String, Path, description = "The part of the code that finds the claim.")), responses(
    (status = 200, body = ClaimRow), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn withdraw_claim(
    Shared(api): Shared<Api>,
    Extension(who): Extension<Who>,
    Path(text): Path<String>,
) -> Answer<ClaimRow> {
    let unknown = || Problem::unknown_claim(&text);
    let locator: Locator = text.parse().map_err(|_| unknown())?;
    let now = Timestamp(api.now_ms());
    let known = api.database.claim(&locator).await?.ok_or_else(unknown)?;
    let store = known.claim.store.as_str();
    permitted(&api, &who, Need::Store(Permission::EnrolmentDecide), Some(store)).await?;
    claims::withdraw(&api.people, &who, &locator, now).await?.map(Json).ok_or_else(unknown)
}

/// The nodes that asked to come in, by store.
#[utoipa::path(get, path = "/v1/enrolments", tag = "enrolment", security(("token" = [])), params(EnrolmentsQuery), responses(
    (status = 200, body = EnrolmentPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn list_enrolments(
    Shared(api): Shared<Api>,
    Extension(who): Extension<Who>,
    asked: Result<Query<EnrolmentsQuery>, QueryRejection>,
) -> Answer<Page<EnrolmentRow>> {
    let asked = query(asked)?;
    let limit = limit(asked.limit)?;
    let place = after(asked.after.as_deref())?;
    let state = match asked.state.as_deref() {
        None => "",
        Some(text) => {
            let state =
                text.parse::<State>().map_err(|_| Problem::field("state", "is no state of a node"))?;
            state.as_str()
        }
    };
    let store = asked.store.unwrap_or_default();
    let rows = api.database.enrolments(&store, state, place, limit).await?;
    let next = (rows.len() == limit as usize).then(|| rows.last()).flatten();
    let next = next.map(|row| format!("{}/{}", row.store, row.node));
    let reach = who.reach(Permission::EnrolmentRead);
    let items = within(&api.database, &reach, rows, |row| &row.store).await?;
    Ok(Json(Page { items, next }))
}

/// A node that asked to come in.
#[utoipa::path(get, path = "/v1/enrolments/{store}/{node}", tag = "enrolment", security(("token" = [])),
    params(("store" = String, Path, description = "The store."), ("node" = String, Path, description = "The serial.")), responses(
    (status = 200, body = EnrolmentRow), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn enrolment(
    Shared(api): Shared<Api>,
    Path((store, node)): Path<(String, String)>,
) -> Answer<EnrolmentRow> {
    let found = api.database.enrolment_row(&store, &node).await?;
    found.map(Json).ok_or_else(|| Problem::unknown_node(&store, &node))
}

/// Decides about a node: `approve`, `reject`, `suspend`, `resume` or `ban`.
#[utoipa::path(post, path = "/v1/enrolments/{store}/{node}/{decision}", tag = "enrolment", security(("token" = [])),
    params(("store" = String, Path, description = "The store."), ("node" = String, Path, description = "The serial."),
        ("decision" = String, Path, description = "`approve`, `reject`, `suspend`, `resume` or `ban`.",
            pattern = "^(approve|reject|suspend|resume|ban)$")),
    request_body = Decision, responses(
    (status = 200, body = Decided), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
    (status = 507, body = Problem, content_type = "application/problem+json")))]
async fn decide_enrolment(
    Shared(api): Shared<Api>,
    Extension(who): Extension<Who>,
    Path((store, node, verb)): Path<(String, String, String)>,
    decision: Result<Json<Decision>, JsonRejection>,
) -> Answer<Decided> {
    let verb: Verb = verb.parse().map_err(|_| Problem::unknown_path())?;
    let Decision { reason, key } = body(decision)?;
    let reason = reason.map(Name::new).transpose();
    let reason = reason.map_err(|error| Problem::field("reason", error.to_string()))?;
    let key = key.map(|key| key.parse::<Fingerprint>()).transpose();
    let key = key.map_err(|error| Problem::field("key", error.to_string()))?;
    let now = Timestamp(api.now_ms());
    let decided = decide(&api.people, &who, (&store, &node), verb, reason, key.as_ref(), now).await?;
    Ok(Json(decided))
}
