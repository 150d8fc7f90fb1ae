//! Routes of tokens for programs: one's own, and those of everybody.
//!
//! A token's secret leaves once, in the answer that makes it. Not here: what a token is ([`crate::people::tokens`]).

use super::{
    Api, Problem,
    cursor::PageQuery,
    exchange::{body, fresh},
    routes::{Page, described_page},
};
use crate::people::{
    person::TokenRow,
    role::Permission,
    tokens::{NewToken, TokenMadeError},
    who::Who,
};
use axum::{
    Extension, Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::StatusCode,
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

described_page!(TokenPage, Page_TokenRow, TokenRow);

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(my_tokens, make_token))
        .routes(routes!(revoke_my_token))
        .routes(routes!(tokens))
        .routes(routes!(revoke_token))
}

impl From<TokenMadeError> for Problem {
    fn from(error: TokenMadeError) -> Self {
        match error {
            TokenMadeError::Name(error) => Self::field("name", error.to_string()),
            TokenMadeError::Days(days) => Self::field("days", format!("is {days}, expected 1 to 366")),
            TokenMadeError::Nothing => Self::field("permissions", "is empty"),
            TokenMadeError::Beyond(beyond) => {
                Self::field("permissions", format!("has `{beyond}`, which you may not yourself"))
            }
            TokenMadeError::TooMany => Self::conflict(error.to_string()),
            TokenMadeError::Randomness(error) => error.into(),
            TokenMadeError::Database(error) => error.into(),
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MakeToken {
    /// What it is for, in words.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// What it may, such as `store.read`: not more than you.
    permissions: Vec<String>,
    /// In how many days it ends.
    #[schema(minimum = 1, maximum = 366)]
    days: u32,
}

/// A token that was made.
#[derive(Debug, Serialize, ToSchema)]
struct MadeToken {
    /// The token itself, for `Authorization: Bearer …`. It is shown this once.
    secret: String,
    /// What is kept of it.
    #[serde(flatten)]
    row: TokenRow,
}

/// One's own tokens.
#[utoipa::path(get, path = "/v1/me/tokens", tag = "people", security(("token" = []), ("session" = [])), params(PageQuery), responses(
    (status = 200, body = TokenPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn my_tokens(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    asked: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    page(&api, Some(&who.id), PageQuery::read(asked)?).await
}

/// The latest first.
async fn page(api: &Api, person: Option<&str>, asked: PageQuery) -> Result<Response, Problem> {
    let limit = asked.whole()?;
    let items = api.database.tokens_after(person, asked.after_name()?, limit).await?;
    let place = |row: &TokenRow| format!("{}.{}", row.made_at_ms, row.token);
    Ok(fresh(StatusCode::OK, &Page::of(items, limit, place)))
}

/// Make a token of one's own.
#[utoipa::path(post, path = "/v1/me/tokens", tag = "people", security(("session" = [])), request_body = MakeToken, responses(
    (status = 201, body = MadeToken), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn make_token(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    asked: Result<Json<MakeToken>, JsonRejection>,
) -> Result<Response, Problem> {
    let MakeToken { name, permissions, days } = body(asked)?;
    let permissions =
        permissions.iter().map(|name| name.parse::<Permission>()).collect::<Result<Vec<_>, _>>();
    let permissions = permissions.map_err(|error| Problem::field("permissions", error.to_string()))?;
    let person = api.database.person(&who.id).await?.ok_or_else(|| Problem::unknown("person"))?;
    let new = NewToken { name, permissions, days };
    let (secret, row) = api.people.make_token(&who, &person, &new, api.now_ms()).await?;
    Ok(fresh(StatusCode::CREATED, &MadeToken { secret: secret.reveal().to_owned(), row }))
}

/// Revoke a token of one's own. A token may revoke itself, and the others of its person: it only ever takes away.
#[utoipa::path(delete, path = "/v1/me/tokens/{token}", tag = "people", security(("token" = []), ("session" = [])),
    params(("token" = String, Path, description = "The token's name.")), responses(
    (status = 204), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn revoke_my_token(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path(token): Path<String>,
) -> Result<StatusCode, Problem> {
    let revoked = api.people.revoke_token(&who, Some(&who.id), &token, api.now_ms()).await?;
    if revoked { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::unknown("token that is good")) }
}

/// All tokens, the latest first.
#[utoipa::path(get, path = "/v1/tokens", tag = "people", security(("token" = []), ("session" = [])), params(PageQuery), responses(
    (status = 200, body = TokenPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn tokens(
    State(api): State<Api>,
    asked: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    page(&api, None, PageQuery::read(asked)?).await
}

/// Revoke a token of anybody.
#[utoipa::path(delete, path = "/v1/tokens/{token}", tag = "people", security(("token" = []), ("session" = [])),
    params(("token" = String, Path, description = "The token's name.")), responses(
    (status = 204), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn revoke_token(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path(token): Path<String>,
) -> Result<StatusCode, Problem> {
    let revoked = api.people.revoke_token(&who, None, &token, api.now_ms()).await?;
    if revoked { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::unknown("token that is good")) }
}
