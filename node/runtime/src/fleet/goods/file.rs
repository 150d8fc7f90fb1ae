//! The files of catalogues and prices: CSV in UTF-8, one product a line, with a heading that says which column is which.
//!
//! ```text
//! catalogue:  sku,name,price,currency,unit,gtin,category        unit: each, kg, l, m; gtin and category may be empty
//! prices:     sku,price,currency,valid_until                    valid_until: 2026-12-31T22:00:00Z, or empty
//! ```
//!
//! Columns may stand in any order and further ones are passed over. A line that cannot be right refuses the whole file, by its number: half of what was meant may
//! be worse than nothing. Not here: what becomes of it ([`super`]).

use aisle_event::{Currency, Gtin, Money, Name, Sku, Timestamp, Unit};
use minicbor::{Decode, Encode};
use std::{collections::BTreeMap, fmt::Display};

/// The most lines of a file.
const LINES_MAX: usize = 1_000_000;
const UNITS: [Unit; 4] = [Unit::Each, Unit::Kilogram, Unit::Litre, Unit::Metre];

/// A line of a catalogue.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub(super) struct Listed {
    #[n(0)]
    pub(super) name: Name,
    /// What it costs as long as nothing else says so.
    #[n(1)]
    pub(super) price: Money,
    #[n(2)]
    pub(super) unit: Unit,
    #[n(3)]
    pub(super) gtin: Option<Gtin>,
    #[n(4)]
    pub(super) category: Option<Name>,
}

/// A line of prices.
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
pub(super) struct Priced {
    #[n(0)]
    pub(super) price: Money,
    #[n(1)]
    pub(super) valid_until: Option<Timestamp>,
}

/// Why a file is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("it is no CSV: {0}")]
    Csv(#[from] csv::Error),
    #[error("its heading has no column `{column}`")]
    Column { column: &'static str },
    #[error("line {line}: `{column}` {reason}")]
    Field { line: u64, column: &'static str, reason: String },
    #[error("line {line}: `{sku}` stands there twice")]
    Twice { line: u64, sku: Sku },
    #[error("it has more than {LINES_MAX} lines")]
    TooLong,
    #[error("it names no product")]
    Empty,
}

/// Reads a catalogue whose prices are in the shop's currency.
pub(super) fn catalogue(bytes: &[u8], currency: Currency) -> Result<BTreeMap<Sku, Listed>, FileError> {
    read(bytes, ["sku", "name", "price", "currency", "unit", "gtin", "category"], |line| {
        let unit = line.text("unit")?;
        let unit = UNITS.into_iter().find(|known| known.as_str() == unit);
        let empty = |column| line.text(column).map(|text| (!text.is_empty()).then_some(text));
        let gtin = empty("gtin")?.map(|text| line.parsed("gtin", text.parse::<Gtin>())).transpose()?;
        let category = empty("category")?.map(|text| line.parsed("category", Name::new(text))).transpose()?;
        Ok(Listed {
            name: line.parsed("name", Name::new(line.text("name")?))?,
            price: line.price(currency)?,
            unit: unit.ok_or_else(|| line.wrong("unit", "is none of `each`, `kg`, `l` and `m`"))?,
            gtin,
            category,
        })
    })
}

/// Reads prices in the shop's currency.
pub(super) fn prices(bytes: &[u8], currency: Currency) -> Result<BTreeMap<Sku, Priced>, FileError> {
    read(bytes, ["sku", "price", "currency", "valid_until"], |line| {
        let until = line.text("valid_until")?;
        let until = (!until.is_empty()).then(|| line.parsed("valid_until", until.parse::<jiff::Timestamp>()));
        let valid_until = until.transpose()?.map(|until| Timestamp(until.as_millisecond()));
        Ok(Priced { price: line.price(currency)?, valid_until })
    })
}

/// One line, by the names of its columns.
struct Line<'a, const N: usize> {
    number: u64,
    columns: &'a [(&'static str, usize); N],
    record: &'a csv::StringRecord,
}

