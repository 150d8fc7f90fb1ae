//! The nodes of a store.

use crate::{
    console::{
        pages::parts::{SHORT_BYTES_MAX, empty, fit, heading_id, rest, state, table},
        say,
        visit::Visit,
    },
    database::read::NodeRow,
};
use maud::{Markup, html};

const COLUMNS: [(&str, &str); 8] = [
    ("", "Node"),
    ("", "Connection"),
    ("number", "Heard of"),
    ("", "Line"),
    ("", "From"),
    ("", "Program"),
    ("number", "Policy"),
    ("number", "Answered"),
];

pub(super) fn part(visit: &Visit, nodes: &[NodeRow]) -> Markup {
    let (rows, shown) = fit(nodes, SHORT_BYTES_MAX, |node| row(visit, node));
    html! {
        @if nodes.is_empty() { (empty("No node is registered for this store any more.")) }
        @else { (table(&heading_id("nodes"), &COLUMNS, &rows)) (rest(nodes.len(), shown)) }
    }
}

fn row(visit: &Visit, node: &NodeRow) -> Markup {
    let never = node.connected_at_ms == 0;
    let none = || html! { span.none { "–" } };
    html! {
        tr {
            th scope="row" { (say::name(&node.node, 40)) @if node.state != "active" { " " (state("calm", &say::cut(&node.state, 16))) } }
            td {
                @if node.is_connected { (state("good", "connected")) " to " (say::name(&node.hub, 24)) }
                @else if never { (state("calm", "never came")) }
                @else { (state("warn", "away")) }
            }
            td.number { (say::ago(visit.now_ms, node.last_seen_ms)) }
            td { @if never { (none()) } @else { (say::cut(&node.link, 16)) " by " (say::cut(&node.path, 16)) } }
            td { @if never { (none()) } @else { (say::name(&node.address, 48)) } }
            td { @if never { (none()) } @else { (say::name(&node.software, 40)) } }
            td.number { @if never { (none()) } @else { (say::number(node.policy_version)) } }
            td.number { @if node.generation == 0 { (none()) } @else { "generation " (say::number(node.generation)) } }
        }
    }
}
