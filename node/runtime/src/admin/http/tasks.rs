//! What staff are asked to do: looked at, ended.

use super::{
    Answer, answer,
    authorized::Authorized,
    refused::{act, by, quantity, wrong},
};
use crate::admin::view::task::{End, EndBody, TaskLine, TaskList};
use aisle_event::Name;
use aisle_inventory::task::About;
use aisle_kiosk::{
    request::{Json, Problem, Segment},
    staff::{Action, Floor as _},
};
use axum::http::StatusCode;

/// Ended tasks that are shown.
const ENDED_MAX: usize = 100;

/// Lists tasks: open ones, the most urgent first, and those that ended last.
#[utoipa::path(
    get, path = "/v1/admin/tasks", tag = "administration", operation_id = "listTasks", security(("token" = [])),
    responses(
        (status = 200, description = "The tasks.", body = TaskList),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn list(admin: Authorized) -> Answer<TaskList> {
    let view = admin.floor.view();
    let ended = view.tasks.closed.iter().rev().take(ENDED_MAX);
    answer(TaskList {
        open: view.tasks.open.iter().map(|task| TaskLine::of(task)).collect(),
        ended: ended.map(|task| TaskLine::of(task)).collect(),
    })
}

/// Ends a task. One that is done says what it changed: a filled shelf is a move, a count is a count.
#[utoipa::path(
    post, path = "/v1/admin/tasks/{task}/end", tag = "administration", operation_id = "endTask",
    security(("token" = [])), params(("task" = String, Path, description = "The task's name.", min_length = 1)),
    request_body(content = EndBody, content_type = "application/json"),
    responses(
        (status = 204, description = "It has ended; that is durable."),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such task is open.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn end(
    admin: Authorized,
    Segment(task): Segment,
    Json(body): Json<EndBody>,
) -> Result<StatusCode, Problem> {
    let by = by(body.by.as_deref())?;
    let view = admin.floor.view();
    let Some(open) = view.tasks.open.iter().find(|open| open.name.as_str() == task) else {
        let detail = format!("no task `{task}` is open\nhint: `GET /v1/admin/tasks` lists them");
        return Err(Problem::unknown_task(detail).with("task", "is not open"));
    };
    let task: Name = open.name.clone();
    let action = match (body.end, body.count, &open.about) {
        (End::Done, None, _) => Action::FinishTask { task, count: None },
        (End::Done, Some(count), About::Sku(sku)) => {
            let count = Some(quantity(&admin, sku, "count", count)?);
            Action::FinishTask { task, count }
        }
        (End::Done, Some(_), _) => return Err(wrong("count", "is given, and the task is about no product")),
        (End::Dismissed, Some(_), _) => return Err(wrong("count", "is given, and the task is not done")),
        (End::Dismissed, None, _) => Action::DismissTask { task },
    };
    admin.floor.act(action, by).await.map_err(act)?;
    Ok(StatusCode::NO_CONTENT)
}
