//! Whatever the console does has a verb, and every verb shows the request that it sends.

use super::hub::{Asked, Hub, TOKEN, well};
use std::collections::BTreeSet;

/// The pages of the console, each with its verbs. The hub's tests hold it against the console.
const PAGES: &str = include_str!("pages.txt");
/// What begins or ends with a profile, looks on until a rollout is over, asks for a password, or wants a file or standard input: they have tests of their own.
const APART: [&str; 13] = [
    "login",
    "logout",
    "profiles",
    "apply",
    "diff",
    "me end",
    "me password",
    "me token make",
    "policy publish",
    "rollout create",
    "rollout watch",
    "group set",
    "override set",
];

/// What stands behind a heading of a help text, by its first words.
fn below<'h>(help: &'h str, heading: &str) -> Vec<&'h str> {
    let lines = help.lines().skip_while(|line| *line != heading).skip(1);
    lines
        .take_while(|line| line.starts_with(' ') || line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

fn help(hub: &Hub, verb: &[String]) -> String {
    let words = verb.iter().map(String::as_str).chain(["--help"]);
    hub.fleet(words).well().out
}

/// Every verb that has none below it, as the command itself tells of them; and how each is used.
fn verbs(hub: &Hub) -> Vec<(Vec<String>, String)> {
    let (mut found, mut left) = (Vec::new(), vec![Vec::new()]);
    while let Some(verb) = left.pop() {
        let help = help(hub, &verb);
        let usage = help.lines().find(|line| line.starts_with("Usage:")).unwrap().to_owned();
        let below: Vec<_> = below(&help, "Commands:").into_iter().filter(|word| *word != "help").collect();
        // `me` is a verb, and has others below it.
        if below.is_empty() || usage.contains("[COMMAND]") {
            found.push((verb.clone(), usage));
        }
        left.extend(below.into_iter().map(|word| [verb.as_slice(), &[word.to_owned()]].concat()));
    }
    found
}

/// The verb with something for all that it wants.
fn filled(verb: &[String], usage: &str) -> Vec<String> {
    let mut words = verb.to_vec();
    let mut usage = usage.split(&verb.join(" ")).last().unwrap_or_default().split_whitespace();
    while let Some(word) = usage.next() {
        if let Some(option) = word.strip_prefix("<--") {
            // One of several is enough: `<--name <NAME>|--no-role>`.
            words.push(format!("--{option}"));
            let mut open = 1;
            let others = usage.by_ref().take_while(|word| {
                open += word.matches('<').count();
                open -= word.matches('>').count();
                open > 0
            });
            words.extend(others.last().map(|_| "one".to_owned()));
        } else if let Some(option) = word.strip_prefix("--") {
            words.push(format!("--{option}"));
            words.extend(usage.next().map(value));
        } else if word.starts_with('<') {
            words.push(value(word));
        }
    }
    words
}

fn value(name: &str) -> String {
    let name = name.trim_matches(['<', '>', '.', '|']);
    match name {
        "STORE/SERIAL" | "STORE[/SERIAL]" => "ulm/A1",
        "KIND/NAME" => "plugin/multi-buy",
        "SELECTOR" => "pilot",
        "ROLE" => "viewer",
        "LABEL" | "CHANGE" | "KEY=VALUE" => "pilot=",
        "HASH" | "FINGERPRINT" => "abababababababababababababababababababababababababababababababab",
        _ => "one",
    }
    .to_owned()
}

/// Method and address of a line for `curl`.
fn shown(line: &str) -> (String, String) {
    let rest = line.strip_prefix("curl ").unwrap();
    let (method, rest) = match rest.strip_prefix("-X ") {
        Some(rest) => rest.split_once(' ').unwrap(),
        None => ("GET", rest),
    };
    let address = match rest.strip_prefix('\'') {
        Some(quoted) => quoted.split_once('\'').unwrap().0,
        None => rest.split(' ').next().unwrap(),
    };
    (method.to_owned(), address.to_owned())
}

fn sent(hub: &Hub, asked: &Asked) -> (String, String) {
    let mut words = asked.line.split(' ');
    (words.next().unwrap().to_owned(), format!("{}{}", hub.url, words.next().unwrap()))
}

#[test]
fn every_verb_shows_the_requests_that_it_sends() {
    let quiet = Hub::that([]);
    let verbs = verbs(&quiet);
    assert!(verbs.len() > 60, "{verbs:?}");
    let mut apart: BTreeSet<&str> = APART.into();
    for (verb, usage) in verbs {
        let name = verb.join(" ");
        if apart.remove(name.as_str()) {
            continue;
        }
        let hub = Hub::that(vec![well(r#"{"items": []}"#); 8]);
        let mut words = filled(&verb, &usage);
        words.push("--show-request".into());
        let ran = hub.fleet(&words);
        assert_ne!(ran.code, Some(2), "{words:?} is no right use: {}", ran.err);
        let lines: Vec<_> = ran.err.lines().filter(|line| line.starts_with("curl ")).collect();
        let asked = hub.asked();
        assert!(!asked.is_empty(), "{name} asks nothing: {}{}", ran.out, ran.err);
        assert_eq!(
            lines.iter().map(|line| shown(line)).collect::<Vec<_>>(),
            asked.iter().map(|asked| sent(&hub, asked)).collect::<Vec<_>>(),
            "{name}"
        );
        for (line, asked) in lines.iter().zip(&asked) {
            assert_eq!(asked.headers["authorization"], format!("Bearer {TOKEN}"), "{name}");
            assert!(line.contains("Bearer $AISLE_TOKEN") && !line.contains(TOKEN), "{line}");
            let key = asked.headers.get("idempotency-key");
            assert!(key.is_none_or(|key| line.contains(&format!("Idempotency-Key: {key}"))), "{line}");
            assert_eq!(asked.headers.contains_key("content-type"), line.contains("Content-Type: "), "{line}");
            assert!(asked.body.is_empty() || line.contains(" -d "), "{line}");
        }
    }
    assert_eq!(apart, BTreeSet::new(), "these are no verbs");
}

#[test]
fn every_page_of_the_console_has_a_verb_that_is_there() {
    let hub = Hub::that([]);
    let known: BTreeSet<String> = verbs(&hub).into_iter().map(|(verb, _)| verb.join(" ")).collect();
    for line in PAGES.lines().filter(|line| !line.starts_with('#')) {
        let Some((page, verbs)) = line.split_once(" = ") else {
            let (page, reason) =
                line.split_once(" - ").unwrap_or_else(|| panic!("`{line}`: no verb, no reason"));
            assert!(page.split(' ').count() == 2 && reason.len() > 5, "{line}");
            continue;
        };
        for verb in verbs.split("; ") {
            assert!(known.contains(verb), "{page}: there is no `aisle fleet {verb}`");
        }
    }
}
