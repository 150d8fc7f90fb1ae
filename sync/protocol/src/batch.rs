//! A sealed batch: bytes made once, persisted before they are first sent, resent verbatim.
//!
//! Lives here: the layout (PROTOCOL.md, "Batch"), sealing, reading what may be anybody's bytes, and the check of the hash
//! chain. Not here: the body's columns ([`crate::pack`]), what the hub does with a batch ([`crate::hub`]).
//! Guards: nothing of a batch is used before its checksum was right; no event before the chain was.

use crate::{
    limits::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX, RAW_BYTES_MAX, RECEIPT_BYTES_MAX},
    log::{Chain, Epoch, Hash, Head, Item, LogClass, LogId, Point},
    pack::{self, FLAGS},
    varint::{Broken, Reader, put},
};
use aisle_event::StoreId;
use bytes::Bytes;
use std::fmt;

/// What a batch begins with.
pub const MAGIC: [u8; 4] = *b"AIS1";
/// The layout that this build writes and reads.
pub const BATCH_VERSION: u8 = 1;
/// The checksum at the end.
const CHECKSUM_BYTES: usize = 4;

/// Which policy events left by. One with a higher version is newer.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, minicbor::Encode, minicbor::Decode,
)]
#[cbor(map)]
pub struct PolicyId {
    /// Its version.
    #[n(1)]
    pub version: u32,
    /// BLAKE3 of the exact bytes of its document.
    #[n(2)]
    pub hash: Hash,
}

impl fmt::Display for PolicyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {} ({:?})", self.version, self.hash)
    }
}

/// What stands before the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The class of its log.
    pub class: LogClass,
    /// The epoch of its log.
    pub epoch: Epoch,
    /// The number of its first event, from 1.
    pub first_seq: u64,
    /// How many events it has, at least one and at most [`BATCH_EVENTS_MAX`].
    pub count: u32,
    /// The hybrid time that the body's times are relative to.
    pub hlc_base: u64,
    /// The policy that the gate applied.
    pub policy: PolicyId,
    /// How many bytes the payloads have together.
    pub raw_bytes: u32,
    /// The head before its first event.
    pub before: Head,
    /// The head after its last event.
    pub after: Head,
}

impl Header {
    /// The place before its first event.
    #[must_use]
    pub const fn start(&self) -> Point {
        Point { seq: self.first_seq.saturating_sub(1), head: self.before }
    }

    /// The place of its last event.
    #[must_use]
    pub const fn end(&self) -> Point {
        // A count of at least one and a sum that fits were checked when the header was made.
        Point { seq: self.first_seq.saturating_sub(1).saturating_add(self.count as u64), head: self.after }
    }
}

/// Why events cannot be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// No event, or more than [`BATCH_EVENTS_MAX`].
    #[error("a batch has 1 to {BATCH_EVENTS_MAX} events, not {0}")]
    Count(usize),
    /// An event is not numbered as the one after its predecessor.
    #[error("event {found} stands where {expected} belongs")]
    Sequence {
        /// The number that belongs there.
        expected: u64,
        /// The number that stands there.
        found: u64,
    },
    /// Too many bytes.
    #[error(
        "the batch is larger than {BATCH_BYTES_MAX} bytes, or its payloads than {RAW_BYTES_MAX}\nhint: seal fewer events at once"
    )]
    TooLarge,
    /// The receipt has too many bytes.
    #[error("the receipt has {0} bytes; at most {RECEIPT_BYTES_MAX} are allowed")]
    Receipt(usize),
}

/// Why bytes are not a batch that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Too many bytes.
    #[error("the batch has {0} bytes; at most {BATCH_BYTES_MAX} are allowed")]
    TooLarge(usize),
    /// It does not begin as a batch does.
    #[error("the batch does not begin with `AIS1`")]
    Magic,
    /// A layout of another time.
    #[error("the batch has layout {0}; this build reads {BATCH_VERSION}")]
    Version(u8),
    /// A bit was turned on the way.
    #[error("the batch's checksum is wrong")]
    Checksum,
    /// Flags or a class that nobody knows.
    #[error("the batch's `{field}` is {found}, which nobody knows")]
    Unknown {
        /// The field.
        field: &'static str,
        /// What stands there.
        found: u8,
    },
    /// A number beyond its bound, or a length that is not there.
    #[error("the batch's `{0}` is beyond its bound")]
    Bound(&'static str),
    /// The body does not unpack to what the header says.
    #[error("the batch's body does not unpack")]
    Body,
    /// The events do not give the head that the batch names.
    #[error("the batch's events do not give the head after them that it names")]
    Chain,
}

