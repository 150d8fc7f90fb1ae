//! Every row is taken in or refused, by line, field and reason.

use crate::support::{api::Api, invoices::HEADER, journal, store::Store};
use std::{collections::BTreeMap, path::Path};

/// A row, and the field that it is refused for.
struct Case {
    row: &'static [u8],
    refused: Option<&'static str>,
}

const fn good(row: &'static [u8]) -> Case {
    Case { row, refused: None }
}

const fn bad(refused: &'static str, row: &'static [u8]) -> Case {
    Case { row, refused: Some(refused) }
}

const ROWS: &[Case] = &[
    good(b"536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,2026-10-01 08:26:00,2.55,17850.0,United Kingdom"),
    good(b"536365,71053,\"LANTERN, \"\"WHITE\"\" METAL\",6,2026-10-01 08:26:00,3.39,17850.0,United Kingdom"),
    good(b"536366,22633,HAND WARMER,6,2026-10-01 08:28:00,1.85,,United Kingdom"),
    good(b"536366,22632,HAND WARMER RED,12,2026-10-01 08:28:00,1.85,,United Kingdom"),
    good(b"C536379,85123A,WHITE HANGING HEART T-LIGHT HOLDER,-1,2026-10-01 09:41:00,2.55,14527.0,United Kingdom"),
    good(b"536370,21724,,12,2026-10-01 08:45:00,0.85,12583.0,France"),
    bad("StockCode", b"536367,POST,POSTAGE,3,2026-10-01 08:34:00,18.00,12583.0,France"),
    bad("StockCode", b"536367,post,POSTAGE,3,2026-10-01 08:34:00,18.00,12583.0,France"),
    bad("StockCode", b"536367,gift_0001_20,Dotcomgiftshop voucher,1,2026-10-01 08:34:00,16.67,,United Kingdom"),
    bad("StockCode", b"536367,BANK CHARGES,Bank Charges,1,2026-10-01 08:34:00,15.00,,United Kingdom"),
    bad("StockCode", b"536367,AMAZONFEE,AMAZON FEE,1,2026-10-01 08:34:00,13.00,,United Kingdom"),
    bad("StockCode", b"C536383,D,Discount,-1,2026-10-01 09:49:00,27.50,14527.0,United Kingdom"),
    bad("InvoiceNo", b"A563185,B,Adjust bad debt,1,2026-10-01 14:50:00,11062.06,,United Kingdom"),
    bad("Quantity", b"536368,22960,JAM MAKING SET,-5,2026-10-01 08:34:00,4.25,13047.0,United Kingdom"),
    bad("Quantity", b"C536380,22960,JAM MAKING SET,5,2026-10-01 08:34:00,4.25,13047.0,United Kingdom"),
    bad("Quantity", b"536368,22960,JAM MAKING SET,0,2026-10-01 08:34:00,4.25,13047.0,United Kingdom"),
    bad("Quantity", b"536368,22960,JAM MAKING SET,six,2026-10-01 08:34:00,4.25,13047.0,United Kingdom"),
    bad("Quantity", b"536368,22960,JAM MAKING SET,80995000,2026-10-01 08:34:00,4.25,13047.0,United Kingdom"),
    bad("Quantity", b"536368,22960,JAM MAKING SET,99999999999999999999,2026-10-01 08:34:00,4.25,,France"),
    bad("UnitPrice", b"536368,22960,JAM MAKING SET,6,2026-10-01 08:34:00,0.0,13047.0,United Kingdom"),
    bad("UnitPrice", b"536368,22960,JAM MAKING SET,6,2026-10-01 08:34:00,-4.25,13047.0,United Kingdom"),
    bad("UnitPrice", b"536368,22960,JAM MAKING SET,6,2026-10-01 08:34:00,99999999.99,13047.0,United Kingdom"),
    bad("UnitPrice", b"536368,22960,JAM MAKING SET,6,2026-10-01 08:34:00,NaN,13047.0,United Kingdom"),
    bad("InvoiceDate", b"536368,22960,JAM MAKING SET,6,10/1/2026 8:34,4.25,13047.0,United Kingdom"),
    bad("InvoiceDate", b"536368,22960,JAM MAKING SET,6,2026-02-30 08:34:00,4.25,13047.0,United Kingdom"),
    bad("InvoiceDate", b"536368,22960,JAM MAKING SET,6,,4.25,13047.0,United Kingdom"),
    bad("InvoiceNo", b",22960,JAM MAKING SET,6,2026-10-01 08:34:00,4.25,13047.0,United Kingdom"),
    bad("StockCode", b"536368,,JAM MAKING SET,6,2026-10-01 08:34:00,4.25,13047.0,United Kingdom"),
    bad("row", b"536369,21756"),
    bad("row", b"536369,21756,BATH BUILDING BLOCK,3,2026-10-01 08:35:00,5.95,13047.0,United Kingdom,more"),
    bad("Description", b"536371,22086,CAF\xc9 CHRISTMAS MUG,80,2026-10-01 09:00:00,2.55,13748.0,United Kingdom"),
    bad("Description", b"536371,22087,\"A NAME ON\r\nTWO LINES\",80,2026-10-01 09:00:00,2.55,13748.0,United Kingdom"),
    good(b"536372,22632,HAND WARMER RED,6,2026-10-01 09:01:00,1.95,17850.0,United Kingdom"),
];

