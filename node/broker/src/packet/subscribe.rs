//! SUBSCRIBE, UNSUBSCRIBE and the answers to them.

use super::{
    EncodeError, Kind, Malformed, QoS, Reason, RetainHandling, Suback, Subscribe, SubscribeOptions,
    Unsubscribe, Version, property,
    publish::{reason_string, skip_user_property, write_reason_string},
    reader::{ITEMS_MAX, Reader, UNKNOWN_PROPERTY},
    writer,
};
use bytes::{BufMut, BytesMut};
use bytestring::ByteString;

const NO_LOCAL: u8 = 1 << 2;
const RETAIN_AS_PUBLISHED: u8 = 1 << 3;
const RETAIN_HANDLING_AT: u8 = 4;
/// The only refusal that 3.1.1 knows.
const FAILURE: u8 = 0x80;

impl Subscribe {
    pub(super) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, Malformed> {
        let packet_id = reader.packet_id()?;
        let mut id = None;
        reader.properties(version, |property, reader| {
            match property {
                property::SUBSCRIPTION_ID => match (reader.varint()?, id) {
                    (0, _) => return Err(Malformed::protocol("the subscription identifier is 0")),
                    (_, Some(_)) => return Err(Malformed::protocol("it has two subscription identifiers")),
                    (found, None) => id = Some(found),
                },
                property::USER => skip_user_property(reader)?,
                _ => return Err(UNKNOWN_PROPERTY),
            }
            Ok(())
        })?;
        let filters = filters(reader, |reader, filter| {
            let options = SubscribeOptions::read(reader.u8()?, version)?;
            // MQTT 5, 3.8.3.1: who shares a subscription cannot tell which messages are its own.
            if options.no_local && filter.starts_with("$share/") {
                return Err(Malformed::protocol("a shared subscription is asked for without local messages"));
            }
            Ok((filter, options))
        })?;
        Ok(Self { packet_id, id, filters })
    }

    pub(super) fn write(&self, out: &mut BytesMut, version: Version) -> Result<(), EncodeError> {
        out.put_u8(Kind::Subscribe.first());
        writer::prefixed(out, |out| {
            out.put_u16(self.packet_id.get());
            if version == Version::V5 {
                writer::prefixed(out, |out| {
                    let Some(id) = self.id else { return Ok(()) };
                    out.put_u8(property::SUBSCRIPTION_ID);
                    writer::varint(out, id as usize)
                })?;
            }
            for (filter, options) in &self.filters {
                writer::bytes(out, "filter", filter.as_bytes())?;
                out.put_u8(options.written(version));
            }
            Ok(())
        })
    }
}

impl SubscribeOptions {
    fn read(byte: u8, version: Version) -> Result<Self, Malformed> {
        let reserved = if version == Version::V5 { 0xC0 } else { 0xFC };
        if byte & reserved != 0 {
            return Err(Malformed::bytes("reserved bits of the subscription options are set"));
        }
        let retain_handling = match byte >> RETAIN_HANDLING_AT {
            0 => RetainHandling::Send,
            1 => RetainHandling::SendIfNew,
            2 => RetainHandling::DoNotSend,
            _ => return Err(Malformed::protocol("retain handling 3 does not exist")),
        };
        Ok(Self {
            qos: QoS::from_u8(byte & 0b11).ok_or(Malformed::protocol("QoS 3 does not exist"))?,
            no_local: byte & NO_LOCAL != 0,
            retain_as_published: byte & RETAIN_AS_PUBLISHED != 0,
            retain_handling,
        })
    }

    const fn written(self, version: Version) -> u8 {
        let qos = self.qos as u8;
        if !matches!(version, Version::V5) {
            return qos;
        }
        let no_local = if self.no_local { NO_LOCAL } else { 0 };
        let retain_as_published = if self.retain_as_published { RETAIN_AS_PUBLISHED } else { 0 };
        qos | no_local | retain_as_published | (self.retain_handling as u8) << RETAIN_HANDLING_AT
    }
}

impl Unsubscribe {
    pub(super) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, Malformed> {
        let packet_id = reader.packet_id()?;
        reader.properties(version, |id, reader| match id {
            property::USER => skip_user_property(reader),
            _ => Err(UNKNOWN_PROPERTY),
        })?;
        Ok(Self { packet_id, filters: filters(reader, |_, filter| Ok(filter))? })
    }

    pub(super) fn write(&self, out: &mut BytesMut, version: Version) -> Result<(), EncodeError> {
        out.put_u8(Kind::Unsubscribe.first());
        writer::prefixed(out, |out| {
            out.put_u16(self.packet_id.get());
            if version == Version::V5 {
                writer::prefixed(out, |_| Ok(()))?;
            }
            self.filters.iter().try_for_each(|filter| writer::bytes(out, "filter", filter.as_bytes()))
        })
    }
}

/// The rest of the packet: one filter at least.
fn filters<T>(
    reader: &mut Reader<'_>,
    mut each: impl FnMut(&mut Reader<'_>, ByteString) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let mut filters = Vec::new();
    while !reader.is_empty() {
        let filter = reader.string()?;
        if filter.is_empty() {
            return Err(Malformed::new(Reason::TOPIC_FILTER_INVALID, "a filter is empty"));
        }
        if filters.len() == ITEMS_MAX {
            return Err(Malformed::new(Reason::QUOTA_EXCEEDED, "it names more filters than are taken"));
        }
        filters.push(each(reader, filter)?);
    }
    if filters.is_empty() { Err(Malformed::protocol("it names no filter")) } else { Ok(filters) }
}

impl Suback {
    pub(super) fn read(kind: Kind, reader: &mut Reader<'_>, version: Version) -> Result<Self, Malformed> {
        let packet_id = reader.packet_id()?;
        let reason_string = if version == Version::V5 { reason_string(reader)? } else { None };
        let reasons: Vec<Reason> = reader.payload().iter().copied().map(Reason).collect();
        let is_known = |reason: &Reason| match (kind, version) {
            (Kind::Suback, Version::V5) => {
                matches!(reason.0, 0x00..=0x02 | 0x80 | 0x83 | 0x87 | 0x8F | 0x91 | 0x97 | 0x9E | 0xA1 | 0xA2)
            }
            (Kind::Suback, _) => matches!(reason.0, 0x00..=0x02 | FAILURE),
            (_, Version::V5) => matches!(reason.0, 0x00 | 0x11 | 0x80 | 0x83 | 0x87 | 0x8F | 0x91),
            // UNSUBACK of 3.1.1 ends with the packet identifier.
            _ => false,
        };
        if !reasons.iter().all(is_known) {
            return Err(Malformed::protocol("a reason code does not belong to this packet"));
        }
        Ok(Self { packet_id, reasons, reason_string })
    }

    pub(super) fn write(
        &self,
        kind: Kind,
        out: &mut BytesMut,
        version: Version,
        with_texts: bool,
    ) -> Result<(), EncodeError> {
        out.put_u8(kind.first());
        writer::prefixed(out, |out| {
            out.put_u16(self.packet_id.get());
            if version == Version::V5 {
                write_reason_string(out, self.reason_string.as_ref().filter(|_| with_texts))?;
                out.extend(self.reasons.iter().map(|reason| reason.0));
            } else if kind == Kind::Suback {
                out.extend(self.reasons.iter().map(|reason| reason.0.min(FAILURE)));
            }
            Ok(())
        })
    }
}
