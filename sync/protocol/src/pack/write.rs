//! Takes payloads apart into columns.

use super::{
    cbor::{self, Start},
    column::{Lean, Leans},
    ints,
    path::{Part, Paths, Step, token},
    texts,
};
use crate::{
    limits::COLUMN_VALUES_MAX,
    log::Item,
    varint::{Broken, Reader, put},
};
use std::collections::HashMap;

enum Values<'a> {
    Ints(Vec<i64>, bool),
    Texts(Vec<&'a [u8]>),
}

/// Columns that fill up event by event.
#[derive(Default)]
struct Writer<'a> {
    paths: Paths,
    columns: Vec<Values<'a>>,
    shapes: HashMap<Vec<u64>, usize>,
    shape_order: Vec<Vec<u64>>,
    values: usize,
}

/// The columns of a batch; broken when there would be more values than a reader takes.
pub(crate) fn columns(items: &[Item], hlc_base: u64) -> Result<Vec<u8>, Broken> {
    let mut writer = Writer::default();
    let (mut ms, mut counter, mut kind) = (Vec::new(), Vec::new(), Vec::new());
    for item in items {
        ms.push((item.hlc >> 16).wrapping_sub(hlc_base >> 16) as i64);
        counter.push((item.hlc & 0xffff) as i64);
        kind.push(i64::from(item.kind));
        let path = writer.paths.step(0, Step::Kind(item.kind));
        if cbor::is_plain(&item.payload) {
            writer.value(path, &mut Reader(&item.payload))?;
        } else {
            writer.token(path, token::RAW)?;
            writer.text(path, Part::Bytes, &item.payload)?;
        }
    }
    let mut out = Vec::new();
    put(&mut out, writer.shape_order.len() as u64);
    for shape in &writer.shape_order {
        put(&mut out, shape.len() as u64);
        shape.iter().for_each(|key| put(&mut out, *key));
    }
    let mut leans = Leans::default();
    for ints in [ms, counter, kind] {
        ints::encode(&ints, Some(&leans), 0, &mut out);
        leans.push(Lean::of_ints(ints, false));
    }
    let mut before = items.len();
    for column in writer.columns {
        let count = match &column {
            Values::Ints(ints, _) => ints.len(),
            Values::Texts(texts) => texts.len(),
        };
        // Most columns have as many values as the one before; a column without values does not occur.
        put(&mut out, if count == before { 0 } else { count as u64 });
        before = count;
        match column {
            Values::Ints(ints, is_lengths) => {
                ints::encode(&ints, Some(&leans), 0, &mut out);
                leans.push(Lean::of_ints(ints, is_lengths));
            }
            Values::Texts(texts) => {
                texts::encode(&texts, Some(&leans), 0, &mut out);
                leans.push(Lean::of_texts(texts.into_iter()));
            }
        }
    }
    Ok(out)
}

impl<'a> Writer<'a> {
    fn count(&mut self) -> Result<(), Broken> {
        self.values += 1;
        if self.values > COLUMN_VALUES_MAX { Err(Broken) } else { Ok(()) }
    }

    fn int(&mut self, path: u32, part: Part, value: i64) -> Result<(), Broken> {
        self.count()?;
        let (column, is_new) = self.paths.column(path, part);
        if is_new {
            self.columns.push(Values::Ints(Vec::new(), part == Part::Length));
        }
        match self.columns.get_mut(column) {
            Some(Values::Ints(values, _)) => values.push(value),
            _ => return Err(Broken),
        }
        Ok(())
    }

    fn token(&mut self, path: u32, token: i64) -> Result<(), Broken> {
        self.int(path, Part::Token, token)
    }

    fn text(&mut self, path: u32, part: Part, text: &'a [u8]) -> Result<(), Broken> {
        self.count()?;
        let (column, is_new) = self.paths.column(path, part);
        if is_new {
            self.columns.push(Values::Texts(Vec::new()));
        }
        match self.columns.get_mut(column) {
            Some(Values::Texts(values)) => values.push(text),
            _ => return Err(Broken),
        }
        Ok(())
    }

    fn value(&mut self, path: u32, reader: &mut Reader<'a>) -> Result<(), Broken> {
        match cbor::start(reader)? {
            Start::Int(value) => {
                self.token(path, token::INT)?;
                self.int(path, Part::Int, value)
            }
            Start::Big { negative, argument } => {
                self.token(path, if negative { token::BIG_NEGATIVE } else { token::BIG })?;
                self.int(path, Part::Bits, argument as i64)
            }
            Start::Single(bits) => {
                self.token(path, token::SINGLE)?;
                self.int(path, Part::Bits, i64::from(bits))
            }
            Start::Double(bits) => {
                self.token(path, token::DOUBLE)?;
                self.int(path, Part::Bits, bits as i64)
            }
            Start::Simple(number) => self.token(path, token::SIMPLE + i64::from(number) - 20),
            Start::Text(text) => {
                self.token(path, token::TEXT)?;
                self.text(path, Part::Text, text)
            }
            Start::Bytes(bytes) => {
                self.token(path, token::BYTES)?;
                self.text(path, Part::Bytes, bytes)
            }
            Start::Array(length) => self.array(path, length, reader),
            Start::Map(length) => self.map(path, length, reader),
        }
    }

    fn array(&mut self, path: u32, length: u64, reader: &mut Reader<'a>) -> Result<(), Broken> {
        // A list of records or of lists has one meaning for all its places; in [amount, currency] each has its own.
        let is_list = length == 0 || matches!(reader.0.first(), Some(first) if matches!(first >> 5, 4 | 5));
        self.token(path, if is_list { token::LIST } else { token::TUPLE })?;
        self.int(path, Part::Length, i64::try_from(length).map_err(|_| Broken)?)?;
        for place in 0..length {
            let inner = self.paths.step(path, if is_list { Step::Element } else { Step::of_tuple(place) });
            self.value(inner, reader)?;
        }
        Ok(())
    }

    fn map(&mut self, path: u32, length: u64, reader: &mut Reader<'a>) -> Result<(), Broken> {
        let mut keys = Vec::new();
        let mut ahead = *reader;
        for _ in 0..length {
            keys.push(key(&mut ahead)?);
            skip(&mut ahead)?;
        }
        let next = self.shapes.len();
        let shape = *self.shapes.entry(keys.clone()).or_insert(next);
        if shape == next {
            self.shape_order.push(keys.clone());
        }
        self.token(path, token::MAP + shape as i64)?;
        for number in keys {
            key(reader)?;
            let inner = self.paths.step(path, Step::Key(number));
            self.value(inner, reader)?;
        }
        Ok(())
    }
}

fn key(reader: &mut Reader<'_>) -> Result<u64, Broken> {
    match cbor::start(reader)? {
        Start::Int(key) => u64::try_from(key).map_err(|_| Broken),
        _ => Err(Broken),
    }
}

/// Goes past one value. Depth was bounded when the form was checked.
fn skip(reader: &mut Reader<'_>) -> Result<(), Broken> {
    let mut values = 1_u64;
    while values > 0 {
        values -= 1;
        values = match cbor::start(reader)? {
            Start::Array(length) => values.checked_add(length),
            Start::Map(length) => length.checked_mul(2).and_then(|more| values.checked_add(more)),
            _ => Some(values),
        }
        .ok_or(Broken)?;
    }
    Ok(())
}
