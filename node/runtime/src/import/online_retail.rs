//! The online-retail format: one row a line of an invoice, as the UCI data set "Online Retail" has it.
//!
//! A row becomes a line or is refused with field and reason. Nothing is guessed: a code that is no product, a price
//! of zero, a negative quantity on an invoice that is no cancellation are all refused by name.

use aisle_event::{Currency, CustomerRef, DocumentId, Money, Name, Quantity, Sku, Timestamp, sale::SaleLine};
use anyhow::{Context, bail};
use csv::ByteRecord;
use encoding_rs::Encoding;
use jiff::civil::DateTime;
use std::{borrow::Cow, path::Path};

/// The columns, in order.
pub(crate) const COLUMNS: [&str; 8] = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
];

/// Codes on invoices that stand for a service, a fee or a correction, in any case. `gift_…` codes are vouchers.
const NOT_PRODUCTS: [(&str, &str); 12] = [
    ("POST", "postage"),
    ("DOT", "postage"),
    ("C2", "carriage"),
    ("D", "a discount"),
    ("M", "a manual entry"),
    ("S", "samples"),
    ("B", "a bad debt"),
    ("BANK CHARGES", "bank charges"),
    ("AMAZONFEE", "a marketplace fee"),
    ("CRUK", "a donation"),
    ("TEST001", "a test"),
    ("TEST002", "a test"),
];
/// More pieces on one line than any shop sells; beyond it the row is taken for an error.
const PIECES_MAX: i64 = 1_000_000;
/// A price beyond this, in minor units, is taken for an error.
const MINOR_MAX: i64 = 100_000_000;

/// Whether goods left or came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Sale,
    Return,
}

/// Checks that a file is in this format, by its first line.
pub(crate) fn check_header<R: std::io::Read>(path: &Path, reader: &mut csv::Reader<R>) -> anyhow::Result<()> {
    let path = path.display();
    let header = reader.byte_headers().with_context(|| format!("cannot read `{path}`"))?;
    for (position, column) in COLUMNS.iter().enumerate() {
        let found = header.get(position).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let found = found.map(|text| text.trim_start_matches('\u{feff}').trim().to_owned());
        if found.as_deref() != Some(column) {
            bail!(
                "`{path}` is not in the online-retail format: column {} is {}, expected `{column}`\nhint: its first line must be {}",
                position + 1,
                found.map_or_else(|| "missing".into(), |text| format!("`{text}`")),
                COLUMNS.join(",")
            );
        }
    }
    Ok(())
}

/// What the lines of one event share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heading {
    pub document: DocumentId,
    pub direction: Direction,
    pub at: Timestamp,
    pub customer: Option<CustomerRef>,
    pub country: Option<Name>,
}

/// One row that can be taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub heading: Heading,
    pub line: SaleLine,
    pub name: Option<Name>,
}

/// Why a row was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub field: &'static str,
    pub value: String,
    pub reason: String,
}

fn refuse<T>(field: &'static str, value: &str, reason: impl std::fmt::Display) -> Result<T, Refusal> {
    Err(Refusal { field, value: value.into(), reason: reason.to_string() })
}

/// The columns of a row as text.
pub(crate) struct Texts<'a>([Cow<'a, str>; 8]);

