//! Routes of what two persons decide, and of what was done: approvals, publishing a policy, the audit log.
//!
//! Not here: what an approval is ([`crate::people::approval`]), what a policy is (`aisle_residency`).
#![expect(unused_qualifications, reason = "the code that `utoipa::path` writes names its parameters in full")]

use super::{
    Api, Problem,
    exchange::body,
    routes::{Page, described_page, limit, query},
};
use crate::{
    database::{AuditFilter, Published},
    people::{
        approval::{Approval, ApprovalError, Ask, Kind, Passed, State as Step, TEXT_CHARS_MAX},
        audit::AuditRow,
        who::Who,
    },
    policies::{self, DocumentError},
};
use aisle_residency::{policy::POLICY_BYTES_MAX, signing::Signature};
use axum::{
    Extension, Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::StatusCode,
};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

described_page!(ApprovalPage, Page_ApprovalView, ApprovalView);
described_page!(AuditPage, Page_AuditRow, AuditRow);

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(approvals))
        .routes(routes!(approval, withdraw))
        .routes(routes!(decide))
        .routes(routes!(publish))
        .routes(routes!(audit))
}

type Answer<T> = Result<Json<T>, Problem>;

/// A request that wants another person.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ApprovalView {
    /// Its id.
    approval: String,
    /// `policy.publish`, `rollout.start` or `artefact.publish`.
    kind: &'static str,
    /// The same in words.
    summary: String,
    /// What it is bound by, in hexadecimal digits.
    hash: String,
    /// Exactly what is asked for.
    #[schema(value_type = Object)]
    request: Value,
    /// `waits`, `approved`, `refused`, `withdrawn`, `executed`, or `over`.
    state: &'static str,
    /// Who asked: the person's id.
    asked_by: String,
    /// Their name then.
    asked_name: String,
    /// When, in milliseconds since 1970.
    asked_at_ms: i64,
    /// When it is over.
    ends_at_ms: i64,
    /// Who decided.
    #[serde(skip_serializing_if = "String::is_empty")]
    decided_by: String,
    /// Their name then.
    #[serde(skip_serializing_if = "String::is_empty")]
    decided_name: String,
    /// When; 0 while nobody has.
    decided_at_ms: i64,
    /// What they said.
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    /// When it was done; 0 while it was not.
    executed_at_ms: i64,
}

impl ApprovalView {
    pub(super) fn of(approval: Approval, now_ms: i64) -> Self {
        let is_over = approval.is_over(now_ms);
        Self {
            approval: approval.id,
            kind: approval.kind.as_str(),
            summary: approval.summary,
            hash: HEXLOWER.encode(&approval.hash),
            request: serde_json::from_str(&approval.request).unwrap_or(Value::Null),
            state: if is_over { "over" } else { approval.state.as_str() },
            asked_by: approval.asked_by,
            asked_name: approval.asked_name,
            asked_at_ms: approval.asked_at_ms,
            ends_at_ms: approval.ends_at_ms,
            decided_by: approval.decided_by,
            decided_name: approval.decided_name,
            decided_at_ms: approval.decided_at_ms,
            reason: approval.reason,
            executed_at_ms: approval.executed_at_ms,
        }
    }
}

