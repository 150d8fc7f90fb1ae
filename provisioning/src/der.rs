//! As much of DER (X.690) as the small messages here need: tag, length, content, one after the other.
//!
//! Certificates and requests are read by `x509-parser` and made by `rcgen`; this is for the wrapping around them. A length is definite, written in as few
//! bytes as it needs, and never more than is there.

/// `SEQUENCE`.
pub(crate) const SEQUENCE: u8 = 0x30;
/// `SET`.
pub(crate) const SET: u8 = 0x31;
/// `INTEGER`.
pub(crate) const INTEGER: u8 = 0x02;
/// `OBJECT IDENTIFIER`.
pub(crate) const OID: u8 = 0x06;
/// `[0]`, constructed.
pub(crate) const CONTEXT_0: u8 = 0xa0;
/// `[1]`, constructed.
pub(crate) const CONTEXT_1: u8 = 0xa1;

/// One value. Lengths here are far below 4 GiB.
pub(crate) fn tlv(tag: u8, pieces: &[&[u8]]) -> Vec<u8> {
    let content = pieces.concat();
    let mut value = vec![tag];
    let length = content.len().to_be_bytes();
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => value.push(short),
        _ => {
            let long: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
            // At most eight, so this bit is free.
            value.push(0x80 | u8::try_from(long.len()).unwrap_or(8));
            value.extend(long);
        }
    }
    value.extend(content);
    value
}

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

/// One value of DER.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    /// With tag and length.
    pub(crate) whole: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next value; `None` when there is none that is whole and well formed.
    pub(crate) fn next(&mut self) -> Option<Value<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = digits.iter().fold(0_usize, |length, digit| (length << 8) | usize::from(*digit));
                // Written in as few bytes as it needs.
                if length < 0x80 || digits.first() == Some(&0) {
                    return None;
                }
                (length, rest)
            }
            _ => return None,
        };
        let (content, after) = rest.split_at_checked(length)?;
        let whole = self.0.get(..self.0.len() - after.len())?;
        self.0 = after;
        Some(Value { tag, content, whole })
    }

    /// The next value, when it has this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Option<Value<'a>> {
        let mut ahead = *self;
        let value = ahead.next().filter(|value| value.tag == tag)?;
        *self = ahead;
        Some(value)
    }
}
