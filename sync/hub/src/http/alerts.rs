//! The route of alerts: what this hub refused lately, logs that forked, what nodes refuse to run; one kind after the other, of each the latest first.

use super::{
    Api, Problem,
    cursor::{PageQuery, place_of},
    routes::{Answer, Page, described_page},
};
use crate::{
    database::{
        glance::{ForkRow, RefusalRow},
        rows::class_of,
    },
    recent::{ALERTS_MAX, Seen},
};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

described_page!(AlertPage, Page_Alert, Alert);

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(alerts))
}

/// Something that wants to be looked at.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Alert {
    /// This hub refused something since it started; other hubs on the same database have lists of their own.
    Refused {
        /// When, in milliseconds since 1970.
        at_ms: i64,
        /// Whose it was.
        store: String,
        /// Why, in one word.
        reason: &'static str,
        /// Why, as the store was told.
        text: String,
    },
    /// A store offered another event under a number that is taken: its log is in quarantine.
    Fork {
        /// When, in milliseconds since 1970.
        at_ms: i64,
        /// The store.
        store: String,
        /// `sales`, `stock`, `telemetry`, `bulk`.
        class: &'static str,
        /// The epoch of the log, in hexadecimal digits.
        epoch: Option<String>,
        /// The first event of the other form.
        first_seq: u64,
        /// How many there were.
        count: i64,
    },
    /// A node says that something cannot run.
    CannotRun {
        /// When it said so, in milliseconds since 1970.
        at_ms: i64,
        /// The store.
        store: String,
        /// The node.
        node: String,
        /// What: a kind, or a kind and a name.
        name: String,
        /// Its version.
        version: String,
        /// Why not, as the node says it.
        reason: String,
    },
}

/// The last one that was shown.
#[derive(Debug, Serialize, Deserialize)]
enum Last {
    /// How many of those that this hub refused came before it.
    Refused(u64),
    Fork(i64, String, i16, i32),
    CannotRun(i64, String, String, String),
}

impl Last {
    fn refused(number: u64, Seen { at_ms, store, reason, text }: Seen) -> (Self, Alert) {
        (Self::Refused(number), Alert::Refused { at_ms, store, reason, text })
    }

    fn fork(row: ForkRow) -> (Self, Alert) {
        let last = Self::Fork(row.at_ms, row.store.clone(), class_of(row.class), row.log);
        let ForkRow { store, class, epoch, at_ms, first_seq, count, .. } = row;
        let epoch = epoch.map(|epoch| epoch.to_string());
        (last, Alert::Fork { at_ms, store, class: class.as_str(), epoch, first_seq, count })
    }

    fn cannot_run(row: RefusalRow) -> (Self, Alert) {
        let last = Self::CannotRun(row.at_ms, row.store.clone(), row.node.clone(), row.name.clone());
        let RefusalRow { store, node, name, version, reason, at_ms } = row;
        (last, Alert::CannotRun { at_ms, store, node, name, version, reason })
    }
}

/// What wants to be looked at: what this hub refused since it started (the latest 256), then logs that are in quarantine, then what nodes refuse to run. Of each the latest first.
#[utoipa::path(get, path = "/v1/alerts", tag = "hub", security(("token" = [])), params(PageQuery), responses(
    (status = 200, body = AlertPage), (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
async fn alerts(
    State(api): State<Api>,
    asked: Result<Query<PageQuery>, QueryRejection>,
) -> Answer<Page<Alert>> {
    let asked = PageQuery::read(asked)?;
    let limit = asked.most()? as usize;
    let mut last = asked.place::<Last>()?.unwrap_or(Last::Refused(u64::MAX));
    let mut items = Vec::with_capacity(limit);
    let missing = |items: &Vec<Alert>| u32::try_from(limit.saturating_sub(items.len())).unwrap_or(u32::MAX);
    if let Last::Refused(before) = last {
        let (seen, all) = (api.recent.latest(ALERTS_MAX), api.recent.count());
        // Each has the number of those before it, which stays while others come.
        for (place, one) in seen.into_iter().enumerate() {
            let number = all.saturating_sub(place as u64).saturating_sub(1);
            if number < before && items.len() < limit {
                let (now, alert) = Last::refused(number, one);
                last = now;
                items.push(alert);
            }
        }
        if items.len() < limit {
            last = Last::Fork(i64::MAX, String::new(), 0, 0);
        }
    }
    if let Last::Fork(at_ms, store, class, log) = &last {
        let rows = api.database.forks_after((*at_ms, store, *class, *log), missing(&items).max(1)).await?;
        let is_last = rows.len() < missing(&items) as usize;
        for (now, alert) in rows.into_iter().map(Last::fork) {
            last = now;
            items.push(alert);
        }
        if is_last {
            last = Last::CannotRun(i64::MAX, String::new(), String::new(), String::new());
        }
    }
    if let Last::CannotRun(at_ms, store, node, name) = &last {
        let rows = api.database.refusals_after((*at_ms, store, node, name), missing(&items).max(1)).await?;
        if rows.len() < missing(&items) as usize {
            items.extend(rows.into_iter().map(|row| Last::cannot_run(row).1));
            return Ok(Json(Page { items, next: None }));
        }
        for (now, alert) in rows.into_iter().map(Last::cannot_run) {
            last = now;
            items.push(alert);
        }
    }
    Ok(Json(Page { items, next: Some(place_of(&last)) }))
}
