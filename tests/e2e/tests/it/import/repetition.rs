//! A second run adds nothing, a longer file adds its new lines.

use crate::support::{invoices, journal, store::Store};

const ROWS: usize = 5_000;

#[test]
fn a_second_run_adds_nothing() {
    let store = Store::empty();
    let file = store.file("invoices.csv", invoices::large(ROWS));
    let first = store.import(&file, &[]).exits(0).json();
    let before = journal::stats(&store.data());
    let second = store.import(&file, &[]).exits(0).json();
    assert_eq!(second["accepted"], 0);
    assert_eq!(second["present"], first["accepted"]);
    assert_eq!(second["rejected"], first["rejected"]);
    assert_eq!(second["events"], 0);
    assert_eq!(journal::stats(&store.data()), before);
}

#[test]
fn the_same_rows_add_nothing_under_another_name_or_packed() {
    let store = Store::empty();
    let text = invoices::large(ROWS);
    store.import(&store.file("invoices.csv", &text), &[]).exits(0);
    let before = journal::stats(&store.data());
    let packed = store.file("the-same.csv.gz", invoices::gzip(&text));
    assert_eq!(store.import(&packed, &[]).exits(0).json()["accepted"], 0);
    assert_eq!(journal::stats(&store.data()), before);
}

#[test]
fn a_longer_version_of_a_file_adds_only_its_new_lines() {
    let store = Store::empty();
    let long = invoices::large(ROWS);
    // The cut goes through an invoice: its later lines are new, its earlier ones are not.
    let cut = long.match_indices('\n').nth(ROWS / 2).expect("enough lines").0;
    let short = store.import(&store.file("half.csv", &long[..=cut]), &[]).exits(0).json();
    let rest = store.import(&store.file("whole.csv", &long), &[]).exits(0).json();
    assert_eq!(rest["present"], short["accepted"]);

    let whole = Store::empty();
    let at_once = whole.import(&whole.file("whole.csv", &long), &[]).exits(0).json();
    let sum = short["accepted"].as_u64().unwrap() + rest["accepted"].as_u64().unwrap();
    assert_eq!(at_once["accepted"], sum);
    let (in_two, in_one) = (journal::cat(&store.data()), journal::cat(&whole.data()));
    assert_eq!(journal::lines(&in_two), journal::lines(&in_one));
    assert_eq!(journal::catalogue(&in_two), journal::catalogue(&in_one));
}

#[test]
fn what_an_import_did_stands_in_the_journal() {
    let store = Store::empty();
    let summary = store.import(&store.file("invoices.csv", invoices::large(ROWS)), &[]).exits(0).json();
    let notes = journal::cat_only(&store.data(), "ImportFinished");
    assert_eq!(notes.len(), 1, "{notes:?}");
    for field in ["rows", "accepted", "present", "rejected"] {
        assert_eq!(notes[0]["fields"][field], summary[field], "{field}");
    }
}
