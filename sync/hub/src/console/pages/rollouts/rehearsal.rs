//! What a rehearsal found: how many stores played, what came out the same, and what would have come out otherwise.
//!
//! Every text of it came from a node: it is cut, and shown as text. Not here: asking for one ([`super::verbs`]).

use crate::{
    console::{
        pages::parts::{
            NAME_CHARS_MAX, REASON_CHARS_MAX, SHORT_BYTES_MAX, empty, facts, fit, rest, state, table,
        },
        say,
        visit::Visit,
    },
    fleet::rehearse::{OfCandidate, RehearsalView},
};
use aisle_fleet::rehearsal::{DifferenceGroup, Rehearsal};
use maud::{Markup, html};

/// The rehearsal.
pub(super) fn shown(visit: &Visit, view: &RehearsalView) -> Markup {
    html! {
        (facts(&[
            ("Asked for", say::ago(visit.now_ms, view.asked_at_ms)),
            ("Answered", html! { (say::number(view.answered)) " of " (say::count(view.nodes, "node", "nodes")) }),
            ("How far", html! {
                @match (view.ended_at_ms, &view.why) {
                    (Some(at), why) => {
                        (state("calm", "ended")) " " (say::ago(visit.now_ms, at))
                        @if let Some(why) = why { ": " (say::name(why, REASON_CHARS_MAX)) }
                    },
                    (None, _) => (state("good", "nodes are asked")),
                }
            }),
        ]))
        @for (at, candidate) in view.candidates.iter().enumerate() { (of_candidate(at, candidate)) }
    }
}

fn of_candidate(at: usize, OfCandidate { slot, version, found }: &OfCandidate) -> Markup {
    let heading = format!("rehearsed-{at}");
    html! {
        h3 id=(heading) { (say::name(&slot.to_string(), NAME_CHARS_MAX)) " " (say::name(&version.to_string(), 32)) }
        (counts(found))
        (differences(&heading, found))
    }
}

fn counts(found: &Rehearsal) -> Markup {
    html! {
        (facts(&[
            ("Stores that played", html! { (say::number(found.stores)) }),
            ("Calls", html! { (say::number(found.calls)) }),
            ("Came out the same", html! { (say::number(found.same)) }),
            ("It failed in", html! {
                @if found.failed > 0 { (state("bad", &say::number(found.failed))) } @else { "0" }
            }),
            ("Nothing recorded in", html! {
                (say::count(found.silent, "store", "stores"))
                div.things { @for store in &found.silent_examples { (say::store(store.as_str())) } }
            }),
            ("Not played", html! {
                @if found.refused.is_empty() { span.none { "nowhere" } }
                @else { ul { @for group in found.refused.iter().take(8) { li {
                    (say::count(group.stores, "store", "stores")) ": " (say::name(&group.why, REASON_CHARS_MAX))
                    div.things { @for store in &group.examples { (say::store(store.as_str())) } }
                } } } }
            }),
        ]))
    }
}

fn differences(heading: &str, found: &Rehearsal) -> Markup {
    let columns = [
        ("", "What"),
        ("number", "Stores"),
        ("number", "Times"),
        ("", "Was"),
        ("", "Would be"),
        ("", "Some of them"),
    ];
    let (rows, shown) = fit(&found.groups, SHORT_BYTES_MAX, difference);
    let all = found.groups.len().saturating_add(usize::try_from(found.left_out).unwrap_or(usize::MAX));
    html! {
        @if found.stores == 0 { (empty("No store has played it yet.")) }
        @else if found.groups.is_empty() { (empty("Nothing would come out otherwise.")) }
        @else { (table(heading, &columns, &rows)) (rest(all, shown)) }
    }
}

fn difference(group: &DifferenceGroup) -> Markup {
    html! {
        tr {
            th scope="row" { (say::name(&group.what, REASON_CHARS_MAX)) }
            td.number { (say::number(group.stores)) }
            td.number { (say::number(group.count)) }
            td { (say::name(&group.was, NAME_CHARS_MAX)) }
            td { (say::name(&group.would_be, NAME_CHARS_MAX)) }
            td { div.things { @for store in &group.examples { (say::store(store.as_str())) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_event::StoreId;
    use aisle_fleet::rehearsal::RefusalGroup;

    #[test]
    fn what_a_node_says_does_no_harm_to_a_page() {
        let store = StoreId::new("berlin-12").unwrap();
        let group = DifferenceGroup {
            what: "<script>alert(1)</script>".into(),
            stores: 2,
            count: 13,
            was: "<b>".into(),
            would_be: "50".into(),
            examples: vec![store.clone()],
        };
        let refused = RefusalGroup { why: "<i>not</i> signed".into(), stores: 1, examples: vec![store] };
        let found = Rehearsal {
            stores: 2,
            calls: 39,
            same: 26,
            groups: vec![group],
            refused: vec![refused],
            ..Rehearsal::default()
        };
        let candidate =
            OfCandidate { slot: "plugin/a".parse().unwrap(), version: "2.0".parse().unwrap(), found };
        let html = of_candidate(0, &candidate).into_string();
        for part in ["<script>", "<b>", "<i>"] {
            assert!(!html.contains(part), "{html}");
        }
        for part in ["plugin/a", "39", "26", "berlin-12", "13"] {
            assert!(html.contains(part), "no `{part}`: {html}");
        }
    }
}
