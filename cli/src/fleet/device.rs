//! `fleet devices`, and how it is told beside a node and a rollout what became of the settings of devices.
//!
//! A rollout of device settings is done when the stores have them; what their devices say to it stands here. Not here: what a result means (`aisle-fleet`).

use super::{
    ask::Ask,
    desk::{Desk, Paging},
    view::{self, Column, Shape, table},
};
use crate::Ended;
use anyhow::Result;
use serde_json::{Value, json};

const DEVICES: [Column; 9] = [
    Column("store", &["/store"], Shape::Text),
    Column("serial", &["/serial"], Shape::Text),
    Column("device", &["/device"], Shape::Text),
    Column("status", &["/status"], Shape::Text),
    Column("path", &["/path"], Shape::Text),
    Column("why", &["/reason"], Shape::Words),
    Column("since", &["/since"], Shape::When),
    Column("slot", &["/slot"], Shape::Text),
    Column("version", &["/version"], Shape::Text),
];

const OF_NODE: [Column; 5] = [
    Column("device", &["/device"], Shape::Text),
    Column("status", &["/status"], Shape::Text),
    Column("path", &["/path"], Shape::Text),
    Column("why", &["/reason"], Shape::Words),
    Column("since", &["/since"], Shape::When),
];

const REASONS: [Column; 6] = [
    Column("devices", &["/devices"], Shape::Number),
    Column("stores", &["/stores"], Shape::Number),
    Column("status", &["/status"], Shape::Text),
    Column("path", &["/path"], Shape::Text),
    Column("why", &["/reason"], Shape::Words),
    Column("such as", &["/examples"], Shape::List),
];

/// The most devices of a slot that are shown beside a node; all of them are in `fleet devices`.
const SHOWN_MAX: usize = 20;

/// `fleet devices`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A store tells of 500 devices at most, those first that somebody has to look after; `aisle fleet show STORE` says how many there are.\n\n\
                  Examples:\n  aisle fleet devices --status refused\n  aisle fleet devices --slot device-settings/fridges --store berlin-12 --json"
)]
pub(crate) struct ListArgs {
    /// Only those that are `applied`, `pending`, `refused`, `unreachable` or `went-back`
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Only those of these settings
    #[arg(long, value_name = "SLOT")]
    slot: Option<String>,
    /// Only those in this store
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// Lists devices.
pub(super) fn list(args: &ListArgs, desk: &Desk) -> Result<Ended> {
    let ask = Ask::get("/v1/device-results").with("status", args.status.as_ref());
    let ask = ask.with("slot", args.slot.as_ref()).with("store", args.store.as_ref());
    desk.list(&ask, &args.paging, &DEVICES, "no devices that settings were ordered for")
}

/// How many stand how: `2 applied, 1 refused`.
fn counts(counts: Option<&Value>) -> String {
    let counts = counts.and_then(Value::as_object).into_iter().flatten();
    let told: Vec<String> =
        counts.map(|(status, many)| format!("{} {}", view::text(many), view::text(&json!(status)))).collect();
    if told.is_empty() { "no devices".to_owned() } else { told.join(", ") }
}

/// What became of settings at the devices of a node.
pub(super) fn of_node(member: &Value) -> Vec<String> {
    let slots = member.get("devices").and_then(Value::as_object).into_iter().flatten();
    slots.flat_map(|(slot, said)| of_slot(slot, said)).collect()
}

fn of_slot(slot: &str, said: &Value) -> Vec<String> {
    let mut told = vec![format!("  devices of {}: {}", view::text(&json!(slot)), counts(said.get("counts")))];
    let results = said.get("results").and_then(Value::as_array).into_iter().flatten();
    let missing: Vec<Value> =
        results.filter(|one| one.get("status") != Some(&json!("applied"))).cloned().collect();
    if let Some(first) = missing.get(..missing.len().min(SHOWN_MAX)).filter(|first| !first.is_empty()) {
        told.extend(table(&OF_NODE, first));
    }
    if missing.len() > SHOWN_MAX {
        told.push(format!("  {} more: `aisle fleet devices`", missing.len() - SHOWN_MAX));
    }
    told
}

/// Whether a rollout brings settings of devices.
pub(super) fn is_meant(answer: &Value) -> bool {
    let set = answer.pointer("/spec/set").and_then(Value::as_object);
    set.is_some_and(|set| set.keys().any(|slot| slot.split('/').next() == Some("device-settings")))
}

/// What became of the settings of devices that a rollout brings.
pub(super) fn of_rollout(answer: &Value) -> Vec<String> {
    let slots = answer.pointer("/devices/slots").and_then(Value::as_array).into_iter().flatten();
    slots.flat_map(of_tally).collect()
}

fn of_tally(one: &Value) -> Vec<String> {
    let of = |place: &str| one.pointer(place).map(view::text).unwrap_or_default();
    let mut told = vec![
        String::new(),
        format!(
            "devices of {} {}: {}; every device has them in {} of {} stores, {} have told",
            of("/slot"),
            of("/version"),
            counts(one.pointer("/tally/devices")),
            of("/tally/stores_whole"),
            of("/nodes"),
            of("/tally/stores"),
        ),
    ];
    let reasons = one.pointer("/tally/reasons").and_then(Value::as_array);
    if let Some(reasons) = reasons.filter(|reasons| !reasons.is_empty()) {
        told.extend(table(&REASONS, reasons));
    }
    let untold = one.pointer("/tally/untold").and_then(Value::as_u64).filter(|untold| *untold > 0);
    told.extend(
        untold.map(|untold| format!("  {untold} more devices do not have them, without a reason told")),
    );
    told
}

#[cfg(test)]
mod tests {
    use super::{is_meant, of_node, of_rollout};
    use serde_json::json;

