//! The route of the search. Not here: looking ([`crate::search`]).
#![expect(unused_qualifications, reason = "the code that `utoipa::path` writes names its parameters in full")]

use super::{
    Api, Problem,
    routes::{Answer, limit, query},
};
use crate::{
    people::who::Who,
    search::{self, CHARS_MAX, Found},
};
use axum::{
    Extension, Json,
    extract::{Query, State, rejection::QueryRejection},
};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(find))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SearchQuery {
    /// A part of the name of a store, of the serial or the address of a node, of the name of a content or a policy; of hashes and erasures the first six digits or more.
    #[param(max_length = 100)]
    q: String,
    /// The most of each kind, up to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Something that is called like it.
#[derive(Debug, Serialize, ToSchema)]
struct Hit {
    /// `store`, `node`, `content`, `policy` or `erasure`.
    kind: &'static str,
    /// A store or a content or a policy by its name, a node by its serial, an erasure by its number.
    name: String,
    /// The store that it is of; of a store itself its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<String>,
    /// The hash of a content or a policy, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    /// What else tells it from others: a region, an address and a state, a version, a size.
    about: String,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
struct Hits {
    /// One kind after the other.
    items: Vec<Hit>,
}

fn hits(found: Found) -> Vec<Hit> {
    let stores = found.stores.into_iter().map(|row| Hit {
        kind: "store",
        name: row.store.clone(),
        store: Some(row.store),
        hash: None,
        about: row.region,
    });
    let nodes = found.nodes.into_iter().map(|row| Hit {
        kind: "node",
        name: row.node,
        store: Some(row.store),
        hash: None,
        about: if row.address.is_empty() {
            row.state
        } else {
            format!("{}, from {}", row.state, row.address)
        },
    });
    let contents = found.contents.into_iter().map(|row| Hit {
        kind: "content",
        name: row.name,
        store: None,
        hash: Some(HEXLOWER.encode(&row.hash)),
        about: format!("{} bytes", row.bytes),
    });
    let policies = found.policies.into_iter().map(|row| Hit {
        kind: "policy",
        name: row.name,
        store: None,
        hash: Some(row.hash),
        about: format!("version {}", row.version),
    });
    let erasures = found.erasures.into_iter().map(|row| Hit {
        kind: "erasure",
        name: row.id,
        store: Some(row.store),
        hash: None,
        about: if row.done_at_ms.is_some() { "done" } else { "waits for the store" }.to_owned(),
    });
    stores.chain(nodes).chain(contents).chain(policies).chain(erasures).collect()
}

/// Look for stores, nodes, contents, policies and erasures by a part of what they are called: what you may see of each.
#[utoipa::path(get, path = "/v1/search", tag = "stores", security(("token" = [])), params(SearchQuery), responses(
    (status = 200, body = Hits), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn find(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    asked: Result<Query<SearchQuery>, QueryRejection>,
) -> Answer<Hits> {
    let asked = query(asked)?;
    let limit = limit(asked.limit)?;
    if asked.q.trim().is_empty() || asked.q.chars().count() > CHARS_MAX {
        return Err(Problem::field("q", format!("has no characters, or more than {CHARS_MAX}")));
    }
    Ok(Json(Hits { items: hits(search::find(&api.database, &who, &asked.q, limit).await?) }))
}
