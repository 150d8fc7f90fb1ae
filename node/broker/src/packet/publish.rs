//! PUBLISH and its acknowledgements: the hot path, written without measuring twice and without allocating.

use super::{
    Ack, EncodeError, Kind, Malformed, Publish, QoS, Reason, Version, property,
    reader::{Reader, UNKNOWN_PROPERTY},
    writer,
};
use bytes::{BufMut, BytesMut};

const DUP: u8 = 0b1000;
const RETAIN: u8 = 0b0001;

impl Publish {
    pub(super) fn read(
        first: u8,
        reader: &mut Reader<'_>,
        version: Version,
        is_from_client: bool,
    ) -> Result<Self, Malformed> {
        let qos = QoS::from_u8(first >> 1 & 0b11).ok_or(Malformed::bytes("QoS 3 does not exist"))?;
        let dup = first & DUP != 0;
        if dup && qos == QoS::AtMostOnce {
            return Err(Malformed::bytes("QoS 0 is never sent again, but DUP is set"));
        }
        let topic = reader.string()?;
        let packet_id = if qos == QoS::AtMostOnce { None } else { Some(reader.packet_id()?) };
        let mut publish = Self { dup, qos, retain: first & RETAIN != 0, topic, packet_id, ..Self::default() };
        reader.properties(version, |id, reader| match id {
            property::TOPIC_ALIAS => match reader.u16()? {
                0 => Err(Malformed::new(Reason::TOPIC_ALIAS_INVALID, "the topic alias is 0")),
                alias => {
                    publish.topic_alias = Some(alias);
                    Ok(())
                }
            },
            property::SUBSCRIPTION_ID if is_from_client => {
                Err(Malformed::protocol("a client sends a subscription identifier"))
            }
            property::SUBSCRIPTION_ID => match reader.varint()? {
                0 => Err(Malformed::protocol("the subscription identifier is 0")),
                id => {
                    publish.subscription_ids.push(id);
                    Ok(())
                }
            },
            _ => publish.properties.read(id, reader),
        })?;
        if publish.topic.is_empty() && publish.topic_alias.is_none() {
            return Err(Malformed::protocol("it has neither a topic nor an alias for one"));
        }
        publish.payload = reader.payload();
        Ok(publish)
    }

    pub(super) fn write(&self, out: &mut BytesMut, version: Version) -> Result<(), EncodeError> {
        if version != Version::V5 && self.topic.is_empty() {
            return Err(EncodeError::Unsayable { what: "PUBLISH without a topic" });
        }
        let packet_id = match (self.qos, self.packet_id) {
            (QoS::AtMostOnce, _) => None,
            (_, None) => {
                return Err(EncodeError::Unsayable {
                    what: "PUBLISH of QoS 1 or 2 without a packet identifier",
                });
            }
            (_, packet_id) => packet_id,
        };
        let properties_bytes = self.properties_bytes(version);
        let body_bytes = self.body_bytes(version, properties_bytes);
        out.reserve(1 + writer::varint_bytes(body_bytes) + body_bytes);
        let dup = if self.dup && packet_id.is_some() { DUP } else { 0 };
        let retain = if self.retain { RETAIN } else { 0 };
        out.put_u8(Kind::Publish.first() | dup | (self.qos as u8) << 1 | retain);
        writer::varint(out, body_bytes)?;
        writer::bytes(out, "topic", self.topic.as_bytes())?;
        if let Some(packet_id) = packet_id {
            out.put_u16(packet_id.get());
        }
        if version == Version::V5 {
            writer::varint(out, properties_bytes)?;
            writer::u16_property(out, property::TOPIC_ALIAS, self.topic_alias);
            for id in &self.subscription_ids {
                out.put_u8(property::SUBSCRIPTION_ID);
                writer::varint(out, *id as usize)?;
            }
            self.properties.write(out)?;
        }
        out.put_slice(&self.payload);
        Ok(())
    }

    /// So many bytes the whole packet takes.
    pub(super) fn written_bytes(&self, version: Version) -> usize {
        let body_bytes = self.body_bytes(version, self.properties_bytes(version));
        1 + writer::varint_bytes(body_bytes) + body_bytes
    }

