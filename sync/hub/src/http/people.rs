//! Routes about people and roles, for who manages them.
//!
//! The code of a new person leaves once, in the answer that makes it. What is edited wants `If-Match`. Not here: what a person is ([`crate::people::person`]).
#![expect(unused_qualifications, reason = "the code that `utoipa::path` writes names its parameters in full")]

use super::{
    Api, Problem,
    exchange::{body, fresh, tagged, version},
    routes::{Page, described_page, limit, query},
};
use crate::{
    database::PersonError,
    people::{
        person::{Change, Person, SessionRow},
        persons::PersonsError,
        role::{Grant, Permission, Role},
        who::Who,
    },
};
use axum::{
    Extension, Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

described_page!(PermissionPage, Page_PermissionView, PermissionView);
described_page!(PersonPage, Page_PersonView, PersonView);
described_page!(SessionPage, Page_SessionRow, SessionRow);

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(roles))
        .routes(routes!(people, add_person))
        .routes(routes!(person, change_person))
        .routes(routes!(reset_person))
        .routes(routes!(sessions_of))
        .routes(routes!(end_session_of))
}

impl From<PersonsError> for Problem {
    fn from(error: PersonsError) -> Self {
        match error {
            PersonsError::Name(error) => Self::field("name", error.to_string()),
            PersonsError::Roles(_) => Self::field("roles", "has more than 32"),
            PersonsError::Person(PersonError::Unknown) => Self::unknown("person"),
            PersonsError::Person(PersonError::Stale) => Self::stale(),
            PersonsError::Person(PersonError::Database(error)) => error.into(),
            PersonsError::Person(error @ (PersonError::NameTaken | PersonError::Full)) => {
                Self::conflict(error.to_string())
            }
            PersonsError::Randomness(error) => error.into(),
        }
    }
}

/// A permission and who has it.
#[derive(Debug, Serialize, ToSchema)]
struct PermissionView {
    /// Its name.
    permission: &'static str,
    /// What it is.
    words: &'static str,
    /// The roles that have it.
    roles: Vec<&'static str>,
}

/// The table: which role may what.
#[utoipa::path(get, path = "/v1/roles", tag = "people", security(("token" = []), ("session" = [])), responses(
    (status = 200, body = PermissionPage), (status = 401, body = Problem, content_type = "application/problem+json")))]
