//! A rollout in words: waves, gates, failures by cause, what a preflight and a rehearsal found, history.

use crate::fleet::{
    device,
    member::words,
    view::{self, Column, Shape, fields, table},
};
use serde_json::Value;

const WAVES: [Column; 12] = [
    Column("wave", &["/name"], Shape::Text),
    Column("nodes", &["/tally/members"], Shape::Number),
    Column("passed", &["/tally/passed"], Shape::Number),
    Column("live", &["/tally/live"], Shape::Number),
    Column("working", &["/tally/working"], Shape::Number),
    Column("failed", &["/tally/failed"], Shape::Number),
    Column("late", &["/tally/late"], Shape::Number),
    Column("dark", &["/tally/dark"], Shape::Number),
    Column("away", &["/tally/offline"], Shape::Number),
    Column("excluded", &["/tally/excluded"], Shape::Number),
    Column("began", &["/started_at"], Shape::When),
    Column("through", &["/ended_at"], Shape::When),
];

const ABOUT: [Column; 5] = [
    Column("why", &["/rollout/why"], Shape::Text),
    Column("author", &["/author_name"], Shape::Text),
    Column("approved by", &["/rollout/approvals"], Shape::List),
    Column("excluded", &["/excluded"], Shape::Labels),
    Column("note", &["/note"], Shape::Text),
];

/// How it goes, out of an answer that says more.
pub(in crate::fleet) fn view_of(answer: &Value) -> &Value {
    answer.get("rollout").filter(|view| view.is_object()).unwrap_or(answer)
}

/// A rollout in words.
pub(in crate::fleet) fn told(answer: &Value) -> Vec<String> {
    let view = view_of(answer);
    let mut told = vec![headline(view)];
    let waves: Vec<Value> = view.get("waves").and_then(Value::as_array).cloned().unwrap_or_default();
    told.extend(fields(&ABOUT, answer));
    if !waves.is_empty() {
        told.push(String::new());
        told.extend(table(&WAVES, &waves));
    }
    for wave in &waves {
        let checks = wave.get("checks").and_then(Value::as_array).into_iter().flatten();
        let is_open = wave.get("ended_at").is_none_or(Value::is_null);
        told.extend(checks.filter(|_| is_open).map(|check| gate(wave, check)));
    }
    told.extend(ending(answer));
    let found = |name: &str| answer.get(name).filter(|found| found.is_object());
    told.extend(found("preflight").into_iter().flat_map(findings));
    told.extend(found("rehearsal").into_iter().flat_map(rehearsed));
    told.extend(history(view));
    told
}

/// What there is to know when it has come to an end: failures by cause, and what became of devices.
pub(in crate::fleet) fn ending(answer: &Value) -> Vec<String> {
    let mut told = causes(view_of(answer));
    told.extend(device::of_rollout(answer));
    told
}

/// Name, phase and what that means.
pub(in crate::fleet) fn headline(view: &Value) -> String {
    let rollout = view.get("rollout").map(view::text).unwrap_or_default();
    let phase = view.pointer("/phase/phase").map(view::text).unwrap_or_default();
    let why = view.pointer("/phase/why").map(view::text).map(|why| format!(": {why}")).unwrap_or_default();
    let by =
        if view.pointer("/phase/by_gate").and_then(Value::as_bool) == Some(true) { " by a gate" } else { "" };
    let missing = view.pointer("/phase/missing").and_then(Value::as_u64).filter(|missing| *missing > 0);
    let missing = missing.map(|missing| format!(", {missing} nodes have not run it")).unwrap_or_default();
    format!("{rollout} is {phase}{by}{why}{missing}")
}

fn gate(wave: &Value, check: &Value) -> String {
    let of = |name: &str| check.get(name).map(view::text).unwrap_or_default();
    let name = wave.get("name").map(view::text).unwrap_or_default();
    // A business metric comes as `{"business": "basket-value"}`.
    let gate = check.pointer("/gate/business").map_or_else(|| of("gate"), view::text);
    format!("  {name}: {gate} {}: {}", of("verdict"), of("text"))
}

fn causes(view: &Value) -> Vec<String> {
    let all = view.get("causes").and_then(Value::as_array).into_iter().flatten();
    let one = |cause: &Value| {
        let count = cause.get("count").map(view::text).unwrap_or_default();
        let examples = cause.get("examples").map(view::text).unwrap_or_default();
        let of = |name: &str| cause.pointer(&format!("/cause/{name}")).map(view::text).unwrap_or_default();
        if cause.get("cause").is_none_or(Value::is_null) {
            return format!("  {count} failed for other causes, such as {examples}");
        }
        format!("  {count} failed at {}: {} ({}), such as {examples}", of("slot"), of("text"), of("code"))
    };
    all.map(one).collect()
}

