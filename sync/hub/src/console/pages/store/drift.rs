//! What a store is to have against what its nodes report, thing by thing, and why they differ.

use crate::{
    console::{
        pages::parts::{NAME_CHARS_MAX, REASON_CHARS_MAX, empty, fit, heading_id, rest, state, table},
        say,
        visit::Visit,
    },
    database::read::{NodeRow, ReportRow},
    publish::Desire,
};
use maud::{Markup, html};

/// The most bytes of the list.
const LIST_BYTES_MAX: usize = 24 << 10;

/// How one thing stands at one node.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stand {
    /// It runs as it is to run.
    Runs,
    /// The node says that it cannot; its words.
    Refused(String),
    /// The node has not answered the latest generation; the one that it answered last.
    Waits(i64),
    /// The node answered, and runs another version.
    Other,
    /// The node answered and did not name it.
    Missing,
    /// It runs, and nobody asks for it.
    Unasked,
}

struct Line {
    node: String,
    name: String,
    /// The version and the content that it is to have.
    wanted: Option<(String, String)>,
    /// What it has.
    has: Option<(String, String)>,
    stand: Stand,
}

/// All of it.
pub(super) struct Drift {
    lines: Vec<Line>,
    is_asked: bool,
}

impl Drift {
    pub(super) fn of(desire: &Desire, nodes: &[NodeRow], reports: &[ReportRow]) -> Self {
        let mut lines = Vec::new();
        for node in nodes.iter().filter(|node| node.state == "active") {
            let reported: Vec<&ReportRow> =
                reports.iter().filter(|report| report.node == node.node).collect();
            for item in &desire.items {
                let found = reported.iter().find(|report| report.name == item.name);
                let has_answered = node.generation.cast_unsigned() >= desire.generation;
                let is_same = |report: &ReportRow| report.hash == item.hash && report.version == item.version;
                let stand = match found {
                    Some(report) if report.ok && is_same(report) => Stand::Runs,
                    Some(report) if !report.ok && is_same(report) => Stand::Refused(report.reason.clone()),
                    _ if !has_answered => Stand::Waits(node.generation),
                    Some(report) if !report.ok => Stand::Refused(report.reason.clone()),
                    Some(_) => Stand::Other,
                    None => Stand::Missing,
                };
                let wanted = Some((item.version.clone(), item.hash.clone()));
                let has = found.map(|report| (report.version.clone(), report.hash.clone()));
                lines.push(Line { node: node.node.clone(), name: item.name.clone(), wanted, has, stand });
            }
            let unasked =
                reported.iter().filter(|report| !desire.items.iter().any(|item| item.name == report.name));
            lines.extend(unasked.map(|report| Line {
                node: node.node.clone(),
                name: report.name.clone(),
                wanted: None,
                has: Some((report.version.clone(), report.hash.clone())),
                stand: if report.ok { Stand::Unasked } else { Stand::Refused(report.reason.clone()) },
            }));
        }
        // What wants somebody comes first.
        lines.sort_by_key(|line| match line.stand {
            Stand::Refused(_) => 0,
            Stand::Missing | Stand::Other => 1,
            Stand::Waits(_) => 2,
            Stand::Runs => 3,
            Stand::Unasked => 4,
        });
        Self { lines, is_asked: desire.generation > 0 }
    }

    fn count(&self, is_it: impl Fn(&Stand) -> bool) -> u64 {
        self.lines.iter().filter(|line| is_it(&line.stand)).count() as u64
    }

    /// All of it in a word.
    pub(super) fn word(&self) -> Markup {
        let refused = self.count(|stand| matches!(stand, Stand::Refused(_)));
        let differs = self.count(|stand| matches!(stand, Stand::Missing | Stand::Other));
        let waits = self.count(|stand| matches!(stand, Stand::Waits(_)));
        match (self.is_asked, refused, differs, waits) {
            (_, 1.., ..) => state("bad", &format!("{} refused", say::number(refused))),
            (false, ..) => html! { span.none { "nothing is desired" } },
            (true, _, 1.., _) => state("warn", &say::count(differs, "difference", "differences")),
            (true, .., 1..) => {
                state("calm", &format!("waits for {}", say::count(waits, "answer", "answers")))
            }
            (true, ..) => state("good", "as desired"),
        }
    }
}

const COLUMNS: [(&str, &str); 5] =
    [("", "Thing"), ("", "Desired"), ("", "Reported"), ("", "Node"), ("", "Why")];

pub(super) fn part(visit: &Visit, desire: &Desire, drift: &Drift) -> Markup {
    let (rows, shown) = fit(&drift.lines, LIST_BYTES_MAX, row);
    html! {
        @if desire.generation == 0 {
            p.hint { "Nobody has said what this store is to have." }
        } @else {
            p.hint { "Generation " (say::number(desire.generation)) ", said " (say::ago(visit.now_ms, desire.at_ms)) ", with "
                (say::count(desire.items.len() as u64, "thing", "things")) "." }
        }
        @if drift.lines.is_empty() { (empty("Its nodes have reported nothing.")) }
        @else { (table(&heading_id("drift"), &COLUMNS, &rows)) (rest(drift.lines.len(), shown)) }
    }
}

