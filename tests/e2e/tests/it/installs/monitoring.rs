//! Rules and dashboard: read by promtool, and about metrics that the node really has.
//!
//! The hub's are held against its registry by its own tests.

use super::edge;
use crate::support::{command, need};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path, process::Command};

/// What the samples of a histogram have behind its name.
const SUFFIXES: [&str; 3] = ["_bucket", "_sum", "_count"];

fn promtool(arguments: &[&str], file: &Path) {
    let promtool = need::program("promtool", "prometheus");
    let outcome = command::run(Command::new(promtool).args(arguments).arg(file));
    assert_eq!(outcome.code(), 0, "{outcome:#?}");
}

/// Every name in a text that begins as a metric of ours.
fn named(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_part(c)).filter(|word| word.starts_with("aisle_"));
    words.map(str::to_owned).collect()
}

/// What the dashboard asks for.
fn expressions(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    targets.map(|target| target["expr"].as_str().expect("an expression").to_owned()).collect()
}

fn dashboard() -> Value {
    let text = fs::read_to_string(edge("monitoring/grafana.json")).unwrap();
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn promtool_has_nothing_to_say_about_the_rules_and_what_they_do() {
    promtool(&["check", "rules"], &edge("monitoring/aisle.rules.yml"));
    promtool(&["test", "rules"], &edge("monitoring/aisle.rules.test.yml"));
    promtool(&["check", "config", "--syntax-only"], &edge("monitoring/prometheus.yml"));
}

#[test]
fn promtool_reads_every_expression_of_the_dashboard() {
    let folder = tempfile::tempdir().unwrap();
    let mut rules = String::from("groups:\n  - name: dashboard\n    rules:\n");
    for (number, expression) in expressions(&dashboard()).iter().enumerate() {
        // What Grafana puts in before it asks.
        let asked = expression.replace("$__rate_interval", "5m").replace("$store", ".*");
        rules
            .push_str(&format!("      - record: dashboard:{number}\n        expr: {}\n", Value::from(asked)));
    }
    let file = folder.path().join("rules.yml");
    fs::write(&file, rules).unwrap();
    promtool(&["check", "rules"], &file);
}

#[test]
fn every_metric_that_rules_and_dashboard_name_is_one_of_the_nodes() {
    let reference = fs::read_to_string(need::project().join("node/runtime/METRICS.md")).unwrap();
    let lines = reference.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let metrics: Vec<(&str, &str)> =
        lines.map(|(name, rest)| (name, rest.split(' ').next().unwrap())).collect();
    assert!(metrics.len() > 100, "{}", metrics.len());
    // Samples as the kind of each metric names them; words for people name the metric itself.
    let samples: BTreeSet<String> = metrics
        .iter()
        .flat_map(|(name, kind)| match *kind {
            "counter" => vec![format!("{name}_total")],
            "histogram" => SUFFIXES.iter().map(|suffix| format!("{name}{suffix}")).collect(),
            _ => Vec::new(),
        })
        .chain(metrics.iter().filter(|(_, kind)| *kind != "counter").map(|(name, _)| (*name).to_owned()))
        .collect();
    let rules = fs::read_to_string(edge("monitoring/aisle.rules.yml")).unwrap();
    let names = named(&format!("{rules}\n{}", expressions(&dashboard()).join("\n")));
    let of_node: Vec<&String> = names
        .iter()
        .filter(|name| !name.starts_with("aisle_hub_") && !name.starts_with("aisle_relay_"))
        .collect();
    assert!(of_node.len() > 20, "{of_node:?}");
    let unknown: Vec<_> = of_node.into_iter().filter(|name| !samples.contains(*name)).collect();
    assert!(unknown.is_empty(), "no such metric: {unknown:?}");
}
