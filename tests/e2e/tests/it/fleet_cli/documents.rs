//! Stores are labelled, groups, overrides and filters said; one by one and as files.

use super::{Manager, says};
use serde_json::json;

const FLEET: &str = "group:
  name: pilots
  who: pilot
  says: { minimums: { plugin/multi-buy: '1.10' } }
---
filter: { name: old, who: 'version<1.4' }
---
override:
  store: ulm-3
  why: its till is old
  says: { artefacts: { plugin/multi-buy: absent } }
";

fn manager() -> Manager {
    let manager = Manager::with_nodes(&[("berlin-12", "A1"), ("ulm-3", "B2")]);
    manager.fleet(["label", "berlin-12", "pilot=", "size=s"]).exits(0);
    manager
}

#[test]
fn labels_choose_nodes() {
    let manager = manager();
    let of = |filter: &str| -> Vec<String> {
        let page = manager.json(["nodes", "--filter", filter]);
        page["items"]
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| row["store"].as_str().expect("a store").to_owned())
            .collect()
    };
    assert_eq!(of("pilot"), ["berlin-12"]);
    assert_eq!(of("!pilot"), ["ulm-3"]);
    assert_eq!(of("*").len(), 2);
    manager.fleet(["label", "berlin-12", "pilot-"]).exits(0);
    assert!(of("pilot").is_empty());
    manager.fleet(["nodes", "--filter", "size in (s"]).exits(1).complains_about(&["filter"]);
    manager.fleet(["label", "nowhere", "pilot="]).exits(1).complains_about(&["nowhere"]);
    // It never came, and is known all the same.
    says(&manager.fleet(["show", "berlin-12"]).exits(0), &["berlin-12", "A1", "active"]);
    manager.fleet(["show", "nowhere"]).exits(1);
    says(
        &manager.fleet(["show", "berlin-12/A1"]).exits(0),
        &["berlin-12/A1", "size=s", "it has not said what it runs"],
    );
}

#[test]
fn a_dry_run_says_what_would_differ_and_changes_nothing_and_then_it_is_so() {
    let manager = manager();
    let file = manager.file("fleet.yaml", FLEET).display().to_string();
    let dry = manager.fleet(["apply", "-f", &file, "--dry-run"]).exits(0);
    says(&dry, &["group pilots is new", "  + says.minimums.plugin/multi-buy: 1.10", "3 would be new"]);
    assert!(!dry.stdout.contains('\u{1b}'), "nobody looks on: {dry:?}");
    assert_eq!(manager.json(["group", "list"])["items"], json!([]));

    manager.fleet(["diff", "-f", &file]).exits(5);
    says(&manager.fleet(["apply", "-f", &file]).exits(0), &["3 new, 0 changed, 0 as before"]);
    manager.fleet(["diff", "-f", &file]).exits(0);
    says(&manager.fleet(["group", "show", "pilots"]).exits(0), &["plugin/multi-buy never below 1.10"]);
    says(
        &manager.fleet(["override", "show", "ulm-3"]).exits(0),
        &["its till is old", "plugin/multi-buy should be absent"],
    );
    says(&manager.fleet(["show", "ulm-3/B2"]).exits(0), &["the override of `ulm-3` (its till is old)"]);

    let changed =
        manager.file("fleet.yaml", &FLEET.replace("version<1.4", "version<1.5")).display().to_string();
    says(
        &manager.fleet(["apply", "-f", &changed]).exits(0),
        &["filter old changes", "  - who: version<1.4", "  + who: version<1.5"],
    );
    manager.fleet(["nodes", "--filter", "@old"]).exits(0);
}

#[test]
fn a_file_with_one_mistake_changes_nothing_and_says_where_it_is() {
    let manager = manager();
    let file =
        manager.file("fleet.yaml", &FLEET.replace("why: its till is old", "why: ''")).display().to_string();
    manager.fleet(["apply", "-f", &file]).exits(1).complains_about(&["document 3", "`why`"]);
    assert_eq!(manager.json(["group", "list"])["items"], json!([]));
}

#[test]
fn groups_overrides_and_filters_are_said_in_a_line_and_taken_away() {
    let manager = manager();
    says(
        &manager.fleet(["group", "set", "pilots", "--who", "pilot", "--priority", "7"]).exits(0),
        &["group pilots is new"],
    );
    says(
        &manager.fleet(["group", "set", "pilots", "--who", "pilot", "--priority", "8"]).exits(0),
        &["- priority: 7", "+ priority: 8"],
    );
    says(&manager.fleet(["group", "list"]).exits(0), &["pilots", "8"]);
    manager.fleet(["group", "delete", "pilots"]).exits(0);
    manager.fleet(["group", "show", "pilots"]).exits(1);
    let why = ["override", "set", "ulm-3/B2", "--why", "on trial", "--absent", "plugin/a", "--until", "14d"];
    says(&manager.fleet(why).exits(0), &["override ulm-3/B2 is new"]);
    says(&manager.fleet(["override", "list"]).exits(0), &["ulm-3", "B2", "on trial"]);
    manager.fleet(["override", "delete", "ulm-3/B2"]).exits(0);
    manager.fleet(["filter", "set", "small", "--who", "size=s"]).exits(0);
    says(&manager.fleet(["nodes", "--filter", "@small"]).exits(0), &["berlin-12"]);
    says(
        &manager.fleet(["group", "set", "little", "--who", "@small"]).exits(0),
        &["group little is new", "  + who: size=s"],
    );
    let file = manager.file(
        "old.yaml",
        "group: { name: little, who: '@old' }\n---\nfilter: { name: old, who: version<1.4 }\n",
    );
    let dry = manager.fleet(["apply", "-f", &file.display().to_string(), "--dry-run"]).exits(0);
    says(&dry, &["group little changes", "  - who: size=s", "  + who: version<1.4"]);
    let file = manager.file("one.yaml", "group: { name: little, who: '@small', priority: 3 }\n");
    let set = manager.fleet(["group", "set", "-f", &file.display().to_string()]).exits(0);
    says(&set, &["group little changes", "  + priority: 3"]);
    manager.fleet(["group", "set", "none", "--who", "@nobody"]).exits(1).complains_about(&["nobody"]);
    manager.fleet(["group", "delete", "little"]).exits(0);
    manager.fleet(["filter", "delete", "small"]).exits(0);
}

#[test]
fn a_request_that_is_shown_is_one_that_somebody_can_send() {
    let manager = manager();
    let shown = manager.fleet(["group", "set", "pilots", "--who", "pilot", "--show-request"]).exits(0).stderr;
    let token = manager.hub.token().expect("a token");
    assert!(!shown.contains(&token), "the token is shown: {shown}");
    // The same key again: it is answered again, and done once.
    let sent = std::process::Command::new("sh")
        .arg("-c")
        .arg(format!("{} -s -w '%{{http_code}}'", shown.trim()))
        .env("AISLE_TOKEN", token)
        .output();
    let sent = sent.expect("a shell");
    let answer = String::from_utf8_lossy(&sent.stdout);
    assert!(answer.ends_with("201") && answer.contains("created"), "{answer} {sent:?}");
}
