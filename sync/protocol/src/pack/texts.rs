//! A column of texts or byte strings: as numbers where they are numbers, by distinct values where they repeat, by few bits to a
//! character where the alphabet is small.
//!
//! Texts need not be UTF-8 here: what came in comes out. Read texts lie in one buffer with a bound.

use super::{
    bits::{BitReader, BitWriter, width_of},
    column::{Leans, Slice, keys},
    ints,
};
use crate::varint::{Broken, Reader, put};

/// Columns inside columns go this deep.
const DEPTH_MAX: u32 = 4;
/// The most digits of a text that is written as a number.
const DIGITS_MAX: usize = 18;
/// The largest alphabet that is written in fewer bits than a byte.
const ALPHABET_MAX: usize = 64;
/// What names of many parts are parted by.
const SEPARATORS: [u8; 3] = *b"-/:";

mod way {
    pub(super) const CONST: u8 = 0;
    pub(super) const PLAIN: u8 = 1;
    pub(super) const NUMBERS: u8 = 2;
    pub(super) const ALPHABET: u8 = 3;
    pub(super) const DICTIONARY: u8 = 4;
    pub(super) const SPLIT: u8 = 5;
}

/// Writes a column: a byte for the way, then what it needs.
pub(crate) fn encode(texts: &[&[u8]], leans: Option<&Leans>, depth: u32, out: &mut Vec<u8>) {
    let Some(first) = texts.first() else { return };
    if texts.iter().all(|text| text == first) {
        out.push(way::CONST);
        put(out, first.len() as u64);
        out.extend_from_slice(first);
        return;
    }
    let mut best = plain(texts, depth);
    let mut offer = |candidate: Option<Vec<u8>>| {
        if let Some(candidate) = candidate
            && candidate.len() < best.len()
        {
            best = candidate;
        }
    };
    offer(alphabet(texts, depth));
    if depth < DEPTH_MAX {
        offer(numbers(texts, leans, depth));
        offer(dictionary(texts, leans, depth));
        for separator in SEPARATORS {
            offer(split(texts, separator, leans, depth));
        }
    }
    out.extend_from_slice(&best);
}

fn lengths(texts: &[&[u8]], depth: u32, out: &mut Vec<u8>) {
    let lengths: Vec<i64> = texts.iter().map(|text| text.len() as i64).collect();
    ints::encode(&lengths, None, depth.min(1), out);
}

fn plain(texts: &[&[u8]], depth: u32) -> Vec<u8> {
    let mut out = vec![way::PLAIN];
    lengths(texts, depth, &mut out);
    texts.iter().for_each(|text| out.extend_from_slice(text));
    out
}

/// The longest start that all texts share.
fn shared<'a>(texts: &[&'a [u8]]) -> &'a [u8] {
    let first = texts.first().copied().unwrap_or_default();
    texts.iter().fold(first, |shared, text| {
        let same = shared.iter().zip(*text).take_while(|(a, b)| a == b).count();
        shared.get(..same).unwrap_or_default()
    })
}

fn alphabet(texts: &[&[u8]], depth: u32) -> Option<Vec<u8>> {
    let prefix = shared(texts);
    let rests: Vec<&[u8]> = texts.iter().map(|text| text.get(prefix.len()..).unwrap_or_default()).collect();
    let mut alphabet: Vec<u8> = Vec::new();
    for byte in rests.iter().copied().flatten() {
        if let Err(place) = alphabet.binary_search(byte) {
            if alphabet.len() == ALPHABET_MAX {
                return None;
            }
            alphabet.insert(place, *byte);
        }
    }
    let width = width_of(alphabet.len().checked_sub(1)? as u64);
    let mut out = vec![way::ALPHABET];
    put(&mut out, prefix.len() as u64);
    out.extend_from_slice(prefix);
    out.push(alphabet.len() as u8);
    out.extend_from_slice(&alphabet);
    lengths(&rests, depth, &mut out);
    let mut bits = BitWriter::new(&mut out);
    for byte in rests.iter().copied().flatten() {
        bits.put(alphabet.binary_search(byte).unwrap_or(0) as u64, width);
    }
    bits.finish();
    Some(out)
}