impl<'a> Texts<'a> {
    /// Decodes a record; `None` as the encoding means UTF-8, strictly.
    pub(crate) fn decode(
        record: &'a ByteRecord,
        encoding: Option<&'static Encoding>,
    ) -> Result<Self, Refusal> {
        if record.len() != COLUMNS.len() {
            return refuse("row", "", format!("has {} columns, expected {}", record.len(), COLUMNS.len()));
        }
        let mut texts: [Cow<'a, str>; 8] = Default::default();
        for ((text, bytes), column) in texts.iter_mut().zip(record).zip(COLUMNS) {
            *text = match encoding {
                Some(encoding) => encoding.decode_without_bom_handling(bytes).0,
                None => match std::str::from_utf8(bytes) {
                    Ok(valid) => Cow::Borrowed(valid),
                    Err(error) => {
                        let at = error.valid_up_to();
                        let reason =
                            format!("is not UTF-8 at byte {at}; `--encoding windows-1252` may read it");
                        return refuse(column, &String::from_utf8_lossy(bytes), reason);
                    }
                },
            };
        }
        Ok(Self(texts))
    }

    /// The invoice's number, which counts the row even where the rest of it is refused.
    pub(crate) fn document(&self) -> Result<DocumentId, Refusal> {
        let [invoice, ..] = &self.0;
        DocumentId::new(invoice.trim()).or_else(|error| refuse("InvoiceNo", invoice, error))
    }

    /// Checks every field. `line` is the row's place in its invoice.
    pub(crate) fn check(&self, line: u32, currency: Currency) -> Result<Row, Refusal> {
        let [invoice, code, description, quantity, date, price, customer, country] = &self.0;
        let document = self.document()?;
        let direction = match invoice.trim().as_bytes() {
            [b'C' | b'c', ..] => Direction::Return,
            [b'A' | b'a', ..] => {
                return refuse("InvoiceNo", invoice, "is an adjustment of accounts, not a sale");
            }
            _ => Direction::Sale,
        };
        let sku = product_code(code)?;
        let quantity = pieces(quantity, direction)?;
        let at = time(date)?;
        let unit_price = unit_price(price, currency)?;
        let customer = customer_ref(customer)?;
        let country = optional_name("Country", country)?;
        let name = optional_name("Description", description)?;
        Ok(Row {
            heading: Heading { document, direction, at, customer, country },
            line: SaleLine {
                line,
                sku,
                quantity,
                unit_price,
                repriced: None,
                unknown: aisle_event::Unknown::default(),
            },
            name,
        })
    }
}

fn product_code(text: &str) -> Result<Sku, Refusal> {
    let code = text.trim();
    if let Some((_, what)) = NOT_PRODUCTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(code)) {
        return refuse("StockCode", text, format!("is not a product: {what}"));
    }
    if code.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("gift_")) {
        return refuse("StockCode", text, "is not a product: a gift voucher");
    }
    Sku::new(code).or_else(|error| refuse("StockCode", text, error))
}

fn pieces(text: &str, direction: Direction) -> Result<Quantity, Refusal> {
    let quantity = match Quantity::parse_pieces(text.trim()) {
        Ok(quantity) => quantity,
        Err(error) => return refuse("Quantity", text, error),
    };
    match (direction, quantity.thousandths.signum()) {
        (_, 0) => refuse("Quantity", text, "is zero"),
        (Direction::Sale, -1) => {
            refuse("Quantity", text, "is negative on an invoice that is no cancellation")
        }
        (Direction::Return, 1) => refuse("Quantity", text, "is positive on a cancellation"),
        _ if quantity.thousandths.unsigned_abs() > PIECES_MAX.unsigned_abs() * 1000 => {
            refuse("Quantity", text, format!("is more than {PIECES_MAX} pieces"))
        }
        (Direction::Return, _) => Ok(Quantity { thousandths: -quantity.thousandths, ..quantity }),
        (Direction::Sale, _) => Ok(quantity),
    }
}

/// `YYYY-MM-DD HH:MM:SS`. The format names no zone; it is read as UTC.
pub(crate) fn time(text: &str) -> Result<Timestamp, Refusal> {
    match DateTime::strptime("%Y-%m-%d %H:%M:%S", text.trim()) {
        Ok(civil) => match civil.to_zoned(jiff::tz::TimeZone::UTC) {
            Ok(zoned) => Ok(Timestamp(zoned.timestamp().as_millisecond())),
            Err(_) => refuse("InvoiceDate", text, "is out of range"),
        },
        Err(_) => refuse("InvoiceDate", text, "is no time like `2010-12-01 08:26:00`"),
    }
}

fn unit_price(text: &str, currency: Currency) -> Result<Money, Refusal> {
    match Money::parse(text.trim(), currency) {
        Ok(price) if price.minor < 0 => refuse("UnitPrice", text, "is negative"),
        Ok(price) if price.minor == 0 => refuse("UnitPrice", text, "is zero"),
        Ok(price) if price.minor > MINOR_MAX => {
            refuse("UnitPrice", text, format!("is more than {}", Money::new(MINOR_MAX, currency)))
        }
        Ok(price) => Ok(price),
        Err(error) => refuse("UnitPrice", text, error),
    }
}

/// Customer numbers are whole, but the data set writes them as `17850.0`.
fn customer_ref(text: &str) -> Result<Option<CustomerRef>, Refusal> {
    let number = text.trim();
    let number = number.strip_suffix(".0").unwrap_or(number);
    if number.is_empty() {
        return Ok(None);
    }
    CustomerRef::new(number).map(Some).or_else(|error| refuse("CustomerID", text, error))
}

fn optional_name(field: &'static str, text: &str) -> Result<Option<Name>, Refusal> {
    let name = text.trim();
    if name.is_empty() {
        return Ok(None);
    }
    Name::new(name).map(Some).or_else(|error| refuse(field, text, error))
}

