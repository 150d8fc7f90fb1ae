//! Properties of MQTT 5 (2.2.2), kept as bytes and looked into by number.

use super::packet::{Malformed, variable};
use bytes::Bytes;

/// The properties of a packet, without their length.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Properties(Bytes);

impl Properties {
    /// From how they stand on the wire.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// As they stand on the wire.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The value of the first property with a number: without its own length when it is a text or binary data; a pair of texts
    /// is both with their lengths.
    #[must_use]
    pub fn get(&self, number: u8) -> Option<Bytes> {
        self.all(number).next()
    }

    /// The values of all properties with a number, in order.
    pub fn all(&self, number: u8) -> impl Iterator<Item = Bytes> {
        let mut rest = self.0.clone();
        std::iter::from_fn(move || {
            loop {
                let (found, value, after) = first(&rest).ok()?;
                rest = after;
                if found == number {
                    return Some(value);
                }
            }
        })
    }

    /// Takes them from the front of a packet's rest; gives what is behind them.
    pub(super) fn take(rest: &Bytes) -> Result<(Self, Bytes), Malformed> {
        let (length, head) = variable(rest)?.ok_or(Malformed("the properties have no length"))?;
        let end = head + length;
        if rest.len() < end {
            return Err(Malformed("the properties are longer than the packet"));
        }
        let properties = Self(rest.slice(head..end));
        let mut unread = properties.0.clone();
        while !unread.is_empty() {
            unread = first(&unread)?.2;
        }
        Ok((properties, rest.slice(end..)))
    }
}

fn first(rest: &Bytes) -> Result<(u8, Bytes, Bytes), Malformed> {
    const SHORT: Malformed = Malformed("a property is cut off");
    let number = *rest.first().ok_or(SHORT)?;
    let rest = rest.slice(1..);
    let long = |at: usize| -> Result<usize, Malformed> {
        let &[high, low] = rest.get(at..at + 2).ok_or(SHORT)? else { return Err(SHORT) };
        Ok(at + 2 + usize::from(u16::from_be_bytes([high, low])))
    };
    let (from, to) = match number {
        0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28 | 0x29 | 0x2a => (0, 1),
        0x13 | 0x21 | 0x22 | 0x23 => (0, 2),
        0x02 | 0x11 | 0x18 | 0x27 => (0, 4),
        0x0b => (0, variable(&rest)?.ok_or(SHORT)?.1),
        0x26 => (0, long(long(0)?)?),
        0x03 | 0x08 | 0x09 | 0x12 | 0x15 | 0x16 | 0x1a | 0x1c | 0x1f => (2, long(0)?),
        _ => return Err(Malformed("a property has a number that no property has")),
    };
    if rest.len() < to {
        return Err(SHORT);
    }
    Ok((number, rest.slice(from..to), rest.slice(to..)))
}
