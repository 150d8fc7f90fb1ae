//! The properties of MQTT 5: their identifiers (section 2.2.2.2), and those that go with a message, which PUBLISH and wills
//! share.

use super::{
    EncodeError, Malformed, MessageProperties, MessagePropertyValues,
    reader::Reader,
    writer::{bytes_property, u32_property, user_properties, varint_bytes},
};
use bytes::{BufMut, BytesMut};

pub(super) const PAYLOAD_FORMAT: u8 = 0x01;
pub(super) const MESSAGE_EXPIRY: u8 = 0x02;
pub(super) const CONTENT_TYPE: u8 = 0x03;
pub(super) const RESPONSE_TOPIC: u8 = 0x08;
pub(super) const CORRELATION_DATA: u8 = 0x09;
pub(super) const SUBSCRIPTION_ID: u8 = 0x0B;
pub(super) const SESSION_EXPIRY: u8 = 0x11;
pub(super) const ASSIGNED_CLIENT_ID: u8 = 0x12;
pub(super) const SERVER_KEEP_ALIVE: u8 = 0x13;
pub(super) const AUTH_METHOD: u8 = 0x15;
pub(super) const AUTH_DATA: u8 = 0x16;
pub(super) const PROBLEM_INFORMATION: u8 = 0x17;
pub(super) const WILL_DELAY: u8 = 0x18;
pub(super) const RESPONSE_INFORMATION_WANTED: u8 = 0x19;
pub(super) const RESPONSE_INFORMATION: u8 = 0x1A;
pub(super) const SERVER_REFERENCE: u8 = 0x1C;
pub(super) const REASON_STRING: u8 = 0x1F;
pub(super) const RECEIVE_MAX: u8 = 0x21;
pub(super) const TOPIC_ALIAS_MAX: u8 = 0x22;
pub(super) const TOPIC_ALIAS: u8 = 0x23;
pub(super) const QOS_MAX: u8 = 0x24;
pub(super) const RETAIN_AVAILABLE: u8 = 0x25;
pub(super) const USER: u8 = 0x26;
pub(super) const PACKET_BYTES_MAX: u8 = 0x27;
pub(super) const WILDCARD_AVAILABLE: u8 = 0x28;
pub(super) const SUBSCRIPTION_ID_AVAILABLE: u8 = 0x29;
pub(super) const SHARED_AVAILABLE: u8 = 0x2A;

impl MessageProperties {
    /// Takes the value of one property that goes with a message; refuses any other.
    pub(super) fn read(&mut self, id: u8, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        if id == PAYLOAD_FORMAT {
            // 0 says no more than no such property.
            if reader.flag()? {
                self.0.get_or_insert_default().is_text = true;
            }
            return Ok(());
        }
        let values = self.0.get_or_insert_default();
        match id {
            MESSAGE_EXPIRY => values.expiry_s = Some(reader.u32()?),
            CONTENT_TYPE => values.content_type = Some(reader.string()?),
            RESPONSE_TOPIC => {
                let topic = reader.string()?;
                if topic.contains(['+', '#']) {
                    return Err(Malformed::protocol("the response topic holds a wildcard"));
                }
                values.response_topic = Some(topic);
            }
            CORRELATION_DATA => values.correlation_data = Some(reader.bytes()?),
            USER => reader.user_property(&mut values.user)?,
            _ => return Err(super::reader::UNKNOWN_PROPERTY),
        }
        Ok(())
    }

    pub(super) fn write(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let Some(values) = &self.0 else { return Ok(()) };
        let MessagePropertyValues { is_text, expiry_s, content_type, response_topic, correlation_data, user } =
            &**values;
        if *is_text {
            out.put_slice(&[PAYLOAD_FORMAT, 1]);
        }
        u32_property(out, MESSAGE_EXPIRY, *expiry_s);
        let content_type = content_type.as_ref().map(|value| &**value.as_bytes());
        bytes_property(out, CONTENT_TYPE, "content type", content_type)?;
        let response_topic = response_topic.as_ref().map(|value| &**value.as_bytes());
        bytes_property(out, RESPONSE_TOPIC, "response topic", response_topic)?;
        bytes_property(out, CORRELATION_DATA, "correlation data", correlation_data.as_deref())?;
        user_properties(out, user)
    }

    /// So many bytes [`Self::write`] writes.
    pub(super) fn written_bytes(&self) -> usize {
        let Some(values) = &self.0 else { return 0 };
        let data = |value: Option<usize>| value.map_or(0, |bytes| 3 + bytes);
        usize::from(values.is_text) * 2
            + values.expiry_s.map_or(0, |_| 5)
            + data(values.content_type.as_ref().map(|text| text.len()))
            + data(values.response_topic.as_ref().map(|text| text.len()))
            + data(values.correlation_data.as_ref().map(bytes::Bytes::len))
            + values.user.iter().map(|(name, value)| 5 + name.len() + value.len()).sum::<usize>()
    }
}

/// So many bytes a subscription identifier takes.
pub(super) const fn subscription_id_bytes(id: u32) -> usize {
    1 + varint_bytes(id as usize)
}
