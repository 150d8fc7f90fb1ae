//! [`Visit`]: somebody who is signed in, in front of a page, at a moment.

use super::{
    Console,
    door::{Needs, Who, way_in},
    frame::{self, Page},
    live::Pulse,
    wrong::Wrong,
};
use crate::Database;
use aisle_event::StoreId;
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use std::sync::Arc;

/// A request for a page.
pub(super) struct Visit {
    pub(super) console: Console,
    pub(super) who: Who,
    /// When it came, in milliseconds since 1970 by the hub's clock.
    pub(super) now_ms: i64,
    /// The address of the page, to come back to.
    pub(super) place: String,
    /// The fleet before anything was read for the page: what changes meanwhile is told to it afterwards.
    pub(super) pulse: Arc<Pulse>,
}

/// Who is not signed in is led to the page that asks who they are, and from there back to where they were.
impl FromRequestParts<Console> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Response> {
        let now_ms = Database::now_ms();
        let who =
            Who::of(&console.parts().token, &parts.headers, now_ms).ok_or_else(|| way_in(&parts.uri))?;
        let place = parts.uri.path_and_query().map_or("/", |place| place.as_str()).to_owned();
        let pulse = console.pulse().await.map_err(|error| Wrong::from(error).into_response())?;
        Ok(Self { console: console.clone(), who, now_ms, place, pulse })
    }
}

impl Visit {
    pub(super) fn database(&self) -> &Database {
        self.console.database()
    }

    /// Makes sure that they may see something.
    pub(super) fn needs(&self, needs: Needs) -> Result<(), Wrong> {
        if self.who.may(needs) { Ok(()) } else { Err(Wrong::Forbidden) }
    }

    /// The page in its frame.
    pub(super) fn answer(&self, page: &Page<'_>) -> Response {
        frame::whole(self, StatusCode::OK, page)
    }

    /// A store that is registered or came.
    pub(super) async fn store(&self, text: &str) -> Result<StoreId, Wrong> {
        let unknown = || Wrong::NotFound(format!("No store of this name is registered at this hub: {text}"));
        let store = StoreId::new(text).map_err(|_| unknown())?;
        let is_known =
            self.database().is_registered(&store).await? || self.database().store(&store).await?.is_some();
        if is_known { Ok(store) } else { Err(unknown()) }
    }
}
