//! Rounds of building and testing while somebody edits.

use crate::aisle::{aisle, command, made};
use std::{
    fs,
    io::{BufRead, BufReader},
    process::Stdio,
};

#[test]
fn a_change_of_the_source_is_built_tested_and_held_against_recordings_at_once() {
    let folder = made("a-watched", "promotion");
    let source = folder.join("src/lib.rs");
    let text = fs::read_to_string(&source).unwrap();
    let call = aisle(&folder, ["plugin", "run", "cases/enough.json", "--json"]).well().json()["call"].clone();
    fs::write(folder.join("recordings.jsonl"), format!("{call}\n")).unwrap();
    let mut watching = command(&folder, ["plugin", "watch", ".", "--rounds", "3"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut until = |part: &str| {
        let found = lines.find(|line| line.contains(part));
        found.unwrap_or_else(|| panic!("it ended without `{part}`"))
    };
    until("2 passed, 0 failed");
    until("1 replayed, 0 differ");
    until("ms in all");
    fs::write(&source, text.replace("bought < pieces", "bought < pieces + 1")).unwrap();
    until("-- src/lib.rs");
    until("FAILED  enough.json");
    until("1 passed, 1 failed");
    until("1 replayed, 1 differ");
    let took = until("ms in all");
    let (millis, _) = took.split_once(" ms in all").unwrap();
    assert!(millis.parse::<u64>().is_ok(), "{took}");
    eprintln!("from the change that was seen to the last difference: {took}");
    fs::write(&source, &text).unwrap();
    until("2 passed, 0 failed");
    assert!(watching.wait().unwrap().success());
}
