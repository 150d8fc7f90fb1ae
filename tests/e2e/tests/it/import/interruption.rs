//! Killed or interrupted at any moment, an import goes on where it stopped.

use crate::support::{command::start, invoices, journal, store::Store, wait::until};
use rustix::process::Signal;
use std::{os::unix::process::ExitStatusExt, time::Duration};

const ROWS: usize = 60_000;
const PROGRESS_TIMEOUT: Duration = Duration::from_secs(60);

/// Records that are durable in a journal which may not be there yet.
fn durable(store: &Store) -> u64 {
    if !store.data().join("journal").is_dir() {
        return 0;
    }
    let command = &mut crate::support::command::aisle(&store.data(), ["journal", "stats", "--json"]);
    let outcome = crate::support::command::run(command);
    // While the first segment is being made there is nothing to read yet.
    if outcome.code() == 0 { outcome.json()["last_seq"].as_u64().unwrap_or(0) } else { 0 }
}

/// Starts an import and sends it a signal once it has written more than so many records.
fn interrupted(
    store: &Store,
    file: &std::path::Path,
    records: u64,
    signal: Signal,
) -> crate::support::command::Outcome {
    let mut import = start(&mut store.importing(file, &[]));
    until("the import's progress", PROGRESS_TIMEOUT, || {
        assert!(!import.is_over(), "the import was over before record {records}");
        (durable(store) > records).then_some(())
    });
    import.signal(signal);
    import.finish()
}

#[test]
fn an_import_that_is_killed_twice_ends_with_exactly_the_same_sales() {
    let whole = Store::empty();
    let text = invoices::large(ROWS);
    let at_once = whole.import(&whole.file("large.csv", &text), &[]).exits(0).json();
    let expected = journal::cat(&whole.data());
    // The catalogue comes last; the kills are to fall among the sales.
    let stats = journal::stats(&whole.data());
    let sales = journal::count(&stats, "SaleRecorded") + journal::count(&stats, "ReturnRecorded");

    let store = Store::empty();
    let file = store.file("large.csv", &text);
    for part in [2, 6] {
        let outcome = interrupted(&store, &file, sales * part / 10, Signal::KILL);
        assert_eq!(outcome.status.signal(), Some(9), "{outcome:?}");
    }
    let last = store.import(&file, &[]).exits(0).json();
    assert_eq!(last["rows"], ROWS);
    assert!(last["present"].as_u64() > Some(0), "the last run found what the killed ones had left: {last}");
    let sum = last["present"].as_u64().unwrap() + last["accepted"].as_u64().unwrap();
    assert_eq!(at_once["accepted"], sum);

    let found = journal::cat(&store.data());
    assert_eq!(journal::lines(&found), journal::lines(&expected));
    assert_eq!(journal::catalogue(&found), journal::catalogue(&expected));
}

#[test]
fn an_import_that_is_interrupted_says_so_and_goes_on_the_next_time() {
    let store = Store::empty();
    let file = store.file("large.csv", invoices::large(ROWS));
    let outcome = interrupted(&store, &file, 1_000, Signal::INT).exits(130);
    let first = outcome.json();
    assert_eq!(first["interrupted"], true);
    let taken = first["accepted"].as_u64().expect("a count");
    assert!(taken > 0 && first["rows"].as_u64() < Some(ROWS as u64), "it stopped on the way: {first}");

    let second = store.import(&file, &[]).exits(0).json();
    assert_eq!(second["interrupted"], false);
    assert_eq!(second["rows"], ROWS);
    assert_eq!(second["present"], taken, "what the first run said it took in is there");
    let lines = journal::lines(&journal::cat(&store.data()));
    assert_eq!(lines.len() as u64, taken + second["accepted"].as_u64().unwrap());
    assert!(lines.windows(2).all(|pair| pair[0] != pair[1]), "no line is there twice");
}
