//! What a broker sends, from bytes.

use super::{Properties, Publish, Version};
use bytes::Bytes;

/// Bytes that are not what a broker may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// A packet as it lies in a buffer.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Its first byte: type and flags.
    pub first: u8,
    /// What is behind its length.
    pub body: &'a [u8],
    /// How long it is in all.
    pub bytes: usize,
}

/// The packet at the front of a buffer; `None` while it is not whole.
///
/// # Errors
/// When its length is no length.
pub fn frame(buffer: &[u8]) -> Result<Option<Frame<'_>>, Malformed> {
    let Some((&first, rest)) = buffer.split_first() else { return Ok(None) };
    let Some((length, head)) = variable(rest)? else { return Ok(None) };
    Ok(rest.get(head..head + length).map(|body| Frame { first, body, bytes: 1 + head + length }))
}

/// A variable byte integer at the front (1.5.5) and how many bytes it takes; `None` while it is not whole.
pub(super) fn variable(bytes: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(4) {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((value, index + 1)));
        }
    }
    if bytes.len() < 4 { Ok(None) } else { Err(Malformed("a length has more than four bytes")) }
}

/// CONNACK
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Connack {
    /// The session of before goes on.
    pub session_present: bool,
    /// 0 when it went well; the codes of the two versions differ.
    pub reason: u8,
    /// What goes with it (MQTT 5).
    pub properties: Properties,
}

/// A packet that a broker sends.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the specification")]
pub enum Packet {
    Connack(Connack),
    Publish(Publish),
    Puback { packet_id: u16, reason: u8 },
    Pubrec { packet_id: u16, reason: u8 },
    Pubrel { packet_id: u16, reason: u8 },
    Pubcomp { packet_id: u16, reason: u8 },
    Suback { packet_id: u16, reasons: Vec<u8>, properties: Properties },
    Unsuback { packet_id: u16, reasons: Vec<u8>, properties: Properties },
    Pingresp,
    Disconnect { reason: u8, properties: Properties },
    Auth { reason: u8, properties: Properties },
}

impl Packet {
    /// Reads a packet that is whole: its first byte and what is behind its length.
    ///
    /// # Errors
    /// When a broker may not send it so.
    pub fn read(version: Version, first: u8, body: Bytes) -> Result<Self, Malformed> {
        let mut rest = Rest { version, bytes: body };
        let packet = match first {
            0x20 => Self::Connack(Connack {
                session_present: match rest.byte()? {
                    0 => false,
                    1 => true,
                    _ => return Err(Malformed("a flag of CONNACK is set that must not be")),
                },
                reason: rest.byte()?,
                properties: rest.properties()?,
            }),
            0x30..0x40 => Self::Publish(rest.publish(first)?),
            0x40 => rest.ack(|packet_id, reason| Self::Puback { packet_id, reason })?,
            0x50 => rest.ack(|packet_id, reason| Self::Pubrec { packet_id, reason })?,
            0x62 => rest.ack(|packet_id, reason| Self::Pubrel { packet_id, reason })?,
            0x70 => rest.ack(|packet_id, reason| Self::Pubcomp { packet_id, reason })?,
            0x90 | 0xb0 => {
                let (packet_id, properties) = (rest.number()?, rest.properties()?);
                let reasons = rest.all().to_vec();
                if first == 0x90 {
                    Self::Suback { packet_id, reasons, properties }
                } else {
                    Self::Unsuback { packet_id, reasons, properties }
                }
            }
            0xd0 => Self::Pingresp,
            0xe0 if version == Version::V5 => {
                let (reason, properties) = rest.reason()?;
                Self::Disconnect { reason, properties }
            }
            0xf0 if version == Version::V5 => {
                let (reason, properties) = rest.reason()?;
                Self::Auth { reason, properties }
            }
            _ => return Err(Malformed("a broker may not send a packet with such a first byte")),
        };
        if rest.bytes.is_empty() {
            Ok(packet)
        } else {
            Err(Malformed("the packet is longer than what it says"))
        }
    }
}

struct Rest {
    version: Version,
    bytes: Bytes,
}

impl Rest {
    fn take(&mut self, bytes: usize) -> Result<Bytes, Malformed> {
        if self.bytes.len() < bytes {
            return Err(Malformed("the packet is cut off"));
        }
        Ok(self.bytes.split_to(bytes))
    }

    fn all(&mut self) -> Bytes {
        std::mem::take(&mut self.bytes)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    fn number(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from(self.byte()?) << 8 | u16::from(self.byte()?))
    }

    fn properties(&mut self) -> Result<Properties, Malformed> {
        if self.version == Version::V311 {
            return Ok(Properties::default());
        }
        let (properties, rest) = Properties::take(&self.bytes)?;
        self.bytes = rest;
        Ok(properties)
    }

    /// A reason and properties, either of which may be left out at the end.
    fn reason(&mut self) -> Result<(u8, Properties), Malformed> {
        let reason = if self.bytes.is_empty() { 0 } else { self.byte()? };
        let properties = if self.bytes.is_empty() { Properties::default() } else { self.properties()? };
        Ok((reason, properties))
    }

    fn ack(&mut self, packet: impl FnOnce(u16, u8) -> Packet) -> Result<Packet, Malformed> {
        let packet_id = self.number()?;
        let reason = if self.version == Version::V5 { self.reason()?.0 } else { 0 };
        Ok(packet(packet_id, reason))
    }

    fn publish(&mut self, first: u8) -> Result<Publish, Malformed> {
        let qos = first >> 1 & 3;
        if qos == 3 {
            return Err(Malformed("there is no QoS 3"));
        }
        let topic_bytes = self.number()?.into();
        let topic = String::from_utf8(self.take(topic_bytes)?.to_vec())
            .map_err(|_| Malformed("a topic is not UTF-8"))?;
        Ok(Publish {
            topic,
            qos,
            retain: first & 1 == 1,
            dup: first & 8 == 8,
            packet_id: if qos > 0 { self.number()? } else { 0 },
            properties: self.properties()?,
            payload: self.all(),
        })
    }
}
