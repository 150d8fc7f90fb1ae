//! Bodies: many events in few bytes, without loss.
//!
//! Payloads are taken apart into columns, one for each path (event type, field, field within it), each column is written in
//! the shortest of several ways ([`ints`], [`texts`]), and the whole goes through zstd where that helps. A payload
//! that is not CBOR of the usual form is carried as it is.
//!
//! Not here: headers and hashes ([`crate::batch`]). Guards: what is read is what was written, to the byte, and what somebody else wrote
//! costs no more memory than the bounds in [`crate::limits`] say.

mod bits;
mod cbor;
mod column;
mod ints;
mod path;
mod read;
mod texts;
mod write;

use crate::{
    limits::{BATCH_EVENTS_MAX, PACKED_BYTES_MAX, RAW_BYTES_MAX},
    log::Item,
    varint::{Broken, Reader, put},
};
use bytes::Bytes;
use std::io::Read;

/// The body went through zstd.
pub(crate) const FLAG_ZSTD: u8 = 1;
/// The body has columns; otherwise events stand one after the other.
pub(crate) const FLAG_COLUMNS: u8 = 2;
/// All flags that there are.
pub(crate) const FLAGS: u8 = FLAG_ZSTD | FLAG_COLUMNS;

/// Bodies are small and written once; the highest levels cost much and win nothing on them.
const ZSTD_LEVEL: i32 = 12;
/// What is shorter than this is not tried: zstd's own headers take what it would win.
const ZSTD_BYTES_MIN: usize = 128;
/// The largest window that a body may ask for, as a power of two: that of the largest body.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// A body and what its header has to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) flags: u8,
    pub(crate) hlc_base: u64,
    pub(crate) raw_bytes: usize,
    pub(crate) body: Vec<u8>,
}

/// Packs events; `None` when there are none, too many, or too many bytes.
pub(crate) fn pack(items: &[Item]) -> Option<Packed> {
    let raw_bytes = items.iter().map(|item| item.payload.len()).sum();
    let hlc_base = items.first()?.hlc;
    if items.len() > BATCH_EVENTS_MAX || raw_bytes > RAW_BYTES_MAX {
        return None;
    }
    let (mut flags, mut body) = match write::columns(items, hlc_base) {
        Ok(columns) if columns.len() <= PACKED_BYTES_MAX => (FLAG_COLUMNS, columns),
        _ => (0, rows(items, hlc_base)),
    };
    if body.len() >= ZSTD_BYTES_MIN
        && let Ok(smaller) = zstd::bulk::compress(&body, ZSTD_LEVEL)
        && smaller.len() < body.len()
    {
        flags |= FLAG_ZSTD;
        body = smaller;
    }
    Some(Packed { flags, hlc_base, raw_bytes, body })
}

fn rows(items: &[Item], hlc_base: u64) -> Vec<u8> {
    let mut out = Vec::new();
    for item in items {
        put(&mut out, item.hlc.wrapping_sub(hlc_base));
        put(&mut out, u64::from(item.kind));
        put(&mut out, item.payload.len() as u64);
        out.extend_from_slice(&item.payload);
    }
    out
}

/// Unpacks a body that may be anybody's.
pub(crate) fn unpack(
    flags: u8,
    first_seq: u64,
    count: usize,
    hlc_base: u64,
    raw_bytes: usize,
    body: &[u8],
) -> Result<Vec<Item>, Broken> {
    if flags & !FLAGS != 0 || count > BATCH_EVENTS_MAX || raw_bytes > RAW_BYTES_MAX {
        return Err(Broken);
    }
    let plain;
    let body = if flags & FLAG_ZSTD == 0 {
        body
    } else {
        plain = inflate(body)?;
        &plain
    };
    let (events, payloads) = if flags & FLAG_COLUMNS == 0 {
        parse_rows(body, count, raw_bytes, hlc_base)?
    } else {
        read::events(body, count, raw_bytes, hlc_base)?
    };
    let payloads = Bytes::from(payloads);
    let mut start = 0;
    events
        .into_iter()
        .zip(first_seq..)
        .map(|(read::Parsed { hlc, kind, end }, seq)| {
            if end < start || end > payloads.len() {
                return Err(Broken);
            }
            let payload = payloads.slice(start..end);
            start = end;
            Ok(Item { seq, hlc, kind, payload })
        })
        .collect()
}

/// Grows as it reads, so a claimed size costs nothing.
fn inflate(body: &[u8]) -> Result<Vec<u8>, Broken> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(body).map_err(|_| Broken)?.single_frame();
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(|_| Broken)?;
    let mut plain = Vec::new();
    let mut bounded = decoder.take(PACKED_BYTES_MAX as u64 + 1);
    bounded.read_to_end(&mut plain).map_err(|_| Broken)?;
    let is_whole = bounded.into_inner().finish().is_empty();
    if plain.len() > PACKED_BYTES_MAX || !is_whole { Err(Broken) } else { Ok(plain) }
}

fn parse_rows(
    body: &[u8],
    count: usize,
    raw_bytes: usize,
    hlc_base: u64,
) -> Result<(Vec<read::Parsed>, Vec<u8>), Broken> {
    let mut reader = Reader(body);
    let mut payloads = Vec::new();
    let mut events = Vec::new();
    for _ in 0..count {
        let hlc = hlc_base.wrapping_add(reader.number()?);
        let kind = u16::try_from(reader.number()?).map_err(|_| Broken)?;
        let length = reader.number_max(raw_bytes.saturating_sub(payloads.len()))?;
        payloads.extend_from_slice(reader.take(length)?);
        events.push(read::Parsed { hlc, kind, end: payloads.len() });
    }
    if reader.is_empty() && payloads.len() == raw_bytes { Ok((events, payloads)) } else { Err(Broken) }
}

#[cfg(test)]
mod tests;
