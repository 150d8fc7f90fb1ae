//! A problem as a page: what happened in the shopper's language, and the way on. Never what is inside the node.

use crate::{
    app::App,
    http::problem::{Kind, Problem},
    pages::{
        basket,
        layout::{self, Page},
        visitor::Visitor,
    },
};
use axum::{
    http::{HeaderMap, StatusCode, Uri, header},
    response::Response,
};
use maud::html;

/// The page for a problem.
pub(crate) fn page(app: &App, headers: &HeaderMap, uri: &Uri, problem: &Problem) -> Response {
    let mut visitor = Visitor::new(app, headers, uri);
    // What went wrong may have been a form; after a change of language there is only the start to go back to.
    visitor.place = "/".into();
    let strings = visitor.language.strings();
    let (title, hint) = match (problem.kind(), problem.status()) {
        (Kind::UnknownProduct, _) => (strings.product_gone, strings.not_found_hint),
        (Kind::Denied | Kind::Unanswered, _) => (strings.refused, strings.not_payable),
        (Kind::TotalChanged, _) => (strings.total_changed, strings.total_changed_hint),
        (_, StatusCode::NOT_FOUND) => (strings.not_found, strings.not_found_hint),
        (_, StatusCode::CONFLICT) => (strings.conflict, strings.conflict_hint),
        (_, StatusCode::SERVICE_UNAVAILABLE) => (strings.busy, strings.busy_hint),
        (_, status) if status.is_server_error() => (strings.failed, strings.failed_hint),
        _ => (strings.refused, strings.failed_hint),
    };
    let content = html! {
        div.empty {
            h1 { (title) }
            p { (hint) }
            @if let Some(total) = problem.total() {
                div.pay { (basket::payment(Some(total), true, strings)) }
            }
            @if matches!(problem.status(), StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE) {
                a.button.primary href="/basket" { (strings.back_to_basket) }
            }
            a.button href="/" { (strings.back_to_start) }
        }
    };
    let mut response = layout::answer(app, &visitor, problem.status(), &Page::new(title, content));
    if let Some(seconds) = problem.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}
