//! Groups, saved filters and overrides: each a document with a version, which is its ETag.
#![expect(unused_qualifications, reason = "the code that `utoipa::path` writes names its parameters in full")]

use super::{expected, read, saved, serial, store, tag, voice};
use crate::{
    database::fleet::{Word, WordKind},
    fleet::apply::{self, Kept, Place},
    http::{
        Api, Problem,
        exchange::tagged,
        routes::{Answer, Page, described_page, limit, query},
    },
    people::{role::Permission, who::Who},
};
use aisle_event::StoreId;
use aisle_fleet::{Filter, FilterName, Group, GroupName, Override, document::WrittenGroup};
use axum::{
    Extension, Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(groups))
        .routes(routes!(group, put_group, delete_group))
        .routes(routes!(filters))
        .routes(routes!(filter, put_filter, delete_filter))
        .routes(routes!(overrides))
        .routes(routes!(of_store, put_of_store, delete_of_store))
        .routes(routes!(of_box, put_of_box, delete_of_box))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WordsQuery {
    /// Where a page goes on: `next` of the page before.
    after: Option<String>,
    /// The most rows, up to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A document with its version.
#[derive(Debug, Serialize)]
struct Said<T> {
    /// As it is.
    document: T,
    /// Grows with every change; the ETag.
    version: i64,
    /// Since when, in milliseconds since 1970.
    at_ms: i64,
}

/// A document of these as the description has it, and a page of them; see [`described_page`].
macro_rules! described_word {
    ($name:ident, $schema:ident, $page:ident, $page_schema:ident, $document:ty) => {
        /// A document with its version.
        #[derive(serde::Serialize, utoipa::ToSchema)]
        #[schema(as = $schema)]
        struct $name {
            /// As it is.
            document: $document,
            /// Grows with every change; the ETag.
            version: i64,
            /// Since when, in milliseconds since 1970.
            at_ms: i64,
        }
        described_page!($page, $page_schema, $name);
    };
}

described_word!(GroupSaid, Said_Group, GroupPage, Page_Said_Group, Group);
described_word!(FilterSaid, Said_Filter, FilterPage, Page_Said_Filter, Filter);
described_word!(OverrideSaid, Said_Override, OverridePage, Page_Said_Override, Override);

impl<T: DeserializeOwned> Said<T> {
    fn of(word: &Word) -> Result<Self, Problem> {
        let document = serde_json::from_str(&word.document).map_err(|_| Problem::failed())?;
        Ok(Self { document, version: word.version, at_ms: word.at_ms })
    }
}

async fn page<T: DeserializeOwned>(
    api: &Api,
    kind: WordKind,
    asked: Result<Query<WordsQuery>, QueryRejection>,
) -> Result<Page<Said<T>>, Problem> {
    let WordsQuery { after, limit: most } = query(asked)?;
    let limit = limit(most)?;
    let after = after.unwrap_or_default();
    let place = match kind {
        // The store of an override may hold a slash; what stands behind the last one is the serial, or nothing.
        WordKind::Override if !after.is_empty() => {
            after.rsplit_once('/').ok_or_else(|| Problem::field("after", "is no `next` of a page"))?
        }
        _ => (after.as_str(), ""),
    };
    let words = api.database.fleet_words(kind, place, limit).await?;
    let next = (words.len() == limit as usize).then(|| words.last()).flatten();
    let next = next.map(|last| match kind {
        WordKind::Override => format!("{}/{}", last.name, last.part),
        _ => last.name.clone(),
    });
    let items = words.iter().map(Said::of).collect::<Result<Vec<_>, _>>()?;
    Ok(Page { items, next })
}

async fn one<T: DeserializeOwned + Serialize>(
    api: &Api,
    Place { kind, name, part }: Place<'_>,
) -> Result<Response, Problem> {
    let word = api.database.fleet_word(kind, name, part).await?;
    let word = word.ok_or_else(|| Problem::unknown(kind.as_str()))?;
    Ok(tagged(StatusCode::OK, &tag(word.version), &Said::<T>::of(&word)?))
}

async fn put(api: &Api, who: &Who, headers: &HeaderMap, kept: &Kept<'_>) -> Result<Response, Problem> {
    let (difference, version) = apply::put(voice(api, who), kept, expected(headers)?).await?;
    let status =
        if difference.differs == apply::Differs::Created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(tagged(status, &tag(version), &difference))
}

async fn take(api: &Api, who: &Who, place: Place<'_>) -> Result<StatusCode, Problem> {
    apply::remove(voice(api, who), place).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn checked<T, E: ToString>(what: T, check: impl FnOnce(&T) -> Result<(), E>) -> Result<T, Problem> {
    match check(&what) {
        Ok(()) => Ok(what),
        Err(error) => Err(Problem::malformed(error.to_string())),
    }
}

macro_rules! named {
    ($name:literal, $text:expr, $kind:ty) => {
        <$kind>::new($text).map_err(|error| Problem::field($name, error.to_string()))
    };
}

/// The groups, by name.
#[utoipa::path(get, path = "/v1/groups", tag = "fleet", security(("token" = [])), params(WordsQuery), responses(
    (status = 200, body = GroupPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn groups(
    State(api): State<Api>,
    asked: Result<Query<WordsQuery>, QueryRejection>,
) -> Answer<Page<Said<Group>>> {
    page(&api, WordKind::Group, asked).await.map(Json)
}

/// A group.
#[utoipa::path(get, path = "/v1/groups/{group}", tag = "fleet", security(("token" = [])),
    params(("group" = String, Path, description = "The group.", example = "scales")), responses(
    (status = 200, body = GroupSaid), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn group(State(api): State<Api>, Path(name): Path<String>) -> Result<Response, Problem> {
    one::<Group>(&api, Place { kind: WordKind::Group, name: &name, part: "" }).await
}

/// Write a group. `who` may be `@` and the name of a saved filter: kept is what it says now. With `If-Match` only over the version that was looked at; `"0"` is that there is none.
#[utoipa::path(put, path = "/v1/groups/{group}", tag = "fleet", security(("token" = [])),
    params(("group" = String, Path, description = "The group.", example = "scales")),
    request_body(content = Group, example = json!({ "name": "scales", "who": "region=eu", "says": { "minimums": { "plugin/multi-buy": "1.2" } } })), responses(
    (status = 200, body = apply::Difference), (status = 201, body = apply::Difference),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 412, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn put_group(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    headers: HeaderMap,
    asked: Result<Json<Value>, JsonRejection>,
) -> Result<Response, Problem> {
    let name = named!("group", &name, GroupName)?;
    let written: WrittenGroup = read(asked)?;
    let known = saved(&api, written.names().collect()).await?;
    let group = written.resolve(|name| known.get(name).cloned());
    let group = checked(group.map_err(|error| Problem::malformed(error.to_string()))?, Group::check)?;
    if group.name != name {
        return Err(Problem::field("name", "is not the one in the address"));
    }
    put(&api, &who, &headers, &Kept::Group(&group)).await
}

/// Take a group away: what only it said is left as it is.
#[utoipa::path(delete, path = "/v1/groups/{group}", tag = "fleet", security(("token" = [])),
    params(("group" = String, Path, description = "The group.", example = "scales")), responses(
    (status = 204), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn delete_group(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    take(&api, &who, Place { kind: WordKind::Group, name: &name, part: "" }).await
}

/// The saved filters, by name.
#[utoipa::path(get, path = "/v1/filters", tag = "fleet", security(("token" = [])), params(WordsQuery), responses(
    (status = 200, body = FilterPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn filters(
    State(api): State<Api>,
    asked: Result<Query<WordsQuery>, QueryRejection>,
) -> Answer<Page<Said<Filter>>> {
    page(&api, WordKind::Filter, asked).await.map(Json)
}

/// A saved filter.
#[utoipa::path(get, path = "/v1/filters/{filter}", tag = "fleet", security(("token" = [])),
    params(("filter" = String, Path, description = "The filter.", example = "old")), responses(
    (status = 200, body = FilterSaid), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn filter(State(api): State<Api>, Path(name): Path<String>) -> Result<Response, Problem> {
    one::<Filter>(&api, Place { kind: WordKind::Filter, name: &name, part: "" }).await
}

/// Save a filter.
#[utoipa::path(put, path = "/v1/filters/{filter}", tag = "fleet", security(("token" = [])),
    params(("filter" = String, Path, description = "The filter.", example = "old")),
    request_body(content = Filter, example = json!({ "name": "old", "who": "version<1.4" })), responses(
    (status = 200, body = apply::Difference), (status = 201, body = apply::Difference),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 412, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn put_filter(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    headers: HeaderMap,
    asked: Result<Json<Value>, JsonRejection>,
) -> Result<Response, Problem> {
    let name = named!("filter", &name, FilterName)?;
    let filter: Filter = read(asked)?;
    if filter.name != name {
        return Err(Problem::field("name", "is not the one in the address"));
    }
    put(&api, &who, &headers, &Kept::Filter(&filter)).await
}

/// Take a saved filter away.
#[utoipa::path(delete, path = "/v1/filters/{filter}", tag = "fleet", security(("token" = [])),
    params(("filter" = String, Path, description = "The filter.", example = "old")), responses(
    (status = 204), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn delete_filter(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    take(&api, &who, Place { kind: WordKind::Filter, name: &name, part: "" }).await
}

/// The overrides, by store and serial. Who is bounded to a region or a label gets those within; such a page may be shorter than asked for and still go on.
#[utoipa::path(get, path = "/v1/overrides", tag = "fleet", security(("token" = [])), params(WordsQuery), responses(
    (status = 200, body = OverridePage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn overrides(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    asked: Result<Query<WordsQuery>, QueryRejection>,
) -> Answer<Page<Said<Override>>> {
    let mut found: Page<Said<Override>> = page(&api, WordKind::Override, asked).await?;
    let reach = who.reach(Permission::StoreRead);
    if !reach.is_everything() {
        let mut within = Vec::new();
        for said in found.items {
            if api.database.traits(&said.document.store).await?.is_some_and(|traits| reach.covers(&traits)) {
                within.push(said);
            }
        }
        found.items = within;
    }
    Ok(Json(found))
}

/// The override of a store.
#[utoipa::path(get, path = "/v1/overrides/{store}", tag = "fleet", security(("token" = [])),
    params(("store" = String, Path, description = "The store.", example = "store-1")), responses(
    (status = 200, body = OverrideSaid), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn of_store(State(api): State<Api>, Path(store): Path<String>) -> Result<Response, Problem> {
    one::<Override>(&api, Place { kind: WordKind::Override, name: &store, part: "" }).await
}

/// Write the override of a store: it holds whatever groups and rollouts say.
#[utoipa::path(put, path = "/v1/overrides/{store}", tag = "fleet", security(("token" = [])),
    params(("store" = String, Path, description = "The store.", example = "store-1")),
    request_body(content = Override, example = json!({ "store": "store-1", "why": "its till is old", "says": { "artefacts": { "plugin/multi-buy": "absent" } } })), responses(
    (status = 200, body = apply::Difference), (status = 201, body = apply::Difference),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 412, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn put_of_store(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path(text): Path<String>,
    headers: HeaderMap,
    asked: Result<Json<Value>, JsonRejection>,
) -> Result<Response, Problem> {
    let one = given(asked, &store(&text)?)?;
    if one.serial.is_some() {
        return Err(Problem::field("serial", "is there, and the address names the whole store"));
    }
    put(&api, &who, &headers, &Kept::Override(&one)).await
}

/// Take the override of a store away.
#[utoipa::path(delete, path = "/v1/overrides/{store}", tag = "fleet", security(("token" = [])),
    params(("store" = String, Path, description = "The store.", example = "store-1")), responses(
    (status = 204), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn delete_of_store(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path(store): Path<String>,
) -> Result<StatusCode, Problem> {
    take(&api, &who, Place { kind: WordKind::Override, name: &store, part: "" }).await
}

/// The override of a box.
#[utoipa::path(get, path = "/v1/overrides/{store}/{serial}", tag = "fleet", security(("token" = [])),
    params(("store" = String, Path, description = "The store.", example = "store-1"), ("serial" = String, Path, description = "The serial number.", example = "box-1")), responses(
    (status = 200, body = OverrideSaid), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn of_box(
    State(api): State<Api>,
    Path((store, serial)): Path<(String, String)>,
) -> Result<Response, Problem> {
    one::<Override>(&api, Place { kind: WordKind::Override, name: &store, part: &serial }).await
}

/// Write the override of a box: it counts more than that of its store.
#[utoipa::path(put, path = "/v1/overrides/{store}/{serial}", tag = "fleet", security(("token" = [])),
    params(("store" = String, Path, description = "The store.", example = "store-1"), ("serial" = String, Path, description = "The serial number.", example = "box-1")),
    request_body(content = Override, example = json!({ "store": "store-1", "serial": "box-1", "why": "its disk is small" })), responses(
    (status = 200, body = apply::Difference), (status = 201, body = apply::Difference),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 412, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn put_of_box(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path((store_text, serial_text)): Path<(String, String)>,
    headers: HeaderMap,
    asked: Result<Json<Value>, JsonRejection>,
) -> Result<Response, Problem> {
    let one = given(asked, &store(&store_text)?)?;
    if one.serial != Some(serial(&serial_text)?) {
        return Err(Problem::field("serial", "is not the one in the address"));
    }
    put(&api, &who, &headers, &Kept::Override(&one)).await
}

/// Take the override of a box away.
#[utoipa::path(delete, path = "/v1/overrides/{store}/{serial}", tag = "fleet", security(("token" = [])),
    params(("store" = String, Path, description = "The store.", example = "store-1"), ("serial" = String, Path, description = "The serial number.", example = "box-1")), responses(
    (status = 204), (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn delete_of_box(
    State(api): State<Api>,
    Extension(who): Extension<Who>,
    Path((store, serial)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    take(&api, &who, Place { kind: WordKind::Override, name: &store, part: &serial }).await
}

fn given(asked: Result<Json<Value>, JsonRejection>, store: &StoreId) -> Result<Override, Problem> {
    let one: Override = checked(read(asked)?, Override::check)?;
    if one.store == *store { Ok(one) } else { Err(Problem::field("store", "is not the one in the address")) }
}
