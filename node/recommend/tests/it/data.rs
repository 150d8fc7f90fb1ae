//! The shared data, where it is there.

use aisle_event::{SessionId, Sku, Timestamp};
use aisle_recommend::evaluate::{Basket, Click, Invoices};
use flate2::read::GzDecoder;
use std::{fs::File, path::PathBuf};

/// The folder of shared data: `AISLE_SHARED`, or `../shared` beside the workspace.
fn shared(file: &str) -> Option<PathBuf> {
    let root = std::env::var_os("AISLE_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let path = root.join("data").join(file);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: `{}` is not there", path.display());
    None
}

pub(crate) fn clicks(file: &str) -> Option<Vec<Click>> {
    let reader = GzDecoder::new(File::open(shared(file)?).unwrap());
    let mut reader = csv::ReaderBuilder::new().delimiter(b'\t').from_reader(reader);
    let click = |(session, item, seconds): (String, String, f64)| Click {
        session: SessionId::new(session).unwrap(),
        item: Sku::new(item).unwrap(),
        at: Timestamp((seconds * 1000.0) as i64),
    };
    Some(reader.deserialize().map(|row| click(row.unwrap())).collect())
}

pub(crate) fn baskets() -> Option<Vec<Basket>> {
    let reader = GzDecoder::new(File::open(shared("online-retail.csv.gz")?).unwrap());
    let mut reader = csv::Reader::from_reader(reader);
    let (mut invoices, mut row) = (Invoices::default(), csv::ByteRecord::new());
    let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
    while reader.read_byte_record(&mut row).unwrap() {
        let Ok(code) = Sku::new(text(&row[1]).trim()) else { continue };
        let quantity: f64 = text(&row[3]).parse().unwrap();
        invoices.line(&text(&row[0]), &code, quantity, date(&text(&row[4])));
    }
    Some(invoices.into_baskets())
}

/// `2011-11-09` or `2011-11-09 08:26:00`.
pub(crate) fn date(text: &str) -> Timestamp {
    let mut numbers = text.split(['-', ' ', ':']).map(|number| number.parse::<i64>().unwrap());
    let mut next = || numbers.next().unwrap_or(0);
    let (year, month, day) = (next(), next(), next());
    // Days from civil, with the year starting in March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    Timestamp((((days * 24 + next()) * 60 + next()) * 60 + next()) * 1000)
}
