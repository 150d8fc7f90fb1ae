//! [`PageParams`]: which part of a list is asked for.

use crate::admin::view::Page;
use aisle_kiosk::request::{Problem, number};
use serde::Deserialize;
use utoipa::IntoParams;

/// Items of a page, when nobody says how many.
const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1000;

/// Lists are in the order of what their items are called by.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageParams {
    /// Only what comes after the one that is called so: the `next` of the page before.
    #[param(nullable = false)]
    after: Option<String>,
    /// How many at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100, nullable = false)]
    limit: Option<String>,
}

/// Which part of a list is asked for, checked.
pub(super) struct Asked<'a> {
    /// Only what comes after this.
    pub(super) after: &'a str,
    /// How many to look for: one more than are shown, to know whether there are more.
    pub(super) find: usize,
}

impl PageParams {
    /// What is asked for.
    pub(super) fn asked(&self) -> Result<Asked<'_>, Problem> {
        let limit = number("limit", self.limit.as_deref(), &(1..=LIMIT_MAX), LIMIT)?;
        Ok(Asked { after: self.after.as_deref().unwrap_or_default(), find: limit + 1 })
    }
}

impl Asked<'_> {
    /// The page, from what was found.
    pub(super) fn page<T>(&self, found: Vec<T>, called: impl Fn(&T) -> &str) -> Page<T> {
        Page::of(found, self.find - 1, called)
    }
}