/// A text as what all share, a number, and what follows the number.
struct Parts<'a> {
    number: i64,
    digits: usize,
    rest: &'a [u8],
}

fn parts(text: &[u8]) -> Option<Parts<'_>> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > DIGITS_MAX {
        return None;
    }
    let (number, rest) = text.split_at_checked(digits)?;
    let number = if digits == 0 { -1 } else { std::str::from_utf8(number).ok()?.parse().ok()? };
    Some(Parts { number, digits, rest })
}

fn numbers(texts: &[&[u8]], leans: Option<&Leans>, depth: u32) -> Option<Vec<u8>> {
    let shared = shared(texts);
    let prefix = shared.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |last| last + 1);
    let parts: Vec<Parts<'_>> =
        texts.iter().map(|text| text.get(prefix..).and_then(parts)).collect::<Option<_>>()?;
    let width = parts.first()?.digits;
    let is_fixed = width > 0 && parts.iter().all(|part| part.digits == width);
    let is_canonical = parts.iter().all(|part| part.digits == decimal_digits(part.number));
    if !is_fixed && !is_canonical || parts.iter().all(|part| part.digits == 0) {
        return None;
    }
    let mut out = vec![way::NUMBERS];
    put(&mut out, prefix as u64);
    out.extend_from_slice(texts.first()?.get(..prefix)?);
    out.push(if is_canonical { 0 } else { width as u8 });
    let numbers: Vec<i64> = parts.iter().map(|part| part.number).collect();
    ints::encode(&numbers, leans, 0, &mut out);
    let rests: Vec<&[u8]> = parts.iter().map(|part| part.rest).collect();
    encode(&rests, None, depth + 1, &mut out);
    Some(out)
}

/// How many digits a number has as text; none for the number that stands for no number.
fn decimal_digits(number: i64) -> usize {
    match number {
        ..0 => 0,
        0 => 1,
        _ => number.ilog10() as usize + 1,
    }
}

/// Distinct texts as they come up, then the number of each.
fn dictionary(texts: &[&[u8]], leans: Option<&Leans>, depth: u32) -> Option<Vec<u8>> {
    let (ids, distinct) = keys(texts.iter());
    if distinct == texts.len() {
        return None;
    }
    let mut table: Vec<&[u8]> = Vec::with_capacity(distinct);
    for (id, text) in ids.iter().zip(texts) {
        if *id as usize == table.len() {
            table.push(text);
        }
    }
    let mut out = vec![way::DICTIONARY];
    put(&mut out, distinct as u64);
    encode(&table, None, depth + 1, &mut out);
    let ids: Vec<i64> = ids.iter().map(|id| i64::from(*id)).collect();
    ints::encode(&ids, leans, 0, &mut out);
    Some(out)
}

/// Texts of two parts, each a column of its own.
fn split(texts: &[&[u8]], separator: u8, leans: Option<&Leans>, depth: u32) -> Option<Vec<u8>> {
    let (mut left, mut right) = (Vec::with_capacity(texts.len()), Vec::with_capacity(texts.len()));
    for text in texts {
        let at = text.iter().position(|byte| *byte == separator)?;
        left.push(text.get(..at)?);
        right.push(text.get(at + 1..)?);
    }
    let mut out = vec![way::SPLIT, separator];
    encode(&left, leans, depth + 1, &mut out);
    encode(&right, leans, depth + 1, &mut out);
    Some(out)
}

/// The bytes of all texts that were read, with a bound.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    bytes: Vec<u8>,
    bytes_max: usize,
}

impl Arena {
    pub(crate) const fn new(bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), bytes_max }
    }

    pub(crate) fn get(&self, slice: Slice) -> &[u8] {
        self.bytes.get(slice.start..slice.end).unwrap_or_default()
    }

    fn push<'a>(&mut self, parts: impl IntoIterator<Item = &'a [u8]>) -> Result<Slice, Broken> {
        let start = self.bytes.len();
        for part in parts {
            if part.len() > self.bytes_max - self.bytes.len() {
                return Err(Broken);
            }
            self.bytes.extend_from_slice(part);
        }
        Ok(Slice { start, end: self.bytes.len() })
    }

    /// Joins pieces that lie here already.
    fn join(&mut self, left: Slice, separator: u8, right: Slice) -> Result<Slice, Broken> {
        let start = self.bytes.len();
        let more = (left.end - left.start) + (right.end - right.start) + 1;
        if more > self.bytes_max - start {
            return Err(Broken);
        }
        self.bytes.extend_from_within(left.start..left.end);
        self.bytes.push(separator);
        self.bytes.extend_from_within(right.start..right.end);
        Ok(Slice { start, end: self.bytes.len() })
    }
}

