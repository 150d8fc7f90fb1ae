//! A record as bytes: length, checksum, sequence number, hybrid time, kind, payload; little-endian, unaligned.
//!
//! ```text
//! 0        4        8                16               24     26
//! | length | CRC32C | sequence       | hybrid time    | kind | payload … |
//! ```
//!
//! The length is the payload's. The checksum (RFC 3720, appendix B.4) covers every other byte of the record and
//! starts from the journal's [`Salt`], so bytes that merely look like a record (one journal copied into the payload of
//! another, a payload that was made to deceive) do not pass for one when a damaged segment is searched.
//!
//! Not here: what control records say (`control`), where records stand (`walk`), what payloads mean (`aisle-event`).

use aisle_event::Hlc;
use bytes::Bytes;

/// The bytes of a record in front of its payload.
pub const HEADER_BYTES: usize = 26;
/// Where the part of a record starts that the chain covers: behind length and checksum.
pub const CHAINED_FROM: usize = 8;

/// One thing that happened, with its place in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number: 1 for the first, no gaps.
    pub seq: u64,
    /// When it was committed, later than every record before it.
    pub hlc: Hlc,
    /// What kind of thing; never [`crate::control::KIND`].
    pub kind: u16,
    /// What happened, in bytes that only the kind's owner understands.
    pub payload: Bytes,
}

/// Where the checksums of one journal start, from its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub u32);

impl Salt {
    /// The salt of a journal.
    #[must_use]
    pub fn of(journal: &[u8; 16]) -> Self {
        Self(crc32c::crc32c(journal))
    }
}

/// The fixed part of a record, not yet checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Bytes of payload.
    pub payload_bytes: u32,
    /// The checksum as it stands there.
    pub checksum: u32,
    /// The sequence number.
    pub seq: u64,
    /// The hybrid time.
    pub hlc: Hlc,
    /// The kind.
    pub kind: u16,
}

impl Header {
    /// Reads the fixed part; `None` when there are not enough bytes for it.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (checksum, rest) = rest.split_first_chunk::<4>()?;
        let (seq, rest) = rest.split_first_chunk::<8>()?;
        let (hlc, rest) = rest.split_first_chunk::<8>()?;
        let (kind, _) = rest.split_first_chunk::<2>()?;
        Some(Self {
            payload_bytes: u32::from_le_bytes(*length),
            checksum: u32::from_le_bytes(*checksum),
            seq: u64::from_le_bytes(*seq),
            hlc: Hlc(u64::from_le_bytes(*hlc)),
            kind: u16::from_le_bytes(*kind),
        })
    }

    /// The bytes of the whole record.
    #[must_use]
    pub const fn record_bytes(&self) -> u64 {
        HEADER_BYTES as u64 + self.payload_bytes as u64
    }
}

/// A record whose checksum is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its fixed part.
    pub header: Header,
    /// The part of it that the chain covers.
    pub chained: &'a [u8],
    /// Its payload.
    pub payload: &'a [u8],
}

/// Why bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Nothing was ever written here.
    #[error("is blank")]
    Blank,
    /// The bytes end before the record does.
    #[error("needs {needed} bytes, of which {present} are there")]
    Short {
        /// How long the record says it is.
        needed: u64,
        /// How many bytes there are.
        present: u64,
    },
    /// The checksum is not that of the bytes.
    #[error("has the checksum {found:08x}, computed {computed:08x}")]
    Checksum {
        /// The checksum that stands there.
        found: u32,
        /// The checksum of what stands there.
        computed: u32,
    },
}

/// Reads the record at the start of `bytes`.
///
/// # Errors
/// When there is no whole record with the right checksum.
pub fn decode(bytes: &[u8], salt: Salt) -> Result<Frame<'_>, Malformed> {
    let present = bytes.len() as u64;
    let header = Header::parse(bytes).ok_or(Malformed::Short { needed: HEADER_BYTES as u64, present })?;
    if bytes.iter().take(HEADER_BYTES).all(|byte| *byte == 0) {
        return Err(Malformed::Blank);
    }
    let needed = header.record_bytes();
    let record = usize::try_from(needed)
        .ok()
        .and_then(|needed| bytes.get(..needed))
        .ok_or(Malformed::Short { needed, present })?;
    let (length, _) = record.split_at(4);
    let (_, chained) = record.split_at(CHAINED_FROM);
    let (_, payload) = record.split_at(HEADER_BYTES);
    let computed = checksum(salt, length, chained);
    if computed != header.checksum {
        return Err(Malformed::Checksum { found: header.checksum, computed });
    }
    Ok(Frame { header, chained, payload })
}

/// Appends a record to `out` that still lacks its number, its time and its checksum.
///
/// The payload is shorter than 4 GiB: the queue refuses longer ones.
pub(crate) fn prepare(out: &mut Vec<u8>, kind: u16, payload: &[u8]) {
    out.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&[0; 4 + 8 + 8]);
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(payload);
}

/// Completes the prepared record at the start of `bytes`; gives its chained part and what follows it. `None` when there
/// is no record.
pub(crate) fn complete(bytes: &mut [u8], salt: Salt, seq: u64, hlc: Hlc) -> Option<(&[u8], &mut [u8])> {
    let (length, _) = bytes.split_first_chunk::<4>()?;
    let length = *length;
    let payload_bytes = usize::try_from(u32::from_le_bytes(length)).ok()?;
    let (record, rest) = bytes.split_at_mut_checked(HEADER_BYTES + payload_bytes)?;
    let (front, chained) = record.split_at_mut_checked(CHAINED_FROM)?;
    chained.get_mut(..8)?.copy_from_slice(&seq.to_le_bytes());
    chained.get_mut(8..16)?.copy_from_slice(&hlc.0.to_le_bytes());
    front.get_mut(4..)?.copy_from_slice(&checksum(salt, &length, chained).to_le_bytes());
    Some((chained, rest))
}

/// Appends a whole record to `out`.
pub(crate) fn encode(out: &mut Vec<u8>, salt: Salt, seq: u64, hlc: Hlc, kind: u16, payload: &[u8]) {
    let start = out.len();
    prepare(out, kind, payload);
    complete(out.get_mut(start..).unwrap_or_default(), salt, seq, hlc);
}

fn checksum(salt: Salt, length: &[u8], chained: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(salt.0, length), chained)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: Salt = Salt(7);

    #[test]
    fn what_was_encoded_decodes() {
        let mut bytes = vec![9; 3];
        encode(&mut bytes, SALT, 5, Hlc(6), 7, b"eight");
        let frame = decode(&bytes[3..], SALT).unwrap();
        assert_eq!((frame.header.seq, frame.header.hlc, frame.header.kind), (5, Hlc(6), 7));
        assert_eq!(frame.payload, b"eight");
        assert_eq!(frame.chained, &bytes[3 + CHAINED_FROM..]);
    }

    #[test]
    fn a_record_of_another_journal_is_refused() {
        let mut bytes = Vec::new();
        encode(&mut bytes, Salt(8), 1, Hlc(1), 1, b"x");
        assert!(matches!(decode(&bytes, SALT), Err(Malformed::Checksum { .. })));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let mut bytes = Vec::new();
        encode(&mut bytes, SALT, 1, Hlc(1), 1, b"payload");
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&damaged, SALT).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn zeros_are_blank_and_not_an_empty_record() {
        assert_eq!(decode(&[0; 64], SALT), Err(Malformed::Blank));
    }
}