async fn roles() -> Response {
    let view = |permission: &Permission| PermissionView {
        permission: permission.as_str(),
        words: permission.words().trim(),
        roles: Role::ALL.into_iter().filter(|role| role.may(*permission)).map(Role::as_str).collect(),
    };
    fresh(StatusCode::OK, &Page { items: Permission::ALL.iter().map(view).collect(), next: None })
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
struct PersonView {
    /// The id.
    person: String,
    /// The name, exactly as it was written. Text: it has to be escaped in a page.
    name: String,
    /// The roles.
    roles: Vec<String>,
    /// True when they may not come.
    is_disabled: bool,
    /// True when they have a password here.
    has_password: bool,
    /// Who they are at the identity provider: its address and their subject there.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// Until when their code to set themselves up is good, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    setup_until_ms: Option<i64>,
    /// When they were added.
    created_at_ms: i64,
    /// When they last signed in; 0 for never.
    signed_in_at_ms: i64,
    /// Grows with every change; the ETag has it.
    version: i64,
}

impl From<&Person> for PersonView {
    fn from(person: &Person) -> Self {
        Self {
            person: person.id.clone(),
            name: person.name.clone(),
            roles: person.roles(),
            is_disabled: person.is_disabled,
            has_password: person.has_password,
            subject: person.subject.clone(),
            setup_until_ms: person.setup_until_ms,
            created_at_ms: person.created_at_ms,
            signed_in_at_ms: person.signed_in_at_ms,
            version: person.version,
        }
    }
}

/// A person with a code to set themselves up.
#[derive(Debug, Serialize, ToSchema)]
struct PersonWithCode {
    /// The code, for `POST /v1/setup`. It is shown this once; give it to the person and to nobody else.
    code: String,
    /// The person.
    #[serde(flatten)]
    person: PersonView,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PeopleQuery {
    /// Where a page goes on: `next` of the page before.
    after: Option<String>,
    /// The most rows, up to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// People, by name.
#[utoipa::path(get, path = "/v1/people", tag = "people", security(("token" = []), ("session" = [])), params(PeopleQuery), responses(
    (status = 200, body = PersonPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn people(
    State(api): State<Api>,
    asked: Result<Query<PeopleQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let asked = query(asked)?;
    let limit = limit(asked.limit)?;
    let people = api.database.people(&asked.after.unwrap_or_default(), limit).await?;
    let next =
        (people.len() == limit as usize).then(|| people.last().map(|last| last.name.clone())).flatten();
    Ok(fresh(StatusCode::OK, &Page { items: people.iter().map(PersonView::from).collect(), next }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddPerson {
    /// The name.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// The roles: `viewer`, `operator@region:eu`, `viewer@label:country=de`.
    roles: Vec<String>,
}

fn grants(roles: &[String]) -> Result<Vec<Grant>, Problem> {
    let grants = roles.iter().map(|role| role.parse::<Grant>()).collect::<Result<Vec<_>, _>>();
    grants.map_err(|error| Problem::field("roles", error.to_string()))
}

/// Add a person, who sets themselves up with the code.
#[utoipa::path(post, path = "/v1/people", tag = "people", security(("token" = []), ("session" = [])), request_body = AddPerson, responses(
    (status = 201, body = PersonWithCode), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn add_person(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    asked: Result<Json<AddPerson>, JsonRejection>,
) -> Result<Response, Problem> {
    let AddPerson { name, roles } = body(asked)?;
    let (person, code) = api.people.add(&who, &name, grants(&roles)?, api.now_ms()).await?;
    let view = PersonWithCode { code: code.reveal().to_owned(), person: PersonView::from(&person) };
    let mut response = tagged(StatusCode::CREATED, &person.etag(), &view);
    if let Ok(place) = HeaderValue::from_str(&format!("/v1/people/{}", person.id)) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

/// A person.
#[utoipa::path(get, path = "/v1/people/{person}", tag = "people", security(("token" = []), ("session" = [])),
    params(("person" = String, Path, description = "The id.")), responses(
    (status = 200, body = PersonView), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn person(State(api): State<Api>, Path(id): Path<String>) -> Result<Response, Problem> {
    let person = api.database.person(&id).await?.ok_or_else(|| Problem::unknown("person"))?;
    Ok(tagged(StatusCode::OK, &person.etag(), &PersonView::from(&person)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangePerson {
    /// Another name.
    #[serde(default)]
    name: Option<String>,
    /// Other roles: all of them.
    #[serde(default)]
    roles: Option<Vec<String>>,
    /// Whether they may not come. Sessions end at once, tokens are good for nothing meanwhile.
    #[serde(default)]
    is_disabled: Option<bool>,
}

/// Change a person: name, roles, whether they may come.
#[utoipa::path(patch, path = "/v1/people/{person}", tag = "people", security(("token" = []), ("session" = [])),
    params(("person" = String, Path, description = "The id."), ("If-Match" = String, Header, description = "The ETag that you have seen.")),
    request_body = ChangePerson, responses(
    (status = 200, body = PersonView), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 412, body = Problem, content_type = "application/problem+json"),
    (status = 428, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn change_person(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    headers: HeaderMap,
    asked: Result<Json<ChangePerson>, JsonRejection>,
) -> Result<Response, Problem> {
    let ChangePerson { name, roles, is_disabled } = body(asked)?;
    let version = version(&headers)?;
    let change = Change { name, grants: roles.as_deref().map(grants).transpose()?, is_disabled };
    let person = api.people.change(&who, &id, Some(version), &change, api.now_ms()).await?;
    Ok(tagged(StatusCode::OK, &person.etag(), &PersonView::from(&person)))
}

/// Take a person's password, sessions and tokens away, and give them a code to set themselves up again.
#[utoipa::path(post, path = "/v1/people/{person}/reset", tag = "people", security(("token" = []), ("session" = [])),
    params(("person" = String, Path, description = "The id.")), responses(
    (status = 200, body = PersonWithCode), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn reset_person(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let code = api.people.reset(&who, &id, api.now_ms()).await?;
    let person = api.database.person(&id).await?.ok_or_else(|| Problem::unknown("person"))?;
    let view = PersonWithCode { code: code.reveal().to_owned(), person: PersonView::from(&person) };
    Ok(tagged(StatusCode::OK, &person.etag(), &view))
}

/// The sessions of a person.
#[utoipa::path(get, path = "/v1/people/{person}/sessions", tag = "people", security(("token" = []), ("session" = [])),
    params(("person" = String, Path, description = "The id.")), responses(
    (status = 200, body = SessionPage), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn sessions_of(State(api): State<Api>, Path(id): Path<String>) -> Result<Response, Problem> {
    Ok(fresh(StatusCode::OK, &Page { items: api.database.sessions_of(&id).await?, next: None }))
}

/// End a session of a person.
#[utoipa::path(delete, path = "/v1/people/{person}/sessions/{session}", tag = "people", security(("token" = []), ("session" = [])),
    params(("person" = String, Path, description = "The id."), ("session" = String, Path, description = "The session's name.")), responses(
    (status = 204), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn end_session_of(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path((id, session)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let ended = api.people.end_session_of(&who, &id, &session, api.now_ms()).await?;
    if ended { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::unknown("session")) }
}
