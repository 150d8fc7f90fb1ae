//! `fleet stores`, `fleet show STORE`: stores, and all that is known of one.
//!
//! Not here: how a node is shown ([`super::member`]).

use super::{
    ask::{Ask, path},
    desk::{Desk, Paging, lines},
    member,
    view::{Column, Shape, fields, table},
};
use crate::{Ended, output};
use anyhow::Result;
use serde_json::{Value, json};

/// The most nodes of a store that are shown one by one.
const NODES_SHOWN_MAX: usize = 16;

const STORES: [Column; 8] = [
    Column("store", &["/store"], Shape::Text),
    Column("region", &["/region"], Shape::Text),
    Column("labels", &["/labels"], Shape::Labels),
    Column("nodes", &["/nodes"], Shape::Number),
    Column("connected", &["/connected"], Shape::Number),
    Column("quarantined", &["/quarantined"], Shape::Number),
    Column("last seen", &["/last_seen_ms"], Shape::When),
    Column("last event", &["/last_event_ms"], Shape::When),
];

const GRID: [Column; 13] = [
    Column("store", &["/store"], Shape::Text),
    Column("region", &["/region"], Shape::Text),
    Column("labels", &["/labels"], Shape::Labels),
    Column("nodes", &["/nodes"], Shape::Number),
    Column("connected", &["/connected"], Shape::Number),
    Column("backlog", &["/backlog"], Shape::Number),
    Column("waiting", &["/waiting"], Shape::Number),
    Column("refused", &["/refused"], Shape::Number),
    Column("policy", &["/policy_version"], Shape::Number),
    Column("quarantined", &["/quarantined"], Shape::Number),
    Column("program", &["/software"], Shape::List),
    Column("last seen", &["/last_seen_ms"], Shape::When),
    Column("last event", &["/last_event_ms"], Shape::When),
];

const NODES: [Column; 8] = [
    Column("node", &["/node", "/serial"], Shape::Text),
    Column("state", &["/state"], Shape::Text),
    Column("connected", &["/is_connected"], Shape::Yes),
    Column("software", &["/software"], Shape::Text),
    Column("line", &["/link"], Shape::Text),
    Column("by", &["/path"], Shape::Text),
    Column("address", &["/address"], Shape::Text),
    Column("last came", &["/connected_at_ms"], Shape::When),
];

const LOGS: [Column; 5] = [
    Column("log", &["/class"], Shape::Text),
    Column("through", &["/through"], Shape::Number),
    Column("behind", &["/behind"], Shape::Number),
    Column("quarantined", &["/quarantined"], Shape::Yes),
    Column("last event", &["/last_event_ms"], Shape::When),
];

/// `fleet stores`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A filter is what the console's grid takes: words of a store's name, `region:eu`, `is:away`, `runs:plugin/multi-buy@1.2.0`, `has:HASH`, `policy:3`, `software:aisle-node`,\n\
                  `label:country=de`, `@name` of a saved filter; a minus before one turns it round. `is:` takes connected, away, never, behind, forked, drifting, waiting, refused,\n\
                  old-policy, banned, erasing. With a filter, stores that are registered and never came are listed too.\n\n\
                  Examples:\n  aisle fleet stores\n  aisle fleet stores --region eu --all --json\n  aisle fleet stores --filter 'is:drifting label:country=de'\n  \
                  aisle fleet stores --filter '@small-and-old -is:connected'"
)]
pub(crate) struct ListArgs {
    /// Only those that it asks for, as on the console
    #[arg(long, value_name = "FILTER", allow_hyphen_values = true)]
    filter: Option<String>,
    /// Only those of this region
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// `fleet show`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  aisle fleet show berlin-12\n  aisle fleet show berlin-12/AB1234")]
pub(crate) struct ShowArgs {
    /// The store, or one box in it
    #[arg(value_name = "STORE[/SERIAL]")]
    store: String,
}

/// Lists stores.
pub(super) fn list(args: &ListArgs, desk: &Desk) -> Result<Ended> {
    let ask = Ask::get("/v1/stores").with("q", args.filter.as_ref()).with("region", args.region.as_ref());
    desk.list(&ask, &args.paging, &GRID, "no stores")
}

/// Shows one.
pub(super) fn show(args: &ShowArgs, desk: &Desk) -> Result<Ended> {
    if let Some((store, serial)) = args.store.rsplit_once('/') {
        let one = desk.get(path("/v1/members", &[store, serial])?)?;
        if desk.json {
            output::json(&one)?;
        } else {
            lines(member::told(&one))?;
        }
        return Ok(Ended::Well);
    }
    let place = path("/v1/stores", &[&args.store])?;
    // A store whose boxes were let come and never did is no store to the hub yet, and has nodes all the same.
    let nodes = desk.rows(&Ask::get(format!("{place}/nodes")), &Paging::whole())?.items;
    let store = desk.find(&place)?.unwrap_or_else(|| json!({ "store": args.store, "nodes": nodes.len() }));
    let logs = desk.find(format!("{place}/cursors"))?.map(items).unwrap_or_default();
    let mut members = Vec::new();
    for node in nodes.iter().take(NODES_SHOWN_MAX) {
        if let Some(serial) = node.get("node").and_then(Value::as_str) {
            members.extend(desk.find(path("/v1/members", &[&args.store, serial])?)?);
        }
    }
    if desk.json {
        output::json(&json!({ "store": store, "nodes": nodes, "cursors": logs, "members": members }))?;
        return Ok(Ended::Well);
    }
    lines(told(&store, &nodes, &logs))?;
    for one in &members {
        output::line("")?;
        lines(member::told(one))?;
    }
    if nodes.len() > NODES_SHOWN_MAX {
        let (shown, all) = (NODES_SHOWN_MAX, nodes.len());
        output::aside(format!("{shown} of {all} nodes are shown: `aisle fleet show STORE/SERIAL` shows one"));
    }
    Ok(Ended::Well)
}

fn items(mut page: Value) -> Vec<Value> {
    match page.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

fn told(store: &Value, nodes: &[Value], logs: &[Value]) -> Vec<String> {
    let mut told = fields(&STORES, store);
    told.extend([String::new(), "nodes".to_owned()]);
    told.extend(table(&NODES, nodes));
    if !logs.is_empty() {
        told.extend([String::new(), "what has come".to_owned()]);
        told.extend(table(&LOGS, logs));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::told;
    use serde_json::json;

    #[test]
    fn a_store_is_shown_with_its_nodes_and_logs() {
        let store = json!({ "store": "berlin-12", "region": "eu", "nodes": 1, "connected": 1, "quarantined": 0, "last_seen_ms": 0 });
        let nodes = [
            json!({ "store": "berlin-12", "node": "A1", "state": "active", "is_connected": true, "software": "aisle/0.1.0" }),
        ];
        let logs = [json!({ "class": "sales", "through": 1_234, "behind": 5, "quarantined": false })];
        let told = told(&store, &nodes, &logs).join("\n");
        for part in ["berlin-12", "A1", "active", "yes", "aisle/0.1.0", "sales", "1 234"] {
            assert!(told.contains(part), "no `{part}` in\n{told}");
        }
    }
}
