//! `fleet nodes`, and how one node is shown: what it should run, what it runs, and why not.
//!
//! Reasons come as codes with their facts; their words are those of `aisle-fleet`, and a reason that this build does not know is shown by its code.

use super::{
    ask::Ask,
    desk::{Desk, Paging},
    view::{self, Column, Shape, fields, table},
};
use crate::Ended;
use aisle_fleet::{Reason, Slot, desired::Why};
use anyhow::Result;
use serde_json::{Value, json};

const NODES: [Column; 7] = [
    Column("store", &["/store", "/id/store"], Shape::Text),
    Column("serial", &["/serial", "/node", "/id/serial"], Shape::Text),
    Column("phase", &["/phase", "/state"], Shape::Text),
    Column("drift", &["/drift"], Shape::Count),
    Column("version", &["/version"], Shape::Text),
    Column("labels", &["/labels"], Shape::Labels),
    Column("last seen", &["/last_seen_ms", "/seen_at_ms", "/seen_ms"], Shape::When),
];

const FACTS: [Column; 6] = [
    Column("labels", &["/labels"], Shape::Labels),
    Column("version", &["/version", "/facts/version"], Shape::Text),
    Column("phase", &["/phase", "/state"], Shape::Text),
    Column("last seen", &["/last_seen_ms", "/seen_at_ms", "/seen_ms"], Shape::When),
    Column("free disk", &["/facts/disk_free_bytes", "/disk_free_bytes"], Shape::Bytes),
    Column("time zone", &["/facts/time_zone", "/time_zone"], Shape::Text),
];

const SLOTS: [Column; 4] = [
    Column("slot", &["/slot"], Shape::Text),
    Column("should run", &["/wanted"], Shape::Text),
    Column("runs", &["/running"], Shape::Text),
    Column("phase", &["/phase"], Shape::Text),
];

/// `fleet nodes`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A filter is a selector, as groups and rollouts have it: `region=eu, size in (s,m), !pilot, version<1.4`.\n\n\
                  Examples:\n  aisle fleet nodes --filter 'region=eu, !pilot'\n  aisle fleet nodes --filter 'store=berlin-12' --json"
)]
pub(crate) struct ListArgs {
    /// Only those that it means
    #[arg(long, value_name = "SELECTOR")]
    filter: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// Lists nodes.
pub(super) fn list(args: &ListArgs, desk: &Desk) -> Result<Ended> {
    let ask = Ask::get("/v1/members").with("filter", args.filter.as_ref());
    desk.list(&ask, &args.paging, &NODES, "no nodes")
}

/// A node in words.
pub(super) fn told(member: &Value) -> Vec<String> {
    let (store, serial) = (NODES[0].cell(member), NODES[1].cell(member));
    let mut told = vec![format!("{store}/{serial}")];
    told.extend(fields(&FACTS, member));
    told.extend(slots(member));
    told.extend(whys(member));
    told.extend(horizon(member));
    told
}

/// A report may stand as a node has sent it, or in the member itself.
fn report(member: &Value) -> Option<&Value> {
    ["/reported/report", "/reported", "/report"]
        .iter()
        .find_map(|place| member.pointer(place).filter(|report| report.get("slots").is_some()))
}

fn slots(member: &Value) -> Vec<String> {
    let Some(slots) = report(member).and_then(|report| report.get("slots")?.as_object()) else {
        return vec!["  it has not said what it runs".to_owned()];
    };
    let version = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other
            .pointer("/release/version")
            .or_else(|| other.get("version"))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
    };
    let row = |(slot, of): (&String, &Value)| {
        let text = |name: &str| of.get(name).map(version).filter(|text| !text.is_empty());
        json!({ "slot": slot, "wanted": text("wanted"), "running": text("running"), "phase": of.get("phase") })
    };
    let rows: Vec<Value> = slots.iter().map(row).collect();
    let mut told = table(&SLOTS, &rows);
    for (slot, of) in slots {
        let reasons = of.get("reasons").and_then(Value::as_array).into_iter().flatten();
        told.extend(reasons.map(|reason| format!("  {}: {}", view::text(&json!(slot)), words(reason))));
    }
    told
}

/// A reason in words.
pub(super) fn words(reason: &Value) -> String {
    if let Ok(known) = serde_json::from_value::<Reason>(reason.clone()) {
        return crate::output::plain(&known.to_string());
    }
    let said = ["/text", "/code", "/reason"].iter().find_map(|place| reason.pointer(place));
    view::text(said.unwrap_or(reason))
}

/// Whose word counts for each slot.
fn whys(member: &Value) -> Vec<String> {
    let of = ["/desired/why", "/why"].iter().find_map(|place| member.pointer(place));
    let Some(whys) = of.and_then(Value::as_object) else { return Vec::new() };
    let one = |(slot, why): (&String, &Value)| {
        let slot: Slot = slot.parse().ok()?;
        let why: Why = serde_json::from_value(why.clone()).ok()?;
        Some(format!("  {}", crate::output::plain(&why.told(&slot))))
    };
    whys.iter().filter_map(one).collect()
}

/// What would hurt it first.
fn horizon(member: &Value) -> Vec<String> {
    let of = ["/horizon", "/facts/horizon", "/reported/facts/horizon"];
    let Some(all) = of.iter().find_map(|place| member.pointer(place)?.as_array()) else { return Vec::new() };
    let mut days: Vec<(f64, String)> = all
        .iter()
        .filter_map(|one| Some((one.get("days")?.as_f64()?, view::text(one.get("what")?))))
        .collect();
    days.sort_by(|a, b| a.0.total_cmp(&b.0));
    let told = |(place, (days, what)): (usize, &(f64, String))| {
        let first = if place == 0 { "  without a line it is hurt first by" } else { "  then by" };
        format!("{first} {what}, in {days:.1} days")
    };
    days.iter().enumerate().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::{told, words};
    use serde_json::json;

    #[test]
    fn a_node_says_what_it_runs_and_why_not() {
        let member = json!({
            "store": "berlin-12", "serial": "AB1234", "labels": { "region": "eu" }, "version": "0.1.0",
            "reported": { "slots": {
                "plugin/multi-buy": {
                    "wanted": { "release": { "version": "1.4.0", "hash": "00" } }, "round": 0,
                    "running": { "version": "1.3.0", "hash": "11" }, "phase": "waiting",
                    "reasons": [{ "code": "from-the-future", "text": "waits for the moon" }],
                },
                "policy": { "wanted": "absent", "running": null, "phase": "settled", "reasons": [] },
            } },
            "horizon": [{ "what": "disk", "days": 40.0 }, { "what": "certificate", "days": 12.5 }],
        });
        let told = told(&member).join("\n");
        for part in [
            "berlin-12/AB1234",
            "region=eu",
            "1.4.0",
            "1.3.0",
            "plugin/multi-buy: waits for the moon",
            "hurt first by certificate, in 12.5 days",
            "then by disk, in 40.0 days",
        ] {
            assert!(told.contains(part), "no `{part}` in\n{told}");
        }
    }

    #[test]
    fn a_reason_that_is_known_is_told_in_the_rules_own_words() {
        let reason = aisle_fleet::Reason::OtherActivation {
            slot: "prices".parse().unwrap_or_else(|_| unreachable!()),
        };
        let json = serde_json::to_value(&reason).unwrap_or_default();
        assert_eq!(words(&json), reason.to_string());
    }
}
