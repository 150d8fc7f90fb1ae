//! The fleet: how many stores are so and so, and those that a filter asks for.

use super::parts::{LIST_BYTES_MAX, NAME_CHARS_MAX, connection, empty, fit, heading_id, pager, state, table};
use crate::{
    console::{frame::Page, say, visit::Visit, wrong::Wrong},
    database::grid::{GridCounts, GridRow},
    filter::{Filter, Is, TEXT_BYTES_MAX},
    fleet::grid::Sought,
    people::role::Permission,
};
use axum::{extract::Query, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

/// The most stores on a page.
const STORES_MAX: u32 = 50;

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    after: String,
}

/// `GET /?q=&after=`.
pub(in crate::console) async fn show(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, Wrong> {
    let (filter, mut faults) = Filter::parse(&asked.q);
    let wanted = visit.console.policy_wanted();
    let reach = visit.who().reach(Permission::StoreRead);
    // Who is bounded to a region sees the stores of it, and is counted no others.
    let counts = if reach.is_everything() {
        visit.pulse.counts.clone()
    } else {
        visit.database().grid_counts(wanted, Some(&reach)).await?
    };
    let (sought, unknown) = Sought::of(visit.database(), filter.within(reach)).await?;
    faults.extend(unknown);
    // One more than is shown, to know whether there is more.
    let rows = sought.stores(visit.database(), wanted, &asked.after, STORES_MAX + 1).await?;
    let page = rows.get(..rows.len().min(STORES_MAX as usize)).unwrap_or_default();
    let (html, shown) = fit(page, LIST_BYTES_MAX, |row| store(&visit, wanted, row));
    let next = (shown < rows.len()).then(|| page.get(shown.saturating_sub(1))).flatten();
    let at = |after: &str| {
        let query = [("q", asked.q.trim()), ("after", after)];
        let pairs: Vec<String> = query
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", say::encoded(value)))
            .collect();
        if pairs.is_empty() { "/".to_owned() } else { format!("/?{}", pairs.join("&")) }
    };
    let body = html! {
        (summary(&counts))
        (form(&asked.q, &faults))
        section #stores aria-labelledby=(heading_id("stores")) data-live {
            h2 id=(heading_id("stores")) { (heading(&asked, shown, next.is_some())) }
            @if shown > 0 { (table(&heading_id("stores"), &COLUMNS, &html)) }
            @else { (nothing(&counts, &asked)) }
            (pager((!asked.after.is_empty()).then(|| at("")).as_deref(), next.map(|last| at(&last.store)).as_deref()))
        }
    };
    Ok(visit.answer(&Page { title: "Fleet", here: "/", body }))
}

const COLUMNS: [(&str, &str); 9] = [
    ("", "Store"),
    ("", "Region"),
    ("", "Connection"),
    ("number", "Lag"),
    ("number", "Backlog"),
    ("", "Runs"),
    ("", "As desired"),
    ("number", "Policy"),
    ("", "Program"),
];

fn heading(asked: &Asked, shown: usize, has_more: bool) -> String {
    let on = if asked.after.is_empty() { "" } else { " further on" };
    let many = match (shown, has_more) {
        (0, _) => "No stores".into(),
        (shown, true) => format!("The first {}", say::count(shown as u64, "store", "stores")),
        (shown, false) => say::count(shown as u64, "store", "stores"),
    };
    format!("{many}{on}")
}

/// How many stores are so and so, each a way to those.
fn summary(counts: &GridCounts) -> Markup {
    let kinds = [
        (Is::Connected, "Connected", "good"),
        (Is::Away, "Away", "warn"),
        (Is::Never, "Never came", "calm"),
        (Is::Behind, "Behind", "warn"),
        (Is::Waiting, "Waiting for a change", "calm"),
        (Is::Refused, "Refuse something", "bad"),
        (Is::OldPolicy, "Old policy", "warn"),
        (Is::Forked, "Forked", "bad"),
        (Is::Erasing, "Erasing", "calm"),
        (Is::Banned, "Banned nodes", "calm"),
    ];
    html! {
        ul.counts #counts data-live {
            li { a.plain href="/" { b { (say::number(counts.stores)) } " " (if counts.stores == 1 { "Store" } else { "Stores" }) } }
            @for (is, name, class) in kinds {
                @let count = counts.of(is);
                li {
                    a class=(if count > 0 { class } else { "plain" }) href=(say::fleet_address(&format!("is:{}", is.as_str()))) title=(is.words()) {
                        b { (say::number(count)) } " " (name)
                    }
                }
            }
        }
    }
}

