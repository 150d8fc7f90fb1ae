//! The guides' commands: every one that README.md and the guides of `deploy/edge` print is one that its program knows, options and values too.
//!
//! Each is asked for its help behind its own words, so nothing is done. Not here: what the commands do.

use crate::support::command::run;
use aisle_harness::node;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const GUIDES: [&str; 4] =
    ["README.md", "deploy/edge/README.md", "deploy/edge/INSTALLER.md", "deploy/edge/FLEET-MANAGER.md"];

fn program(name: &str) -> Option<PathBuf> {
    match name {
        "aisle" => node::author_binary().ok(),
        "aisle-node" => node::binary().ok(),
        "aisle-hub" => node::binary().ok().map(|node| node.with_file_name("aisle-hub")),
        _ => None,
    }
}

/// The words of a line of shell, command by command. Quotes hold words together, and a comment ends the line.
fn commands(line: &str) -> Vec<Vec<String>> {
    let (mut all, mut words, mut word, mut quote) = (Vec::new(), Vec::new(), None::<String>, None);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            (letter, Some(open)) if letter == open => quote = None,
            ('\'' | '"', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (_, Some(_)) => word.get_or_insert_default().push(letter),
            ('#', None) if word.is_none() => break,
            (' ', None) => words.extend(word.take()),
            ('&' | '|' | ';' | '>' | '<', None) => {
                words.extend(word.take());
                all.push(std::mem::take(&mut words));
                if matches!(letter, '>' | '<') {
                    // The file is no word of the command.
                    break;
                }
                letters.next_if_eq(&letter);
            }
            (_, None) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    all.push(words);
    all
}

/// Every command of ours in the fenced blocks of a guide, with the number of its line.
fn ours(text: &str) -> Vec<(usize, Vec<String>)> {
    let (mut found, mut is_fenced, mut begun) = (Vec::new(), false, None::<(usize, String)>);
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
            continue;
        }
        if !is_fenced {
            continue;
        }
        let (number, whole) = match begun.take() {
            Some((number, before)) => (number, format!("{before} {}", line.trim())),
            None => (at + 1, line.trim().to_owned()),
        };
        match whole.strip_suffix('\\') {
            Some(open) => begun = Some((number, open.trim_end().to_owned())),
            None => {
                let is_ours = |words: &Vec<String>| words.first().is_some_and(|name| program(name).is_some());
                found.extend(commands(&whole).into_iter().filter(is_ours).map(|words| (number, words)));
            }
        }
    }
    found
}

#[test]
fn every_command_of_the_guides_is_one_that_its_program_knows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (mut tried, mut wrong) = (0, Vec::new());
    for guide in GUIDES {
        let text = fs::read_to_string(root.join(guide)).expect(guide);
        for (line, words) in ours(&text) {
            tried += 1;
            let (name, arguments) = words.split_first().expect("a program");
            let mut command = Command::new(program(name).expect("one of ours"));
            let outcome = run(command.args(arguments).arg("--help"));
            if outcome.code() != 0 {
                let complaint = outcome.stderr.lines().next().unwrap_or_default().to_owned();
                wrong.push(format!("{guide}:{line}: `{}`: {complaint}", words.join(" ")));
            }
        }
    }
    assert!(wrong.is_empty(), "of {tried} commands {} are none:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried > 80, "the guides have more commands than {tried}: are they found still?");
}

/// The fenced blocks of a guide that are YAML.
fn documents(text: &str) -> Vec<String> {
    let blocks = text.split("```yaml\n").skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn every_document_of_the_guides_is_one_that_the_hub_would_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut read = 0;
    for guide in GUIDES {
        let text = fs::read_to_string(root.join(guide)).expect(guide);
        for document in documents(&text) {
            // What a person fills in stands as an ellipsis behind the beginning of a hash.
            let whole = document.replace("hash: …", &format!("hash: {}", "0".repeat(64)));
            let whole = whole.replace('…', &"0".repeat(60));
            let found = aisle_fleet::document::read(&whole)
                .unwrap_or_else(|error| panic!("{guide}: {error}:\n{document}"));
            assert!(!found.is_empty(), "{guide}: nothing in\n{document}");
            read += found.len();
        }
    }
    assert!(read > 3, "the guides have more documents than {read}");
}

#[test]
fn a_line_of_shell_is_read_as_a_shell_reads_it() {
    let read = |line: &str| commands(line).into_iter().map(|words| words.join("·")).collect::<Vec<_>>();
    assert_eq!(read("aisle fleet me   # who you are"), ["aisle·fleet·me"]);
    assert_eq!(read("a 'b c' --d=\"e f\" && g | h > file"), ["a·b c·--d=e f", "g", "h", ""]);
    assert_eq!(
        read("aisle ban x --why 'stolen on 21 November'  # now"),
        ["aisle·ban·x·--why·stolen on 21 November"]
    );
}
