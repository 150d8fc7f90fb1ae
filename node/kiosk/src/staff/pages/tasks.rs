//! What is to be done, and saying that it is.

use super::{
    layout::{self, Page, Tab},
    parts::{Eye, list},
};
use crate::{
    http::problem::Problem,
    staff::{
        Action,
        desk::Desk,
        form::{Reason, Sent, Trouble},
        visit::{Colleague, own_place},
    },
};
use aisle_event::{Name, Quantity, Unit, inventory::TaskKind};
use axum::{extract::State, http::StatusCode, response::Response};
use maud::{Markup, html};

/// `GET /staff/tasks`.
pub(super) async fn show(State(desk): State<Desk>, colleague: Colleague) -> Response {
    page(&desk, &colleague, None)
}

fn page(desk: &Desk, colleague: &Colleague, trouble: Option<(&Name, &Trouble)>) -> Response {
    let board = desk.floor.board();
    let eye = Eye::of(colleague);
    let of = |task: &Name| trouble.filter(|(about, _)| *about == task).map(|(_, trouble)| trouble);
    let rows: Vec<Markup> = board.tasks.iter().map(|task| eye.task(task, true, of(&task.task))).collect();
    let content = html! {
        (eye.outcome(trouble.map(|(_, trouble)| trouble)))
        div.cards #rows data-live="rows" { (list(&rows, eye.words.no_tasks)) }
    };
    let status = trouble.map_or(StatusCode::OK, |(_, trouble)| trouble.status);
    layout::answer(
        desk,
        colleague,
        &board,
        status,
        &Page { tab: Tab::Tasks, title: eye.words.tasks, content },
    )
}

/// `POST /staff/tasks`.
pub(super) async fn act(
    colleague: Colleague,
    State(desk): State<Desk>,
    sent: Sent,
) -> Result<Response, Problem> {
    let task: Name = sent.id("task")?;
    let (action, did) = match sent.must("do")? {
        "dismiss" => (Action::DismissTask { task: task.clone() }, "dismissed"),
        "finish" => match counted(&desk, &task, &sent) {
            Ok(count) => (Action::FinishTask { task: task.clone(), count }, "finished"),
            Err(trouble) => return Ok(page(&desk, &colleague, Some((&task, &trouble)))),
        },
        _ => return Err(Problem::field("do", "is none of finish, dismiss")),
    };
    match desk.act(action, colleague.name.clone(), None).await? {
        Ok(()) => {
            let back = own_place(sent.get("return").unwrap_or("/staff/tasks"));
            Ok(colleague.person.see_other(&format!("{}?did={did}", back.split('?').next().unwrap_or(back))))
        }
        Err(error) => Ok(page(&desk, &colleague, Some((&task, &error.into())))),
    }
}

/// What somebody counted. A count that says no number would be done and know nothing.
fn counted(desk: &Desk, task: &Name, sent: &Sent) -> Result<Option<Quantity>, Trouble> {
    let board = desk.floor.board();
    let row = board.tasks.iter().find(|row| row.task == *task);
    let product = row.and_then(|row| row.sku.as_ref());
    let unit = product.map_or(Unit::Each, |sku| super::product::unit(desk, sku));
    let count = sent.quantity("count", unit)?;
    if count.is_none() && row.is_some_and(|row| row.kind == TaskKind::Recount) {
        return Err(Trouble::new("count", Reason::Missing));
    }
    Ok(count)
}
