//! `fleet nodes`, and how one node is shown: what it should run, what it runs, and why not.
//!
//! Reasons come as codes with their facts; their words are those of `aisle-fleet`, and a reason that this build does not know is shown by its code.

use super::{
    ask::Ask,
    desk::{Desk, Paging},
    device,
    view::{self, Column, Shape, fields, table},
};
use crate::Ended;
use aisle_fleet::{Reason, Slot, desired::Why};
use anyhow::Result;
use serde_json::{Value, json};

const NODES: [Column; 9] = [
    Column("store", &["/store"], Shape::Text),
    Column("serial", &["/serial"], Shape::Text),
    Column("phase", &["/phase"], Shape::Text),
    Column("drift", &["/drift"], Shape::Number),
    Column("why", &["/reason"], Shape::Words),
    Column("connected", &["/is_connected"], Shape::Yes),
    Column("version", &["/version"], Shape::Text),
    Column("labels", &["/labels"], Shape::Labels),
    Column("last seen", &["/last_seen_ms"], Shape::When),
];

const FACTS: [Column; 8] = [
    Column("phase", &["/member/phase"], Shape::Text),
    Column("connected", &["/member/is_connected"], Shape::Yes),
    Column("version", &["/member/version"], Shape::Text),
    Column("labels", &["/member/labels"], Shape::Labels),
    Column("last seen", &["/member/last_seen_ms"], Shape::When),
    Column("has told", &["/member/reported_at_ms"], Shape::When),
    Column("free disk", &["/facts/disk_free_bytes"], Shape::Bytes),
    Column("time zone", &["/facts/time_zone"], Shape::Text),
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
    after_help = "A filter is a selector, as groups and rollouts have it: `region=eu, size in (s,m), !pilot, version<1.4`; or `@name` for one that was saved.\n\n\
                  Examples:\n  aisle fleet nodes --filter 'region=eu, !pilot'\n  aisle fleet nodes --filter 'store=berlin-12' --json"
)]
pub(crate) struct ListArgs {
    /// Only those that it means
    #[arg(long, value_name = "SELECTOR")]
    filter: Option<String>,
    /// Only those that are `settled`, `converging`, `drifting` or `silent`
    #[arg(long, value_name = "PHASE")]
    phase: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// Lists nodes.
pub(super) fn list(args: &ListArgs, desk: &Desk) -> Result<Ended> {
    let ask = Ask::get("/v1/members").with("filter", args.filter.as_ref()).with("phase", args.phase.as_ref());
    desk.list(&ask, &args.paging, &NODES, "no nodes")
}

/// A node in words.
pub(super) fn told(one: &Value) -> Vec<String> {
    let of = |place: &str| one.pointer(place).map(view::text).unwrap_or_default();
    let mut told = vec![format!("{}/{}", of("/member/store"), of("/member/serial"))];
    told.extend(fields(&FACTS, one));
    if one.get("is_told").and_then(Value::as_bool) == Some(false) {
        told.push("  it does not go by what its store was given last".to_owned());
    }
    told.extend(slots(one));
    told.extend(device::of_node(one));
    told.extend(whys(one));
    told.extend(horizon(one));
    told
}

/// What should be in each slot and what is: what it should be by what is said now, and what it says itself.
fn slots(one: &Value) -> Vec<String> {
    let of = |place: &str| one.pointer(place).and_then(Value::as_object).cloned().unwrap_or_default();
    let (wanted, reported) = (of("/desired/state/slots"), of("/reported/slots"));
    let mut names: Vec<&String> = wanted.keys().chain(reported.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let row = |slot: &&String| {
        let reported = reported.get(*slot);
        json!({
            "slot": slot,
            "wanted": wanted.get(*slot).and_then(version),
            "running": reported.and_then(|reported| version(reported.get("running")?)),
            "phase": reported.and_then(|reported| reported.get("phase")),
        })
    };
    let rows: Vec<Value> = names.iter().map(row).collect();
    let mut told = if rows.is_empty() { Vec::new() } else { table(&SLOTS, &rows) };
    if one.get("reported").is_none_or(Value::is_null) {
        told.push("  it has not said what it runs".to_owned());
    }
    for (slot, of) in &reported {
        let reasons = of.get("reasons").and_then(Value::as_array).into_iter().flatten();
        told.extend(reasons.map(|reason| format!("  {}: {}", view::text(&json!(slot)), words(reason))));
    }
    let settings = one.pointer("/reported/settings/reasons").and_then(Value::as_array);
    told.extend(settings.into_iter().flatten().map(|reason| format!("  its settings: {}", words(reason))));
    told
}

/// The version somewhere in what a slot should hold or holds; `absent` where it should hold nothing.
fn version(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => match fields.get("version") {
            Some(Value::String(version)) => Some(version.clone()),
            _ => ["want", "release"].iter().find_map(|name| version(fields.get(*name)?)),
        },
        _ => None,
    }
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
fn whys(one: &Value) -> Vec<String> {
    let Some(whys) = one.pointer("/desired/why").and_then(Value::as_object) else { return Vec::new() };
    let one = |(slot, why): (&String, &Value)| {
        let slot: Slot = slot.parse().ok()?;
        let why: Why = serde_json::from_value(why.clone()).ok()?;
        Some(format!("  {}", crate::output::plain(&why.told(&slot))))
    };
    whys.iter().filter_map(one).collect()
}

/// What would hurt it first.
fn horizon(member: &Value) -> Vec<String> {
    let Some(all) = member.pointer("/facts/horizon").and_then(Value::as_array) else { return Vec::new() };
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
            "member": { "store": "berlin-12", "serial": "AB1234", "labels": { "region": "eu" }, "version": "0.1.0", "phase": "drifting" },
            "is_told": true,
            "desired": { "state": { "slots": {
                "plugin/multi-buy": { "want": { "version": "1.4.0", "hash": "00", "bytes": 1 }, "round": 0 },
                "policy": { "want": "absent", "round": 0 },
            } }, "why": {} },
            "reported": { "slots": {
                "plugin/multi-buy": {
                    "wanted": { "release": { "version": "1.4.0", "hash": "00" } }, "round": 0,
                    "running": { "version": "1.3.0", "hash": "11" }, "phase": "waiting",
                    "reasons": [{ "code": "from-the-future", "text": "waits for the moon" }],
                },
            }, "settings": { "reasons": [{ "code": "next-start", "keys": ["kiosk.thanks_s"] }] } },
            "facts": { "horizon": [{ "what": "disk", "days": 40.0 }, { "what": "certificate", "days": 12.5 }] },
        });
        let told = told(&member).join("\n");
        for part in [
            "berlin-12/AB1234",
            "region=eu",
            "1.4.0",
            "1.3.0",
            "absent",
            "plugin/multi-buy: from-the-future: waits for the moon",
            "its settings: waits for the node's next start: `kiosk.thanks_s`",
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
