//! Decisions made again: of recordings, and of the sales in a journal.

use crate::aisle::{Ran, aisle, component, shipped, template};
use aisle_event::{
    Currency, Event, Money, Name, Quantity, Sku, SourceName, Timestamp, Unit, Unknown,
    id::{CustomerRef, DocumentId},
    sale::{SaleLine, SaleRecorded},
    stock::ProductListed,
};
use aisle_journal::{Config, Entry, Journal, RealIo};
use prometheus_client::registry::Registry;
use serde_json::Value;
use std::{fs, path::Path, sync::Arc};

/// Recordings of real calls: both cases of the template, so many times.
fn recordings(folder: &Path, times: usize) -> tempfile::NamedTempFile {
    let lines: Vec<String> = ["cases/enough.json", "cases/too-few.json"]
        .iter()
        .map(|case| aisle(folder, ["plugin", "run", case, "--json"]).well().json()["call"].to_string() + "\n")
        .collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), lines.concat().repeat(times)).unwrap();
    file
}

fn twenty_percent(text: &str) -> String {
    text.replace("percent = 10\n", "percent = 20\n").replace("version = \"0.1.0\"", "version = \"0.2.0\"")
}

fn replay(candidate: &Path, more: &[&str]) -> Ran {
    let start = ["plugin", "replay", candidate.to_str().unwrap()];
    aisle(Path::new("."), start.iter().chain(more))
}

fn summary(ran: &Ran) -> Value {
    ran.lines().pop().unwrap()["summary"].clone()
}

#[test]
fn the_version_that_was_recorded_decides_the_same_again() {
    let folder = template("promotion");
    let file = recordings(&folder, 3);
    let ran = replay(&component(&folder), &["--recordings", file.path().to_str().unwrap(), "--json"]).well();
    let summary = summary(&ran);
    assert_eq!(
        (summary["compared"].as_u64(), summary["differing"].as_u64()),
        (Some(6), Some(0)),
        "{summary}"
    );
    assert_eq!(summary["fuel"]["before"], summary["fuel"]["after"]);
    assert_eq!(summary["money"]["GBP"], 0);
}

#[test]
fn what_a_candidate_decides_otherwise_is_shown_with_its_money() {
    let folder = template("promotion");
    let file = recordings(&folder, 50);
    let file = file.path().to_str().unwrap();
    let candidate = shipped(&folder, twenty_percent);
    let candidate = candidate.path().join("plugin.wasm");
    replay(&candidate, &["--recordings", file, "--show", "2"])
        .well()
        .says("2026-11-21T12:00:00Z  -0.41 GBP")
        .says("  line 1 ROLL: 0.16 GBP off: 10 % off bakery from 3 pieces → 0.32 GBP off: 20 % off bakery from 3 pieces")
        .says("… and 48 more differences")
        .says("100 replayed, 50 differ (50.0 %)")
        .says("money   -20.50 GBP");
    replay(&candidate, &["--recordings", file, "--fail-on-difference"]).ended(1);
    let ran = replay(&candidate, &["--recordings", file, "--limit", "10", "--json"]).well();
    assert_eq!((ran.lines().len(), &summary(&ran)["compared"]), (6, &Value::from(10)));
    assert_eq!(ran.lines()[0]["difference"]["money"], -41);
}

#[test]
fn two_versions_are_compared_with_each_other() {
    let folder = template("promotion");
    let file = recordings(&folder, 1);
    let (one, other) = (shipped(&folder, twenty_percent), shipped(&folder, str::to_owned));
    let (one, other) = (one.path().join("plugin.wasm"), other.path().join("plugin.wasm"));
    let recordings = ["--recordings", file.path().to_str().unwrap(), "--against"];
    replay(&other, &[recordings.as_slice(), &[one.to_str().unwrap()]].concat())
        .well()
        .says("0.32 GBP off: 20 % off bakery from 3 pieces → 0.16 GBP off")
        .says("money   +0.41 GBP");
}

#[test]
fn recordings_of_another_plugin_are_no_recordings_of_this_one() {
    let folder = template("promotion");
    let file = recordings(&folder, 1);
    let named = shipped(&folder, |text| text.replace("id = \"a-promotion\"", "id = \"another\""));
    let named = named.path().join("plugin.wasm");
    let file = ["--recordings", file.path().to_str().unwrap()];
    replay(&named, &file).ended(1).says("none of 2 recordings is of `another`").says("hint: `--plugin`");
    replay(&named, &[file.as_slice(), &["--plugin", "a-promotion"]].concat())
        .well()
        .says("2 replayed, 0 differ");
}

