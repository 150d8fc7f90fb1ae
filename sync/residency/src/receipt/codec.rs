//! The bytes of a receipt. Numbers are LEB128 varints unless their width is given.
//!
//! ```text
//! wire:     version 1 (u8), region (u8 length, bytes), number, withheld, counts, signature (64)
//! counts:   how many types; each: type, how many entries; each: depth·8 + outcome (u8), field numbers, count
//! signed:   "aisle receipt 1\0", store (u8 length, bytes), class (u8), epoch (16), region, number (u64 LE), previous (32),
//!           policy version (u32 LE), policy hash (32), first_seq (u64 LE), count (u32 LE), head before (32), head after (32),
//!           withheld (u64 LE), counts
//! alone:    signed, signature (64)
//! ```
//!
//! Types and entries ascend, and every number has its shortest form, so that a receipt has one encoding.

use super::{ALONE_BYTES_MAX, COUNTS_MAX, Extent, Receipt};
use crate::{
    fate::{Outcome, Tally},
    name::Region,
    signing::Signature,
    vocabulary::Path,
};
use aisle_event::{EventType, LogClass, StoreId};
use aisle_protocol::{Epoch, Hash, Head, LogId, PolicyId, limits::RECEIPT_BYTES_MAX, varint};
use std::collections::BTreeMap;

const MAGIC: &[u8] = b"aisle receipt 1\0";
const VERSION: u8 = 1;
/// Records lie in records three deep at most.
const DEPTH_MAX: usize = 8;

/// Why bytes are not a receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// There are none.
    #[error("there is no receipt")]
    Missing,
    /// There are too many.
    #[error("the receipt has {bytes} bytes; at most {bytes_max} are allowed")]
    TooLong {
        /// How many.
        bytes: usize,
        /// How many there may be.
        bytes_max: usize,
    },
    /// A version that this build does not read.
    #[error("the receipt has version {version}; this build reads version {VERSION}")]
    Version {
        /// Its version.
        version: u8,
    },
    /// They end early, go on too long, or have no meaning.
    #[error("the receipt is malformed at byte {at}")]
    Malformed {
        /// Where.
        at: usize,
    },
    /// It counts a field that this build does not know.
    #[error(
        "the receipt counts field {numbers:?} of event type {kind:#06x}, which this build does not know\nhint: bring the hub up to date before the stores"
    )]
    UnknownField {
        /// The event type.
        kind: u16,
        /// The numbers of the fields down to it.
        numbers: Vec<u64>,
    },
}

/// What a receipt on the wire leaves to its batch.
pub(super) struct Facts<'a> {
    pub(super) log: &'a LogId,
    pub(super) policy: PolicyId,
    pub(super) extent: Extent,
    pub(super) previous: Hash,
}

impl Receipt {
    /// The receipt as it goes with its batch: without what the batch says itself and without the hash of the receipt before, which the
    /// hub knows.
    #[must_use]
    pub fn to_wire(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_text(self.region.as_str(), &mut |bytes| out.extend_from_slice(bytes));
        varint::put(&mut out, self.number);
        varint::put(&mut out, self.withheld);
        put_counts(&mut out, &self.tally);
        out.extend_from_slice(&self.signature.0);
        out
    }

    /// The receipt by itself.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = body(self);
        out.extend_from_slice(&self.signature.0);
        out
    }

    /// Reads a receipt that stands by itself. Whether it is signed is another question: [`Receipt::is_signed_by`].
    ///
    /// # Errors
    /// When the bytes are not one receipt.
    pub fn decode(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let mut input = Input::new(bytes, ALONE_BYTES_MAX)?;
        if input.take(MAGIC.len())? != MAGIC {
            return Err(ReceiptError::Malformed { at: 0 });
        }
        let store = input.text()?;
        let class = input.byte()?;
        let epoch = Epoch(input.array()?);
        let store = StoreId::new(store).map_err(|_| input.malformed())?;
        let class = LogClass::from_number(class).ok_or_else(|| input.malformed())?;
        let region = input.region()?;
        let number = u64::from_le_bytes(input.array()?);
        let previous = Hash(input.array()?);
        let policy = PolicyId { version: u32::from_le_bytes(input.array()?), hash: Hash(input.array()?) };
        let extent = Extent {
            first_seq: u64::from_le_bytes(input.array()?),
            count: u32::from_le_bytes(input.array()?),
            head_before: Head(input.array()?),
            head_after: Head(input.array()?),
        };
        let withheld = u64::from_le_bytes(input.array()?);
        let tally = input.counts()?;
        let signature = Signature(input.array()?);
        input.end()?;
        let log = LogId { store, class, epoch };
        Ok(Self { number, previous, log, region, policy, extent, withheld, tally, signature })
    }
}

/// What a receipt says by itself as it goes with its batch. Nothing of it is checked: who believes it has verified it before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// Where the batch may go.
    pub region: Region,
    /// The receipt's number in its log.
    pub number: u64,
    /// Events of which nothing left.
    pub withheld: u64,
    /// What became of the fields.
    pub tally: Tally,
    /// The node's signature.
    pub signature: Signature,
}

impl Wire {
    /// Reads it.
    ///
    /// # Errors
    /// When the bytes are not one receipt.
    pub fn read(bytes: &[u8]) -> Result<Self, ReceiptError> {
        if bytes.is_empty() {
            return Err(ReceiptError::Missing);
        }
        let mut input = Input::new(bytes, RECEIPT_BYTES_MAX)?;
        let version = input.byte()?;
        if version != VERSION {
            return Err(ReceiptError::Version { version });
        }
        let region = input.region()?;
        let number = input.varint()?;
        let withheld = input.varint()?;
        let tally = input.counts()?;
        let signature = Signature(input.array()?);
        input.end()?;
        Ok(Self { region, number, withheld, tally, signature })
    }
}