    #[test]
    fn devices_that_do_not_have_them_stand_beside_their_node_with_why() {
        let member = json!({ "devices": { "device-settings/fridges": {
            "of": { "version": "1.0.0", "hash": "00" }, "counts": { "applied": 40, "refused": 1 },
            "results": [
                { "device": "fridge-7", "status": "refused", "path": "interval_s", "reason": "is 10, expected at least 30", "since": 1_795_305_600_000_i64 },
                { "device": "fridge-1", "status": "applied", "since": 1_795_305_600_000_i64 },
            ],
        } } });
        let told = of_node(&member).join("\n");
        for part in ["40 applied, 1 refused", "fridge-7", "interval_s", "is 10, expected at least 30"] {
            assert!(told.contains(part), "no `{part}` in\n{told}");
        }
        assert!(!told.contains("fridge-1 "), "{told}");
    }

    #[test]
    fn a_rollout_says_how_many_devices_have_what_its_stores_have() {
        assert!(is_meant(&json!({ "spec": { "set": { "device-settings": "absent" } } })));
        assert!(!is_meant(&json!({ "spec": { "set": { "plugin/a": "absent" } } })));
        let answer = json!({ "devices": { "slots": [{
            "slot": "device-settings/fridges", "version": "1.0.0", "nodes": 3,
            "tally": { "stores": 2, "stores_whole": 1, "devices": { "applied": 2, "refused": 3 }, "left_out": 0, "untold": 4,
                "reasons": [{ "status": "refused", "path": "interval_s", "reason": "too low", "devices": 3, "stores": 2, "examples": [["berlin", "fridge-7"]] }] },
        }] } });
        let told = of_rollout(&answer).join("\n");
        for part in [
            "2 applied, 3 refused",
            "1 of 3 stores",
            "2 have told",
            "too low",
            "berlin, fridge-7",
            "4 more devices",
        ] {
            assert!(told.contains(part), "no `{part}` in\n{told}");
        }
    }
}