impl<'a, const N: usize> Line<'a, N> {
    fn text(&self, column: &'static str) -> Result<&'a str, FileError> {
        let at = self.columns.iter().find(|(name, _)| *name == column).map(|(_, at)| *at);
        let text = at.and_then(|at| self.record.get(at));
        text.map(str::trim).ok_or_else(|| self.wrong(column, "is missing"))
    }

    fn price(&self, currency: Currency) -> Result<Money, FileError> {
        let found = self.text("currency")?;
        if found != currency.as_str() {
            return Err(self.wrong("currency", format!("is `{found}`, and the shop counts in {currency}")));
        }
        let price = self.parsed("price", Money::parse(self.text("price")?, currency))?;
        if price.minor < 0 { Err(self.wrong("price", "is below zero")) } else { Ok(price) }
    }

    fn parsed<T, E: Display>(&self, column: &'static str, parsed: Result<T, E>) -> Result<T, FileError> {
        parsed.map_err(|error| self.wrong(column, error))
    }

    fn wrong(&self, column: &'static str, reason: impl Display) -> FileError {
        FileError::Field { line: self.number, column, reason: reason.to_string() }
    }
}

fn read<T, const N: usize>(
    bytes: &[u8],
    names: [&'static str; N],
    row: impl Fn(&Line<'_, N>) -> Result<T, FileError>,
) -> Result<BTreeMap<Sku, T>, FileError> {
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
    let heading = reader.headers()?.clone();
    let mut columns = names.map(|name| (name, usize::MAX));
    for (column, at) in &mut columns {
        let found = heading.iter().position(|found| found.trim().trim_start_matches('\u{feff}') == *column);
        *at = found.ok_or(FileError::Column { column })?;
    }
    let mut rows = BTreeMap::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        if rows.len() >= LINES_MAX {
            return Err(FileError::TooLong);
        }
        let number = record.position().map_or(0, csv::Position::line);
        let line = Line { number, columns: &columns, record: &record };
        let sku = line.parsed("sku", Sku::new(line.text("sku")?))?;
        let value = row(&line)?;
        if rows.insert(sku.clone(), value).is_some() {
            return Err(FileError::Twice { line: number, sku });
        }
    }
    if rows.is_empty() { Err(FileError::Empty) } else { Ok(rows) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*, sample::Index};

    /// An amount without its currency.
    fn amount(price: Money) -> String {
        let text = price.to_string();
        text.split_once(' ').map_or(text.as_str(), |(amount, _)| amount).to_owned()
    }

    /// Writes a catalogue as it is read.
    fn write_catalogue<'a>(rows: impl Iterator<Item = (&'a Sku, Listed)>) -> Result<Vec<u8>, csv::Error> {
        write(&["sku", "name", "price", "currency", "unit", "gtin", "category"], rows, |sku, listed| {
            let gtin = listed.gtin.map(Gtin::to_gtin14).unwrap_or_default();
            let category = listed.category.as_ref().map(ToString::to_string).unwrap_or_default();
            let (price, currency) = (amount(listed.price), listed.price.currency.to_string());
            vec![
                sku.to_string(),
                listed.name.to_string(),
                price,
                currency,
                listed.unit.to_string(),
                gtin,
                category,
            ]
        })
    }

