//! A column of numbers: written in whichever of a dozen ways is the shortest.
//!
//! Every way is lossless for any 64-bit numbers: differences wrap. How many numbers there are is known before a column is
//! read. What makes sales small: receipts count up (differences), quantities are mostly one (ranks in Rice codes), a price
//! follows from the article (leaning on an earlier column), a line's number from its place in its list.

use super::{
    bits::{BitReader, BitWriter, rice_bits, width_of},
    column::{Leans, keys, sum_is},
};
use crate::varint::{Broken, Reader, put, put_signed, zigzag};

/// Columns inside columns go this deep; a writer tries the ways that have columns inside only at the top and right below it.
const DEPTH_MAX: u32 = 3;
const TRIED_DEPTH_MAX: u32 = 1;
/// Below this, only the plain ways are tried.
const FEW: usize = 4;

mod way {
    pub(super) const CONST: u8 = 0;
    pub(super) const RUNS: u8 = 1;
    pub(super) const VARINT: u8 = 2;
    pub(super) const PACKED: u8 = 3;
    pub(super) const DELTA_PACKED: u8 = 4;
    pub(super) const RICE: u8 = 5;
    pub(super) const DELTA_RICE: u8 = 6;
    pub(super) const RANKED: u8 = 7;
    pub(super) const FIRSTS: u8 = 8;
    pub(super) const FOLLOWS: u8 = 9;
    pub(super) const OFFSET: u8 = 10;
    pub(super) const PLACE: u8 = 11;
    pub(super) const DICTIONARY: u8 = 12;
}

/// Writes a column: a byte for the way, then what it needs.
pub(crate) fn encode(values: &[i64], leans: Option<&Leans>, depth: u32, out: &mut Vec<u8>) {
    let Some(first) = values.first() else { return };
    if values.iter().all(|value| value == first) {
        out.push(way::CONST);
        put_signed(out, *first);
        return;
    }
    let mut best = varint(values);
    let mut offer = |candidate: Vec<u8>| {
        if candidate.len() < best.len() {
            best = candidate;
        }
    };
    offer(runs(values));
    offer(packed(way::PACKED, values));
    offer(rice(way::RICE, values));
    if let Some((_, deltas)) = deltas(values) {
        offer(delta(way::DELTA_PACKED, *first, packed(way::PACKED, &deltas)));
        offer(delta(way::DELTA_RICE, *first, signed_rice(&deltas)));
    }
    if values.len() >= FEW && depth <= TRIED_DEPTH_MAX {
        let (ids, distinct) = keys(values.iter());
        if distinct < values.len() {
            offer(ranked(values, &ids, distinct, depth));
            offer(dictionary(values, depth));
            offer(firsts(values, &ids, distinct, depth));
        }
        for (place, lean) in leans.iter().flat_map(|leans| leans.near()) {
            if lean.is_lengths && sum_is(&lean.ints, values.len()) && counts_up(values, &lean.ints, *first) {
                offer(head(way::PLACE, place, &[*first]));
            }
            if lean.keys.len() == values.len() && lean.distinct > 1 && lean.distinct < values.len() {
                offer(follows(values, place, &lean.keys, lean.distinct, depth));
            }
            if lean.ints.len() == values.len() && lean.distinct > 1 {
                offer(offset(values, place, &lean.ints, depth));
            }
        }
    }
    out.extend_from_slice(&best);
}

fn head(way: u8, place: usize, numbers: &[i64]) -> Vec<u8> {
    let mut out = vec![way];
    put(&mut out, place as u64);
    numbers.iter().for_each(|number| put_signed(&mut out, *number));
    out
}

fn varint(values: &[i64]) -> Vec<u8> {
    let mut out = vec![way::VARINT];
    values.iter().for_each(|value| put_signed(&mut out, *value));
    out
}

fn runs(values: &[i64]) -> Vec<u8> {
    let mut out = vec![way::RUNS];
    for run in values.chunk_by(|a, b| a == b) {
        run.first().iter().for_each(|value| put_signed(&mut out, **value));
        put(&mut out, run.len() as u64 - 1);
    }
    out
}

fn min_of(values: &[i64]) -> i64 {
    values.iter().copied().min().unwrap_or(0)
}

