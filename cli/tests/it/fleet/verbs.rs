//! What verbs send, and how they end.

use super::hub::{Answer, Hub, says, text, well};
use serde_json::{Value, json};

const ROLLOUT: &str = "rollout:
  rollout: multi-buy-1-4
  why: sells the second at half the price
  who: '*'
  set: { plugin/multi-buy: { version: 1.10, hash: HASH, bytes: 40212 } }
  waves:
    - { name: canary, who: pilot, size: 5, soak_minutes: 60 }
    - { name: all }
";

fn rollout() -> String {
    ROLLOUT.replace("HASH", &"ab".repeat(32))
}

fn running(phase: &str) -> Answer {
    well(
        json!({ "rollout": { "rollout": "r", "phase": { "phase": phase }, "current": 0, "tally": { "members": 5, "passed": 2 }, "waves": [] } }),
    )
}

#[test]
fn a_rollout_is_written_down_as_its_file_says() {
    let hub = Hub::that([says("201 Created", "{}")]);
    let file = hub.file("rollout.yaml", &rollout());
    hub.fleet(["rollout", "create", "-f", &text(&file)])
        .well()
        .says("next: `aisle fleet rollout preflight multi-buy-1-4`");
    let asked = hub.asked_once();
    assert_eq!(asked.line, "POST /v1/rollouts HTTP/1.1");
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(body["set"]["plugin/multi-buy"]["version"], "1.10", "a version is no number");
    assert_eq!(body["waves"][0]["soak_minutes"], 60);
}

#[test]
fn what_cannot_be_a_rollout_is_said_with_its_place_before_anybody_is_asked() {
    let hub = Hub::that([]);
    let file = text(&hub.file("rollout.yaml", &rollout().replace("why:", "wy:")));
    hub.fleet(["rollout", "create", "-f", &file]).ended(2).says("rollout.yaml").says("line ").says("wy");
    let empty = text(&hub.file("group.yaml", "group: { name: a, who: '*' }\n"));
    hub.fleet(["rollout", "create", "-f", &empty]).ended(2).says("is no rollout");
    hub.fleet(["rollout", "create", "-f", "/nowhere"]).ended(2).says("cannot read");
}

