//! Reads the data types of the standard (MQTT 5, section 1.5) from one whole packet.
//!
//! Strings and payloads are slices of the packet, not copies. Guards invariant 10: nothing is read past the packet's end,
//! and no length is believed before the bytes are there.

use super::{Malformed, PacketId, Reason, UserProperties, Version};
use bytes::Bytes;
use bytestring::ByteString;

/// So many user properties or filters may be in one packet: each takes a few bytes there, and many times as many in memory.
pub(super) const ITEMS_MAX: usize = 4096;

const CUT: Malformed = Malformed::bytes("a field reaches past the end of the packet");

/// The rest of a packet.
pub(super) struct Reader<'a> {
    frame: &'a Bytes,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(frame: &'a Bytes) -> Self {
        Self { frame, rest: frame }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Checks that nothing follows.
    pub(super) const fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::bytes("bytes follow after its last field")) }
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        let (value, rest) = self.rest.split_first().ok_or(CUT)?;
        self.rest = rest;
        Ok(*value)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Malformed> {
        let (value, rest) = self.rest.split_first_chunk().ok_or(CUT)?;
        self.rest = rest;
        Ok(u16::from_be_bytes(*value))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        let (value, rest) = self.rest.split_first_chunk().ok_or(CUT)?;
        self.rest = rest;
        Ok(u32::from_be_bytes(*value))
    }

    /// A byte that is 0 or 1.
    pub(super) fn flag(&mut self) -> Result<bool, Malformed> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed::protocol("a property that is 0 or 1 is neither")),
        }
    }

    /// A number in one to four bytes, and in no more than it needs.
    pub(super) fn varint(&mut self) -> Result<u32, Malformed> {
        let (value, bytes) = varint(self.rest)?.ok_or(CUT)?;
        if bytes != super::writer::varint_bytes(value as usize) {
            return Err(Malformed::bytes("a number takes more bytes than it needs"));
        }
        self.take(bytes)?;
        Ok(value)
    }

    pub(super) fn packet_id(&mut self) -> Result<PacketId, Malformed> {
        PacketId::new(self.u16()?).ok_or(Malformed::protocol("the packet identifier is 0"))
    }

    /// Binary data after its length.
    pub(super) fn bytes(&mut self) -> Result<Bytes, Malformed> {
        let count = self.u16()?;
        let taken = self.take(usize::from(count))?;
        Ok(self.frame.slice_ref(taken))
    }

    /// Text after its length.
    pub(super) fn string(&mut self) -> Result<ByteString, Malformed> {
        let bytes = self.bytes()?;
        if bytes.contains(&0) {
            return Err(Malformed::bytes("a string holds U+0000"));
        }
        ByteString::try_from(bytes).map_err(|_| Malformed::bytes("a string is not UTF-8"))
    }

    /// All that is left.
    pub(super) fn payload(&mut self) -> Bytes {
        let taken = std::mem::take(&mut self.rest);
        self.frame.slice_ref(taken)
    }

    /// The properties of MQTT 5; `each` takes the value of one. Only user properties and subscription identifiers may
    /// come more than once. Other versions have none.
    pub(super) fn properties(
        &mut self,
        version: Version,
        mut each: impl FnMut(u8, &mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        if version != Version::V5 {
            return Ok(());
        }
        let count = self.varint()?;
        let mut properties = Self { frame: self.frame, rest: self.take(count as usize)? };
        let mut seen = 0_u64;
        while !properties.is_empty() {
            let id = properties.u8()?;
            let bit = 1_u64.checked_shl(id.into()).ok_or(UNKNOWN_PROPERTY)?;
            if seen & bit != 0 && !matches!(id, super::property::USER | super::property::SUBSCRIPTION_ID) {
                return Err(Malformed::protocol("a property comes twice"));
            }
            seen |= bit;
            each(id, &mut properties)?;
        }
        Ok(())
    }

    /// One more of them.
    pub(super) fn user_property(&mut self, pairs: &mut UserProperties) -> Result<(), Malformed> {
        if pairs.len() == ITEMS_MAX {
            return Err(Malformed::new(Reason::QUOTA_EXCEEDED, "it has more user properties than are taken"));
        }
        pairs.push((self.string()?, self.string()?));
        Ok(())
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(CUT)?;
        self.rest = rest;
        Ok(taken)
    }
}

/// A property identifier that this packet does not have.
pub(super) const UNKNOWN_PROPERTY: Malformed = Malformed::bytes("a property does not belong to this packet");

/// A number in one to four bytes and how many they are; none when more bytes are needed.
pub(super) fn varint(input: &[u8]) -> Result<Option<(u32, usize)>, Malformed> {
    let mut value = 0;
    for (at, byte) in input.iter().take(4).enumerate() {
        value |= u32::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(Some((value, at + 1)));
        }
    }
    if input.len() < 4 { Ok(None) } else { Err(Malformed::bytes("a number takes more than four bytes")) }
}