fn form(text: &str, faults: &[String]) -> Markup {
    let about = if faults.is_empty() { "q-about" } else { "q-about q-faults" };
    html! {
        form.filter role="search" aria-label="Filter of the fleet" action="/" method="get" {
            label for="q" { "Filter" }
            input #q name="q" type="search" value=(say::cut(text, TEXT_BYTES_MAX)) maxlength=(TEXT_BYTES_MAX) autocomplete="off" spellcheck="false"
                placeholder="berlin is:away region:eu" aria-describedby=(about) aria-invalid=[(!faults.is_empty()).then_some("true")];
            button.primary type="submit" { "Show" }
        }
        @if !faults.is_empty() {
            ul.outcome.bad #q-faults { @for fault in faults { li { (say::cut(fault, 160)) } } }
        }
        p.hint #q-about { "Words are looked for in the names of stores; a minus before something turns it round; what has spaces stands in quotes." }
        details.help {
            summary { "What else a filter can ask" }
            dl {
                div { dt { code { "region:eu" } } dd { "lies in this region; of several one" } }
                div { dt { code { "runs:plugin/multi-buy@1.2.0" } } dd { "runs this, of a version where one is given" } }
                div { dt { code { "has:HASH" } } dd { "runs this content" } }
                div { dt { code { "policy:3" } } dd { "a node applies this version of the policy" } }
                div { dt { code { "software:aisle-node" } } dd { "a node runs a program of such a name" } }
                div { dt { code { "label:country=de" } } dd { "people gave it this label; `label:pilot` of any value" } }
                div { dt { code { "@small-and-old" } } dd { "a node of it is meant by this saved filter" } }
                @for is in Is::ALL { div { dt { code { "is:" (is.as_str()) } } dd { (is.words()) } } }
            }
        }
    }
}

fn nothing(counts: &GridCounts, asked: &Asked) -> Markup {
    if counts.stores == 0 {
        empty(
            "No store is registered at this hub yet. `aisle-hub node add STORE SERIAL KEY` lets the first one come.",
        )
    } else if asked.after.is_empty() {
        empty("No store is like this. Take something out of the filter.")
    } else {
        empty("There are no further stores.")
    }
}

fn store(visit: &Visit, wanted: Option<u32>, row: &GridRow) -> Markup {
    let now = visit.now_ms;
    html! {
        tr {
            th scope="row" {
                (say::store(&row.store))
                @if row.quarantined > 0 { " " (state("bad", "forked")) }
            }
            td { @if row.region.is_empty() { span.none { "–" } } @else { (say::name(&row.region, 24)) } }
            td { (connection(row.connected, row.nodes, row.last_seen_ms > 0)) @if row.connected == 0 { " " (say::ago(now, row.last_seen_ms)) } }
            td.number { (say::ago(now, row.last_event_ms)) }
            td.number { @if row.backlog > 0 { (state("warn", &say::number(row.backlog))) } @else { "0" } }
            td {
                div.things {
                    @for applied in &row.applied {
                        span {
                            (say::name(&applied.name, NAME_CHARS_MAX)) " " (say::name(&applied.version, 16))
                            @if !applied.ok { " " (state("bad", "refused")) }
                        }
                    }
                    @let shown = i64::try_from(row.applied.len()).unwrap_or(i64::MAX);
                    @if row.applied_all > shown { span.none { "and " (say::number(row.applied_all - shown)) " more" } }
                    @if row.applied.is_empty() { span.none { "nothing reported" } }
                }
            }
            td { (drift(row)) }
            td.number { (policy(wanted, row)) }
            td { (program(row)) }
        }
    }
}

fn drift(row: &GridRow) -> Markup {
    if row.refused > 0 {
        state("bad", &format!("refuses {}", say::number(row.refused)))
    } else if row.desired == 0 {
        html! { span.none { "nothing desired" } }
    } else if row.waiting > 0 {
        state("calm", &format!("waits for {}", say::number(row.desired)))
    } else {
        state("good", &format!("as desired, {}", say::number(row.desired)))
    }
}

fn policy(wanted: Option<u32>, row: &GridRow) -> Markup {
    match (row.policy_version, wanted) {
        (0, _) if row.last_seen_ms == 0 => html! { span.none { "–" } },
        (0, _) => state("warn", "none"),
        (version, Some(wanted)) if version < i64::from(wanted) => {
            state("warn", &format!("{} of {wanted}", say::number(version)))
        }
        (version, _) => html! { (say::number(version)) },
    }
}

fn program(row: &GridRow) -> Markup {
    let (first, last) = &row.software;
    html! {
        @if last.is_empty() { span.none { "–" } }
        @else if first == last { (say::name(last, 24)) }
        @else { (say::name(first, 24)) " and " (say::name(last, 24)) }
    }
}