#[cfg(test)]
mod tests {
    use super::{Direction, Texts};
    use aisle_event::{Currency, Quantity};
    use csv::ByteRecord;
    use proptest::prelude::*;

    const GOOD: [&str; 8] =
        ["536365", "85123A", "WHITE HEART", "6", "2010-12-01 08:26:00", "2.55", "17850.0", "United Kingdom"];

    fn with(column: usize, text: &str) -> ByteRecord {
        let mut row = GOOD;
        row[column] = text;
        ByteRecord::from(row.to_vec())
    }

    /// The field and the reason of a refusal.
    fn refusal(column: usize, text: &str) -> (&'static str, String) {
        let record = with(column, text);
        let texts = Texts::decode(&record, None).expect("it is UTF-8");
        let refusal = texts.check(1, Currency::GBP).expect_err("it is refused");
        (refusal.field, refusal.reason)
    }

    #[test]
    fn a_good_row_becomes_a_line_with_its_own_time_and_customer() {
        let record = with(0, "536365");
        let row = Texts::decode(&record, None).unwrap().check(3, Currency::GBP).unwrap();
        assert_eq!(row.heading.direction, Direction::Sale);
        assert_eq!(row.heading.at.0, 1_291_191_960_000);
        assert_eq!(row.heading.customer.unwrap().as_str(), "17850");
        assert_eq!(
            (row.line.line, row.line.quantity, row.line.unit_price.minor),
            (3, Quantity::each(6), 255)
        );
    }

    #[test]
    fn a_cancellation_becomes_a_return_of_a_positive_quantity() {
        let mut row = GOOD;
        (row[0], row[3]) = ("C536365", "-6");
        let record = ByteRecord::from(row.to_vec());
        let row = Texts::decode(&record, None).unwrap().check(1, Currency::GBP).unwrap();
        assert_eq!((row.heading.direction, row.line.quantity), (Direction::Return, Quantity::each(6)));
    }

    #[test]
    fn what_cannot_be_taken_in_is_refused_by_field_and_reason() {
        for (column, text, field, reason) in [
            (0, "", "InvoiceNo", "is empty"),
            (0, "A563186", "InvoiceNo", "is an adjustment of accounts, not a sale"),
            (1, "POST", "StockCode", "is not a product: postage"),
            (1, "m", "StockCode", "is not a product: a manual entry"),
            (1, "gift_0001_20", "StockCode", "is not a product: a gift voucher"),
            (3, "0", "Quantity", "is zero"),
            (3, "-2", "Quantity", "is negative on an invoice that is no cancellation"),
            (3, "1.5", "Quantity", "`1.5` is no whole number"),
            (3, "1000001", "Quantity", "is more than 1000000 pieces"),
            (4, "12/01/2010 08:26", "InvoiceDate", "is no time like `2010-12-01 08:26:00`"),
            (4, "2010-02-30 08:26:00", "InvoiceDate", "is no time like `2010-12-01 08:26:00`"),
            (5, "0.0", "UnitPrice", "is zero"),
            (5, "-1", "UnitPrice", "is negative"),
            (5, "1e9", "UnitPrice", "`1e9` is no amount: it needs digits and at most one point"),
        ] {
            assert_eq!(refusal(column, text), (field, reason.to_owned()), "{text}");
        }
    }

    #[test]
    fn bytes_in_another_encoding_are_refused_unless_it_is_named() {
        let mut row: Vec<Vec<u8>> = GOOD.iter().map(|text| text.as_bytes().to_vec()).collect();
        row[2] = b"VOUCHER \xa340".to_vec();
        let record = ByteRecord::from(row);
        let refusal = Texts::decode(&record, None).err().expect("it is not UTF-8");
        assert_eq!(refusal.field, "Description");
        assert!(
            refusal.reason.contains("at byte 8") && refusal.reason.contains("windows-1252"),
            "{refusal:?}"
        );
        let texts = Texts::decode(&record, Some(encoding_rs::WINDOWS_1252)).unwrap();
        assert_eq!(texts.check(1, Currency::GBP).unwrap().name.unwrap().as_str(), "VOUCHER \u{a3}40");
    }

    proptest! {
        #[test]
        fn no_row_panics_the_reader(fields in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..12)) {
            let record = ByteRecord::from(fields);
            for encoding in [None, Some(encoding_rs::WINDOWS_1252)] {
                if let Ok(texts) = Texts::decode(&record, encoding) {
                    let _ = texts.check(1, Currency::GBP);
                }
            }
        }
    }
}