fn above(values: &[i64], min: i64) -> Vec<u64> {
    values.iter().map(|value| value.wrapping_sub(min) as u64).collect()
}

fn packed(way: u8, values: &[i64]) -> Vec<u8> {
    let min = min_of(values);
    let above = above(values, min);
    let width = above.iter().copied().map(width_of).max().unwrap_or(0);
    let mut out = vec![way];
    put_signed(&mut out, min);
    out.push(width as u8);
    let mut bits = BitWriter::new(&mut out);
    above.iter().for_each(|value| bits.put(*value, width));
    bits.finish();
    out
}

fn rice_into(out: &mut Vec<u8>, values: &[u64]) {
    let sum: u128 = values.iter().map(|value| u128::from(*value)).sum();
    let mean = (sum / values.len().max(1) as u128) as u64;
    let middle = width_of(mean);
    let k = (middle.saturating_sub(2)..=middle.min(62)).min_by_key(|k| rice_bits(values, *k)).unwrap_or(0);
    out.push(k as u8);
    let mut bits = BitWriter::new(out);
    values.iter().for_each(|value| bits.rice(*value, k));
    bits.finish();
}

fn rice(way: u8, values: &[i64]) -> Vec<u8> {
    let min = min_of(values);
    let mut out = vec![way];
    put_signed(&mut out, min);
    rice_into(&mut out, &above(values, min));
    out
}

fn signed_rice(values: &[i64]) -> Vec<u8> {
    let values: Vec<u64> = values.iter().copied().map(zigzag).collect();
    let mut out = vec![0];
    rice_into(&mut out, &values);
    out
}

fn deltas(values: &[i64]) -> Option<(i64, Vec<i64>)> {
    let first = *values.first()?;
    let pairs = values.iter().zip(values.iter().skip(1));
    Some((first, pairs.map(|(before, after)| after.wrapping_sub(*before)).collect()))
}

/// A column of differences behind the first value; the way of the inner column is known and left out.
fn delta(way: u8, first: i64, inner: Vec<u8>) -> Vec<u8> {
    let mut out = vec![way];
    put_signed(&mut out, first);
    out.extend(inner.into_iter().skip(1));
    out
}

/// Distinct values, the most frequent first, then the rank of each.
fn ranked(values: &[i64], ids: &[u32], distinct: usize, depth: u32) -> Vec<u8> {
    let mut table = vec![(0_usize, 0_i64); distinct];
    for (id, value) in ids.iter().zip(values) {
        if let Some((count, slot)) = table.get_mut(*id as usize) {
            *count += 1;
            *slot = *value;
        }
    }
    let mut order: Vec<usize> = (0..distinct).collect();
    order.sort_by_key(|id| std::cmp::Reverse(table.get(*id).map_or(0, |(count, _)| *count)));
    let mut rank = vec![0_u64; distinct];
    for (place, id) in order.iter().enumerate() {
        if let Some(slot) = rank.get_mut(*id) {
            *slot = place as u64;
        }
    }
    let sorted: Vec<i64> = order.iter().filter_map(|id| table.get(*id)).map(|(_, value)| *value).collect();
    let ranks: Vec<u64> = ids.iter().filter_map(|id| rank.get(*id as usize)).copied().collect();
    let mut out = vec![way::RANKED];
    put(&mut out, distinct as u64);
    encode(&sorted, None, depth + 1, &mut out);
    rice_into(&mut out, &ranks);
    out
}

/// Distinct values in ascending order, then the place of each in as few bits as hold it.
fn dictionary(values: &[i64], depth: u32) -> Vec<u8> {
    let mut table = values.to_vec();
    table.sort_unstable();
    table.dedup();
    let mut out = vec![way::DICTIONARY];
    put(&mut out, table.len() as u64);
    encode(&table, None, depth + 1, &mut out);
    let width = width_of(table.len() as u64 - 1);
    let mut bits = BitWriter::new(&mut out);
    for value in values {
        bits.put(table.binary_search(value).unwrap_or(0) as u64, width);
    }
    bits.finish();
    out
}