#[test]
fn verbs_say_why() {
    let hub = Hub::that([running("paused"), running("running"), running("running")]);
    hub.fleet(["rollout", "pause", "r", "--why", "it's odd"]).well().says("r is paused");
    hub.fleet(["rollout", "retry-failed", "r"]).well();
    hub.fleet(["rollout", "exclude", "r", "ulm", "--why", "closed"]).well();
    let asked: Vec<_> = hub.asked().into_iter().map(|asked| (asked.line, asked.body)).collect();
    let line = |verb: &str| format!("POST /v1/rollouts/r/{verb} HTTP/1.1");
    assert_eq!(asked[0], (line("pause"), r#"{"why":"it's odd"}"#.to_owned()));
    assert_eq!(asked[1], (line("retry-failed"), "{}".to_owned()));
    assert_eq!(asked[2], (line("exclude"), r#"{"store":"ulm","why":"closed"}"#.to_owned()));
}

#[test]
fn a_rollout_is_forgotten_by_its_name() {
    let hub = Hub::that([says("204 No Content", "")]);
    hub.fleet(["rollout", "delete", "r"]).well().says("rollout `r` is forgotten");
    assert_eq!(hub.asked_once().line, "DELETE /v1/rollouts/r HTTP/1.1");
}

#[test]
fn looking_on_ends_with_the_rollout_and_says_how() {
    let stopped = well(
        json!({ "rollout": { "rollout": "r", "phase": { "phase": "paused", "why": "wave `canary` stopped", "by_gate": true },
            "causes": [{ "count": 3, "examples": ["ulm/A1"], "cause": { "slot": "plugin/a", "code": "trapped", "text": "trapped at `price`" } }] } }),
    );
    let hub = Hub::that([running("running"), running("running"), stopped, running("done")]);
    let ran = hub.fleet(["rollout", "watch", "r", "--every", "1"]).ended(6);
    assert_eq!(ran.out.lines().count(), 3, "a line for each change, and at the end a cause:\n{}", ran.out);
    assert!(
        ran.out.contains("3 failed at plugin/a: trapped at `price` (trapped), such as ulm/A1"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("r is paused by a gate: wave `canary` stopped"), "{}", ran.out);
    hub.fleet(["rollout", "watch", "r"]).well();
}

#[test]
fn documents_are_applied_as_they_are_and_differences_end_differently() {
    let of = |differs: &str, was: &str| {
        let document = json!({ "kind": "group", "name": "pilots", "differs": differs, "was": { "who": was }, "becomes": { "who": "b" } });
        json!({ "dry_run": true, "documents": [document], "nodes": 0, "examples": [] })
    };
    let (changes, same) = (of("changed", "a"), of("unchanged", "b"));
    let hub = Hub::that([well(&changes), well(&changes), well(&same), well(&changes)]);
    let file = text(&hub.file("fleet.yaml", "group: { name: pilots, who: b }\n"));
    let ran = hub.fleet(["apply", "-f", &file, "--dry-run"]).well();
    assert!(ran.out.contains("  - who: a\n  + who: b\n") && !ran.out.contains('\u{1b}'), "{}", ran.out);
    hub.fleet(["diff", "-f", &file]).ended(5);
    hub.fleet(["diff", "-f", &file]).well();
    hub.run(["apply", "-f", "-"], Some("token-of-a-program"), "group: { name: pilots, who: b }\n").well();
    let asked = hub.asked();
    assert_eq!(asked[0].line, "POST /v1/apply?dry_run=true HTTP/1.1");
    assert_eq!(asked[0].body, "group: { name: pilots, who: b }\n");
    assert_eq!(asked[3].line, "POST /v1/apply HTTP/1.1");
}

#[test]
fn a_person_is_changed_as_they_were_looked_at() {
    let person = json!({ "person": "p1", "name": "ada", "roles": ["viewer"] });
    let tagged = Answer::Says("200 OK", vec![("etag", "\"3\"".into())], person.to_string());
    let hub = Hub::that([
        says("404 Not Found", json!({ "title": "No such person" })),
        well(json!({ "items": [person] })),
        tagged,
        well(&person),
    ]);
    hub.fleet(["people", "change", "Ada", "--role", "operator@region:eu"]).well();
    let asked = hub.asked();
    assert_eq!(asked[3].line, "PATCH /v1/people/p1 HTTP/1.1");
    assert_eq!(asked[3].headers["if-match"], "\"3\"");
    assert_eq!(asked[3].body, r#"{"roles":["operator@region:eu"]}"#);
}

#[test]
fn who_agrees_names_what_they_looked_at() {
    let hub = Hub::that([well(json!({ "approval": "a1", "state": "approved" }))]);
    hub.fleet(["approvals", "approve", "a1"]).ended(2).says("--hash");
    hub.fleet(["approvals", "approve", "a1", "--hash", "abcd"]).well();
    let asked = hub.asked_once();
    assert_eq!(asked.line, "POST /v1/approvals/a1/decision HTTP/1.1");
    assert_eq!(asked.body, r#"{"agrees":true,"hash":"abcd","reason":""}"#);
}

#[test]
fn a_group_can_be_said_in_one_line() {
    let becomes = json!({ "kind": "group", "name": "pilots", "differs": "created", "was": null, "becomes": { "who": "pilot" } });
    let hub = Hub::that([says("201 Created", becomes)]);
    hub.fleet([
        "group",
        "set",
        "pilots",
        "--who",
        "pilot, region=eu",
        "--priority",
        "-5",
        "--minimum",
        "plugin/a=1.2",
    ])
    .well()
    .says("group pilots is new\n  + who: pilot");
    let asked = hub.asked_once();
    assert_eq!(asked.line, "PUT /v1/groups/pilots HTTP/1.1");
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!((&body["priority"], &body["says"]["minimums"]["plugin/a"]), (&json!(-5), &json!("1.2")));
    hub.fleet(["group", "set", "pilots"]).ended(2).says("who");
    hub.fleet(["group", "set", "pilots", "--who", "region in (eu"]).ended(2);
}

#[test]
fn every_verb_explains_itself() {
    let hub = Hub::that([]);
    for verb in [
        "login",
        "show",
        "nodes",
        "label",
        "group",
        "filter",
        "override",
        "rollout",
        "artefact",
        "claim",
        "enrolment",
        "people",
        "token",
        "approvals",
        "audit",
        "apply",
        "diff",
    ] {
        hub.fleet([verb, "--help"]).well().says("Usage: aisle fleet");
    }
    hub.fleet(["--help"]).well().says("Exit codes:").says("4  nothing is done yet");
}
