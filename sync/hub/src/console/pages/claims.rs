//! Claims: made for a store, handed to an installer, taken back. The code is shown on the page that makes it, and never again.

use super::{
    enrolments::tabs,
    forms::{self, Done, Line, form, opened},
    parts::{LIST_BYTES_MAX, NAME_CHARS_MAX, empty, facts, fit, heading_id, pager, section, state, table},
};
use crate::{
    console::{
        frame::Page,
        say,
        visit::{Act, Visit},
        wrong::Wrong,
    },
    database::ClaimRow,
    enrol::{
        claims::{self, Wanted},
        within,
    },
    http::{
        Problem,
        access::{self, Denied},
        permits::Need,
    },
    people::{role::Permission, who::Who},
};
use aisle_event::Timestamp;
use aisle_provisioning::{
    claim::{ClaimSlip, Locator},
    identity::{Serial, Store},
};
use axum::{
    Form,
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use maud::{Markup, PreEscaped, html};
use serde::Deserialize;

/// The most claims on a page.
const CLAIMS_MAX: u32 = 50;
/// An hour in milliseconds.
const HOUR_MS: u64 = 3_600_000;
/// The longest that a claim can hold, in hours.
const HOURS_MAX: u64 = 24 * aisle_provisioning::claim::record::CLAIM_DAYS_MAX as u64;

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    /// The last one of the page before: a store, a slash, a locator.
    #[serde(default)]
    after: String,
    #[serde(flatten)]
    done: Done,
}

/// `GET /claims?after=`.
pub(in crate::console) async fn list(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, Wrong> {
    let after = if asked.after.is_empty() { Some(("", "")) } else { asked.after.split_once('/') };
    let after = after.ok_or_else(|| Wrong::Malformed("`after` is no place in this list".into()))?;
    let found = visit.database().claims(None, after, CLAIMS_MAX + 1).await?;
    let has_more = found.len() > CLAIMS_MAX as usize;
    let now = Timestamp(visit.now_ms);
    let mut rows: Vec<ClaimRow> = found.iter().map(|kept| kept.row(now)).collect();
    rows.truncate(CLAIMS_MAX as usize);
    let place =
        |row: &ClaimRow| format!("/claims?after={}", say::encoded(&format!("{}/{}", row.store, row.locator)));
    let last = rows.last().map(place);
    let reach = visit.who().reach(Permission::EnrolmentRead);
    let rows = within(visit.database(), &reach, rows, |row| &row.store).await?;
    let may = !visit.who().reach(Permission::EnrolmentDecide).is_nothing();
    let (html, shown) = fit(&rows, LIST_BYTES_MAX, |row| line(&visit, row, may));
    let next = if shown < rows.len() {
        rows.get(shown.saturating_sub(1)).map(place)
    } else {
        last.filter(|_| has_more)
    };
    let inside = html! {
        @if shown == 0 { (empty("There are no claims here.")) } @else { (table(&heading_id("claims"), &COLUMNS, &html)) }
        (pager((!asked.after.is_empty()).then_some("/claims"), next.as_deref()))
    };
    let body = html! {
        (tabs("/claims"))
        (asked.done.notice())
        p.hint { "A claim lets one box in, once: it is printed, or read out to whoever stands before the box." }
        @if may { (make(&visit)) }
        (section("claims", "By store", &inside))
    };
    Ok(visit.answer(&Page { title: "Claims", here: "/enrolments", body }))
}

const COLUMNS: [(&str, &str); 7] = [
    ("", "Begins with"),
    ("", "Store"),
    ("", "For the box"),
    ("", "State"),
    ("", "Made by"),
    ("number", "Made"),
    ("", "Take back"),
];

fn line(visit: &Visit, row: &ClaimRow, may: bool) -> Markup {
    let class = match row.state.as_str() {
        "open" => "good",
        "used" => "calm",
        _ => "none",
    };
    html! {
        tr {
            th scope="row" { code { (say::cut(&row.locator, 16)) } }
            td { (say::name(&row.store, NAME_CHARS_MAX)) }
            td { @if row.serial.is_empty() { span.none { "any" } } @else { (say::name(&row.serial, NAME_CHARS_MAX)) } }
            td {
                (state(class, &say::cut(&row.state, 16)))
                @if !row.used_by.is_empty() { " by " (say::name(&row.used_by, NAME_CHARS_MAX)) }
                @if row.state == "open" { " until " (say::exact(row.expires_at_ms).get(..16).unwrap_or_default().replace('T', " ")) }
            }
            td { (say::name(&row.made_by, NAME_CHARS_MAX)) }
            td.number { (say::ago(visit.now_ms, row.made_at_ms)) }
            td {
                @if may && row.state == "open" {
                    (opened(&visit.caller, "Take it back", &format!("/claims/{}/withdraw", say::encoded(&row.locator)), &html! {
                        p.hint { "Nobody can use it then." }
                        button type="submit" { "Take back " (say::cut(&row.locator, 16)) }
                    }))
                } @else { span.none { "–" } }
            }
        }
    }
}

fn make(visit: &Visit) -> Markup {
    html! {
        section #make aria-labelledby=(heading_id("make")) {
            h2 id=(heading_id("make")) { "A new claim" }
            @if visit.console.api().enrolment.is_none() {
                (empty("This hub takes no boxes in: `enrolment.listen` of its configuration is empty. `aisle-hub init` makes a hub with an authority."))
            } @else {
                (form(&visit.caller, "/claims", &html! {
                    (Line { id: "store", name: "store", label: "Store", value: "", chars_max: 64, is_required: true }.field())
                    (Line { id: "serial", name: "serial", label: "Only for the box with this serial", value: "", chars_max: 64, is_required: false }.field())
                    label for="hours" { "Good for so many hours " span.none { "(as the hub is set up, where it is empty)" } }
                    input #hours name="hours" type="number" min="1" max=(HOURS_MAX) inputmode="numeric";
                    button.primary type="submit" { "Make it and show it" }
                }))
            }
        }
    }
}

