//! The configuration: unknown keys, bad values, the order of its sources.

use crate::support::{
    command::{Outcome, aisle, run},
    store::Store,
};
use serde_json::Value;

/// `config COMMAND` with this text as `aisle.toml` and these variables.
fn config(store: &Store, command: &str, text: &str, variables: &[(&str, &str)]) -> Outcome {
    let file = store.file("aisle.toml", text);
    let mut command = aisle(&store.data(), ["config", command, "--json", "--config"]);
    run(command.arg(file).envs(variables.iter().copied()))
}

fn shown(store: &Store, text: &str, variables: &[(&str, &str)]) -> Value {
    config(store, "show", text, variables).exits(0).json()
}

#[test]
fn an_unknown_key_is_refused_with_its_path_and_the_nearest_key() {
    for (text, words) in [
        ("[kiosk]\nidle_rest_s = 60\n", ["`kiosk.idle_rest_s`", "`idle_reset_s`"]),
        ("[journal]\nsegment_byte = 65536\n", ["`journal.segment_byte`", "`segment_bytes`"]),
        ("[recommend.cache]\nbyte_max = 0\n", ["`recommend.cache.byte_max`", "`bytes_max`"]),
        ("[kosk]\nidle_reset_s = 60\n", ["`kosk`", "`kiosk`"]),
    ] {
        let store = Store::empty();
        let outcome = config(&store, "check", text, &[]).exits(78);
        outcome.complains_about(&words);
        outcome.complains_about(&["error: ", "aisle.toml", "unknown key", "hint: "]);
    }
}

#[test]
fn a_bad_value_is_refused_with_its_path_and_the_reason() {
    for (text, words) in [
        ("[kiosk]\nidle_reset_s = \"soon\"\n", ["kiosk.idle_reset_s", "soon"]),
        ("[kiosk]\nidle_reset_s = 3\n", ["idle_reset_s", "at least 10"]),
        ("[kiosk]\ntime_zone = \"Europe/Atlantis\"\n", ["time_zone", "Europe/Atlantis"]),
        ("[store]\nid = \"\"\n", ["store.id", "empty"]),
        ("[store]\ncurrency = \"pounds\"\n", ["store.currency", "pounds"]),
        ("[http]\nlisten = \"everywhere\"\n", ["http.listen", "socket address"]),
        ("[journal]\non_corruption = \"ignore\"\n", ["journal.on_corruption", "ignore"]),
        ("[log]\nformat = \"xml\"\n", ["log.format", "xml"]),
        ("[state]\ncheckpoints_max = 0\n", ["checkpoints_max", "at least 1"]),
        ("[recommend.sessions]\nitems_last = 99\n", ["sessions.items_last", "99"]),
    ] {
        let store = Store::empty();
        config(&store, "check", text, &[]).exits(78).complains_about(&words);
    }
}

#[test]
fn a_text_that_is_no_toml_is_refused_with_its_line() {
    let store = Store::empty();
    let outcome = config(&store, "check", "[store]\nid = \"a\nb\"\n", &[]).exits(78);
    outcome.complains_about(&["aisle.toml", "line 2"]);
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let store = Store::empty();
    let nowhere = store.path("nowhere.toml").display().to_string();
    let outcome = run(&mut aisle(&store.data(), ["config", "check", "--config", &nowhere])).exits(78);
    outcome.complains_about(&["nowhere.toml", "hint: "]);
}

#[test]
fn later_sources_go_over_earlier_ones() {
    let store = Store::empty();
    let main = "[store]\nid = \"main\"\ncurrency = \"EUR\"\n[kiosk]\nidle_reset_s = 30\n";
    assert_eq!(shown(&store, main, &[])["store"]["id"], "main");
    assert_eq!(shown(&store, main, &[])["kiosk"]["idle_warning_s"], 15, "a default stays");

    store.file("conf.d/20-second.toml", "[store]\nid = \"second\"\n[kiosk]\nidle_reset_s = 50\n");
    store.file("conf.d/10-first.toml", "[store]\nid = \"first\"\n[kiosk]\nidle_reset_s = 40\nthanks_s = 7\n");
    store.file("conf.d/30-ignored.txt", "[store]\nid = \"no TOML by its name\"\n");
    let merged = shown(&store, main, &[]);
    assert_eq!(merged["store"]["id"], "second");
    assert_eq!(merged["kiosk"]["idle_reset_s"], 50);
    assert_eq!(merged["kiosk"]["thanks_s"], 7);
    assert_eq!(merged["store"]["currency"], "EUR");

    let merged = shown(&store, main, &[("AISLE_STORE__ID", "variable"), ("AISLE_KIOSK__IDLE_RESET_S", "60")]);
    assert_eq!(merged["store"]["id"], "variable");
    assert_eq!(merged["kiosk"]["idle_reset_s"], 60);
    assert_eq!(merged["kiosk"]["thanks_s"], 7);
}

#[test]
fn an_unknown_or_bad_variable_is_refused_by_its_key() {
    let store = Store::empty();
    let outcome = config(&store, "check", "", &[("AISLE_KIOSK__IDLE_REST_S", "60")]).exits(78);
    outcome.complains_about(&["kiosk.idle_rest_s", "`idle_reset_s`"]);
    let outcome = config(&store, "check", "", &[("AISLE_KIOSK__IDLE_RESET_S", "soon")]).exits(78);
    outcome.complains_about(&["kiosk.idle_reset_s", "soon"]);
}

#[test]
fn a_refused_configuration_starts_nothing_and_touches_nothing() {
    let store = Store::empty();
    let file = store.file("aisle.toml", "[kiosk]\nidle_rest_s = 60\n").display().to_string();
    for command in [["run", "--listen", "127.0.0.1:0"], ["config", "show", "--json"]] {
        run(aisle(&store.data(), command).args(["--config", &file]))
            .exits(78)
            .complains_about(&["idle_reset_s"]);
    }
    assert!(!store.data().exists());
    let doctor = run(&mut aisle(&store.data(), ["doctor", "--json", "--config", &file])).exits(1).json();
    let finding = doctor.as_array().unwrap().iter().find(|finding| finding["id"] == "config").unwrap();
    assert_eq!(finding["outcome"], "fail");
}

#[test]
fn what_is_shown_can_be_read_back() {
    let store = Store::empty();
    let first = run(&mut aisle(&store.data(), ["config", "show"])).exits(0).stdout;
    let file = store.file("aisle.toml", &first).display().to_string();
    let second = run(&mut aisle(&store.data(), ["config", "show", "--config", &file])).exits(0).stdout;
    assert_eq!(first, second);
}
