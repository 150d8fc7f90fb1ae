//! Profiles: tried on samples without a node, listed with what was refused, looked at by the doctor.

use super::scale::SOON;
use crate::{
    admin::administrator::Administered,
    support::{
        command::{aisle, run},
        store::Store,
        wait::eventually,
    },
};
use serde_json::Value;
use std::fs;

const PROBE: &str = r#"
profile = "probe"
model = "Probe P-2"
match = "probes/{device}/reading"

[[message]]
kind = "number"

[[message.value]]
pointer = "/temp"
stream = "temperature"
unit = "fahrenheit"
"#;

#[test]
fn a_sample_shows_what_it_becomes_and_what_is_refused() {
    let store = Store::empty();
    let profile = store.file("probe.toml", PROBE).display().to_string();
    let good = store.file("good.txt", "probes/p-1/reading {\"temp\": 41}\n").display().to_string();
    let report = run(&mut aisle(&store.data(), ["device", "profile", "check", &profile, &good])).exits(0);
    assert!(report.stdout.contains("profile `probe` for Probe P-2"), "{report:?}");
    assert!(report.stdout.contains("p-1: number temperature = 5"), "{report:?}");
    let bad = store.file("bad.txt", "probes/p-1/reading {\"temp\": \"warm\"}\n").display().to_string();
    let report = run(&mut aisle(&store.data(), ["device", "profile", "check", &profile, &bad])).exits(1);
    assert!(report.stdout.contains("refused: `/temp`"), "{report:?}");
    let json = run(&mut aisle(&store.data(), ["device", "profile", "check", &profile, &bad, "--json"]));
    assert_eq!(json.exits(1).json()["lines"][0]["refused"]["path"], "/temp");
    let other = store.file("other.txt", "elsewhere/p-1 7\n").display().to_string();
    let report = run(&mut aisle(&store.data(), ["device", "profile", "check", &profile, &other])).exits(1);
    assert!(report.stdout.contains("not understood"), "{report:?}");
}

#[test]
fn a_wrong_profile_is_refused_with_its_file_and_field() {
    let store = Store::empty();
    let sample = store.file("good.txt", "probes/p-1/reading {\"temp\": 41}\n").display().to_string();
    let wrong = PROBE.replace("fahrenheit", "furlong");
    let profile = store.file("probe.toml", wrong).display().to_string();
    run(&mut aisle(&store.data(), ["device", "profile", "check", &profile, &sample]))
        .exits(1)
        .complains_about(&["probe.toml", "unit", "furlong"]);
    let unknown = PROBE.replace("stream =", "strem =");
    let profile = store.file("probe.toml", unknown).display().to_string();
    run(&mut aisle(&store.data(), ["device", "profile", "check", &profile, &sample]))
        .exits(1)
        .complains_about(&["strem", "hint:", "stream"]);
    run(&mut aisle(&store.data(), ["device", "profile", "check", "/nowhere.toml", &sample]))
        .exits(1)
        .complains_about(&["/nowhere.toml"]);
}

#[tokio::test]
async fn profiles_of_the_store_come_into_force_and_wrong_ones_are_told() {
    let admin = Administered::start();
    let dir = admin.node.data().join("devices/profiles");
    fs::create_dir_all(&dir).expect("made");
    fs::write(dir.join("probe.toml"), PROBE).expect("written");
    fs::write(dir.join("wrong.toml"), "profile = 7\n").expect("written");
    let found = eventually("the profile", SOON, async || {
        let found = admin.get("/v1/admin/device-profiles").await;
        let names = found["profiles"].as_array().expect("profiles");
        names.iter().any(|line| line["profile"] == "probe").then_some(found)
    })
    .await;
    let of = |name: &str| -> Value {
        let lines = found["profiles"].as_array().expect("profiles");
        lines.iter().find(|line| line["profile"] == name).cloned().unwrap_or_default()
    };
    assert_eq!(of("probe")["builtin"], false, "{found}");
    assert_eq!(of("tasmota-plug")["builtin"], true, "{found}");
    assert_eq!(found["refused"][0]["file"], "wrong.toml", "{found}");
    let table = run(&mut admin.aisle(["device", "profile", "list"])).exits(0).stdout;
    assert!(table.contains("the store's") && table.contains("refused: wrong.toml"), "{table}");

    let findings = run(&mut admin.aisle(["doctor", "--json"])).json();
    let finding = |id: &str| {
        let all = findings.as_array().expect("findings");
        all.iter().find(|finding| finding["id"] == id).cloned().unwrap_or_default()
    };
    assert_eq!(finding("profiles")["outcome"], "fail", "{findings}");
    assert!(finding("profiles")["found"].as_str().is_some_and(|found| found.contains("wrong.toml")));
    assert_eq!(finding("staff-pin")["outcome"], "ok", "{findings}");
}
