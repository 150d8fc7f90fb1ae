//! New plugins: complete, small, and never in the place of something.

use crate::aisle::{aisle, template};
use std::fs;

#[test]
fn every_template_builds_and_passes_its_cases() {
    for hook in ["pricing", "promotion", "ranking", "replenishment", "reaction"] {
        let folder = template(hook);
        let ran = aisle(&folder, ["plugin", "test", "--json"]).well().json();
        assert_eq!((ran["passed"].as_u64(), ran["failed"].as_u64()), (Some(2), Some(0)), "{hook}: {ran}");
    }
}

#[test]
fn a_template_asks_for_what_it_is_granted_and_is_small() {
    let folder = template("promotion");
    let seen = aisle(&folder, ["plugin", "inspect", ".", "--json"]).well().json();
    assert_eq!(seen["exports"], serde_json::json!(["promote"]));
    assert_eq!((&seen["not_granted"], &seen["not_needed"]), (&serde_json::json!([]), &serde_json::json!([])));
    assert!(seen["bytes"].as_u64().unwrap() < 60_000, "{seen}");
}

#[test]
fn both_ways_of_naming_the_hook_make_the_same() {
    let folder = tempfile::tempdir().unwrap();
    aisle(folder.path(), ["plugin", "new", "ranking", "one"]).well().says("cd one && aisle plugin test");
    aisle(folder.path(), ["plugin", "new", "two", "--hook", "ranking"]).well();
    let text = |name: &str| fs::read_to_string(folder.path().join(name).join("src/lib.rs")).unwrap();
    assert_eq!(text("one"), text("two"));
    let made = aisle(folder.path(), ["plugin", "new", "ranking", "three", "--json"]).well().json();
    let files: Vec<&str> = made["files"].as_array().unwrap().iter().filter_map(|it| it.as_str()).collect();
    for file in ["Cargo.toml", "plugin.toml", "src/lib.rs", "README.md", "cases/doubtful.json"] {
        assert!(files.contains(&file) && folder.path().join("three").join(file).is_file(), "{file}");
    }
}

#[test]
fn a_folder_that_is_there_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("mine")).unwrap();
    fs::write(folder.path().join("mine/notes"), "precious").unwrap();
    aisle(folder.path(), ["plugin", "new", "promotion", "mine"])
        .ended(1)
        .says("is there already")
        .says("hint: ");
    assert_eq!(fs::read_dir(folder.path().join("mine")).unwrap().count(), 1);
}

#[test]
fn names_and_hooks_that_cannot_be_are_wrong_use_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let new = |words: &[&str]| aisle(folder.path(), ["plugin", "new"].iter().chain(words));
    new(&["My_Offer", "--hook", "promotion"]).ended(2).says("perhaps `my-offer`");
    new(&["../away", "--hook", "promotion"]).ended(2).says("is no name for a plugin");
    new(&["offer"]).ended(2).says("which hook is it for?");
    new(&["promotions", "offer"]).ended(2).says("`promotions` is no hook");
    new(&["promotion", "offer", "--hook", "ranking"]).ended(2).says("given twice");
    new(&["promotion", "offer", "--sdk", "."]).ended(1).says("is not the folder of `aisle-plugin-sdk`");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn two_plugins_of_one_name_are_not_taken_for_each_other() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for folder in [&one, &other] {
        aisle(folder.path(), ["plugin", "new", "promotion", "a-twin"]).well();
    }
    let source = other.path().join("a-twin/src/lib.rs");
    let text = fs::read_to_string(&source).unwrap();
    fs::write(&source, text.replace("% off {category}", "percent off {category}")).unwrap();
    let built = |folder: &tempfile::TempDir| {
        let built = aisle(folder.path(), ["plugin", "build", "a-twin", "--json"]).well().json();
        built["hash"].as_str().unwrap().to_owned()
    };
    let (first, second, again) = (built(&one), built(&other), built(&one));
    assert_eq!(first, again);
    assert_ne!(first, second);
}