/// Distinct values as they come up; a bit tells a new one from one that is named by its number among those seen so far.
fn firsts(values: &[i64], ids: &[u32], distinct: usize, depth: u32) -> Vec<u8> {
    let mut out = vec![way::FIRSTS];
    put(&mut out, distinct as u64);
    let mut seen = 0_u32;
    let mut table = Vec::with_capacity(distinct);
    for (id, value) in ids.iter().zip(values) {
        if *id == seen {
            seen += 1;
            table.push(*value);
        }
    }
    encode(&table, None, depth + 1, &mut out);
    let mut bits = BitWriter::new(&mut out);
    let mut seen = 0_u32;
    for id in ids {
        if *id == seen {
            bits.put(1, 1);
            seen += 1;
        } else {
            bits.put(0, 1);
            bits.put(u64::from(*id), width_of(u64::from(seen.saturating_sub(1))));
        }
    }
    bits.finish();
    out
}

/// Values that mostly follow from those of an earlier column: for each of its values the last one seen with it, unless a bit says
/// that another comes.
fn follows(values: &[i64], place: usize, ids: &[u32], distinct: usize, depth: u32) -> Vec<u8> {
    let mut last: Vec<Option<i64>> = vec![None; distinct];
    let (mut flags, mut told) = (Vec::new(), Vec::new());
    for (id, value) in ids.iter().zip(values) {
        let Some(slot) = last.get_mut(*id as usize) else { continue };
        match slot {
            Some(before) if before == value => flags.push(0),
            Some(_) => {
                flags.push(1);
                told.push(*value);
            }
            None => told.push(*value),
        }
        *slot = Some(*value);
    }
    let mut out = head(way::FOLLOWS, place, &[]);
    encode(&flags, None, depth + 1, &mut out);
    encode(&told, None, depth + 1, &mut out);
    out
}

fn offset(values: &[i64], place: usize, base: &[i64], depth: u32) -> Vec<u8> {
    let rest: Vec<i64> = values.iter().zip(base).map(|(value, base)| value.wrapping_sub(*base)).collect();
    let mut out = head(way::OFFSET, place, &[]);
    encode(&rest, None, depth + 1, &mut out);
    out
}

/// True when values are `first`, `first + 1`, … within each list.
fn counts_up(values: &[i64], lengths: &[i64], first: i64) -> bool {
    let places = lengths.iter().flat_map(|length| 0..*length);
    values.iter().zip(places).all(|(value, place)| *value == first.wrapping_add(place))
}

/// Reads a column of so many numbers.
pub(crate) fn decode(
    reader: &mut Reader<'_>,
    count: usize,
    leans: Option<&Leans>,
    depth: u32,
) -> Result<Vec<i64>, Broken> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if depth > DEPTH_MAX {
        return Err(Broken);
    }
    match reader.byte()? {
        way::CONST => Ok(vec![reader.signed()?; count]),
        way::RUNS => unrun(reader, count),
        way::VARINT => collect(count, || reader.signed()),
        way::PACKED => unpacked(reader, count),
        way::RICE => {
            let min = reader.signed()?;
            let values = unrice(reader, count)?;
            Ok(values.into_iter().map(|value| min.wrapping_add(value as i64)).collect())
        }
        way::DELTA_PACKED => {
            let first = reader.signed()?;
            let deltas = unpacked(reader, count - 1)?;
            Ok(sums(first, deltas.into_iter()))
        }
        way::DELTA_RICE => {
            let first = reader.signed()?;
            let deltas = unrice(reader, count - 1)?;
            Ok(sums(first, deltas.into_iter().map(crate::varint::unzigzag)))
        }
        way::RANKED => {
            let table = table(reader, count, depth)?;
            let ranks = unrice(reader, count)?;
            ranks.into_iter().map(|rank| at(&table, rank)).collect()
        }
        way::DICTIONARY => {
            let table = table(reader, count, depth)?;
            let width = width_of(table.len() as u64 - 1);
            let mut bits = BitReader::new(*reader);
            let values = collect(count, || at(&table, bits.get(width)?))?;
            *reader = bits.finish();
            Ok(values)
        }
        way::FIRSTS => unfirst(reader, count, depth),
        way::FOLLOWS => {
            let place = reader.number_max(usize::MAX)?;
            let lean = leans.ok_or(Broken)?.keyed(place, count)?;
            let flags = decode(reader, count.checked_sub(lean.distinct).ok_or(Broken)?, None, depth + 1)?;
            let other = flags.iter().filter(|flag| **flag != 0).count();
            let told = decode(reader, lean.distinct + other, None, depth + 1)?;
            unfollow(&lean.keys, lean.distinct, &flags, &told)
        }
        way::OFFSET => {
            let place = reader.number_max(usize::MAX)?;
            let base = leans.ok_or(Broken)?.ints(place, count)?;
            let rest = decode(reader, count, None, depth + 1)?;
            Ok(rest.iter().zip(base).map(|(rest, base)| rest.wrapping_add(*base)).collect())
        }
        way::PLACE => {
            let place = reader.number_max(usize::MAX)?;
            let lengths = leans.ok_or(Broken)?.lengths(place, count)?;
            let first = reader.signed()?;
            Ok(lengths.iter().flat_map(|length| 0..*length).map(|place| first.wrapping_add(place)).collect())
        }
        _ => Err(Broken),
    }
}