/// A batch with its bytes as they travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    header: Header,
    flags: u8,
    receipt: Bytes,
    body: Bytes,
    bytes: Bytes,
}

impl Batch {
    /// Seals events that follow a place of a log. The receipt is made from the finished header, so that it can sign what the header
    /// names; [`Header::end`] is where the next batch goes on.
    ///
    /// # Errors
    /// When there are none, too many or too large ones, when their numbers have a gap, or when the receipt is too long.
    pub fn seal(
        log: &LogId,
        after: Point,
        items: &[Item],
        policy: PolicyId,
        receipt: impl FnOnce(&Header) -> Bytes,
    ) -> Result<Self, SealError> {
        if items.is_empty() || items.len() > BATCH_EVENTS_MAX {
            return Err(SealError::Count(items.len()));
        }
        let mut chain = Chain::after(after);
        for item in items {
            let expected = chain.point().seq.saturating_add(1);
            if item.seq != expected {
                return Err(SealError::Sequence { expected, found: item.seq });
            }
            chain.push(item.hlc, item.kind, &item.payload);
        }
        let packed = pack::pack(items).ok_or(SealError::TooLarge)?;
        let header = Header {
            class: log.class,
            epoch: log.epoch,
            first_seq: after.seq.saturating_add(1),
            count: items.len() as u32,
            hlc_base: packed.hlc_base,
            policy,
            raw_bytes: packed.raw_bytes as u32,
            before: after.head,
            after: chain.point().head,
        };
        let receipt = receipt(&header);
        if receipt.len() > RECEIPT_BYTES_MAX {
            return Err(SealError::Receipt(receipt.len()));
        }
        let mut out = Vec::with_capacity(256 + receipt.len() + packed.body.len());
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[BATCH_VERSION, packed.flags, header.class.number()]);
        out.extend_from_slice(&header.epoch.0);
        put(&mut out, header.first_seq);
        put(&mut out, u64::from(header.count));
        out.extend_from_slice(&header.hlc_base.to_le_bytes());
        put(&mut out, u64::from(policy.version));
        out.extend_from_slice(&policy.hash.0);
        put(&mut out, u64::from(header.raw_bytes));
        out.extend_from_slice(&header.before.0);
        out.extend_from_slice(&header.after.0);
        put(&mut out, receipt.len() as u64);
        let receipt_start = out.len();
        out.extend_from_slice(&receipt);
        put(&mut out, packed.body.len() as u64);
        let body_start = out.len();
        out.extend_from_slice(&packed.body);
        let body_end = out.len();
        let checksum = crc32c::crc32c(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        if out.len() > BATCH_BYTES_MAX {
            return Err(SealError::TooLarge);
        }
        let bytes = Bytes::from(out);
        Ok(Self {
            header,
            flags: packed.flags,
            receipt: bytes.slice(receipt_start..receipt_start + receipt.len()),
            body: bytes.slice(body_start..body_end),
            bytes,
        })
    }

    /// Reads a batch from bytes that may be anybody's. Only the header is looked at closely.
    ///
    /// # Errors
    /// When they are no batch, or one with a wrong checksum or a number beyond its bound.
    pub fn parse(bytes: Bytes) -> Result<Self, BatchError> {
        if bytes.len() > BATCH_BYTES_MAX {
            return Err(BatchError::TooLarge(bytes.len()));
        }
        let (checked, checksum) = bytes
            .len()
            .checked_sub(CHECKSUM_BYTES)
            .and_then(|at| bytes.split_at_checked(at))
            .ok_or(BatchError::Magic)?;
        let mut reader = Reader(checked);
        if reader.array() != Ok(MAGIC) {
            return Err(BatchError::Magic);
        }
        match reader.byte() {
            Ok(BATCH_VERSION) => {}
            Ok(version) => return Err(BatchError::Version(version)),
            Err(Broken) => return Err(BatchError::Magic),
        }
        if crc32c::crc32c(checked).to_le_bytes() != checksum {
            return Err(BatchError::Checksum);
        }
        let (header, flags) = header(&mut reader)?;
        let receipt_bytes = bounded(reader.number_max(RECEIPT_BYTES_MAX), "receipt")?;
        let receipt = bounded(reader.take(receipt_bytes), "receipt")?;
        let body_bytes = bounded(reader.number_max(BATCH_BYTES_MAX), "body")?;
        let body = bounded(reader.take(body_bytes), "body")?;
        if !reader.is_empty() {
            return Err(BatchError::Bound("end"));
        }
        let (receipt, body) = (bytes.slice_ref(receipt), bytes.slice_ref(body));
        Ok(Self { header, flags, receipt, body, bytes })
    }

