//! Puts payloads together again from columns that somebody else may have made up: every count is bounded by what the batch may hold.

use super::{
    cbor,
    column::{Lean, Leans, Slice},
    ints,
    path::{Part, Paths, Step, token},
    texts::{self, Arena},
};
use crate::{
    limits::{BATCH_EVENTS_MAX, COLUMN_VALUES_MAX, RAW_BYTES_MAX},
    varint::{Broken, Reader},
};

/// The most keys of all shapes together.
const SHAPE_KEYS_MAX: usize = 1 << 16;

/// A text is read in parts that lie beside it, so texts take a few times their length while a body is read.
const ARENA_TIMES: usize = 8;

enum Values {
    Ints(std::vec::IntoIter<i64>),
    Texts(std::vec::IntoIter<Slice>),
}

struct Body<'a> {
    reader: Reader<'a>,
    paths: Paths,
    columns: Vec<Values>,
    leans: Leans,
    shapes: Vec<Vec<u64>>,
    arena: Arena,
    before: usize,
    values: usize,
    out: Vec<u8>,
    raw_bytes: usize,
}

/// An event whose payload ends at a place in the payloads' bytes.
pub(crate) struct Parsed {
    pub(crate) hlc: u64,
    pub(crate) kind: u16,
    pub(crate) end: usize,
}

/// The events of a body, and the bytes of their payloads one after the other.
pub(crate) fn events(
    body: &[u8],
    count: usize,
    raw_bytes: usize,
    hlc_base: u64,
) -> Result<(Vec<Parsed>, Vec<u8>), Broken> {
    if count > BATCH_EVENTS_MAX || raw_bytes > RAW_BYTES_MAX {
        return Err(Broken);
    }
    let mut reader = Reader(body);
    let shapes = shapes(&mut reader)?;
    let mut leans = Leans::default();
    let mut fixed = || -> Result<Vec<i64>, Broken> {
        let ints = ints::decode(&mut reader, count, Some(&leans), 0)?;
        leans.push(Lean::of_ints(ints.clone(), false));
        Ok(ints)
    };
    let (ms, counter, kind) = (fixed()?, fixed()?, fixed()?);
    let mut body = Body {
        reader,
        paths: Paths::default(),
        columns: Vec::new(),
        leans,
        shapes,
        arena: Arena::new(raw_bytes.saturating_mul(ARENA_TIMES).saturating_add(64 * 1024)),
        before: count,
        values: 0,
        out: Vec::new(),
        raw_bytes,
    };
    let mut events = Vec::new();
    for ((ms, counter), kind) in ms.into_iter().zip(counter).zip(kind) {
        let kind = u16::try_from(kind).map_err(|_| Broken)?;
        let counter = u16::try_from(counter).map_err(|_| Broken)?;
        let ms = (ms as u64).wrapping_add(hlc_base >> 16);
        if ms >> 48 != 0 {
            return Err(Broken);
        }
        let path = body.paths.step(0, Step::Kind(kind));
        body.value(path, 0)?;
        events.push(Parsed { hlc: ms << 16 | u64::from(counter), kind, end: body.out.len() });
    }
    let is_spent = body.columns.iter().all(|column| match column {
        Values::Ints(values) => values.len() == 0,
        Values::Texts(values) => values.len() == 0,
    });
    if !is_spent || !body.reader.is_empty() || body.out.len() != raw_bytes {
        return Err(Broken);
    }
    Ok((events, body.out))
}

fn shapes(reader: &mut Reader<'_>) -> Result<Vec<Vec<u64>>, Broken> {
    let count = reader.number_max(SHAPE_KEYS_MAX)?;
    let mut room = SHAPE_KEYS_MAX;
    (0..count)
        .map(|_| {
            let keys = reader.number_max(room)?;
            room -= keys;
            (0..keys).map(|_| reader.number()).collect()
        })
        .collect()
}

