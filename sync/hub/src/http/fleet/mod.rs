//! The fleet over HTTP: labels, nodes as the rules see them, groups, filters, overrides, rollouts, and documents that are applied.
//!
//! Not here: what any of it does ([`crate::fleet`]), rules (`aisle_fleet`). Guards: what changes something is one transaction with its rows of the audit log, and what
//! comes in is read by the rules' own types, whose bounds it has.

mod devices;
mod documents;
pub(crate) mod members;
pub(crate) mod rollouts;
mod words;

use super::{Api, Problem};
use crate::{
    fleet::{
        act::{ActError, Voice},
        apply::ApplyError,
        forget::ForgetError,
        grid,
        rehearse::RehearseError,
    },
    people::who::Who,
};
use aisle_event::StoreId;
use aisle_fleet::{FilterName, Selector, Serial, rollout::Refusal};
use axum::{
    Json,
    extract::rejection::JsonRejection,
    http::{HeaderMap, header},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use utoipa_axum::router::OpenApiRouter;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(members::routes())
        .merge(words::routes())
        .merge(rollouts::routes())
        .merge(documents::routes())
        .merge(devices::routes())
}

/// Somebody who says something, now.
pub(crate) fn voice<'a>(api: &'a Api, who: &'a Who) -> Voice<'a> {
    Voice { database: &api.database, people: &api.people, who, wake: &api.wake, now_ms: api.now_ms() }
}

/// A body that is one of the rules' documents. What is wrong with it is said in the rules' own words.
fn read<T: DeserializeOwned>(body: Result<Json<Value>, JsonRejection>) -> Result<T, Problem> {
    let value = super::exchange::body(body)?;
    serde_json::from_value(value).map_err(|error| Problem::malformed(error.to_string()))
}

/// What saved filters say that a document names; the first that nobody has saved is told of.
async fn saved(api: &Api, names: BTreeSet<&FilterName>) -> Result<BTreeMap<FilterName, Selector>, Problem> {
    let mut known = BTreeMap::new();
    for name in names {
        let who = grid::selector(&api.database, name.as_str()).await?.map_err(|fault| {
            Problem::malformed(format!("{fault}\nhint: save it first, or with the documents that name it"))
        })?;
        known.insert(name.clone(), who);
    }
    Ok(known)
}

fn store(text: &str) -> Result<StoreId, Problem> {
    StoreId::new(text).map_err(|_| Problem::field("store", "is not the id of a store"))
}

fn serial(text: &str) -> Result<Serial, Problem> {
    Serial::new(text).map_err(|error| Problem::field("serial", error.to_string()))
}

/// The version that `If-Match` names, where it is there.
fn expected(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    if headers.contains_key(header::IF_MATCH) {
        super::exchange::version(headers).map(Some)
    } else {
        Ok(None)
    }
}

fn tag(version: i64) -> String {
    format!("\"{version}\"")
}

impl From<ApplyError> for Problem {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Unknown(what) => Self::unknown(what),
            ApplyError::Stale => Self::stale(),
            ApplyError::Rollout(error) => Self::malformed(error.to_string()),
            ApplyError::Database(error) => error.into(),
            ApplyError::AtOnce { .. } | ApplyError::SettingsAtOnce { .. } => {
                Self::second_person(error.to_string())
            }
            ApplyError::Policy { document, why } => {
                Self::field("artefacts", format!("of the {document} names {why}"))
            }
            ApplyError::TooMany { .. }
            | ApplyError::Raced
            | ApplyError::TooManyRollouts
            | ApplyError::Begun { .. }
            | ApplyError::Exists(_) => Self::conflict(error.to_string()),
        }
    }
}

impl From<ForgetError> for Problem {
    fn from(error: ForgetError) -> Self {
        match error {
            ForgetError::Unknown => Self::unknown("rollout"),
            ForgetError::NotOver { .. } => Self::state(error.to_string()),
            ForgetError::Decides { .. } | ForgetError::Raced => Self::conflict(error.to_string()),
            ForgetError::Database(error) => error.into(),
        }
    }
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Unknown => Self::unknown("rollout"),
            ActError::Refused(refusal) => match refusal {
                Refusal::Author { .. } => Self::second_person(refusal.to_string()),
                Refusal::NotNow { .. } => Self::state(refusal.to_string()),
                Refusal::Why { .. } => Self::field("why", refusal.to_string()),
                Refusal::Twice { .. }
                | Refusal::NoneFailed
                | Refusal::Rounds { .. }
                | Refusal::NoStore { .. } => Self::conflict(refusal.to_string()),
            },
            ActError::Collides { .. } | ActError::Raced => Self::conflict(error.to_string()),
            ActError::Database(error) => error.into(),
        }
    }
}

impl From<RehearseError> for Problem {
    fn from(error: RehearseError) -> Self {
        match error {
            RehearseError::Unknown => Self::unknown("rollout"),
            RehearseError::NotNow { .. } => Self::state(error.to_string()),
            RehearseError::Database(error) => error.into(),
            _ => Self::conflict(error.to_string()),
        }
    }
}
