//! The nodes of a store.

use crate::{
    console::{
        pages::{
            enrolments::{address, standing},
            parts::{SHORT_BYTES_MAX, empty, fit, heading_id, rest, state, table},
        },
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

/// `is_led`: whether who looks may see how a node came in.
pub(super) fn part(visit: &Visit, nodes: &[NodeRow], is_led: bool) -> Markup {
    let (rows, shown) = fit(nodes, SHORT_BYTES_MAX, |node| row(visit, node, is_led));
    html! {
        @if nodes.is_empty() { (empty("No node is registered for this store any more.")) }
        @else { (table(&heading_id("nodes"), &COLUMNS, &rows)) (rest(nodes.len(), shown)) }
    }
}

fn row(visit: &Visit, node: &NodeRow, is_led: bool) -> Markup {
    let never = node.connected_at_ms == 0;
    let none = || html! { span.none { "–" } };
    html! {
        tr {
            th scope="row" {
                @if is_led { a href=(address(&node.store, &node.node)) { bdi { (say::cut(&node.node, 40)) } } } @else { (say::name(&node.node, 40)) }
                @if node.state != "active" { " " (standing(&node.state)) }
            }
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
