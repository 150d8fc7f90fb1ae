//! Documents that are applied: YAML or JSON, one or many in a text, all or none of them.
#![expect(unused_qualifications, reason = "the code that `utoipa::path` writes names its parameters in full")]

use super::{saved, voice};
use crate::{
    fleet::apply::{self, Applied},
    http::{
        Api, Problem,
        routes::{Answer, query},
    },
    people::{role::Permission, who::Who},
};
use aisle_fleet::{
    Document,
    document::{self, DocumentError, TEXT_BYTES_MAX},
};
use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(apply))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ApplyQuery {
    /// True where it is only to be said what would differ.
    #[serde(default)]
    dry_run: bool,
}

/// Apply documents: groups, filters, overrides, drafts of rollouts. Answers what differs. `who` may be `@` and the name of a saved filter, of the same text or saved before: kept and
/// compared is what it says now. Besides the permission of the route a rollout wants `rollout.start`, and a filter `store.label`.
#[utoipa::path(post, path = "/v1/apply", tag = "fleet", security(("token" = [])), params(ApplyQuery),
    request_body(content = String, content_type = "application/yaml", description = "YAML with `---` between documents, or JSON."), responses(
    (status = 200, body = Applied), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 413, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn apply(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    asked: Result<Query<ApplyQuery>, QueryRejection>,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Answer<Applied> {
    let ApplyQuery { dry_run } = query(asked)?;
    let body = body.map_err(|_| Problem::too_large(TEXT_BYTES_MAX))?;
    let text = std::str::from_utf8(&body).map_err(|_| Problem::malformed("the body is no text".into()))?;
    let refused = |error: DocumentError| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        let told = error.to_string();
        match source {
            Some(source) if !told.contains(&source) => Problem::malformed(format!("{told}: {source}")),
            _ => Problem::malformed(told),
        }
    };
    let written = document::read_written(text).map_err(refused)?;
    let known = saved(&api, written.names()).await?;
    let documents = written.resolve(|name| known.get(name).cloned()).map_err(refused)?;
    for document in &documents {
        let wanted = match document {
            Document::Rollout(_) => Permission::RolloutStart,
            Document::Filter(_) => Permission::StoreLabel,
            Document::Group(_) | Document::Override(_) => Permission::DesiredWrite,
        };
        if !who.may(wanted) {
            return Err(Problem::forbidden(wanted));
        }
    }
    Ok(Json(apply::apply(voice(&api, &who), documents, dry_run).await?))
}
