//! DISCONNECT and AUTH.

use super::{
    Disconnect, EncodeError, Kind, Malformed, Reason, Version, property,
    publish::skip_user_property,
    reader::{Reader, UNKNOWN_PROPERTY},
    writer,
};
use bytes::{BufMut, BytesMut};

impl Disconnect {
    pub(super) fn read(
        reader: &mut Reader<'_>,
        version: Version,
        is_from_client: bool,
    ) -> Result<Self, Malformed> {
        let mut disconnect = Self::default();
        if version != Version::V5 || reader.is_empty() {
            return Ok(disconnect);
        }
        disconnect.reason = Reason(reader.u8()?);
        let is_known = match disconnect.reason.0 {
            0x00 | 0x80..=0x83 | 0x90 | 0x93..=0x99 => true,
            0x04 => is_from_client,
            0x87 | 0x89 | 0x8B..=0x8F | 0x9A..=0xA2 => !is_from_client,
            _ => false,
        };
        if !is_known {
            return Err(Malformed::protocol("the reason code does not belong to this packet"));
        }
        if reader.is_empty() {
            return Ok(disconnect);
        }
        reader.properties(version, |id, reader| {
            match id {
                property::SESSION_EXPIRY if is_from_client => {
                    disconnect.session_expiry_s = Some(reader.u32()?);
                }
                property::SESSION_EXPIRY => {
                    return Err(Malformed::protocol("a server sends a session expiry"));
                }
                property::REASON_STRING => disconnect.reason_string = Some(reader.string()?),
                property::SERVER_REFERENCE => drop(reader.string()?),
                property::USER => skip_user_property(reader)?,
                _ => return Err(UNKNOWN_PROPERTY),
            }
            Ok(())
        })?;
        Ok(disconnect)
    }

    pub(super) fn write(
        &self,
        out: &mut BytesMut,
        version: Version,
        is_from_client: bool,
        with_texts: bool,
    ) -> Result<(), EncodeError> {
        if version != Version::V5 {
            // Of a server it is the closed connection that says it.
            if is_from_client {
                out.put_slice(&[Kind::Disconnect.first(), 0]);
            }
            return Ok(());
        }
        let text = self.reason_string.as_ref().filter(|_| with_texts).map(|text| &**text.as_bytes());
        let session_expiry_s = self.session_expiry_s.filter(|_| is_from_client);
        out.put_u8(Kind::Disconnect.first());
        match (self.reason, text, session_expiry_s) {
            (Reason::SUCCESS, None, None) => out.put_u8(0),
            (Reason(reason), None, None) => out.put_slice(&[1, reason]),
            (Reason(reason), text, session_expiry_s) => writer::prefixed(out, |out| {
                out.put_u8(reason);
                writer::prefixed(out, |out| {
                    writer::u32_property(out, property::SESSION_EXPIRY, session_expiry_s);
                    writer::bytes_property(out, property::REASON_STRING, "reason string", text)
                })
            })?,
        }
        Ok(())
    }
}

/// Checks an AUTH, of which nothing is kept: no method of extended authentication is offered.
pub(super) fn check_auth(reader: &mut Reader<'_>) -> Result<(), Malformed> {
    if reader.is_empty() {
        return Ok(());
    }
    if !matches!(reader.u8()?, 0x00 | 0x18 | 0x19) {
        return Err(Malformed::protocol("the reason code does not belong to this packet"));
    }
    if reader.is_empty() {
        return Ok(());
    }
    reader.properties(Version::V5, |id, reader| {
        match id {
            property::AUTH_METHOD | property::REASON_STRING => drop(reader.string()?),
            property::AUTH_DATA => drop(reader.bytes()?),
            property::USER => skip_user_property(reader)?,
            _ => return Err(UNKNOWN_PROPERTY),
        }
        Ok(())
    })
}