impl Body<'_> {
    /// The place of a path's column, which is read when it is met for the first time.
    fn column(&mut self, path: u32, part: Part) -> Result<usize, Broken> {
        let (column, is_new) = self.paths.column(path, part);
        if !is_new {
            return Ok(column);
        }
        let count = match self.reader.number_max(COLUMN_VALUES_MAX - self.values)? {
            0 => self.before,
            count => count,
        };
        self.before = count;
        self.values = self.values.saturating_add(count);
        if self.values > COLUMN_VALUES_MAX {
            return Err(Broken);
        }
        if matches!(part, Part::Text | Part::Bytes) {
            let texts = texts::decode(&mut self.reader, count, Some(&self.leans), &mut self.arena, 0)?;
            // One text of the column may stand for all of it; each of them has to have room in the payloads all the same.
            let bytes = texts.iter().fold(0_usize, |sum, text| sum.saturating_add(text.end - text.start));
            if bytes > self.raw_bytes {
                return Err(Broken);
            }
            self.leans.push(Lean::of_texts(texts.iter().map(|text| self.arena.get(*text))));
            self.columns.push(Values::Texts(texts.into_iter()));
        } else {
            let ints = ints::decode(&mut self.reader, count, Some(&self.leans), 0)?;
            self.leans.push(Lean::of_ints(ints.clone(), part == Part::Length));
            self.columns.push(Values::Ints(ints.into_iter()));
        }
        Ok(column)
    }

    fn int(&mut self, path: u32, part: Part) -> Result<i64, Broken> {
        let column = self.column(path, part)?;
        match self.columns.get_mut(column) {
            Some(Values::Ints(values)) => values.next().ok_or(Broken),
            _ => Err(Broken),
        }
    }

    fn text(&mut self, path: u32, part: Part) -> Result<Slice, Broken> {
        let column = self.column(path, part)?;
        match self.columns.get_mut(column) {
            Some(Values::Texts(values)) => values.next().ok_or(Broken),
            _ => Err(Broken),
        }
    }

    fn string(&mut self, path: u32, part: Part, major: Option<u8>) -> Result<(), Broken> {
        let slice = self.text(path, part)?;
        let text = self.arena.get(slice);
        if let Some(major) = major {
            cbor::head(&mut self.out, major, text.len() as u64);
        }
        if text.len() > self.raw_bytes.saturating_sub(self.out.len()) {
            return Err(Broken);
        }
        self.out.extend_from_slice(text);
        Ok(())
    }

    fn value(&mut self, path: u32, depth: u32) -> Result<(), Broken> {
        if depth > cbor::DEPTH_MAX || self.out.len() > self.raw_bytes {
            return Err(Broken);
        }
        match self.int(path, Part::Token)? {
            token::RAW if depth == 0 => self.string(path, Part::Bytes, None),
            token::INT => {
                let value = self.int(path, Part::Int)?;
                cbor::int(&mut self.out, value);
                Ok(())
            }
            token::TEXT => self.string(path, Part::Text, Some(3)),
            token::BYTES => self.string(path, Part::Bytes, Some(2)),
            token::BIG => self.bits(path, 0x1b),
            token::BIG_NEGATIVE => self.bits(path, 0x3b),
            token::DOUBLE => self.bits(path, 0xfb),
            token::SINGLE => {
                let bits = u32::try_from(self.int(path, Part::Bits)?).map_err(|_| Broken)?;
                self.out.push(0xfa);
                self.out.extend_from_slice(&bits.to_be_bytes());
                Ok(())
            }
            token::LIST => self.array(path, true, depth),
            token::TUPLE => self.array(path, false, depth),
            simple @ token::SIMPLE..14 => {
                self.out.push(0xe0 | (20 + simple - token::SIMPLE) as u8);
                Ok(())
            }
            map @ token::MAP.. => self.map(path, map - token::MAP, depth),
            _ => Err(Broken),
        }
    }

    fn bits(&mut self, path: u32, first: u8) -> Result<(), Broken> {
        let bits = self.int(path, Part::Bits)? as u64;
        self.out.push(first);
        self.out.extend_from_slice(&bits.to_be_bytes());
        Ok(())
    }

    fn array(&mut self, path: u32, is_list: bool, depth: u32) -> Result<(), Broken> {
        let length = u64::try_from(self.int(path, Part::Length)?).map_err(|_| Broken)?;
        cbor::head(&mut self.out, 4, length);
        for place in 0..length {
            let inner = self.paths.step(path, if is_list { Step::Element } else { Step::of_tuple(place) });
            self.value(inner, depth + 1)?;
        }
        Ok(())
    }

    fn map(&mut self, path: u32, shape: i64, depth: u32) -> Result<(), Broken> {
        let place = usize::try_from(shape).map_err(|_| Broken)?;
        let keys = self.shapes.get(place).ok_or(Broken)?.len();
        cbor::head(&mut self.out, 5, keys as u64);
        for at in 0..keys {
            let key = *self.shapes.get(place).and_then(|keys| keys.get(at)).ok_or(Broken)?;
            cbor::head(&mut self.out, 0, key);
            let inner = self.paths.step(path, Step::Key(key));
            self.value(inner, depth + 1)?;
        }
        Ok(())
    }
}