/// Reads a column of so many texts.
pub(crate) fn decode(
    reader: &mut Reader<'_>,
    count: usize,
    leans: Option<&Leans>,
    arena: &mut Arena,
    depth: u32,
) -> Result<Vec<Slice>, Broken> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if depth > DEPTH_MAX {
        return Err(Broken);
    }
    match reader.byte()? {
        way::CONST => {
            let length = reader.number_max(arena.bytes_max)?;
            let text = arena.push([reader.take(length)?])?;
            Ok(vec![text; count])
        }
        way::PLAIN => {
            let lengths = ints::decode(reader, count, None, 1)?;
            lengths.into_iter().map(|length| arena.push([reader.take(size(length)?)?])).collect()
        }
        way::NUMBERS => unnumber(reader, count, leans, arena, depth),
        way::ALPHABET => unalphabet(reader, count, arena),
        way::DICTIONARY => {
            let distinct = reader.number_max(count)?;
            let table = decode(reader, distinct, None, arena, depth + 1)?;
            let ids = ints::decode(reader, count, leans, 0)?;
            ids.into_iter()
                .map(|id| usize::try_from(id).ok().and_then(|id| table.get(id)).copied().ok_or(Broken))
                .collect()
        }
        way::SPLIT => {
            let separator = reader.byte()?;
            let left = decode(reader, count, leans, arena, depth + 1)?;
            let right = decode(reader, count, leans, arena, depth + 1)?;
            left.into_iter().zip(right).map(|(left, right)| arena.join(left, separator, right)).collect()
        }
        _ => Err(Broken),
    }
}

fn size(length: i64) -> Result<usize, Broken> {
    usize::try_from(length).map_err(|_| Broken)
}

fn unnumber(
    reader: &mut Reader<'_>,
    count: usize,
    leans: Option<&Leans>,
    arena: &mut Arena,
    depth: u32,
) -> Result<Vec<Slice>, Broken> {
    let length = reader.number_max(arena.bytes_max)?;
    let prefix = reader.take(length)?;
    let width = usize::from(reader.byte()?);
    if width > DIGITS_MAX {
        return Err(Broken);
    }
    let numbers = ints::decode(reader, count, leans, 0)?;
    let rests = decode(reader, count, None, arena, depth + 1)?;
    let mut digits = String::new();
    let mut texts = Vec::new();
    for (number, rest) in numbers.into_iter().zip(rests) {
        use std::fmt::Write;
        digits.clear();
        if number >= 0 {
            write!(digits, "{number:0width$}").map_err(|_| Broken)?;
        }
        let rest = arena.get(rest).to_vec();
        texts.push(arena.push([prefix, digits.as_bytes(), &rest])?);
    }
    Ok(texts)
}

fn unalphabet(reader: &mut Reader<'_>, count: usize, arena: &mut Arena) -> Result<Vec<Slice>, Broken> {
    let length = reader.number_max(arena.bytes_max)?;
    let prefix = reader.take(length)?;
    let letters = usize::from(reader.byte()?);
    if letters == 0 || letters > ALPHABET_MAX {
        return Err(Broken);
    }
    let alphabet = reader.take(letters)?;
    let width = width_of(letters as u64 - 1);
    let lengths = ints::decode(reader, count, None, 1)?;
    let mut bits = BitReader::new(*reader);
    let mut texts = Vec::new();
    let mut text = Vec::new();
    for length in lengths {
        text.clear();
        let length = size(length)?;
        if length > arena.bytes_max {
            return Err(Broken);
        }
        for _ in 0..length {
            let place = bits.get(width)? as usize;
            text.push(*alphabet.get(place).ok_or(Broken)?);
        }
        texts.push(arena.push([prefix, &text])?);
    }
    *reader = bits.finish();
    Ok(texts)
}