/// The rows as a file.
fn lines(start: &str, end: &str) -> Vec<u8> {
    let mut bytes = format!("{start}{HEADER}{end}").into_bytes();
    for case in ROWS {
        bytes.extend_from_slice(case.row);
        bytes.extend_from_slice(end.as_bytes());
    }
    bytes
}

/// The file as an older spreadsheet writes it: with a byte order mark and CRLF.
fn file() -> Vec<u8> {
    lines("\u{feff}", "\r\n")
}

/// What should be in the report: the line in the file, and the field.
fn refusals() -> Vec<(u64, &'static str)> {
    let mut line = 2;
    let mut refusals = Vec::new();
    for case in ROWS {
        if let Some(field) = case.refused {
            refusals.push((line, field));
        }
        line += 1 + case.row.iter().filter(|byte| **byte == b'\n').count() as u64;
    }
    refusals
}

/// The report as it was written: line, field, and the rest.
fn report(path: &Path) -> Vec<(u64, String, String)> {
    let text = std::fs::read_to_string(path).expect("the report is text");
    let (header, rest) = text.split_once('\n').expect("the report has a header");
    assert_eq!(header.trim(), "line,field,value,reason");
    let mut rows: Vec<String> = Vec::new();
    for line in rest.lines() {
        // A refused value may hold a line break of its own; then it is quoted.
        match rows.last_mut() {
            Some(row) if !row.matches('"').count().is_multiple_of(2) => *row += line,
            _ => rows.push(line.into()),
        }
    }
    rows.iter()
        .map(|row| {
            let mut columns = row.splitn(3, ',');
            let mut next = || columns.next().expect(row).to_owned();
            (next().parse().expect(row), next(), next())
        })
        .collect()
}

#[test]
fn every_row_is_taken_in_or_refused_by_line_field_and_reason() {
    is_told(lines("", "\n"));
}

#[test]
fn the_lines_are_right_in_a_file_of_an_older_spreadsheet_too() {
    is_told(file());
}

