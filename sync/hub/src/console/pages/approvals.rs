//! What wants two persons: what waits, what exactly is asked for, and the second person's word.
//!
//! Who decides has the whole request in front of them, and decides exactly that: the form carries its hash. Not here: what an approval is
//! ([`crate::people::approval`]).

use super::{
    forms::{self, Done, opened},
    parts::{
        LIST_BYTES_MAX, NAME_CHARS_MAX, REASON_CHARS_MAX, empty, facts, fit, heading_id, pager, rest,
        section, state, table,
    },
};
use crate::{
    console::{
        frame::Page,
        say,
        visit::{Act, Visit},
        wrong::Wrong,
    },
    http::Problem,
    people::approval::{Approval, State, TEXT_CHARS_MAX},
};
use axum::{
    Form,
    extract::{Path, Query},
    response::Response,
};
use data_encoding::HEXLOWER;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

/// The most requests on a page.
const REQUESTS_MAX: u32 = 50;

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    /// `all`; those that wait where it is empty.
    #[serde(default)]
    state: String,
    /// The last one of the page before: a time, a dot, an id.
    #[serde(default)]
    after: String,
    #[serde(flatten)]
    done: Done,
}

/// `GET /approvals?state=&after=`.
pub(in crate::console) async fn list(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, Wrong> {
    let is_all = asked.state == "all";
    let before = if asked.after.is_empty() {
        (i64::MAX, "")
    } else {
        let place = asked.after.split_once('.').and_then(|(at_ms, id)| Some((at_ms.parse().ok()?, id)));
        place.ok_or_else(|| Wrong::Malformed("`after` is no place in this list".into()))?
    };
    let wanted = (!is_all).then_some(State::Waits);
    let found = visit.database().approvals(wanted, before, REQUESTS_MAX + 1).await?;
    let page = found.get(..found.len().min(REQUESTS_MAX as usize)).unwrap_or_default();
    let last = (found.len() > page.len()).then(|| page.last()).flatten();
    // What waits and whose time is over waits no more.
    let mut rows: Vec<&Approval> = page.iter().filter(|row| is_all || !row.is_over(visit.now_ms)).collect();
    rows.sort_by_key(|row| !is_for(&visit, row));
    let (html, shown) = fit(&rows, LIST_BYTES_MAX, |row| line(&visit, row));
    let address = if is_all { "/approvals?state=all" } else { "/approvals?state=waits" };
    let next = last.map(|last| format!("{address}&after={}.{}", last.asked_at_ms, say::encoded(&last.id)));
    let inside = html! {
        @if rows.is_empty() { (empty("Nothing waits for another person.")) }
        @else { (table(&heading_id("requests"), &COLUMNS, &html)) (rest(rows.len(), shown)) }
        (pager((!asked.after.is_empty()).then_some(address), next.as_deref()))
    };
    let body = html! {
        nav.tabs aria-label="Requests" {
            a href="/approvals" aria-current=[(!is_all).then_some("page")] { "Waiting" }
            a href="/approvals?state=all" aria-current=[is_all.then_some("page")] { "All" }
        }
        (asked.done.notice())
        p.hint { "What reaches the whole fleet wants two persons: one asks, another one looks at exactly the same and agrees. A request is over after seven days." }
        (section("requests", if is_all { "All requests, what waits for you first" } else { "What waits, for you first" }, &inside))
    };
    Ok(visit.answer(&Page { title: "Approvals", here: "/approvals", body }))
}

/// Whether it waits for who looks: they may decide it, and have not asked for it.
fn is_for(visit: &Visit, row: &Approval) -> bool {
    let who = visit.who();
    row.state == State::Waits
        && !row.is_over(visit.now_ms)
        && who.is_person()
        && row.asked_by != who.id
        && who.may(row.kind.deciding())
}

fn standing(row: &Approval, now_ms: i64) -> Markup {
    if row.is_over(now_ms) {
        return state("none", "over");
    }
    let class = match row.state {
        State::Waits => "warn",
        State::Approved => "good",
        State::Refused => "bad",
        State::Withdrawn => "none",
        State::Executed => "calm",
    };
    state(class, row.state.as_str())
}

const COLUMNS: [(&str, &str); 6] =
    [("", "What"), ("", "Kind"), ("", "Asked by"), ("number", "Asked"), ("", "State"), ("", "Waits for")];

fn line(visit: &Visit, row: &Approval) -> Markup {
    html! {
        tr {
            th scope="row" { a href=(format!("/approvals/{}", say::encoded(&row.id))) { bdi { (say::cut(&row.summary, 80)) } } }
            td { code { (row.kind.as_str()) } }
            td { (say::name(&row.asked_name, NAME_CHARS_MAX)) }
            td.number { (say::ago(visit.now_ms, row.asked_at_ms)) }
            td { (standing(row, visit.now_ms)) }
            td {
                @if is_for(visit, row) { (state("warn", "you")) }
                @else if row.state == State::Waits && !row.is_over(visit.now_ms) { "another person" }
                @else { span.none { "–" } }
            }
        }
    }
}

/// `GET /approvals/{approval}`.
pub(in crate::console) async fn show(
    visit: Visit,
    Path(id): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response, Wrong> {
    let row = visit.console.api().people.approvals().get(&id).await.map_err(Problem::from)?;
    let body = html! {
        (done.notice())
        (section("about", "What it is", &about(&visit, &row)))
        (section("request", "Exactly what is asked for", &request(&row)))
        (acts(&visit, &row))
    };
    Ok(visit.answer(&Page { title: "A request", here: "/approvals", body }))
}

fn about(visit: &Visit, row: &Approval) -> Markup {
    facts(&[
        ("What", say::name(&row.summary, 200)),
        ("Kind", html! { code { (row.kind.as_str()) } }),
        ("State", standing(row, visit.now_ms)),
        (
            "Asked by",
            html! { (say::name(&row.asked_name, NAME_CHARS_MAX)) ", " (say::ago(visit.now_ms, row.asked_at_ms)) },
        ),
        (
            "Over at",
            html! { (say::exact(row.ends_at_ms).get(..16).unwrap_or_default().replace('T', " ")) " UTC" },
        ),
        (
            "Decided by",
            html! {
                @if row.decided_at_ms == 0 { span.none { "nobody yet" } }
                @else { (say::name(&row.decided_name, NAME_CHARS_MAX)) ", " (say::ago(visit.now_ms, row.decided_at_ms)) }
            },
        ),
        (
            "What they said",
            html! { @if row.reason.is_empty() { span.none { "nothing" } } @else { (say::name(&row.reason, REASON_CHARS_MAX)) } },
        ),
        (
            "Done",
            html! { @if row.executed_at_ms == 0 { span.none { "not yet" } } @else { (say::ago(visit.now_ms, row.executed_at_ms)) } },
        ),
        ("Bound by", html! { code.whole { (HEXLOWER.encode(&row.hash)) } }),
    ])
}

/// The request with its texts as texts: a policy's document is read line by line.
fn request(row: &Approval) -> Markup {
    let value: Value = serde_json::from_str(&row.request).unwrap_or(Value::Null);
    let mut texts = Vec::new();
    if let Value::Object(fields) = &value {
        texts.extend(fields.iter().filter_map(|(name, value)| {
            let text = value.as_str()?;
            text.contains('\n').then(|| (name.clone(), text.to_owned()))
        }));
    }
    let mut plain = value;
    if let Value::Object(fields) = &mut plain {
        fields.retain(|name, _| !texts.iter().any(|(known, _)| known == name));
    }
    let whole = serde_json::to_string_pretty(&plain).unwrap_or_default();
    let lines: Vec<String> = whole
        .lines()
        .map(str::to_owned)
        .chain(texts.iter().flat_map(|(name, text)| {
            std::iter::once(format!("\n{name}:")).chain(text.lines().map(|line| format!("  {line}")))
        }))
        .collect();
    let (shown, fits) = fit(&lines, LIST_BYTES_MAX, |line| html! { (say::cut(line, 2_000)) "\n" });
    html! {
        div.scroll role="group" tabindex="0" aria-labelledby=(heading_id("request")) { pre { code { (shown) } } }
        (rest(lines.len(), fits))
        @if fits < lines.len() { p.outcome.warn { "It is longer than a page. Read all of it by " code { "GET /v1/approvals/" (say::cut(&row.id, 40)) } " before you agree." } }
    }
}

fn acts(visit: &Visit, row: &Approval) -> Markup {
    let is_own = row.asked_by == visit.who().id;
    let is_open = matches!(row.state, State::Waits | State::Approved) && !row.is_over(visit.now_ms);
    let address = format!("/approvals/{}", say::encoded(&row.id));
    let hash = HEXLOWER.encode(&row.hash);
    let decide = |verb: &str, name: &str, hint: &str| {
        let id = format!("reason-{verb}");
        opened(
            &visit.caller,
            name,
            &format!("{address}/{verb}"),
            &html! {
                p.hint { (hint) }
                input type="hidden" name="hash" value=(hash);
                label for=(id) { "Why " span.none { "(may be empty)" } }
                input id=(id) name="reason" type="text" maxlength=(TEXT_CHARS_MAX) autocomplete="off";
                button.primary type="submit" { (name) }
            },
        )
    };
    html! {
        section #acts aria-labelledby=(heading_id("acts")) {
            h2 id=(heading_id("acts")) { "What can be done" }
            @if is_for(visit, row) {
                (decide("agree", "Agree", "You have read all of it. Who asked can have exactly this done, once."))
                (decide("decline", "Decline", "It will not be done; who asked reads why."))
            } @else if is_own && is_open {
                (opened(&visit.caller, "Take it back", &format!("{address}/withdraw"), &html! {
                    p.hint { "Nobody can agree to it then." }
                    button type="submit" { "Take it back" }
                }))
                p.hint { "Another person has to agree: one with the right " code { (row.kind.deciding()) } "." }
            } @else if row.state == State::Waits && is_open {
                p.empty { "Another person decides: one with the right " code { (row.kind.deciding()) } ", who has signed in and has not asked for it." }
            } @else { (empty("Nothing any more.")) }
        }
    }
}

#[derive(Deserialize)]
pub(in crate::console) struct Decision {
    /// The hash of what was looked at.
    #[serde(default)]
    hash: String,
    #[serde(default)]
    reason: String,
}

/// `POST /approvals/{approval}/{decision}`: `agree`, `decline` or `withdraw`.
pub(in crate::console) async fn decide(
    act: Act,
    Path((id, verb)): Path<(String, String)>,
    Form(decision): Form<Decision>,
) -> Result<Response, Wrong> {
    let approvals = act.console.api().people.approvals();
    let address = format!("/approvals/{}", say::encoded(&id));
    let agrees = match verb.as_str() {
        "agree" => true,
        "decline" => false,
        "withdraw" => {
            approvals.withdraw(act.who(), &id, act.now_ms).await.map_err(Problem::from)?;
            return Ok(forms::done(&address, "taken-back"));
        }
        _ => return Err(Wrong::NotFound("This is nothing that can be decided about a request.".into())),
    };
    if decision.reason.chars().count() > TEXT_CHARS_MAX {
        return Err(Wrong::Malformed(format!("The reason has more than {TEXT_CHARS_MAX} characters.")));
    }
    let known = approvals.get(&id).await.map_err(Problem::from)?;
    if HEXLOWER.encode(&known.hash) != decision.hash.trim().to_ascii_lowercase() {
        return Err(Wrong::Malformed(
            "This is not the request that you have looked at: look at it again.".into(),
        ));
    }
    approvals.decide(act.who(), &id, agrees, &decision.reason, act.now_ms).await.map_err(Problem::from)?;
    Ok(forms::done(&address, if agrees { "agreed" } else { "declined" }))
}