#[test]
fn a_line_that_is_no_recording_is_named_by_its_number() {
    let folder = template("promotion");
    let file = recordings(&folder, 1);
    let mut text = fs::read_to_string(file.path()).unwrap();
    text.push_str("{\"plugin\": 5}\n");
    fs::write(file.path(), text).unwrap();
    let ran = replay(&component(&folder), &["--recordings", file.path().to_str().unwrap()]);
    ran.ended(1).says("line 3 is no recording").says("hint: ");
}

fn sku(text: &str) -> Sku {
    Sku::new(text).unwrap()
}

fn listed(name: &str, category: &str, pence: i64) -> Event {
    ProductListed {
        sku: sku(name),
        name: Name::new(name).unwrap(),
        price: Money::new(pence, Currency::GBP),
        unit: Unit::Each,
        gtin: None,
        category: Some(Name::new(category).unwrap()),
        at: Timestamp(1_795_000_000_000),
        unknown: Unknown::default(),
    }
    .into()
}

fn sold(document: u32, lines: &[(&str, i64, i64)]) -> Event {
    let line = |(number, (name, pieces, pence)): (u32, &(&str, i64, i64))| SaleLine {
        line: number,
        sku: sku(name),
        quantity: Quantity::each(*pieces),
        unit_price: Money::new(*pence, Currency::GBP),
        repriced: None,
        unknown: Unknown::default(),
    };
    SaleRecorded {
        source: SourceName::new("till").unwrap(),
        document: DocumentId::new(document.to_string()).unwrap(),
        lines: (1..).zip(lines).map(line).collect(),
        at: Timestamp(1_795_262_400_000 + i64::from(document) * 60_000),
        session: None,
        customer: Some(CustomerRef::new("customer-7").unwrap()),
        country: None,
        idempotency_key: None,
        arm: None,
        adjustments: Vec::new(),
        points: Vec::new(),
        unknown: Unknown::default(),
    }
    .into()
}

fn store(events: &[Event]) -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    let directory = data.path().join("journal");
    let (journal, _) =
        Journal::open(&directory, Config::default(), Arc::new(RealIo), &mut Registry::default()).unwrap();
    let entry = |event: &Event| Entry { kind: event.kind().0, payload: event.encode() };
    journal.append(events.iter().map(entry).collect()).unwrap();
    journal.close();
    data
}

#[test]
fn baskets_of_a_journal_are_asked_about_at_list_prices() {
    let mut events = vec![listed("ROLL", "bakery", 80), listed("MILK", "dairy", 120)];
    events.push(sold(1, &[("ROLL", 4, 80), ("MILK", 1, 120)]));
    events.push(sold(2, &[("ROLL", 1, 80)]));
    events.push(sold(3, &[("ROLL", 10, 80), ("UNLISTED", 1, 99)]));
    let data = store(&events);
    let folder = template("promotion");
    let from = ["--journal", data.path().to_str().unwrap()];
    replay(&component(&folder), &from)
        .well()
        .says("till/1  -0.32 GBP")
        .says("line 1 ROLL: nothing → 0.32 GBP off")
        .says("till/3  -0.80 GBP")
        .says("3 replayed, 2 differ")
        .says("money   -1.12 GBP");
    let candidate = shipped(&folder, twenty_percent);
    let (candidate, current) = (candidate.path().join("plugin.wasm"), component(&folder));
    replay(&candidate, &[from.as_slice(), &["--against", current.to_str().unwrap()]].concat())
        .well()
        .says("money   -1.12 GBP")
        .says("0.32 GBP off: 10 % off bakery from 3 pieces → 0.64 GBP off");
}

#[test]
fn hours_of_a_journal_are_those_of_the_stores_zone() {
    // Noon in London is nine in the evening in Tokyo, when bread is cheaper.
    let data = store(&[listed("ROLL", "bakery", 100), sold(1, &[("ROLL", 1, 100)])]);
    let component = component(&template("pricing"));
    let from = ["--journal", data.path().to_str().unwrap(), "--zone"];
    replay(&component, &[from.as_slice(), &["Europe/London"]].concat()).well().says("1 replayed, 0 differ");
    replay(&component, &[from.as_slice(), &["Asia/Tokyo"]].concat())
        .well()
        .says("0.80 GBP instead of 1.00 GBP")
        .says("money   -0.20 GBP");
    replay(&component, &[from.as_slice(), &["Atlantis"]].concat()).ended(2).says("`--zone`");
}

#[test]
fn a_hook_that_is_not_asked_about_baskets_has_nothing_to_do_with_a_journal() {
    let data = store(&[sold(1, &[("ROLL", 1, 80)])]);
    let ran = replay(&component(&template("ranking")), &["--journal", data.path().to_str().unwrap()]);
    ran.ended(1).says("`ranking` is not asked about them").says("hint: ");
    let empty = tempfile::tempdir().unwrap();
    let ran = replay(&component(&template("promotion")), &["--journal", empty.path().to_str().unwrap()]);
    ran.ended(1).says("there is no journal");
}