/// What a preflight found: the forecast of the rules, and around it what the hub found out besides.
fn findings(found: &Value) -> Vec<String> {
    let preflight = found.get("preflight").filter(|inner| inner.is_object()).unwrap_or(found);
    let mut told = vec![String::new(), "preflight".to_owned()];
    if let Some(refusal) = preflight.get("refusal").map(view::text).filter(|refusal| !refusal.is_empty()) {
        told.push(format!("  it cannot be started: {refusal}"));
    }
    let of = |name: &str| preflight.get(name).map(view::text).unwrap_or_default();
    let fleet = found
        .get("fleet")
        .map(view::text)
        .map(|fleet| format!(" (the fleet has {fleet})"))
        .unwrap_or_default();
    told.push(format!(
        "  of {} nodes{fleet} {} have nothing against it, {} would not do it",
        of("nodes"),
        of("clear"),
        of("failing")
    ));
    let count = |name: &str| found.get(name).and_then(Value::as_u64).filter(|count| *count > 0);
    told.extend(
        count("compared")
            .map(|count| format!("  {count} nodes are in no wave: others are compared with them")),
    );
    told.extend(
        count("approvals").map(|count| format!("  {count} people beside its author have to approve it")),
    );
    let missing = found.get("missing").map(view::text).filter(|missing| !missing.is_empty());
    told.extend(missing.map(|missing| format!("  not at this hub: {missing}")));
    let groups = preflight.get("groups").and_then(Value::as_array).into_iter().flatten();
    told.extend(groups.map(|group| {
        let of = |name: &str| group.get(name).map(view::text).unwrap_or_default();
        let slot = of("slot");
        let slot = if slot.is_empty() { slot } else { format!("{slot}: ") };
        let reason = group.get("reason").map(words).unwrap_or_default();
        format!("  {} {} nodes: {slot}{reason}, such as {}", of("severity"), of("count"), of("examples"))
    }));
    told
}

/// What a rehearsal found, plugin by plugin.
fn rehearsed(rehearsal: &Value) -> Vec<String> {
    let of = |name: &str| rehearsal.get(name).map(view::text).unwrap_or_default();
    let is_open = rehearsal.get("is_open").and_then(Value::as_bool) == Some(true);
    let rest = match of("why") {
        _ if is_open => "; the others are still asked, and `show` tells what they say".to_owned(),
        why if why.is_empty() => String::new(),
        why => format!("; {why}"),
    };
    let mut told = vec![String::new(), "rehearsal".to_owned()];
    told.push(format!("  {} of {} nodes have answered{rest}", of("answered"), of("nodes")));
    let candidates = rehearsal.get("candidates").and_then(Value::as_array);
    told.extend(candidates.into_iter().flatten().flat_map(differences));
    told
}

fn differences(candidate: &Value) -> Vec<String> {
    let of = |value: &Value, name: &str| value.get(name).map(view::text).unwrap_or_default();
    let found = candidate.get("found").unwrap_or(&Value::Null);
    let all = |name: &str| found.get(name).and_then(Value::as_array).into_iter().flatten();
    let mut told = vec![format!(
        "  {} {}: {} stores played {} calls: {} came out the same, the candidate failed in {}",
        of(candidate, "slot"),
        of(candidate, "version"),
        of(found, "stores"),
        of(found, "calls"),
        of(found, "same"),
        of(found, "failed"),
    )];
    told.extend(all("groups").map(|group| {
        let (what, count, stores) = (of(group, "what"), of(group, "count"), of(group, "stores"));
        format!(
            "  {what}, {count} times in {stores} stores: was {}, would be {}, such as {}",
            of(group, "was"),
            of(group, "would_be"),
            of(group, "examples")
        )
    }));
    let count = |name: &str| found.get(name).and_then(Value::as_u64).filter(|count| *count > 0);
    told.extend(count("left_out").map(|count| format!("  {count} more kinds of differences")));
    told.extend(all("refused").map(|group| {
        let (stores, why) = (of(group, "stores"), of(group, "why"));
        format!("  {stores} stores did not play it: {why}, such as {}", of(group, "examples"))
    }));
    told.extend(
        count("silent")
            .map(|count| format!("  {count} stores had nothing recorded: of them it says nothing")),
    );
    told
}