    /// What stands before the body.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// What the gate signed; opaque here.
    #[must_use]
    pub const fn receipt(&self) -> &Bytes {
        &self.receipt
    }

    /// The batch as it travels.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The log that it belongs to, when a store sent it.
    #[must_use]
    pub fn log(&self, store: &StoreId) -> LogId {
        LogId { store: store.clone(), class: self.header.class, epoch: self.header.epoch }
    }

    /// Its events, not checked against the chain: for who has made or checked the batch before.
    ///
    /// # Errors
    /// When the body does not unpack to what the header says.
    pub fn items(&self) -> Result<Vec<Item>, BatchError> {
        let Header { first_seq, count, hlc_base, raw_bytes, .. } = self.header;
        pack::unpack(self.flags, first_seq, count as usize, hlc_base, raw_bytes as usize, &self.body)
            .map_err(|Broken| BatchError::Body)
    }

    /// Unpacks the events and holds them to the chain, which costs most of the hub's work and needs nothing that is stored: a hub does
    /// it before its transaction.
    ///
    /// # Errors
    /// When the body does not unpack, or the events do not lead from the head before to the head after.
    pub fn check(self) -> Result<Checked, BatchError> {
        let items = self.items()?;
        let mut chain = Chain::after(self.header.start());
        let heads = items.iter().map(|item| chain.push(item.hlc, item.kind, &item.payload).head).collect();
        if chain.point() != self.header.end() {
            return Err(BatchError::Chain);
        }
        Ok(Checked { batch: self, items, heads })
    }
}

/// A batch whose events follow from the head before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    batch: Batch,
    items: Vec<Item>,
    heads: Vec<Head>,
}

impl Checked {
    /// The batch.
    #[must_use]
    pub const fn batch(&self) -> &Batch {
        &self.batch
    }

    /// What stands before its body.
    #[must_use]
    pub const fn header(&self) -> &Header {
        self.batch.header()
    }

    /// Its events.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Its events after a number.
    #[must_use]
    pub fn items_after(&self, seq: u64) -> &[Item] {
        let known = seq.saturating_sub(self.header().start().seq);
        usize::try_from(known).ok().and_then(|known| self.items.get(known..)).unwrap_or_default()
    }

    /// The head that its events give at a number; `None` outside of it. The place before its first event is part of it.
    #[must_use]
    pub fn head_at(&self, seq: u64) -> Option<Head> {
        let start = self.header().start();
        match seq.checked_sub(start.seq)? {
            0 => Some(start.head),
            at => self.heads.get(usize::try_from(at - 1).ok()?).copied(),
        }
    }
}

fn bounded<T>(value: Result<T, Broken>, field: &'static str) -> Result<T, BatchError> {
    value.map_err(|Broken| BatchError::Bound(field))
}

fn header(reader: &mut Reader<'_>) -> Result<(Header, u8), BatchError> {
    let [flags, class] = bounded(reader.array(), "class")?;
    if flags & !FLAGS != 0 {
        return Err(BatchError::Unknown { field: "flags", found: flags });
    }
    let class = LogClass::from_number(class).ok_or(BatchError::Unknown { field: "class", found: class })?;
    let epoch = Epoch(bounded(reader.array(), "epoch")?);
    let first_seq = bounded(reader.number(), "first_seq")?;
    let count = bounded(reader.number_max(BATCH_EVENTS_MAX), "count")? as u32;
    if first_seq == 0 || count == 0 || first_seq.checked_add(u64::from(count)).is_none() {
        return Err(BatchError::Bound("count"));
    }
    let hlc_base = u64::from_le_bytes(bounded(reader.array(), "hlc_base")?);
    let version = bounded(reader.number_max(u32::MAX as usize), "policy")? as u32;
    let policy = PolicyId { version, hash: Hash(bounded(reader.array(), "policy")?) };
    let raw_bytes = bounded(reader.number_max(RAW_BYTES_MAX), "raw_bytes")? as u32;
    let before = Head(bounded(reader.array(), "before")?);
    let after = Head(bounded(reader.array(), "after")?);
    Ok((Header { class, epoch, first_seq, count, hlc_base, policy, raw_bytes, before, after }, flags))
}