/// Reads a receipt that came with a batch.
pub(super) fn from_wire(bytes: &[u8], facts: &Facts<'_>) -> Result<Receipt, ReceiptError> {
    let Wire { region, number, withheld, tally, signature } = Wire::read(bytes)?;
    let Facts { log, policy, extent, previous } = *facts;
    Ok(Receipt { number, previous, log: log.clone(), region, policy, extent, withheld, tally, signature })
}

/// What is signed.
pub(super) fn body(receipt: &Receipt) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    put_log(&receipt.log, &receipt.region, &mut |bytes| out.extend_from_slice(bytes));
    out.extend_from_slice(&receipt.number.to_le_bytes());
    out.extend_from_slice(&receipt.previous.0);
    out.extend_from_slice(&receipt.policy.version.to_le_bytes());
    out.extend_from_slice(&receipt.policy.hash.0);
    out.extend_from_slice(&receipt.extent.first_seq.to_le_bytes());
    out.extend_from_slice(&receipt.extent.count.to_le_bytes());
    out.extend_from_slice(&receipt.extent.head_before.0);
    out.extend_from_slice(&receipt.extent.head_after.0);
    out.extend_from_slice(&receipt.withheld.to_le_bytes());
    put_counts(&mut out, &receipt.tally);
    out
}

pub(super) fn put_log(log: &LogId, region: &Region, put: &mut dyn FnMut(&[u8])) {
    put_text(log.store.as_str(), put);
    put(&[log.class.number()]);
    put(&log.epoch.0);
    put_text(region.as_str(), put);
}

fn put_text(text: &str, put: &mut dyn FnMut(&[u8])) {
    // Ids and names have 64 bytes at most.
    put(&[u8::try_from(text.len()).unwrap_or(u8::MAX)]);
    put(text.as_bytes());
}

fn put_counts(out: &mut Vec<u8>, tally: &Tally) {
    let mut types: BTreeMap<EventType, BTreeMap<(&[u64], Outcome), u64>> = BTreeMap::new();
    for (path, outcome, count) in tally.iter() {
        types.entry(path.event()).or_default().insert((path.numbers(), outcome), count);
    }
    varint::put(out, types.len() as u64);
    for (kind, entries) in types {
        varint::put(out, u64::from(kind.0));
        varint::put(out, entries.len() as u64);
        for ((numbers, outcome), count) in entries {
            out.push((numbers.len() as u8) << 3 | outcome.number());
            numbers.iter().for_each(|number| varint::put(out, *number));
            varint::put(out, count);
        }
    }
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    const fn new(bytes: &'a [u8], bytes_max: usize) -> Result<Self, ReceiptError> {
        if bytes.len() > bytes_max {
            return Err(ReceiptError::TooLong { bytes: bytes.len(), bytes_max });
        }
        Ok(Self { bytes, at: 0 })
    }

    const fn malformed(&self) -> ReceiptError {
        ReceiptError::Malformed { at: self.at }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], ReceiptError> {
        let end = self.at.checked_add(count).ok_or_else(|| self.malformed())?;
        let taken = self.bytes.get(self.at..end).ok_or_else(|| self.malformed())?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ReceiptError> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| self.malformed())
    }

    fn byte(&mut self) -> Result<u8, ReceiptError> {
        self.array().map(|[byte]: [u8; 1]| byte)
    }

    fn text(&mut self) -> Result<&'a str, ReceiptError> {
        let length = usize::from(self.byte()?);
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map_err(|_| self.malformed())
    }

    fn region(&mut self) -> Result<Region, ReceiptError> {
        let text = self.text()?;
        Region::new(text).map_err(|_| self.malformed())
    }

    fn varint(&mut self) -> Result<u64, ReceiptError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            let placed = bits << shift;
            // Bits that do not fit, or a longer form than needed.
            if placed >> shift != bits || (byte == 0 && shift > 0) {
                return Err(self.malformed());
            }
            number |= placed;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(self.malformed())
    }

    fn counts(&mut self) -> Result<Tally, ReceiptError> {
        let mut tally = Tally::default();
        let mut last_kind = None;
        for _ in 0..self.bounded()? {
            let kind = u16::try_from(self.varint()?).map_err(|_| self.malformed())?;
            if last_kind.is_some_and(|last| last >= kind) {
                return Err(self.malformed());
            }
            last_kind = Some(kind);
            let mut last_entry: Option<(Vec<u64>, Outcome)> = None;
            for _ in 0..self.bounded()? {
                let head = self.byte()?;
                let outcome = Outcome::from_number(head & 7).ok_or_else(|| self.malformed())?;
                let depth = usize::from(head >> 3);
                if depth > DEPTH_MAX || tally.0.len() >= COUNTS_MAX {
                    return Err(self.malformed());
                }
                let numbers = (0..depth).map(|_| self.varint()).collect::<Result<Vec<_>, _>>()?;
                let count = self.varint()?;
                let path = Path::numbered(EventType(kind), &numbers)
                    .ok_or_else(|| ReceiptError::UnknownField { kind, numbers: numbers.clone() })?;
                let entry = (numbers, outcome);
                if count == 0 || last_entry.as_ref().is_some_and(|last| *last >= entry) {
                    return Err(self.malformed());
                }
                last_entry = Some(entry);
                tally.count(path, outcome, count);
            }
        }
        Ok(tally)
    }

    fn bounded(&mut self) -> Result<u64, ReceiptError> {
        let count = self.varint()?;
        if count > COUNTS_MAX as u64 { Err(self.malformed()) } else { Ok(count) }
    }

    fn end(&self) -> Result<(), ReceiptError> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.malformed()) }
    }
}
