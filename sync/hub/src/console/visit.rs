//! [`Visit`]: somebody in front of a page, at a moment; [`Act`]: somebody who has sent a form. The door has let both in.

use super::{
    Console,
    door::Caller,
    frame::{self, Page},
    live::Pulse,
    wrong::Wrong,
};
use crate::{
    Database,
    people::{
        role::{Permission, Traits},
        who::{Origin, Who},
    },
};
use aisle_event::StoreId;
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use std::sync::Arc;

/// A request for a page.
pub(super) struct Visit {
    pub(super) console: Console,
    pub(super) caller: Caller,
    /// When it came, in milliseconds since 1970 by the hub's clock.
    pub(super) now_ms: i64,
    /// The address of the page, to come back to.
    pub(super) place: String,
    /// The fleet before anything was read for the page: what changes meanwhile is told to it afterwards.
    pub(super) pulse: Arc<Pulse>,
}

/// The door puts who it is there.
fn caller(parts: &Parts) -> Option<Caller> {
    let caller = parts.extensions.get::<Caller>().cloned();
    if caller.is_none() {
        tracing::error!(uri = %parts.uri, "a page is asked for behind the door's back");
    }
    caller
}

impl FromRequestParts<Console> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Response> {
        let now_ms = console.api().now_ms();
        let caller = caller(parts).ok_or_else(|| Wrong::Failed.into_response())?;
        let place = parts.uri.path_and_query().map_or("/", |place| place.as_str()).to_owned();
        let pulse = console.pulse().await.map_err(|error| Wrong::from(error).into_response())?;
        Ok(Self { console: console.clone(), caller, now_ms, place, pulse })
    }
}

impl Visit {
    pub(super) fn database(&self) -> &Database {
        self.console.database()
    }

    pub(super) const fn who(&self) -> &Who {
        &self.caller.who
    }

    /// Whether they may everywhere.
    pub(super) fn may(&self, permission: Permission) -> bool {
        self.who().may(permission)
    }

    /// Whether they may at a store; of one that never came nothing is known but to who may everywhere.
    pub(super) fn may_at(&self, permission: Permission, store: Option<&Traits>) -> bool {
        let reach = self.who().reach(permission);
        reach.is_everything() || store.is_some_and(|store| reach.covers(store))
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

/// The field of a form that only our own page knows.
pub(super) fn csrf(caller: &Caller) -> Markup {
    html! { @if let Some(csrf) = &caller.csrf { input type="hidden" name="csrf" value=(csrf); } }
}

/// A form that was sent.
pub(super) struct Act {
    pub(super) console: Console,
    pub(super) caller: Caller,
    pub(super) from: Origin,
    /// When it came, in milliseconds since 1970 by the hub's clock.
    pub(super) now_ms: i64,
}

impl FromRequestParts<Console> for Act {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Response> {
        let from = parts.extensions.get::<Origin>().cloned().unwrap_or_default();
        let caller = caller(parts).ok_or_else(|| Wrong::Failed.into_response())?;
        Ok(Self { console: console.clone(), caller, from, now_ms: console.api().now_ms() })
    }
}

impl Act {
    pub(super) const fn who(&self) -> &Who {
        &self.caller.who
    }

    /// A page that is shown once and stays as it is.
    pub(super) fn answer(&self, status: StatusCode, page: &Page<'_>) -> Response {
        frame::still(&self.console, &self.caller, status, page)
    }
}