/// Reads one by one; nothing is set aside for a count that is only claimed.
fn collect<T>(count: usize, mut next: impl FnMut() -> Result<T, Broken>) -> Result<Vec<T>, Broken> {
    (0..count).map(|_| next()).collect()
}

fn at(table: &[i64], place: u64) -> Result<i64, Broken> {
    usize::try_from(place).ok().and_then(|place| table.get(place)).copied().ok_or(Broken)
}

fn sums(first: i64, deltas: impl Iterator<Item = i64>) -> Vec<i64> {
    let sums = deltas.scan(first, |sum, delta| {
        *sum = sum.wrapping_add(delta);
        Some(*sum)
    });
    std::iter::once(first).chain(sums).collect()
}

fn table(reader: &mut Reader<'_>, count: usize, depth: u32) -> Result<Vec<i64>, Broken> {
    match reader.number_max(count)? {
        0 => Err(Broken),
        distinct => decode(reader, distinct, None, depth + 1),
    }
}

fn unrun(reader: &mut Reader<'_>, count: usize) -> Result<Vec<i64>, Broken> {
    let mut values = Vec::new();
    while values.len() < count {
        let value = reader.signed()?;
        let more = reader.number_max(count - values.len() - 1)?;
        values.resize(values.len() + more + 1, value);
    }
    Ok(values)
}

fn unpacked(reader: &mut Reader<'_>, count: usize) -> Result<Vec<i64>, Broken> {
    let min = reader.signed()?;
    let width = u32::from(reader.byte()?);
    if width > 64 {
        return Err(Broken);
    }
    let mut bits = BitReader::new(*reader);
    let values = collect(count, || bits.get(width).map(|above| min.wrapping_add(above as i64)))?;
    *reader = bits.finish();
    Ok(values)
}

fn unrice(reader: &mut Reader<'_>, count: usize) -> Result<Vec<u64>, Broken> {
    let k = u32::from(reader.byte()?);
    if k > 62 {
        return Err(Broken);
    }
    let mut bits = BitReader::new(*reader);
    let values = collect(count, || bits.rice(k))?;
    *reader = bits.finish();
    Ok(values)
}

fn unfirst(reader: &mut Reader<'_>, count: usize, depth: u32) -> Result<Vec<i64>, Broken> {
    let table = table(reader, count, depth)?;
    let mut bits = BitReader::new(*reader);
    let mut seen = 0_u64;
    let values = collect(count, || {
        if bits.get(1)? == 1 {
            seen += 1;
            return at(&table, seen - 1);
        }
        let place = bits.get(width_of(seen.saturating_sub(1)))?;
        if place < seen { at(&table, place) } else { Err(Broken) }
    })?;
    *reader = bits.finish();
    Ok(values)
}

fn unfollow(ids: &[u32], distinct: usize, flags: &[i64], told: &[i64]) -> Result<Vec<i64>, Broken> {
    let mut last: Vec<Option<i64>> = vec![None; distinct];
    let (mut flags, mut told) = (flags.iter(), told.iter());
    ids.iter()
        .map(|id| {
            let slot = last.get_mut(*id as usize).ok_or(Broken)?;
            let value = match slot {
                Some(before) if *flags.next().ok_or(Broken)? == 0 => *before,
                _ => *told.next().ok_or(Broken)?,
            };
            *slot = Some(value);
            Ok(value)
        })
        .collect()
}
