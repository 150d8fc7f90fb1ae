//! The part of CBOR (RFC 8949) that columns are made of: definite lengths, shortest heads, maps with numbers as keys, no tags.
//! What is not of this form is carried as it is, so nothing here has to be complete; it has to be exact.

use crate::varint::{Broken, Reader};

/// Values inside values go this deep in columns.
pub(crate) const DEPTH_MAX: u32 = 16;

/// The start of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start<'a> {
    /// A number that fits 64 bits with a sign.
    Int(i64),
    /// A number that does not: is it negative, and the argument of its head.
    Big { negative: bool, argument: u64 },
    /// A byte string.
    Bytes(&'a [u8]),
    /// A text.
    Text(&'a [u8]),
    /// So many values follow.
    Array(u64),
    /// So many keys with values follow.
    Map(u64),
    /// `false`, `true`, `null`, `undefined`: 20 to 23.
    Simple(u8),
    /// A float of four bytes, as its bits.
    Single(u32),
    /// A float of eight bytes, as its bits.
    Double(u64),
}

/// Reads the start of a value; what is not of the form is broken.
pub(crate) fn start<'a>(reader: &mut Reader<'a>) -> Result<Start<'a>, Broken> {
    let first = reader.byte()?;
    let (major, info) = (first >> 5, first & 0x1f);
    if major == 7 {
        return match info {
            20..=23 => Ok(Start::Simple(info)),
            26 => Ok(Start::Single(u32::from_be_bytes(reader.array()?))),
            27 => Ok(Start::Double(u64::from_be_bytes(reader.array()?))),
            _ => Err(Broken),
        };
    }
    let (argument, min) = match info {
        0..=23 => (u64::from(info), 0),
        24 => (u64::from(reader.byte()?), 24),
        25 => (u64::from(u16::from_be_bytes(reader.array()?)), 1 << 8),
        26 => (u64::from(u32::from_be_bytes(reader.array()?)), 1 << 16),
        27 => (u64::from_be_bytes(reader.array()?), 1 << 32),
        _ => return Err(Broken),
    };
    if argument < min {
        return Err(Broken);
    }
    let length = || usize::try_from(argument).map_err(|_| Broken);
    match major {
        0 => Ok(i64::try_from(argument).map_or(Start::Big { negative: false, argument }, Start::Int)),
        // -1 - argument, which is the complement.
        1 => Ok(i64::try_from(argument)
            .map_or(Start::Big { negative: true, argument }, |argument| Start::Int(!argument))),
        2 => Ok(Start::Bytes(reader.take(length()?)?)),
        3 => Ok(Start::Text(reader.take(length()?)?)),
        4 => Ok(Start::Array(argument)),
        5 => Ok(Start::Map(argument)),
        _ => Err(Broken),
    }
}

/// True when a payload is one value of the form, whole.
pub(crate) fn is_plain(payload: &[u8]) -> bool {
    let mut reader = Reader(payload);
    walk(&mut reader, 0).is_ok() && reader.is_empty()
}

fn walk(reader: &mut Reader<'_>, depth: u32) -> Result<(), Broken> {
    if depth > DEPTH_MAX {
        return Err(Broken);
    }
    match start(reader)? {
        Start::Array(length) => (0..length).try_for_each(|_| walk(reader, depth + 1)),
        Start::Map(length) => (0..length).try_for_each(|_| {
            let Start::Int(0..) = start(reader)? else { return Err(Broken) };
            walk(reader, depth + 1)
        }),
        _ => Ok(()),
    }
}

/// Writes the shortest head.
pub(crate) fn head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let major = major << 5;
    match argument {
        0..=23 => out.push(major | argument as u8),
        24..=0xff => out.extend_from_slice(&[major | 24, argument as u8]),
        0x100..=0xffff => {
            out.push(major | 25);
            out.extend_from_slice(&(argument as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 26);
            out.extend_from_slice(&(argument as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&argument.to_be_bytes());
        }
    }
}

/// Writes a number.
pub(crate) fn int(out: &mut Vec<u8>, value: i64) {
    if value < 0 { head(out, 1, !value as u64) } else { head(out, 0, value as u64) }
}
