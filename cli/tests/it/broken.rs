//! Files that are none: every verb says what is wrong, by the field where there is one, and ends with 1.

use crate::aisle::{aisle, component, shipped, template};
use std::{fs, path::Path};

const GARBAGE: [(&str, &[u8]); 5] = [
    ("empty", b""),
    ("text", b"not what it should be"),
    ("bytes", &[0xff, 0xfe, 0x00, 0x61, 0x73, 0x6d]),
    ("module", b"\0asm\x01\0\0\0"),
    ("cut", b"\0asm\x0d\0\x01\0\x07"),
];

#[test]
fn what_is_no_component_is_refused() {
    let folder = template("promotion");
    let case = folder.join("cases/enough.json");
    let case = case.to_str().unwrap();
    let whole = fs::read(component(&folder)).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x10;
    flipped[20] ^= 0xff;
    let broken = shipped(&folder, str::to_owned);
    let file = broken.path().join("plugin.wasm");
    let half = &whole[..whole.len() / 2];
    let all = GARBAGE.iter().map(|(_, bytes)| *bytes).chain([half, flipped.as_slice()]);
    for bytes in all {
        fs::write(&file, bytes).unwrap();
        let path = file.to_str().unwrap();
        aisle(broken.path(), ["plugin", "inspect", path]).ended(1).says("error: ");
        aisle(broken.path(), ["plugin", "run", case, "--component", path]).ended(1).says("error: ");
        aisle(broken.path(), ["plugin", "bench", path, "--input", case]).ended(1).says("error: ");
        aisle(broken.path(), ["plugin", "replay", path, "--recordings", case]).ended(1).says("error: ");
    }
}

#[test]
fn what_is_no_case_is_refused_by_its_path() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(template("promotion").join("plugin.toml"), folder.path().join("plugin.toml")).unwrap();
    fs::create_dir(folder.path().join("cases")).unwrap();
    let case = folder.path().join("cases/one.json");
    let component = component(&template("promotion"));
    let test = || {
        let arguments = ["plugin", "test", ".", "--component", component.to_str().unwrap()];
        aisle(folder.path(), arguments)
    };
    test().ended(1).says("there are no cases");
    for (_, bytes) in GARBAGE {
        fs::write(&case, bytes).unwrap();
        test().ended(1).says("one.json");
    }
    let deep = "[".repeat(100_000);
    fs::write(&case, deep).unwrap();
    test().ended(1).says("one.json");
    let wrong =
        r#"{"what": "w", "input": {"hook": "promotion", "lines": [{"quantity": "two"}]}, "expected": []}"#;
    fs::write(&case, wrong).unwrap();
    test().ended(1).says("`input`");
}

#[test]
fn a_manifest_is_refused_by_its_field() {
    let folder = template("promotion");
    let said = |from: &str, to: &str, parts: &[&str]| {
        let wrong = shipped(&folder, |text| text.replace(from, to));
        let path = wrong.path().join("plugin.wasm");
        let case = folder.join("cases/enough.json");
        let arguments = ["plugin", "run", case.to_str().unwrap(), "--component", path.to_str().unwrap()];
        let ran = aisle(Path::new("."), arguments).ended(1);
        parts.iter().fold(ran, |ran, part| ran.says(part));
    };
    said("fuel_max = 2_000_000", "fuel_mox = 1", &["limits.fuel_mox", "hint: did you mean `fuel_max`?"]);
    said("version = \"0.1.0\"", "version = \"one\"", &["`version` is \"one\""]);
    said("hooks = [\"promotion\"]", "hooks = [\"pricing\"]", &["no hook `pricing`"]);
    said("id = ", "id = = ", &["no TOML"]);
}

#[test]
fn an_import_that_is_not_granted_is_named_with_its_grant() {
    let folder = template("reaction");
    let wrong = shipped(&folder, |text| text.replace("grants = [\"log\"]", "grants = []"));
    let (path, case) = (wrong.path().join("plugin.wasm"), folder.join("cases/empty-shelf.json"));
    let arguments = ["plugin", "run", case.to_str().unwrap(), "--component", path.to_str().unwrap()];
    aisle(Path::new("."), arguments).ended(1).says("aisle:plugin/log").says("hint: add \"log\" to `grants`");
    aisle(wrong.path(), ["plugin", "inspect", "plugin.wasm"]).well().says("it would be refused");
}

#[test]
fn inspect_finds_the_manifest_above_target_and_refuses_a_wrong_one() {
    let folder = template("reaction");
    let own = aisle(&folder, ["plugin", "inspect", "target/a-reaction.wasm", "--json"]).well().json();
    assert_eq!(own["grants"], serde_json::json!(["log"]), "{own}");
    let wrong = shipped(&folder, |text| text.replace("grants = [\"log\"]", "grants = [\"lgo\"]"));
    let inspect = || aisle(wrong.path(), ["plugin", "inspect", "plugin.wasm"]);
    inspect().ended(1).says("`grants[0]` is \"lgo\"").says("hint: did you mean \"log\"?");
    fs::remove_file(wrong.path().join("plugin.toml")).unwrap();
    inspect().well().says("no plugin.toml beside it");
}

#[test]
fn what_is_not_there_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let ask = |words: &[&str]| aisle(folder.path(), words);
    ask(&["plugin", "build", "."]).ended(1).says("Cargo.toml").says("hint: ");
    ask(&["plugin", "test"]).ended(1).says("there are no cases");
    ask(&["plugin", "run", "none.json"]).ended(1).says("none.json");
    ask(&["plugin", "replay", "none.wasm", "--recordings", "none"]).ended(1).says("there is no `none.wasm`");
    ask(&["plugin", "replay", "."]).ended(2);
    ask(&["plugin", "bench", "--lines", "0"]).ended(2);
    ask(&["plugin", "watch", "none"]).ended(1).says("plugin.toml");
}
