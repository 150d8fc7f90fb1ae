//! One store: how it is, its nodes, how far its logs are, what it runs and is to run and why not, what the gate did, who was to be forgotten.

mod drift;
pub(in crate::console) mod fleet;
mod logs;
mod nodes;
mod persons;

use super::{
    forms::Done,
    gate::{self, Gate},
    parts::{connection, empty, facts, section, state},
};
use crate::{
    console::{frame::Page, say, visit::Visit, wrong::Wrong},
    database::{
        DatabaseError,
        read::{CursorRow, LogRow, NodeRow, StoreRow},
    },
    people::role::Permission,
    publish::Desire,
};
use aisle_event::StoreId;
use axum::{
    extract::{Path, Query},
    response::Response,
};
use maud::{Markup, html};

/// `GET /stores/{store}`.
pub(in crate::console) async fn show(
    visit: Visit,
    Path(text): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response, Wrong> {
    let store = visit.store(&text).await?;
    let database = visit.database();
    let known = database.store(&store).await?;
    let (nodes, logs) = (database.nodes(&store).await?, database.logs(&store).await?);
    let desire = Desire::of(database.desired(&store).await?).map_err(|_| damaged(&store))?;
    let drift = drift::Drift::of(&desire, &nodes, &database.reports(&store).await?);
    let cursors: Vec<CursorRow> = logs.iter().map(LogRow::cursor).collect();
    let how_far = logs::part(&visit, &store, &logs).await?;
    let traits = known.as_ref().map(StoreRow::traits);
    let may = |permission| visit.may_at(permission, traits.as_ref());
    let gated = if may(Permission::ReceiptRead) { Some(gated(&visit, &store, &logs).await?) } else { None };
    let erasures = if may(Permission::ErasureRead) { Some(database.erasures(&store).await?) } else { None };
    let serials: Vec<String> = nodes.iter().map(|node| node.node.clone()).collect();
    let of_fleet = fleet::part(&visit, store.as_str(), &serials).await?;
    let known_labels: Vec<(String, String)> =
        traits.as_ref().map(|traits| traits.labels.clone()).unwrap_or_default();
    let labelled = fleet::labels(&visit, store.as_str(), &known_labels, may(Permission::StoreLabel));
    let overrides = fleet::overrides(&visit, &store, may(Permission::DesiredWrite)).await?;
    let body = html! {
        (done.notice())
        (section("health", "Health", &health(&visit, known.as_ref(), &nodes, &cursors, &drift)))
        (section("logs", "Logs", &how_far))
        (section("fleet", "As the rules see it", &of_fleet))
        (section("labels", "Labels", &labelled))
        (section("overrides", "Overrides", &overrides))
        (section("drift", "Desired and reported", &drift::part(&visit, &desire, &drift)))
        (section("nodes", "Nodes", &nodes::part(&visit, &nodes, may(Permission::EnrolmentRead))))
        @if let Some(gated) = gated { (section("gate", "What the gate did", &gated)) }
        @if let Some(erasures) = erasures {
            (section("persons", "Erasures", &persons::part(&visit, &erasures)))
        }
    };
    Ok(visit.answer(&Page { title: store.as_str(), here: "/", body }))
}

fn damaged(store: &StoreId) -> DatabaseError {
    DatabaseError::Damaged { table: "desired", column: "manifest", row: store.to_string() }
}

fn health(
    visit: &Visit,
    known: Option<&StoreRow>,
    nodes: &[NodeRow],
    cursors: &[CursorRow],
    drift: &drift::Drift,
) -> Markup {
    let connected = nodes.iter().filter(|node| node.is_connected).count() as i64;
    let backlog =
        logs::running(cursors).fold(0_u64, |sum, cursor| sum.saturating_add(cursor.backlog_at_contact));
    let forked = cursors.iter().filter(|cursor| cursor.quarantined).count() as u64;
    let wanted = visit.console.policy_wanted();
    let applied = nodes.iter().filter(|node| node.connected_at_ms > 0 && node.state == "active");
    let policy = applied.map(|node| node.policy_version).min();
    let came = known.is_some();
    facts(&[
        ("Connection", connection(connected, nodes.len() as i64, came)),
        ("Last contact", say::ago(visit.now_ms, known.map_or(0, |known| known.last_seen_ms))),
        ("First contact", say::ago(visit.now_ms, known.map_or(0, |known| known.first_seen_ms))),
        (
            "Region",
            known.map_or_else(|| html! { span.none { "not known" } }, |known| say::name(&known.region, 48)),
        ),
        ("Latest event", say::ago(visit.now_ms, known.map_or(0, |known| known.last_event_ms))),
        (
            "Backlog",
            match backlog {
                0 => html! { "nothing is known to wait" },
                some => state(
                    "warn",
                    &format!("{} waited at the last contact", say::count(some, "event", "events")),
                ),
            },
        ),
        (
            "Policy",
            match (policy, wanted) {
                (None, _) => html! { span.none { "none applied yet" } },
                (Some(version), Some(wanted)) if version < i64::from(wanted) => {
                    state("warn", &format!("version {version}, version {wanted} is wanted"))
                }
                (Some(version), _) => state("good", &format!("version {version}")),
            },
        ),
        ("As desired", drift.word()),
        (
            "Forks",
            if forked == 0 {
                html! { "none" }
            } else {
                state("bad", &say::count(forked, "log in quarantine", "logs in quarantine"))
            },
        ),
    ])
}

async fn gated(visit: &Visit, store: &StoreId, logs: &[LogRow]) -> Result<Markup, Wrong> {
    let gate = Gate::of(visit.database(), logs).await?;
    Ok(if gate.receipts == 0 {
        empty("No batch has come from this store.")
    } else {
        gate::summary(store, &gate)
    })
}
