//! CONNACK.

use super::{
    Connack, EncodeError, Kind, Malformed, Reason, Version,
    connect::{packet_bytes_max, receive_max},
    property,
    publish::skip_user_property,
    reader::{Reader, UNKNOWN_PROPERTY},
    writer,
};
use bytes::{BufMut, BytesMut};

/// The reasons that stand for the return codes of 3.1.1, by return code.
const BY_RETURN_CODE: [Reason; 6] = [
    Reason::SUCCESS,
    Reason::UNSUPPORTED_PROTOCOL_VERSION,
    Reason::CLIENT_IDENTIFIER_NOT_VALID,
    Reason::SERVER_UNAVAILABLE,
    Reason::BAD_USER_NAME_OR_PASSWORD,
    Reason::NOT_AUTHORIZED,
];

impl Connack {
    pub(super) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, Malformed> {
        let flags = reader.u8()?;
        if flags > 1 {
            return Err(Malformed::bytes("reserved flags are set"));
        }
        let code = reader.u8()?;
        let reason = if version == Version::V5 {
            let is_known = matches!(
                code,
                0x00 | 0x80..=0x8A | 0x8C | 0x90 | 0x95 | 0x97 | 0x99..=0x9D | 0x9F
            );
            is_known.then_some(Reason(code))
        } else {
            BY_RETURN_CODE.get(usize::from(code)).copied()
        };
        let reason = reason.ok_or(Malformed::protocol("the reason code does not belong to this packet"))?;
        if flags == 1 && reason != Reason::SUCCESS {
            return Err(Malformed::protocol("it refuses and says that a session is present"));
        }
        let mut connack =
            Self { session_present: flags == 1 && version != Version::V31, reason, ..Self::default() };
        reader.properties(version, |id, reader| {
            match id {
                property::SESSION_EXPIRY => connack.session_expiry_s = Some(reader.u32()?),
                property::RECEIVE_MAX => connack.receive_max = Some(receive_max(reader)?),
                property::PACKET_BYTES_MAX => connack.packet_bytes_max = Some(packet_bytes_max(reader)?),
                property::ASSIGNED_CLIENT_ID => connack.assigned_client_id = Some(reader.string()?),
                property::TOPIC_ALIAS_MAX => connack.topic_alias_max = reader.u16()?,
                property::REASON_STRING => connack.reason_string = Some(reader.string()?),
                property::SERVER_KEEP_ALIVE => connack.server_keep_alive_s = Some(reader.u16()?),
                // What this broker never says, another may.
                property::QOS_MAX
                | property::RETAIN_AVAILABLE
                | property::WILDCARD_AVAILABLE
                | property::SUBSCRIPTION_ID_AVAILABLE
                | property::SHARED_AVAILABLE => drop(reader.flag()?),
                property::RESPONSE_INFORMATION | property::SERVER_REFERENCE | property::AUTH_METHOD => {
                    drop(reader.string()?);
                }
                property::AUTH_DATA => drop(reader.bytes()?),
                property::USER => skip_user_property(reader)?,
                _ => return Err(UNKNOWN_PROPERTY),
            }
            Ok(())
        })?;
        Ok(connack)
    }

    pub(super) fn write(
        &self,
        out: &mut BytesMut,
        version: Version,
        with_texts: bool,
    ) -> Result<(), EncodeError> {
        let session_present = u8::from(self.session_present && self.reason == Reason::SUCCESS);
        match version {
            Version::V31 => out.put_slice(&[Kind::Connack.first(), 2, 0, return_code(self.reason)]),
            Version::V311 => {
                out.put_slice(&[Kind::Connack.first(), 2, session_present, return_code(self.reason)]);
            }
            Version::V5 => {
                out.put_u8(Kind::Connack.first());
                writer::prefixed(out, |out| {
                    out.put_slice(&[session_present, self.reason.0]);
                    writer::prefixed(out, |out| self.write_properties(out, with_texts))
                })?;
            }
        }
        Ok(())
    }

    fn write_properties(&self, out: &mut BytesMut, with_texts: bool) -> Result<(), EncodeError> {
        writer::u32_property(out, property::SESSION_EXPIRY, self.session_expiry_s);
        writer::u16_property(out, property::RECEIVE_MAX, self.receive_max);
        writer::u32_property(out, property::PACKET_BYTES_MAX, self.packet_bytes_max);
        let assigned = self.assigned_client_id.as_ref().map(|id| &**id.as_bytes());
        writer::bytes_property(out, property::ASSIGNED_CLIENT_ID, "assigned client id", assigned)?;
        let topic_alias_max = (self.topic_alias_max != 0).then_some(self.topic_alias_max);
        writer::u16_property(out, property::TOPIC_ALIAS_MAX, topic_alias_max);
        let text = self.reason_string.as_ref().filter(|_| with_texts).map(|text| &**text.as_bytes());
        writer::bytes_property(out, property::REASON_STRING, "reason string", text)?;
        writer::u16_property(out, property::SERVER_KEEP_ALIVE, self.server_keep_alive_s);
        Ok(())
    }
}

/// The return code of 3.1.1 that is nearest: to come again later is right for whatever has no code of its own.
const fn return_code(reason: Reason) -> u8 {
    match reason {
        Reason::SUCCESS => 0,
        Reason::UNSUPPORTED_PROTOCOL_VERSION => 1,
        Reason::CLIENT_IDENTIFIER_NOT_VALID => 2,
        Reason::BAD_USER_NAME_OR_PASSWORD => 4,
        // Will topics that are not allowed, bans and methods that are not offered are all about rights.
        Reason::NOT_AUTHORIZED
        | Reason::BAD_AUTHENTICATION_METHOD
        | Reason::TOPIC_NAME_INVALID
        | Reason(0x8A) => 5,
        _ => 3,
    }
}