    /// Writes prices as they are read.
    fn write_prices<'a>(rows: impl Iterator<Item = (&'a Sku, Priced)>) -> Result<Vec<u8>, csv::Error> {
        write(&["sku", "price", "currency", "valid_until"], rows, |sku, priced| {
            let until = priced.valid_until.and_then(|until| jiff::Timestamp::from_millisecond(until.0).ok());
            let until = until.map(|until| until.to_string()).unwrap_or_default();
            vec![sku.to_string(), amount(priced.price), priced.price.currency.to_string(), until]
        })
    }

    fn write<'a, T>(
        heading: &[&str],
        rows: impl Iterator<Item = (&'a Sku, T)>,
        row: impl Fn(&Sku, T) -> Vec<String>,
    ) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(heading)?;
        for (sku, value) in rows {
            writer.write_record(row(sku, value))?;
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }

    const PRICES: &str =
        "price,sku,currency,valid_until,more\n4.25,JAM-1,GBP,2026-12-31T22:00:00Z,x\n0,APPLE,GBP,,\n";
    const CATALOGUE: &str = "sku,name,price,currency,unit,gtin,category\n\
        JAM-1,Plum jam,4.25,GBP,each,,Breakfast\nAPPLE,\"Apples, red\",2.10,GBP,kg,04006381333931,\n";

    #[test]
    fn what_is_read_is_what_would_be_written() {
        let rows = catalogue(CATALOGUE.as_bytes(), Currency::GBP).unwrap();
        assert_eq!(rows.len(), 2);
        let written = write_catalogue(rows.iter().map(|(sku, listed)| (sku, listed.clone()))).unwrap();
        assert_eq!(catalogue(&written, Currency::GBP).unwrap(), rows);

        let rows = prices(PRICES.as_bytes(), Currency::GBP).unwrap();
        let written = write_prices(rows.iter().map(|(sku, priced)| (sku, *priced))).unwrap();
        assert_eq!(prices(&written, Currency::GBP).unwrap(), rows);
    }

    /// A file of which a few places hold something else.
    fn damaged(text: &str, places: &[(Index, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        for (at, with) in places {
            let at = at.index(bytes.len() + 1);
            let until = (at + with.len() / 2).min(bytes.len());
            bytes.splice(at..until, with.iter().copied());
        }
        bytes
    }

    fn places() -> impl Strategy<Value = Vec<(Index, Vec<u8>)>> {
        let piece = prop_oneof![
            vec(any::<u8>(), 0..6),
            "[,\"\r\n .0-9-]{0,4}".prop_map(String::into_bytes),
            "\\PC{0,3}".prop_map(String::into_bytes),
        ];
        vec((any::<Index>(), piece), 0..4)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn whatever_a_catalogue_is_it_is_refused_or_can_be_written_as_it_was_read(places in places()) {
            let bytes = damaged(CATALOGUE, &places);
            match catalogue(&bytes, Currency::GBP) {
                Ok(rows) => {
                    let written = write_catalogue(rows.iter().map(|(sku, listed)| (sku, listed.clone()))).unwrap();
                    prop_assert_eq!(catalogue(&written, Currency::GBP).unwrap(), rows);
                }
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }

        #[test]
        fn whatever_prices_are_they_are_refused_or_can_be_written_as_they_were_read(places in places()) {
            let bytes = damaged(PRICES, &places);
            match prices(&bytes, Currency::GBP) {
                Ok(rows) => {
                    let written = write_prices(rows.iter().map(|(sku, priced)| (sku, *priced))).unwrap();
                    prop_assert_eq!(prices(&written, Currency::GBP).unwrap(), rows);
                }
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }

    #[test]
    fn a_line_that_cannot_be_right_refuses_the_file_by_its_number() {
        let told = |text: &str| prices(text.as_bytes(), Currency::GBP).unwrap_err().to_string();
        let heading = "sku,price,currency,valid_until\n";
        for (line, part) in [
            ("JAM-1,4.255,GBP,\n", "line 2: `price`"),
            ("JAM-1,-1,GBP,\n", "below zero"),
            ("JAM-1,1,EUR,\n", "the shop counts in GBP"),
            ("JAM-1,1,GBP,tomorrow\n", "`valid_until`"),
            ("JAM-1,1,GBP,\nJAM-1,1,GBP,\n", "line 3: `JAM-1` stands there twice"),
            ("JAM-1,1\n", "no CSV"),
            ("", "names no product"),
        ] {
            let told = told(&format!("{heading}{line}"));
            assert!(told.contains(part), "{line}: {told}");
        }
        assert!(told("sku,price\n").contains("no column `currency`"));
    }
}
