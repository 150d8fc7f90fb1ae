//! A problem as a page for staff: what happened, which field it is about, and the next step. Never what is inside the node.

use super::layout;
use crate::{
    app::App,
    http::problem::Problem,
    staff::{visit::Person, words},
    strings::Language,
};
use axum::{
    http::{StatusCode, header},
    response::Response,
};
use maud::html;

/// The page for a problem.
pub(in crate::staff) fn page(app: &App, mut person: Person, problem: &Problem) -> Response {
    // What went wrong may have been a form; after a change of language there is only the first page to go back to.
    person.place = "/staff".into();
    let words = words::of(person.language);
    let (title, hint) = match problem.status() {
        StatusCode::NOT_FOUND => (words.not_found, words.not_found_hint),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => (words.busy, words.busy_hint),
        status if status.is_server_error() => (words.failed, words.failed_hint),
        _ => (words.not_done, words.refused_hint),
    };
    let foreign = (person.language != Language::English).then_some("en");
    let content = html! {
        div.door {
            h1 { (title) }
            p { (hint) }
            @if problem.status() != StatusCode::INTERNAL_SERVER_ERROR {
                div.outcome.bad role="alert" lang=[foreign] {
                    p { (problem.detail()) }
                    @for (field, reason) in problem.fields() { p { code { (field) } " " (reason) } }
                }
            }
            div.buttons { a.button.primary href="/staff" { (words.back) } }
        }
    };
    let mut response = layout::bare(&app.config.store_name, &person, problem.status(), title, &content);
    if let Some(seconds) = problem.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}
