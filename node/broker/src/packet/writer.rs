//! Writes the data types of the standard (MQTT 5, section 1.5).

use super::{EncodeError, UserProperties, property};
use bytes::{BufMut, BytesMut};

/// The largest number in four bytes of seven bits.
const VARINT_MAX: usize = 0x0FFF_FFFF;

/// How many bytes a number takes.
pub(super) const fn varint_bytes(value: usize) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}

/// A number in one to four bytes.
pub(super) fn varint(out: &mut BytesMut, value: usize) -> Result<(), EncodeError> {
    if value > VARINT_MAX {
        return Err(EncodeError::TooLong { what: "packet", bytes: value, bytes_max: VARINT_MAX });
    }
    let mut left = value;
    while left >= 0x80 {
        out.put_u8(left as u8 | 0x80);
        left >>= 7;
    }
    out.put_u8(left as u8);
    Ok(())
}

/// What `body` writes, after its length. The length is put in last, so that nothing is measured and then written.
pub(super) fn prefixed(
    out: &mut BytesMut,
    body: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    body(out)?;
    let end = out.len();
    varint(out, end - start)?;
    let length_bytes = out.len() - end;
    if let Some(prefixed) = out.get_mut(start..) {
        prefixed.rotate_right(length_bytes);
    }
    Ok(())
}

/// Text or binary data after its length.
pub(super) fn bytes(out: &mut BytesMut, what: &'static str, value: &[u8]) -> Result<(), EncodeError> {
    let Ok(count) = u16::try_from(value.len()) else {
        let bytes_max = usize::from(u16::MAX);
        return Err(EncodeError::TooLong { what, bytes: value.len(), bytes_max });
    };
    out.put_u16(count);
    out.put_slice(value);
    Ok(())
}

/// A property that is text or binary data, if there is one.
pub(super) fn bytes_property(
    out: &mut BytesMut,
    id: u8,
    what: &'static str,
    value: Option<&[u8]>,
) -> Result<(), EncodeError> {
    let Some(value) = value else { return Ok(()) };
    out.put_u8(id);
    bytes(out, what, value)
}

/// A property of two bytes, if there is one.
pub(super) fn u16_property(out: &mut BytesMut, id: u8, value: Option<u16>) {
    if let Some(value) = value {
        out.put_u8(id);
        out.put_u16(value);
    }
}

/// A property of four bytes, if there is one.
pub(super) fn u32_property(out: &mut BytesMut, id: u8, value: Option<u32>) {
    if let Some(value) = value {
        out.put_u8(id);
        out.put_u32(value);
    }
}

/// All of them in order.
pub(super) fn user_properties(out: &mut BytesMut, pairs: &UserProperties) -> Result<(), EncodeError> {
    for (name, value) in pairs {
        out.put_u8(property::USER);
        bytes(out, "user property name", name.as_bytes())?;
        bytes(out, "user property value", value.as_bytes())?;
    }
    Ok(())
}
