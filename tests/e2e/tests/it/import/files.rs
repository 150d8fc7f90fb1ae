//! Files that are not what they should be: the complaint names the file, the cause and the next step.

use crate::support::{
    invoices::{self, HEADER},
    journal,
    store::Store,
};

const ROW: &str = "536365,85123A,HEART,6,2026-10-01 08:26:00,2.55,17850.0,United Kingdom";

/// Nothing but the store's own beginning is in the journal.
fn is_untouched(store: &Store) {
    let sales = if store.data().join("journal").is_dir() { journal::cat(&store.data()) } else { Vec::new() };
    assert_eq!(journal::lines(&sales), [""; 0], "nothing was taken in");
}

#[test]
fn a_wrong_header_is_refused_by_the_name_of_the_column() {
    for (header, words) in [
        (HEADER.replace("UnitPrice", "Price"), ["UnitPrice", "`Price`", "column 6"]),
        (HEADER.replace(",Country", ""), ["Country", "missing", "column 8"]),
        (HEADER.replace("InvoiceNo", "Invoice;No"), ["InvoiceNo", "`Invoice;No`", "column 1"]),
        (
            HEADER.replace("Quantity,InvoiceDate", "InvoiceDate,Quantity"),
            ["Quantity", "`InvoiceDate`", "column 4"],
        ),
    ] {
        let store = Store::empty();
        let file = store.file("invoices.csv", format!("{header}\n{ROW}\n"));
        let outcome = store.import(&file, &[]).exits(1);
        outcome.complains_about(&words);
        outcome.complains_about(&["invoices.csv", "hint: "]);
        is_untouched(&store);
    }
}

#[test]
fn a_file_without_a_line_is_refused() {
    let store = Store::empty();
    store.import(&store.file("empty.csv", ""), &[]).exits(1).complains_about(&["empty.csv", "InvoiceNo"]);
    is_untouched(&store);
}

#[test]
fn a_file_with_only_a_header_is_taken_in() {
    let store = Store::empty();
    let summary = store.import(&store.file("header.csv", format!("{HEADER}\n")), &[]).exits(0).json();
    assert_eq!(summary["rows"], 0);
    is_untouched(&store);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let store = Store::empty();
    let outcome = store.import(&store.path("nowhere.csv"), &[]).exits(1);
    outcome.complains_about(&["nowhere.csv", "No such file"]);
}

#[test]
fn a_directory_is_no_file() {
    let store = Store::empty();
    let directory = store.path("invoices");
    std::fs::create_dir(&directory).unwrap();
    store.import(&directory, &[]).exits(1).complains_about(&["invoices", "is a directory"]);
}

#[test]
fn a_cut_off_gzip_file_is_refused_and_the_whole_one_completes_it() {
    let store = Store::empty();
    let text = invoices::large(20_000);
    let packed = invoices::gzip(&text);
    let file = store.file("invoices.csv.gz", &packed[..packed.len() / 2]);
    let outcome = store.import(&file, &[]).exits(1);
    outcome.complains_about(&["invoices.csv.gz", "cannot read"]);

    store.file("invoices.csv.gz", &packed);
    let summary = store.import(&file, &[]).exits(0).json();
    let whole = Store::empty();
    let at_once = whole.import(&whole.file("invoices.csv", &text), &[]).exits(0).json();
    let sum = summary["accepted"].as_u64().unwrap() + summary["present"].as_u64().unwrap();
    assert_eq!(at_once["accepted"], sum);
    let (mended, expected) = (journal::cat(&store.data()), journal::cat(&whole.data()));
    assert_eq!(journal::lines(&mended), journal::lines(&expected));
    assert_eq!(journal::catalogue(&mended), journal::catalogue(&expected));
}

#[test]
fn a_gzip_file_with_a_flipped_bit_is_refused() {
    let store = Store::empty();
    let mut packed = invoices::gzip(&invoices::large(20_000));
    let at = packed.len() - 6;
    packed[at] ^= 1;
    let file = store.file("invoices.csv.gz", &packed);
    store.import(&file, &[]).exits(1).complains_about(&["invoices.csv.gz", "cannot read"]);
}

#[test]
fn a_report_that_cannot_be_written_is_named_before_anything_is_taken_in() {
    let store = Store::empty();
    let file = store.file("invoices.csv", format!("{HEADER}\n{ROW}\n"));
    let report = file.join("report.csv");
    store
        .import(&file, &["--report", &report.display().to_string()])
        .exits(1)
        .complains_about(&["report.csv"]);
    is_untouched(&store);
}

#[test]
fn another_currency_can_be_named_and_must_exist() {
    let store = Store::empty();
    let file = store.file("invoices.csv", format!("{HEADER}\n{ROW}\n"));
    store.import(&file, &["--currency", "pounds"]).exits(2).complains_about(&["--currency", "pounds"]);
    store.import(&file, &["--currency", "EUR"]).exits(0);
    let sales = journal::cat_only(&store.data(), "SaleRecorded");
    assert!(sales[0].to_string().contains("EUR"), "{sales:?}");
}