impl From<ApprovalError> for Problem {
    fn from(error: ApprovalError) -> Self {
        match error {
            ApprovalError::Forbidden(permission) => Self::forbidden(permission),
            ApprovalError::NoPerson | ApprovalError::SamePerson => Self::second_person(error.to_string()),
            ApprovalError::Unknown => Self::unknown("request that wants an approval"),
            ApprovalError::Is(_)
            | ApprovalError::Over
            | ApprovalError::Different
            | ApprovalError::TooMany => Self::conflict(error.to_string()),
            ApprovalError::TooLong => Self::too_large(crate::people::approval::REQUEST_BYTES_MAX),
            ApprovalError::Randomness(error) => error.into(),
            ApprovalError::Database(error) => error.into(),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ApprovalsQuery {
    /// Only those that are `waits`, `approved`, `refused`, `withdrawn` or `executed`.
    state: Option<String>,
    /// Where a page goes on: `next` of the page before.
    after: Option<String>,
    /// The most rows, up to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Requests that want another person, the latest first.
#[utoipa::path(get, path = "/v1/approvals", tag = "approvals", security(("token" = []), ("session" = [])), params(ApprovalsQuery), responses(
    (status = 200, body = ApprovalPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn approvals(
    State(api): State<Api>,
    asked: Result<Query<ApprovalsQuery>, QueryRejection>,
) -> Answer<Page<ApprovalView>> {
    let asked = query(asked)?;
    let limit = limit(asked.limit)?;
    let state = asked.state.as_deref().map(str::parse::<Step>).transpose();
    let state = state.map_err(|_| {
        Problem::field("state", "is none of `waits`, `approved`, `refused`, `withdrawn`, `executed`")
    })?;
    let before = match asked.after.as_deref() {
        None => (i64::MAX, ""),
        Some(after) => after
            .split_once('.')
            .and_then(|(at_ms, id)| Some((at_ms.parse().ok()?, id)))
            .ok_or_else(|| Problem::field("after", "is no `next` of a page"))?,
    };
    let rows = api.database.approvals(state, before, limit).await?;
    let next = (rows.len() == limit as usize)
        .then(|| rows.last().map(|last| format!("{}.{}", last.asked_at_ms, last.id)))
        .flatten();
    let now_ms = api.now_ms();
    Ok(Json(Page { items: rows.into_iter().map(|row| ApprovalView::of(row, now_ms)).collect(), next }))
}

/// A request that wants another person.
#[utoipa::path(get, path = "/v1/approvals/{approval}", tag = "approvals", security(("token" = []), ("session" = [])),
    params(("approval" = String, Path, description = "The id.")), responses(
    (status = 200, body = ApprovalView), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn approval(State(api): State<Api>, Path(id): Path<String>) -> Answer<ApprovalView> {
    Ok(Json(ApprovalView::of(api.people.approvals().get(&id).await?, api.now_ms())))
}

/// Take back what one has asked for.
#[utoipa::path(delete, path = "/v1/approvals/{approval}", tag = "approvals", security(("token" = []), ("session" = [])),
    params(("approval" = String, Path, description = "The id.")), responses(
    (status = 200, body = ApprovalView), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn withdraw(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Answer<ApprovalView> {
    let now_ms = api.now_ms();
    Ok(Json(ApprovalView::of(api.people.approvals().withdraw(&who, &id, now_ms).await?, now_ms)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Decision {
    /// The hash of what you have looked at, in hexadecimal digits: exactly that is decided.
    hash: String,
    /// Whether you agree.
    agrees: bool,
    /// Why, or why not.
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: String,
}

/// Agree to a request of another person, or do not. Who asked cannot.
#[utoipa::path(post, path = "/v1/approvals/{approval}/decision", tag = "approvals", security(("token" = []), ("session" = [])),
    params(("approval" = String, Path, description = "The id.")), request_body = Decision, responses(
    (status = 200, body = ApprovalView), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn decide(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    asked: Result<Json<Decision>, JsonRejection>,
) -> Answer<ApprovalView> {
    let Decision { hash, agrees, reason } = body(asked)?;
    if reason.chars().count() > TEXT_CHARS_MAX {
        return Err(Problem::field("reason", format!("has more than {TEXT_CHARS_MAX} characters")));
    }
    let (approvals, now_ms) = (api.people.approvals(), api.now_ms());
    if HEXLOWER.encode(&approvals.get(&id).await?.hash) != hash.trim().to_ascii_lowercase() {
        return Err(Problem::field("hash", "is not that of the request"));
    }
    Ok(Json(ApprovalView::of(approvals.decide(&who, &id, agrees, &reason, now_ms).await?, now_ms)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PublishPolicy {
    /// The policy: TOML, exactly the bytes that were signed.
    #[schema(max_length = 61440)]
    document: String,
    /// The Ed25519 signature over it: 128 hexadecimal digits.
    signature: String,
    /// The approval, once another person has agreed. Without it, one is asked for.
    #[serde(default)]
    approval: Option<String>,
}

/// A policy that was published.
#[derive(Debug, Serialize, ToSchema)]
struct PublishedPolicy {
    /// Its name.
    name: String,
    /// Its version.
    version: u32,
    /// Its hash, in hexadecimal digits.
    hash: String,
    /// False when it was published before.
    is_news: bool,
}

impl From<DocumentError> for Problem {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Refused(source) => Self::field("document", format!("was refused: {source}")),
            DocumentError::Succession(error) => Self::conflict(error.to_string()),
            DocumentError::Database(error) => error.into(),
        }
    }
}

/// Publish a signed policy to all hubs on the database. It wants two persons: the first call asks, the same with the `approval` that another person has given publishes.
#[utoipa::path(post, path = "/v1/policies", tag = "hub", security(("token" = []), ("session" = [])), request_body = PublishPolicy, responses(
    (status = 201, body = PublishedPolicy), (status = 202, body = ApprovalView, description = "Another person has to agree."),
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
    asked: Result<Json<PublishPolicy>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let PublishPolicy { document, signature, approval } = body(asked)?;
    if document.len() > POLICY_BYTES_MAX {
        return Err(Problem::too_large(POLICY_BYTES_MAX));
    }
    let decoded = HEXLOWER_PERMISSIVE.decode(signature.trim().as_bytes()).ok();
    let signature = decoded.and_then(|bytes| bytes.try_into().ok()).map(Signature);
    let signature = signature.ok_or_else(|| Problem::field("signature", "is not 128 hexadecimal digits"))?;
    // Nobody is asked to agree to what could not be published anyway.
    let policy = policies::trusted(document.as_bytes(), &signature, &api.policy_keys)?;
    let (id, now_ms) = (policy.id(), api.now_ms());
    let ask = Ask {
        kind: Kind::PolicyPublish,
        summary: format!("policy `{}`, version {}", policy.name(), id.version),
        request: json!({
            "name": policy.name(), "version": id.version, "hash": id.hash.to_string(),
            "document": document, "signature": HEXLOWER.encode(&signature.0),
        }),
    };
    let approvals = api.people.approvals();
    let approval = match approvals.pass(&who, &ask, approval.as_deref(), now_ms).await? {
        Passed::Waits(approval) => {
            let view = ApprovalView::of(*approval, now_ms);
            return Ok((StatusCode::ACCEPTED, Json(serde_json::to_value(view).unwrap_or_default())));
        }
        Passed::Go(approval) => approval,
    };
    let published = policies::publish_document(&api.database, &policy, document.as_bytes(), &signature).await;
    let outcome = match &published {
        Ok(Published { is_news, was }) => Ok((
            json!({ "version": was }),
            json!({ "version": id.version, "hash": id.hash.to_string(), "is_news": is_news }),
        )),
        Err(error) => Err(error.to_string()),
    };
    approvals.told(&who, &approval, outcome, now_ms).await?;
    let view = PublishedPolicy {
        name: policy.name().to_owned(),
        version: id.version,
        hash: id.hash.to_string(),
        is_news: published?.is_news,
    };
    Ok((StatusCode::CREATED, Json(serde_json::to_value(view).unwrap_or_default())))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Only of this person, by id; `machine` for whoever runs the hub.
    #[serde(default)]
    actor: String,
    /// Only this action, such as `session.begin` or `policy.publish`.
    #[serde(default)]
    action: String,
    /// Only `done`, `refused` or `failed`.
    #[serde(default)]
    outcome: String,
    /// Only about this object.
    #[serde(default)]
    object: String,
    /// From this time on, in milliseconds since 1970.
    from_ms: Option<i64>,
    /// Before this time.
    before_ms: Option<i64>,
    /// Where a page goes on: `next` of the page before.
    after: Option<u64>,
    /// The most rows, up to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// What was done, by whom, and what was refused: the latest first. Each row has the hash of the one before in its head; `aisle-hub verify` computes the chain again.
#[utoipa::path(get, path = "/v1/audit", tag = "audit", security(("token" = []), ("session" = [])), params(AuditQuery), responses(
    (status = 200, body = AuditPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn audit(
    State(api): State<Api>,
    asked: Result<Query<AuditQuery>, QueryRejection>,
) -> Answer<Page<AuditRow>> {
    let AuditQuery { actor, action, outcome, object, from_ms, before_ms, after, limit: most } = query(asked)?;
    let limit = limit(most)?;
    let filter = AuditFilter { actor, action, outcome, object, from_ms, before_ms };
    let items = api.database.audit_rows(&filter, after.unwrap_or(u64::MAX), limit).await?;
    let next = (items.len() == limit as usize).then(|| items.last().map(|row| row.seq.to_string())).flatten();
    Ok(Json(Page { items, next }))
}