fn history(view: &Value) -> Vec<String> {
    let all = view.get("history").and_then(Value::as_array);
    let Some(all) = all.filter(|all| !all.is_empty()) else { return Vec::new() };
    let one = |entry: &Value| {
        let at = entry.get("at").and_then(Value::as_i64).and_then(view::when).unwrap_or_default();
        let by = entry.get("by").map(view::text).filter(|by| !by.is_empty());
        let what = entry.get("what").map(view::text).unwrap_or_default();
        format!("  {at}  {}  {what}", by.unwrap_or_else(|| "–".to_owned()))
    };
    let mut told = vec![String::new(), "history".to_owned()];
    told.extend(all.iter().map(one));
    told
}

#[cfg(test)]
mod tests {
    use super::told;
    use serde_json::json;

    #[test]
    fn a_rollout_that_stopped_says_where_why_and_who() {
        let view = json!({ "author_name": "Ada", "excluded": { "ulm": "closed" }, "rollout": {
            "rollout": "multi-buy-1-4", "why": "the second at half the price", "author": "ada", "approvals": ["bob"],
            "phase": { "phase": "paused", "why": "wave `canary` stopped", "by_gate": true }, "current": 0,
            "tally": { "members": 100, "passed": 3, "failed": 2 },
            "waves": [
                { "name": "canary", "started_at": 1_795_305_600_000_i64, "ended_at": null, "tally": { "members": 5, "passed": 3, "failed": 2 },
                  "checks": [{ "gate": "failures", "verdict": "fail", "text": "2 of 5 gave it up" },
                             { "gate": { "business": "basket-value" }, "verdict": "wait", "text": "2 of 6 periods" }] },
                { "name": "all", "started_at": null, "ended_at": null, "tally": { "members": 95 }, "checks": [] },
            ],
            "causes": [{ "cause": { "slot": "plugin/multi-buy", "code": "trapped", "text": "trapped in 3 of 100 calls" }, "count": 2,
                         "examples": ["berlin-12/A1", "ulm/A2"] }],
            "history": [{ "at": 1_795_305_600_000_i64, "by": "ada", "what": "start" }, { "at": 1_795_305_601_000_i64, "by": null, "what": "stopped" }],
        } });
        let told = told(&view).join("\n");
        for part in [
            "multi-buy-1-4 is paused by a gate: wave `canary` stopped",
            "Ada",
            "ulm=closed",
            "canary      5       3",
            "canary: failures fail: 2 of 5 gave it up",
            "canary: basket-value wait: 2 of 6 periods",
            "2 failed at plugin/multi-buy: trapped in 3 of 100 calls (trapped), such as berlin-12/A1, ulm/A2",
            "2026-11-22 00:00:00Z  ada  start",
            "2026-11-22 00:00:01Z  –  stopped",
        ] {
            assert!(told.contains(part), "no `{part}` in\n{told}");
        }
    }

    #[test]
    fn a_preflight_and_a_rehearsal_are_told_beside_the_rollout() {
        let answer = json!({
            "rollout": { "rollout": "r", "phase": { "phase": "ready" } },
            "preflight": { "fleet": 100, "approvals": 1, "compared": 5, "missing": [], "preflight": { "refusal": null, "nodes": 10, "clear": 8, "failing": 2, "groups": [
                { "severity": "fails", "slot": "plugin/a", "reason": { "code": "new-one", "text": "has no room" }, "count": 2, "examples": ["a/1"] }] } },
            "rehearsal": { "is_open": true, "why": null, "nodes": 5, "answered": 4, "candidates": [{ "slot": "plugin/a", "version": "2.0", "found": {
                "stores": 2, "silent": 1, "silent_examples": ["c"], "calls": 100, "same": 98, "failed": 0, "left_out": 0,
                "refused": [{ "why": "it is not signed", "stores": 1, "examples": ["d"] }], "groups": [
                { "what": "promotion: off a line", "stores": 1, "count": 2, "was": "100", "would_be": "50", "examples": ["a"] }] } }] },
        });
        let told = told(&answer).join("\n");
        for part in [
            "r is ready",
            "of 10 nodes (the fleet has 100) 8 have nothing against it, 2 would not do it",
            "1 people beside its author have to approve it",
            "fails 2 nodes: plugin/a: new-one: has no room, such as a/1",
            "4 of 5 nodes have answered; the others are still asked",
            "plugin/a 2.0: 2 stores played 100 calls: 98 came out the same",
            "promotion: off a line, 2 times in 1 stores: was 100, would be 50, such as a",
            "1 stores did not play it: it is not signed, such as d",
            "1 stores had nothing recorded",
        ] {
            assert!(told.contains(part), "no `{part}` in\n{told}");
        }
    }
}
