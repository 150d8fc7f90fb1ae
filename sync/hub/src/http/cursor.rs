//! Where a list goes on: the place of its last row, as a text that whoever asks gives back as it is.

use super::{
    Problem,
    routes::{limit, query},
};
use crate::database::read::ROWS_MAX;
use axum::extract::{Query, rejection::QueryRejection};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::IntoParams;

/// The sign that stands in no text, as JSON writes it.
const NUL: &[u8] = br"\u0000";

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// Where a page goes on: `next` of the page before.
    pub(super) after: Option<String>,
    /// The most rows, up to 1000.
    #[param(minimum = 1, maximum = 1000)]
    pub(super) limit: Option<u32>,
}

impl PageQuery {
    /// Reads it.
    pub(super) fn read(asked: Result<Query<Self>, QueryRejection>) -> Result<Self, Problem> {
        query(asked)
    }

    /// The most rows: 100, where nobody says.
    pub(super) fn most(&self) -> Result<u32, Problem> {
        limit(self.limit)
    }

    /// The most rows of a list that was given whole before it had pages: as many as a page may have, where nobody says.
    pub(super) fn whole(&self) -> Result<u32, Problem> {
        limit(self.limit.or(Some(ROWS_MAX)))
    }

    /// A place of several parts, as [`place_of`] writes it. None of them has the sign that stands in no text of a database.
    pub(super) fn place<T: DeserializeOwned>(&self) -> Result<Option<T>, Problem> {
        let Some(text) = &self.after else { return Ok(None) };
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| strange())?;
        if bytes.windows(NUL.len()).any(|part| part == NUL) {
            return Err(strange());
        }
        serde_json::from_slice(&bytes).map(Some).map_err(|_| strange())
    }

    /// A place of a number and a hash, with a dot between them.
    pub(super) fn after_hash(&self) -> Result<Option<(i64, Vec<u8>)>, Problem> {
        let read = |text: &str| {
            let (number, hash) = text.split_once('.')?;
            Some((number.parse().ok()?, HEXLOWER_PERMISSIVE.decode(hash.as_bytes()).ok()?))
        };
        self.after.as_deref().map(|text| read(text).ok_or_else(strange)).transpose()
    }

    /// A place of a number and a name, with a dot between them.
    pub(super) fn after_name(&self) -> Result<Option<(i64, &str)>, Problem> {
        let read =
            |text| str::split_once(text, '.').and_then(|(number, name)| Some((number.parse().ok()?, name)));
        self.after.as_deref().map(|text| read(text).ok_or_else(strange)).transpose()
    }
}

/// A place of several parts, whatever signs are in them.
pub(super) fn place_of(parts: &impl Serialize) -> String {
    // Texts and numbers: there is always a form.
    HEXLOWER.encode(&serde_json::to_vec(parts).unwrap_or_default())
}

/// `after` is of another list.
pub(super) fn strange() -> Problem {
    Problem::field("after", "is no `next` of a page")
}