/// Imports the rows and checks the summary and the report.
fn is_told(file: Vec<u8>) {
    let store = Store::empty();
    let summary = store.import(&store.file("invoices.csv", file), &[]).exits(0).json();

    let refusals = refusals();
    let mut by_field: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, field) in &refusals {
        *by_field.entry(field).or_default() += 1;
    }
    assert_eq!(summary["rows"], ROWS.len());
    assert_eq!(summary["rejected"], refusals.len());
    assert_eq!(summary["accepted"], ROWS.len() - refusals.len());
    assert_eq!(summary["present"], 0);
    assert_eq!(summary["interrupted"], false);
    assert_eq!(summary["rejected_by_field"], serde_json::to_value(by_field).unwrap());

    let report = report(Path::new(summary["report"].as_str().expect("a path")));
    let found: Vec<(u64, &str)> = report.iter().map(|(line, field, _)| (*line, field.as_str())).collect();
    assert_eq!(found, refusals);
    for (line, _, rest) in &report {
        assert!(
            rest.rsplit(',').next().is_some_and(|reason| reason.len() > 3),
            "line {line} has no reason: {rest}"
        );
    }
    for (field, reason) in [
        ("StockCode", "postage"),
        ("StockCode", "gift voucher"),
        ("InvoiceNo", "adjustment"),
        ("Quantity", "negative"),
        ("Quantity", "zero"),
        ("UnitPrice", "zero"),
        ("UnitPrice", "negative"),
        ("row", "2 columns"),
        ("row", "9 columns"),
        ("Description", "--encoding windows-1252"),
    ] {
        let told = report.iter().any(|(_, refused, rest)| refused == field && rest.contains(reason));
        assert!(told, "no refusal of `{field}` says `{reason}`: {report:#?}");
    }
}

#[test]
fn what_is_taken_in_keeps_its_time_its_customer_and_its_direction() {
    let store = Store::empty();
    store.import(&store.file("invoices.csv", file()), &[]).exits(0);
    let records = journal::cat(&store.data());
    let document = |event: &str, number: &str| {
        let mut found = records
            .iter()
            .filter(|record| record["event"] == event && record["fields"]["document"] == number)
            .map(|record| &record["fields"]);
        let only = found.next().unwrap_or_else(|| panic!("no {event} {number}"));
        assert!(found.next().is_none(), "{event} {number} is there twice");
        only
    };
    let sale = document("SaleRecorded", "536365");
    assert_eq!(sale["lines"].as_array().unwrap().len(), 2);
    assert_eq!(sale["customer"], "17850");
    assert_eq!(sale["source"], "online-retail");
    assert_eq!(sale["lines"][0]["sku"], "85123A");
    assert_eq!(document("SaleRecorded", "536366")["lines"][1]["sku"], "22632");
    let back = document("ReturnRecorded", "C536379");
    assert!(back["lines"][0]["quantity"].to_string().contains('1'), "{back}");
    assert!(!back["lines"][0]["quantity"].to_string().contains('-'), "a return counts upwards: {back}");
}

#[tokio::test]
async fn the_catalogue_gets_names_with_their_commas_and_the_latest_prices() {
    let store = Store::empty();
    store.import(&store.file("invoices.csv", file()), &[]).exits(0);
    let node = store.start();
    let api = Api::new(node.url());
    let lantern = api.get("/v1/products/71053").await.json(200);
    assert_eq!(lantern["name"], "LANTERN, \"WHITE\" METAL");
    assert_eq!(lantern["price"]["minor"], 339);
    assert_eq!(lantern["price"]["currency"], "GBP");
    let warmer = api.get("/v1/products/22632").await.json(200);
    assert_eq!(warmer["price"]["minor"], 195, "the latest price counts");
    assert_eq!(warmer["price_as_of"].as_str().map(|time| &time[..10]), Some("2026-10-01"));
    assert_eq!(api.get("/v1/products/POST").await.status, 404);
    assert_eq!(api.get("/v1/products/21724").await.status, 404, "what has no name is sold but not listed");
}

#[tokio::test]
async fn an_older_encoding_is_read_when_it_is_named() {
    let store = Store::empty();
    let file = store.file("invoices.csv", file());
    store.import(&file, &[]).exits(0);
    let summary = store.import(&file, &["--encoding", "windows-1252"]).exits(0).json();
    assert_eq!(summary["accepted"], 1, "the row that was not UTF-8 is mended, and only that: {summary}");
    let node = store.start();
    let mug = Api::new(node.url()).get("/v1/products/22086").await.json(200);
    assert_eq!(mug["name"], "CAFÉ CHRISTMAS MUG");
}
