//! Files in the online-retail format, made for a test.

use flate2::{Compression, write::GzEncoder};
use std::{fmt::Write as _, io::Write as _};

pub(crate) const HEADER: &str =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";
/// When the small shop sold its goods.
pub(crate) const DAY: &str = "2026-11-02";

/// The small shop's goods: number, name, price.
pub(crate) const GOODS: [(&str, &str, &str); 8] = [
    ("TEA-1", "GREEN TEA", "2.50"),
    ("TEA-2", "BLACK TEA", "3.10"),
    ("CUP-1", "PAPER CUP", "0.85"),
    ("CUP-2", "STONE CUP", "7.95"),
    ("JAM-1", "PLUM JAM", "4.25"),
    ("JAM-2", "FIG JAM", "4.75"),
    ("TOY-1", "WOODEN TRAIN", "12.00"),
    ("TOY-2", "PAPER KITE", "9.00"),
];

/// A small shop: each of the [`GOODS`] in a few invoices together with its neighbours.
pub(crate) fn small_shop() -> String {
    let mut text = format!("{HEADER}\n");
    for invoice in 0..40_usize {
        for step in 0..3 {
            let (sku, name, price) = GOODS[(invoice * 2 + step) % GOODS.len()];
            let minute = invoice % 60;
            writeln!(
                text,
                "{},{sku},{name},{},{DAY} 10:{minute:02}:00,{price},,United Kingdom",
                700_000 + invoice,
                1 + step
            )
            .expect("a string takes text");
        }
    }
    text
}

/// A file of so many rows, the same each time: invoices of 1 to 20 lines over 3,000 products, a return in 50 invoices,
/// a row that is refused in 97.
pub(crate) fn large(rows: usize) -> String {
    let mut text = String::with_capacity(rows * 80);
    text.push_str(HEADER);
    text.push('\n');
    let (mut row, mut invoice) = (0_usize, 0_usize);
    while row < rows {
        let (returned, lines) = (invoice % 50 == 49, 1 + invoice * 7 % 20);
        let (day, hour, minute) = (1 + invoice / 1_000 % 28, 8 + invoice / 60 % 12, invoice % 60);
        for line in 0..lines.min(rows - row) {
            let product = (invoice * 31 + line * line * 17) % 3_000;
            let code = if row % 97 == 96 { "POST".into() } else { format!("P{product:05}") };
            writeln!(
                text,
                "{}{},{code},\"Product, number {product}\",{}{},2026-10-{day:02} {hour:02}:{minute:02}:00,{}.{:02},{},France",
                if returned { "C" } else { "" },
                500_000 + invoice,
                if returned { "-" } else { "" },
                1 + line % 12,
                1 + product % 20,
                product % 100,
                if invoice % 4 == 0 { String::new() } else { format!("{}.0", 12_000 + invoice % 900) },
            )
            .expect("a string takes text");
            row += 1;
        }
        invoice += 1;
    }
    text
}

/// The same, as a gzip file.
pub(crate) fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory takes bytes");
    encoder.finish().expect("memory takes bytes")
}
