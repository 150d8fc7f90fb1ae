//! Sessions and tokens of somebody, as tables: on their page for who manages people, and on their own.

use crate::console::{
    pages::{
        forms::opened,
        parts::{SHORT_BYTES_MAX, empty, fit, heading_id, rest, state, table},
    },
    say,
    visit::Visit,
};
use crate::people::person::{SessionRow, TokenRow};
use maud::{Markup, html};

const SESSIONS: [(&str, &str); 5] =
    [("", "Session"), ("", "From"), ("number", "Begun"), ("number", "Used"), ("", "End it")];
const TOKENS: [(&str, &str); 6] =
    [("", "Token"), ("", "For"), ("", "May"), ("number", "Used"), ("", "State"), ("", "Revoke it")];

/// Sessions; `at` is where their forms go, none where who looks may not end them.
pub(super) fn sessions(visit: &Visit, rows: &[SessionRow], at: Option<&str>) -> Markup {
    let own = visit.who().csrf().and(match &visit.who().way {
        crate::people::who::Way::Session { id, .. } => Some(id.as_str()),
        _ => None,
    });
    let (html, shown) = fit(rows, SHORT_BYTES_MAX, |row| {
        html! {
            tr {
                th scope="row" { code { (say::cut(&row.session, 24)) } @if own == Some(row.session.as_str()) { " " (state("good", "this one")) } }
                td { (say::name(&row.address, 48)) div.rest { (say::name(&row.agent, 60)) } }
                td.number { (say::ago(visit.now_ms, row.begun_at_ms)) div.rest { "by " (say::cut(&row.way, 16)) } }
                td.number { (say::ago(visit.now_ms, row.seen_at_ms)) }
                td {
                    @match at {
                        Some(at) => (opened(&visit.caller, "End", &format!("{at}/sessions/{}/end", say::encoded(&row.session)), &html! {
                            button type="submit" { "End " (say::cut(&row.session, 24)) }
                        })),
                        None => span.none { "–" },
                    }
                }
            }
        }
    });
    html! {
        @if rows.is_empty() { (empty("No session.")) }
        @else { (table(&heading_id("sessions"), &SESSIONS, &html)) (rest(rows.len(), shown)) }
    }
}

/// Tokens, likewise.
pub(super) fn tokens(visit: &Visit, rows: &[TokenRow], at: Option<&str>) -> Markup {
    let (html, shown) = fit(rows, SHORT_BYTES_MAX, |row| {
        let is_over = row.ends_at_ms <= visit.now_ms;
        let is_good = row.revoked_at_ms.is_none() && !is_over;
        html! {
            tr {
                th scope="row" { code { (say::cut(&row.token, 24)) } }
                td { (say::name(&row.name, 64)) }
                td { div.things { @for permission in row.permissions.iter().take(12) { code { (say::cut(permission, 32)) } } } }
                td.number { (say::ago(visit.now_ms, row.used_at_ms)) }
                td {
                    @if row.revoked_at_ms.is_some() { (state("bad", "revoked")) }
                    @else if is_over { (state("none", "over")) }
                    @else { (state("good", "good")) " until " (say::exact(row.ends_at_ms).get(..10).unwrap_or_default()) }
                }
                td {
                    @match at.filter(|_| is_good) {
                        Some(at) => (opened(&visit.caller, "Revoke", &format!("{at}/tokens/{}/revoke", say::encoded(&row.token)), &html! {
                            button type="submit" { "Revoke " (say::cut(&row.token, 24)) }
                        })),
                        None => span.none { "–" },
                    }
                }
            }
        }
    });
    html! {
        @if rows.is_empty() { (empty("No token.")) }
        @else { (table(&heading_id("tokens"), &TOKENS, &html)) (rest(rows.len(), shown)) }
    }
}