    fn body_bytes(&self, version: Version, properties_bytes: usize) -> usize {
        let packet_id_bytes = if self.qos == QoS::AtMostOnce { 0 } else { 2 };
        let length_bytes = if version == Version::V5 { writer::varint_bytes(properties_bytes) } else { 0 };
        2 + self.topic.len() + packet_id_bytes + length_bytes + properties_bytes + self.payload.len()
    }

    fn properties_bytes(&self, version: Version) -> usize {
        if version != Version::V5 {
            return 0;
        }
        let ids: usize = self.subscription_ids.iter().map(|id| property::subscription_id_bytes(*id)).sum();
        self.topic_alias.map_or(0, |_| 3) + ids + self.properties.written_bytes()
    }
}

impl Ack {
    pub(super) fn read(kind: Kind, reader: &mut Reader<'_>, version: Version) -> Result<Self, Malformed> {
        let mut ack = Self { packet_id: reader.packet_id()?, reason: Reason::SUCCESS, reason_string: None };
        if version != Version::V5 || reader.is_empty() {
            return Ok(ack);
        }
        ack.reason = Reason(reader.u8()?);
        let is_known = match kind {
            Kind::Puback | Kind::Pubrec => {
                matches!(ack.reason.0, 0x00 | 0x10 | 0x80 | 0x83 | 0x87 | 0x90 | 0x91 | 0x97 | 0x99)
            }
            _ => matches!(ack.reason.0, 0x00 | 0x92),
        };
        if !is_known {
            return Err(Malformed::protocol("the reason code does not belong to this packet"));
        }
        if !reader.is_empty() {
            ack.reason_string = reason_string(reader)?;
        }
        Ok(ack)
    }

    pub(super) fn write(
        &self,
        kind: Kind,
        out: &mut BytesMut,
        version: Version,
        with_texts: bool,
    ) -> Result<(), EncodeError> {
        let [high, low] = self.packet_id.get().to_be_bytes();
        let reason_string = self.reason_string.as_ref().filter(|_| with_texts);
        if version != Version::V5 {
            // A plain acknowledgement would say that the message was taken.
            if matches!(kind, Kind::Puback | Kind::Pubrec) && self.reason.is_error() {
                return Err(EncodeError::Unsayable { what: "the refusal of a message" });
            }
            out.put_slice(&[kind.first(), 2, high, low]);
        } else if reason_string.is_some() {
            out.put_u8(kind.first());
            writer::prefixed(out, |out| {
                out.put_slice(&[high, low, self.reason.0]);
                write_reason_string(out, reason_string)
            })?;
        } else if self.reason == Reason::SUCCESS {
            out.put_slice(&[kind.first(), 2, high, low]);
        } else {
            out.put_slice(&[kind.first(), 3, high, low, self.reason.0]);
        }
        Ok(())
    }
}

/// The properties of a packet that has only a reason string and what the sender adds of its own.
pub(super) fn reason_string(reader: &mut Reader<'_>) -> Result<Option<bytestring::ByteString>, Malformed> {
    let mut found = None;
    reader.properties(Version::V5, |id, reader| {
        match id {
            property::REASON_STRING => found = Some(reader.string()?),
            property::USER => skip_user_property(reader)?,
            _ => return Err(UNKNOWN_PROPERTY),
        }
        Ok(())
    })?;
    Ok(found)
}

/// Checks a user property of a packet whose user properties go nowhere.
pub(super) fn skip_user_property(reader: &mut Reader<'_>) -> Result<(), Malformed> {
    reader.string()?;
    reader.string().map(drop)
}

/// The other way round.
pub(super) fn write_reason_string(
    out: &mut BytesMut,
    reason_string: Option<&bytestring::ByteString>,
) -> Result<(), EncodeError> {
    writer::prefixed(out, |out| {
        let text = reason_string.map(|text| &**text.as_bytes());
        writer::bytes_property(out, property::REASON_STRING, "reason string", text)
    })
}
