//! Control records: what the journal tells itself between the records of others. Their kind is [`KIND`].
//!
//! A *marker* ends a commit: its records count only when it is there and the chain leads to its head. A *gap* stands
//! where damaged records were taken out, so that nobody passes over them unaware.

use crate::{
    chain::Head,
    record::{self, Salt},
};
use aisle_event::Hlc;

/// The kind of control records, which no entry may have.
pub const KIND: u16 = 0;

/// The longest file name in a gap, in bytes.
const FILE_BYTES_MAX: usize = 255;
const MARKER: u8 = 1;
const GAP: u8 = 2;
/// A marker as a whole record: tag, first sequence number, head.
pub(crate) const MARKER_BYTES: usize = record::HEADER_BYTES + 1 + 8 + 32;

/// The end of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// The first sequence number of the commit.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// The chain's head after it.
    pub head: Head,
}

/// Records that were damaged and taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The first sequence number that cannot be read.
    pub first: u64,
    /// The last one; one less than `first` when only a marker was damaged and no record is lost.
    pub last: u64,
    /// The file in `quarantine/` that holds the damaged segment as it was.
    pub file: String,
    /// Where in that file the damage starts, in bytes.
    pub offset: u64,
}

impl Gap {
    /// How many records cannot be read.
    #[must_use]
    pub const fn records(&self) -> u64 {
        (self.last + 1).saturating_sub(self.first)
    }
}

/// A control record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// The end of a commit.
    Marker(Marker),
    /// Damaged records were here.
    Gap(Gap),
}

impl Control {
    /// Reads the payload of a control record; `seq` is the number in its header. `None` when it is none of ours.
    #[must_use]
    pub fn decode(seq: u64, payload: &[u8]) -> Option<Self> {
        let (tag, rest) = payload.split_first()?;
        let (first, rest) = rest.split_first_chunk::<8>()?;
        let first = u64::from_le_bytes(*first);
        match *tag {
            MARKER if (1..=seq).contains(&first) => {
                Some(Self::Marker(Marker { first, last: seq, head: rest.try_into().ok()? }))
            }
            GAP if first >= 1 && first <= seq.checked_add(1)? => {
                let (offset, file) = rest.split_first_chunk::<8>()?;
                let file = std::str::from_utf8(file).ok().filter(|file| file.len() <= FILE_BYTES_MAX)?;
                Some(Self::Gap(Gap {
                    first,
                    last: seq,
                    file: file.into(),
                    offset: u64::from_le_bytes(*offset),
                }))
            }
            _ => None,
        }
    }

    /// Appends the control record to `out`.
    pub(crate) fn encode(&self, out: &mut Vec<u8>, salt: Salt, hlc: Hlc) {
        let mut payload = Vec::with_capacity(MARKER_BYTES);
        let last = match self {
            Self::Marker(marker) => {
                payload.push(MARKER);
                payload.extend_from_slice(&marker.first.to_le_bytes());
                payload.extend_from_slice(&marker.head);
                marker.last
            }
            Self::Gap(gap) => {
                payload.push(GAP);
                payload.extend_from_slice(&gap.first.to_le_bytes());
                payload.extend_from_slice(&gap.offset.to_le_bytes());
                payload.extend_from_slice(gap.file.as_bytes());
                gap.last
            }
        };
        record::encode(out, salt, last, hlc, KIND, &payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_and_a_gap_decode_to_what_was_encoded() {
        let salt = Salt(1);
        let marker = Control::Marker(Marker { first: 3, last: 9, head: [4; 32] });
        let gap = Control::Gap(Gap { first: 10, last: 9, file: "a.seg".into(), offset: 77 });
        for control in [marker, gap] {
            let mut bytes = Vec::new();
            control.encode(&mut bytes, salt, Hlc(1));
            let frame = record::decode(&bytes, salt).unwrap();
            assert_eq!(Control::decode(frame.header.seq, frame.payload), Some(control));
        }
    }

    #[test]
    fn a_marker_that_ends_before_it_starts_is_refused() {
        let mut bytes = Vec::new();
        Control::Marker(Marker { first: 9, last: 3, head: [0; 32] }).encode(&mut bytes, Salt(1), Hlc(1));
        let frame = record::decode(&bytes, Salt(1)).unwrap();
        assert_eq!(Control::decode(frame.header.seq, frame.payload), None);
    }
}