#[derive(Deserialize)]
pub(in crate::console) struct New {
    #[serde(default)]
    store: String,
    #[serde(default)]
    serial: String,
    #[serde(default)]
    hours: String,
}

/// `POST /claims`. The answer is the only page that ever has the code.
pub(in crate::console) async fn create(act: Act, Form(new): Form<New>) -> Result<Response, Wrong> {
    let api = act.console.api();
    let field = |name: &str, reason: String| Wrong::Malformed(format!("{name}: {reason}"));
    let store = Store::new(new.store.trim()).map_err(|error| field("The store", error.reason.to_string()))?;
    let serial = Some(new.serial.trim()).filter(|serial| !serial.is_empty()).map(Serial::new).transpose();
    let serial = serial.map_err(|error| field("The serial", error.reason.to_string()))?;
    let hours = Some(new.hours.trim()).filter(|hours| !hours.is_empty()).map(str::parse::<u64>).transpose();
    let hours = hours.ok().filter(|hours| hours.is_none_or(|hours| (1..=HOURS_MAX).contains(&hours)));
    let hours = hours.ok_or_else(|| field("The hours", format!("expected 1 to {HOURS_MAX}")))?;
    let config = api.enrolment.as_deref().ok_or_else(Problem::no_enrolment)?;
    there(&act, act.who(), store.as_str()).await?;
    let wanted = Wanted { store, serial, holds_ms: hours.map(|hours| hours.saturating_mul(HOUR_MS)) };
    let now = Timestamp(act.now_ms);
    let slip = claims::create(&api.people, act.who(), config, wanted, now).await.map_err(Problem::from)?;
    let body = made(&slip)?;
    Ok(act.answer(StatusCode::CREATED, &Page { title: "A claim", here: "/enrolments", body }))
}

/// Makes sure that they may decide at the store.
async fn there(act: &Act, who: &Who, store: &str) -> Result<(), Wrong> {
    let api = act.console.api();
    let need = Need::Store(Permission::EnrolmentDecide);
    match access::permitted(api, who, need, Some(store)).await {
        Ok(()) => Ok(()),
        Err(Denied::Unknown { is_passing }) => Err(if is_passing { Wrong::Busy } else { Wrong::Failed }),
        Err(denied) => {
            let line = api.people.line(who.by(), access::action(need), store, act.now_ms);
            api.people.refused(line, "a claim for this store").await?;
            Err(Wrong::Denied(denied))
        }
    }
}

fn made(slip: &ClaimSlip) -> Result<Markup, Wrong> {
    let drawn = slip.to_svg().map_err(|error| {
        tracing::error!(%error, "a claim cannot be drawn");
        Wrong::Failed
    })?;
    // A page takes the element and not the document around it.
    let svg = drawn.find("<svg").and_then(|at| drawn.get(at..)).unwrap_or_default().to_owned();
    Ok(html! {
        p.outcome.warn role="status" { "This is shown once. Print it or read it out now; the hub keeps nothing of it but what knows it again." }
        div.slip {
            div.qr role="img" aria-label="The claim as a QR code" { (PreEscaped(svg)) }
            div {
                p.key { code.whole { (slip.link.code.to_groups().as_str()) } }
                (facts(&[
                    ("Store", say::name(slip.store.as_str(), 64)),
                    ("Box", slip.serial.as_ref().map_or_else(|| html! { "any" }, |serial| say::name(serial.as_str(), 64))),
                    ("Until", html! { (say::exact(slip.expires_at.0)) }),
                    ("The hub for boxes", say::name(&slip.link.hub.to_string(), 120)),
                    ("Root", html! { code.whole { (slip.link.root.short()) } }),
                ]))
                p { "As a link: " code.whole { (slip.link.to_uri().as_str()) } }
            }
        }
        p { a.button href="/claims" { "To the claims" } }
    })
}

/// `POST /claims/{locator}/withdraw`.
pub(in crate::console) async fn withdraw(act: Act, Path(text): Path<String>) -> Result<Response, Wrong> {
    let unknown = || Wrong::NotFound("There is no such claim.".into());
    let locator: Locator = text.parse().map_err(|_| unknown())?;
    let api = act.console.api();
    let kept = api.database.claim(&locator).await?.ok_or_else(unknown)?;
    there(&act, act.who(), kept.claim.store.as_str()).await?;
    claims::withdraw(&api.people, act.who(), &locator, Timestamp(act.now_ms)).await?.ok_or_else(unknown)?;
    Ok(forms::done("/claims", "withdraw"))
}
