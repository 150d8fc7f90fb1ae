//! Cases that pass and fail, and single runs.

use crate::aisle::{aisle, component, template};
use std::{fs, path::Path};

/// A plugin's folder that has only what its cases need.
fn copied(hook: &str) -> tempfile::TempDir {
    let (from, to) = (template(hook), tempfile::tempdir().unwrap());
    fs::copy(from.join("plugin.toml"), to.path().join("plugin.toml")).unwrap();
    fs::create_dir(to.path().join("cases")).unwrap();
    for entry in fs::read_dir(from.join("cases")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.path().join("cases").join(entry.file_name())).unwrap();
    }
    to
}

fn change(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from));
    fs::write(file, text.replace(from, to)).unwrap();
}

#[test]
fn a_case_that_fails_is_shown_item_by_item_and_ends_with_1() {
    let (folder, built) = (copied("promotion"), component(&template("promotion")));
    let case = folder.path().join("cases/enough.json");
    change(&case, "\"amount\": 16", "\"amount\": 17");
    let test = |more: &[&str]| {
        let start = ["plugin", "test", ".", "--component", built.to_str().unwrap()];
        aisle(folder.path(), start.iter().chain(more))
    };
    test(&[]).ended(1).says("FAILED  enough.json").says("\"amount\":16").says("1 passed, 1 failed");
    let report = test(&["--json"]).ended(1).json();
    assert_eq!(report["cases"][0]["passed"], false);
    assert!(report["cases"][0]["differences"][0].as_str().unwrap().contains("\"amount\":16"), "{report}");

    let before = fs::read_to_string(&case).unwrap();
    test(&["--update"]).ended(1).says("  - ").says("  + ").says("nothing was written");
    assert_eq!(fs::read_to_string(&case).unwrap(), before);
    test(&["--update", "--write"]).ended(1).says("written");
    test(&[]).well().says("2 passed, 0 failed");
    // Everything but the answer stays as somebody wrote it.
    let after = fs::read_to_string(&case).unwrap();
    assert!(
        after.contains("{ \"product\": { \"sku\": \"LOAF\", \"category\": \"bakery\", \"price\": 250 } },"),
        "{after}"
    );
}

#[test]
fn one_run_shows_decisions_money_and_cost() {
    let folder = template("promotion");
    aisle(&folder, ["plugin", "run", "cases/enough.json"])
        .well()
        .says("line 1 ROLL  0.16 GBP off: 10 % off bakery from 3 pieces")
        .says("money   -0.41 GBP")
        .says("fuel    ")
        .says("memory  ");
    let ran = aisle(&folder, ["plugin", "run", "cases/enough.json", "--json"]).well().json();
    assert_eq!(ran["call"]["output"]["items"][0]["line-discount"]["amount"], 16);
    assert!(ran["call"]["fuel"].as_u64().unwrap() > 0);
    aisle(&folder, ["plugin", "run", "cases/too-few.json"]).well().says("decides nothing");
}

#[test]
fn what_a_plugin_logs_is_shown() {
    let folder = template("reaction");
    let case = folder.parent().unwrap().join("odd-sensor.json");
    let input = r#"{"hook": "reaction", "happening": {"anomaly": {"device": "fridge-7", "stream": "t", "open": true}}}"#;
    fs::write(&case, format!(r#"{{"what": "a sensor is odd", "input": {input}, "expected": []}}"#)).unwrap();
    let arguments = ["plugin", "run", case.to_str().unwrap(), "--component", folder.to_str().unwrap()];
    aisle(&folder, arguments).well().says("log     info: fridge-7 is odd");
}

#[test]
fn a_call_that_fails_is_shown_with_its_kind_and_ends_with_1() {
    let folder = template("promotion");
    let shipped =
        crate::aisle::shipped(&folder, |text| text.replace("percent = 10\n", "percent = \"ten\"\n"));
    let component = shipped.path().join("plugin.wasm");
    let arguments = ["plugin", "run", "cases/enough.json", "--component", component.to_str().unwrap()];
    aisle(&folder, arguments).ended(1).says("fails (refused)").says("`percent` cannot be `ten`");
}

#[test]
fn an_input_needs_to_expect_nothing_to_be_run() {
    let folder = template("promotion");
    let case = tempfile::Builder::new().suffix(".json").tempfile_in(folder.parent().unwrap()).unwrap();
    let line = r#"{"product": {"sku": "ROLL", "category": "bakery", "price": 80}, "quantity": 3000}"#;
    let input = format!(r#"{{"hook": "promotion", "lines": [{line}]}}"#);
    for text in [input.clone(), format!(r#"{{"now": 1795262400000, "input": {input}}}"#)] {
        fs::write(case.path(), text).unwrap();
        let arguments =
            ["plugin", "run", case.path().to_str().unwrap(), "--component", folder.to_str().unwrap()];
        aisle(&folder, arguments).well().says("money   -0.24 GBP");
    }
}
