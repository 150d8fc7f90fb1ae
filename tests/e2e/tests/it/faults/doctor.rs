//! `aisle-node doctor`: what is well and what is not, with what to do, for people and for scripts.

use crate::support::{
    command::{aisle, run},
    store::Store,
};
use serde_json::Value;

const CHECKS: [&str; 7] = ["config", "disk-space", "disk-sync", "clock", "ports", "journal", "state"];

fn finding<'a>(findings: &'a Value, id: &str) -> &'a Value {
    let all = findings.as_array().expect("a list");
    all.iter().find(|finding| finding["id"] == id).unwrap_or_else(|| panic!("no `{id}` in {findings}"))
}

/// The doctor's options: the usual port may be taken by whoever uses this machine.
const ELSEWHERE: (&str, &str) = ("AISLE_HTTP__LISTEN", "127.0.0.1:0");

#[test]
fn a_sound_store_passes_every_check() {
    let store = Store::small();
    let findings =
        run(aisle(&store.data(), ["doctor", "--json"]).env(ELSEWHERE.0, ELSEWHERE.1)).exits(0).json();
    for id in CHECKS {
        let finding = finding(&findings, id);
        assert_ne!(finding["outcome"], "fail", "{finding}");
        assert!(finding["found"].as_str().is_some_and(|text| !text.is_empty()), "{finding}");
    }
    for id in ["config", "clock", "journal", "state", "ports"] {
        assert_eq!(finding(&findings, id)["outcome"], "ok", "{findings}");
    }
    let text = run(aisle(&store.data(), ["doctor"]).env(ELSEWHERE.0, ELSEWHERE.1)).exits(0).stdout;
    for id in CHECKS {
        assert!(
            text.lines().any(|line| line.split_whitespace().nth(1) == Some(id)),
            "no line for `{id}`: {text}"
        );
    }
}

#[test]
fn a_store_that_has_not_begun_passes_too() {
    let store = Store::empty();
    run(aisle(&store.data(), ["doctor"]).env(ELSEWHERE.0, ELSEWHERE.1)).exits(0);
    assert!(!store.data().exists(), "the doctor changes nothing");
}

#[test]
fn the_doctor_comes_while_a_node_runs() {
    let store = Store::small();
    let node = store.start();
    let listen = node.url().trim_start_matches("http://");
    let findings = run(aisle(&store.data(), ["doctor", "--json"]).env(ELSEWHERE.0, listen)).exits(0).json();
    let ports = finding(&findings, "ports");
    assert_eq!(ports["outcome"], "warn", "{ports}");
    assert!(
        ports["found"].as_str().is_some_and(|text| text.contains(listen) && text.contains("answers")),
        "{ports}"
    );
}

#[test]
fn what_fails_says_what_to_do_and_exits_1() {
    let store = Store::small();
    let findings =
        run(aisle(&store.data(), ["doctor", "--json"]).env(ELSEWHERE.0, "192.0.2.1:80")).exits(1).json();
    let ports = finding(&findings, "ports");
    assert_eq!(ports["outcome"], "fail");
    assert!(ports["fix"].as_str().is_some_and(|fix| fix.contains("http.listen")), "{ports}");
    let text = run(aisle(&store.data(), ["doctor"]).env(ELSEWHERE.0, "192.0.2.1:80")).exits(1).stdout;
    assert!(text.lines().any(|line| line.starts_with("FAIL") && line.contains("ports")), "{text}");
}

#[test]
fn a_missing_index_is_a_warning() {
    let store = Store::small();
    std::fs::remove_dir_all(store.data().join("state")).expect("there is a state");
    let findings =
        run(aisle(&store.data(), ["doctor", "--json"]).env(ELSEWHERE.0, ELSEWHERE.1)).exits(0).json();
    assert_eq!(finding(&findings, "state")["outcome"], "warn", "{findings}");
}