fn row(line: &Line) -> Markup {
    let version = |thing: Option<&(String, String)>| {
        html! {
            @match thing {
                Some((version, hash)) => {
                    (say::name(version, 24)) " " a href=(format!("/contents/{}", say::encoded(hash))) { (say::hash(hash)) }
                },
                None => { span.none { "–" } },
            }
        }
    };
    html! {
        tr {
            th scope="row" { (say::name(&line.name, NAME_CHARS_MAX)) }
            td { (version(line.wanted.as_ref())) }
            td { (version(line.has.as_ref())) }
            td { (say::name(&line.node, 24)) }
            td { (why(&line.stand)) }
        }
    }
}

fn why(stand: &Stand) -> Markup {
    match stand {
        Stand::Runs => state("good", "runs"),
        Stand::Refused(reason) if reason.is_empty() => {
            html! { (state("bad", "refused")) " without a reason" }
        }
        Stand::Refused(reason) => {
            html! { (state("bad", "refused")) " " (say::name(reason, REASON_CHARS_MAX)) }
        }
        Stand::Waits(0) => html! { (state("calm", "waits")) " the node has answered nothing yet" },
        Stand::Waits(generation) => {
            html! { (state("calm", "waits")) " the node has answered generation " (say::number(*generation)) }
        }
        Stand::Other => html! { (state("warn", "differs")) " the node answered, and has another version" },
        Stand::Missing => html! { (state("warn", "missing")) " the node answered and did not name it" },
        Stand::Unasked => html! { span.none { "runs, and is left as it is" } },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publish::DesiredItem;

    fn node(generation: i64) -> NodeRow {
        NodeRow {
            store: "store-1".into(),
            node: "node-1".into(),
            state: "active".into(),
            software: "test".into(),
            link: "fibre".into(),
            path: "quic".into(),
            address: "10.0.0.1:4".into(),
            policy_version: 1,
            generation,
            is_connected: true,
            hub: "hub-1".into(),
            connected_at_ms: 1,
            last_seen_ms: 1,
        }
    }

    fn desire(generation: u64, items: &[(&str, &str, &str)]) -> Desire {
        let item = |(name, version, hash): &(&str, &str, &str)| DesiredItem {
            name: (*name).into(),
            version: (*version).into(),
            hash: (*hash).into(),
            bytes: 1,
            deltas_from: vec![],
        };
        Desire { generation, at_ms: 1, items: items.iter().map(item).collect() }
    }

    fn report(name: &str, version: &str, hash: &str, reason: &str) -> ReportRow {
        ReportRow {
            node: "node-1".into(),
            name: name.into(),
            version: version.into(),
            hash: hash.into(),
            ok: reason.is_empty(),
            reason: reason.into(),
            generation: 1,
        }
    }

    #[test]
    fn every_way_in_which_a_node_can_differ_is_told() {
        let wanted = desire(2, &[("a", "2", "aa"), ("b", "1", "bb"), ("c", "1", "cc"), ("d", "1", "dd")]);
        let reports = [
            report("a", "1", "a0", ""),
            report("b", "1", "bb", ""),
            report("d", "1", "dd", "waits for 40 MB free disk"),
            report("e", "1", "ee", ""),
        ];
        let stands = |generation: i64| -> Vec<(String, Stand)> {
            let drift = Drift::of(&wanted, &[node(generation)], &reports);
            let mut stands: Vec<_> = drift.lines.into_iter().map(|line| (line.name, line.stand)).collect();
            stands.sort_by(|(a, _), (b, _)| a.cmp(b));
            stands
        };
        let refused = Stand::Refused("waits for 40 MB free disk".into());
        let named = |stands: [Stand; 5]| -> Vec<(String, Stand)> {
            ["a", "b", "c", "d", "e"].map(String::from).into_iter().zip(stands).collect()
        };
        assert_eq!(
            stands(1),
            named([Stand::Waits(1), Stand::Runs, Stand::Waits(1), refused.clone(), Stand::Unasked])
        );
        assert_eq!(stands(2), named([Stand::Other, Stand::Runs, Stand::Missing, refused, Stand::Unasked]));
    }

    #[test]
    fn the_word_for_all_of_it_is_the_worst_one() {
        let word = |desire: &Desire, nodes: &[NodeRow], reports: &[ReportRow]| {
            Drift::of(desire, nodes, reports).word().into_string()
        };
        let one = desire(1, &[("a", "1", "aa")]);
        assert!(word(&desire(0, &[]), &[node(0)], &[]).contains("nothing is desired"));
        assert!(word(&one, &[node(0)], &[]).contains("waits for 1 answer"));
        assert!(word(&one, &[node(1)], &[]).contains("1 difference"));
        assert!(word(&one, &[node(1)], &[report("a", "1", "aa", "")]).contains("as desired"));
        assert!(word(&one, &[node(1)], &[report("a", "1", "aa", "no room")]).contains("1 refused"));
    }
}
