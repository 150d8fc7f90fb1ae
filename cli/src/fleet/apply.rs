//! `fleet apply`, `fleet diff`: the fleet as documents say. The hub finds out what would be another and does it; this shows it.

use super::{
    ask::{Ask, Body, Method},
    desk::{Desk, lines},
    diff::{self, is_coloured, written},
    documents::{self, Text},
    hub::Answer,
    view,
};
use crate::{Ended, output};
use anyhow::Result;
use serde_json::Value;
use std::path::PathBuf;

/// `fleet apply`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A file has one document or many, with `---` between them: `group:`, `override:`, `filter:`, `rollout:`. All of a file is done, or nothing.\n\
                        `who` may be \"@name\" of a saved filter, of the same file or saved before: what it says now is kept, and shown as what differs.\n\n\
                        Examples:\n  aisle fleet apply -f fleet.yaml --dry-run\n  aisle fleet apply -f fleet.yaml\n  cat *.yaml | aisle fleet apply -f -"
)]
pub(crate) struct Args {
    /// The file, in YAML or JSON; `-` for standard input
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// Show what would be another, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// `fleet diff`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Ends with 0 when all is as the file says, and with 5 when something differs.\n\nExample:\n  aisle fleet diff -f fleet.yaml"
)]
pub(crate) struct DiffArgs {
    /// The file, in YAML or JSON; `-` for standard input
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
}

/// Does it, or shows what it would do.
pub(super) fn run(args: &Args, desk: &Desk) -> Result<Ended> {
    let answer = asked(desk, &args.file, args.dry_run)?;
    if desk.json || answer.waits() {
        return desk.show(&answer, |_| Vec::new());
    }
    told(&answer.body, args.dry_run)?;
    Ok(Ended::Well)
}

/// Shows what differs.
pub(super) fn diff(args: &DiffArgs, desk: &Desk) -> Result<Ended> {
    let answer = asked(desk, &args.file, true)?;
    let differs = changes(&answer.body).iter().any(differs);
    if desk.json {
        output::json(&answer.body)?;
    } else {
        told(&answer.body, true)?;
    }
    Ok(if differs { Ended::Differs } else { Ended::Well })
}

fn asked(desk: &Desk, file: &std::path::Path, dry_run: bool) -> Result<Answer> {
    let Text { file, text } = documents::read(file)?;
    let ask = Ask { body: Body::Documents { file, text }, ..Ask::new(Method::Post, "/v1/apply") };
    let ask = ask.with("dry_run", dry_run.then_some(true));
    Ok(desk.hub.ask(&ask)?)
}

fn changes(answer: &Value) -> &[Value] {
    answer.get("documents").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Whether something becomes of a document.
fn differs(change: &Value) -> bool {
    change.get("differs").and_then(Value::as_str) != Some("unchanged")
}

fn told(answer: &Value, dry_run: bool) -> Result<()> {
    lines(words(answer, dry_run, is_coloured()))
}

/// One document and what becomes of it, as it is told.
fn one(change: &Value, coloured: bool) -> Vec<String> {
    let of = |name: &str| change.get(name).map(view::text).unwrap_or_default();
    let verb = match of("differs").as_str() {
        "created" => "is new".to_owned(),
        "changed" => "changes".to_owned(),
        "unchanged" => "stays as it is".to_owned(),
        other => format!("is {other}"),
    };
    let side = |name: &str| change.get(name).unwrap_or(&Value::Null);
    let lines = diff::lines(side("was"), side("becomes"));
    let mut told = vec![format!("{} {} {verb}", of("kind"), of("name"))];
    told.extend(lines.iter().map(|(sign, line)| written(*sign, line, coloured)));
    told
}

/// What became of the one document that was put.
pub(super) fn becomes(change: &Value) -> Vec<String> {
    one(change, is_coloured())
}

fn words(answer: &Value, dry_run: bool, coloured: bool) -> Vec<String> {
    let documents = changes(answer);
    let mut words: Vec<String> = documents.iter().flat_map(|change| one(change, coloured)).collect();
    let count = |what: &str| {
        documents.iter().filter(|change| change.get("differs").and_then(Value::as_str) == Some(what)).count()
    };
    let mood = if dry_run { "would be " } else { "" };
    let (made, changed, same) = (count("created"), count("changed"), count("unchanged"));
    words.push(format!("{made} {mood}new, {changed} {mood}changed, {same} as before"));
    if let Some(nodes) = answer.get("nodes").and_then(Value::as_u64).filter(|nodes| *nodes > 0) {
        let examples = answer.get("examples").map(view::text).filter(|examples| !examples.is_empty());
        let examples = examples.map(|examples| format!(", such as {examples}")).unwrap_or_default();
        words.push(format!("{} nodes are to be something else by that{examples}", output::grouped(nodes)));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::words;
    use serde_json::json;

    #[test]
    fn every_document_says_what_becomes_of_it() {
        let answer = json!({ "dry_run": true, "nodes": 1200, "examples": ["berlin-12/A1"], "documents": [
            { "kind": "group", "name": "pilots", "differs": "created", "was": null, "becomes": { "who": "pilot" } },
            { "kind": "filter", "name": "old", "differs": "changed", "was": { "who": "version<1" }, "becomes": { "who": "version<2" } },
            { "kind": "group", "name": "all", "differs": "unchanged", "was": { "who": "*" }, "becomes": { "who": "*" } },
        ] });
        let expected = [
            "group pilots is new",
            "  + who: pilot",
            "filter old changes",
            "  - who: version<1",
            "  + who: version<2",
            "group all stays as it is",
            "1 would be new, 1 would be changed, 1 as before",
            "1 200 nodes are to be something else by that, such as berlin-12/A1",
        ];
        assert_eq!(words(&answer, true, false), expected);
    }
}
