//! The first page: what needs somebody now, the most urgent first.

use super::{
    layout::{self, Page, Tab},
    parts::{Eye, list, section},
};
use crate::staff::{board::Board, desk::Desk, visit::Colleague};
use axum::{extract::State, http::StatusCode, response::Response};
use maud::{Markup, html};

/// How many rows of a kind the first page shows.
const ROWS_MAX: usize = 5;

/// `GET /staff`.
pub(super) async fn show(State(desk): State<Desk>, colleague: Colleague) -> Response {
    let board = desk.floor.board();
    let eye = Eye::of(&colleague);
    let words = eye.words;
    let totals = board.totals;
    let more = |to: &'static str, shown: usize, total: u32| {
        (total as usize > shown.min(ROWS_MAX)).then(|| (to, (words.all)(total)))
    };
    let tasks: Vec<Markup> =
        board.tasks.iter().take(ROWS_MAX).map(|task| eye.task(task, false, None)).collect();
    let alerts: Vec<Markup> = board.alerts.iter().take(ROWS_MAX).map(|alert| eye.alert(alert)).collect();
    let gaps: Vec<Markup> = board.gaps.iter().take(ROWS_MAX).map(|gap| eye.gap(gap)).collect();
    let units: Vec<Markup> = board.units.iter().take(ROWS_MAX).map(|unit| eye.unit(unit)).collect();
    let devices: Vec<Markup> = board.devices.iter().take(ROWS_MAX).map(|device| eye.device(device)).collect();
    let content = html! {
        (eye.outcome(None))
        div #quiet data-live="quiet" { (quiet(&board, eye)) }
        div.columns {
            div {
                (section("tasks", words.tasks, more("/staff/tasks", board.tasks.len(), totals.tasks), &list(&tasks, words.no_tasks)))
            }
            div {
                (section("alerts", words.alerts, more("/staff/alerts", board.alerts.len(), totals.alerts), &list(&alerts, words.no_alerts)))
                (section("gaps", words.gaps, more("/staff/products", board.gaps.len(), totals.gaps), &list(&gaps, words.no_gaps)))
                (section("units", words.cold, more("/staff/units", board.units.len(), totals.units), &list(&units, words.no_units)))
                (section("devices", words.devices, more("/staff/devices", board.devices.len(), totals.devices), &list(&devices, words.no_devices)))
            }
        }
    };
    layout::answer(
        &desk,
        &colleague,
        &board,
        StatusCode::OK,
        &Page { tab: Tab::Now, title: words.now, content },
    )
}

fn quiet(board: &Board, eye: Eye<'_>) -> Markup {
    let nothing = board.tasks.is_empty() && board.alerts.is_empty() && board.gaps.is_empty();
    html! {
        @if !nothing {
            nav.counts aria-label=(eye.words.glance) {
                (count("tasks", eye.words.tasks, board.totals.tasks, "calm"))
                (count("alerts", eye.words.alerts, board.totals.alerts, "bad"))
                (count("gaps", eye.words.gaps, board.totals.gaps, "warn"))
            }
        } @else {
            div.quiet-board {
                svg viewBox="0 0 24 24" aria-hidden="true" focusable="false" { path d="M4 12.5l5 5L20 6.5" {} }
                p { strong { (eye.words.quiet) } }
                p { (eye.words.quiet_hint) }
            }
        }
    }
}

/// A number that leads to what it counts.
fn count(to: &str, label: &str, count: u32, class: &str) -> Markup {
    html! {
        a class=(if count > 0 { class } else { "none" }) href=(format!("#{to}-title")) { b { (count) } " " span { (label) } }
    }
}
