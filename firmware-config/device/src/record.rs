//! A sample as it lies in the ring.
//!
//! A fixed number of bytes with a format number in front; the CRC is `sequential-storage`'s. Not here: samples on the wire
//! (`aisle_firmware_config::message`).

use crate::clock::Moment;

/// Bytes of a record.
pub(crate) const RECORD_BYTES: usize = 27;
const FORMAT: u8 = 1;

/// A sample that is kept until the node has acknowledged it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Record {
    /// Which stream, by its place in the device.
    pub(crate) stream: u8,
    /// The start of the device that took it.
    pub(crate) boot: u32,
    /// Its number in the stream since that start, from 1.
    pub(crate) n: u32,
    pub(crate) at: Moment,
    pub(crate) value: f64,
}

impl Record {
    /// What tells it from all others.
    pub(crate) const fn id(&self) -> (u8, u32, u32) {
        (self.stream, self.boot, self.n)
    }

    pub(crate) fn encode(&self) -> [u8; RECORD_BYTES] {
        let (is_wall, at) = match self.at {
            Moment::Wall(at) => (1, at.to_le_bytes()),
            Moment::Uptime(at) => (0, at.to_le_bytes()),
        };
        let [b0, b1, b2, b3] = self.boot.to_le_bytes();
        let [n0, n1, n2, n3] = self.n.to_le_bytes();
        let mut bytes = [0; RECORD_BYTES];
        let head = [FORMAT, self.stream, b0, b1, b2, b3, n0, n1, n2, n3, is_wall];
        let parts = head.into_iter().chain(at).chain(self.value.to_le_bytes());
        for (to, byte) in bytes.iter_mut().zip(parts) {
            *to = byte;
        }
        bytes
    }

    /// Nothing when it is of another format.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let [format, stream] = take(&mut rest)?;
        let boot = u32::from_le_bytes(take(&mut rest)?);
        let n = u32::from_le_bytes(take(&mut rest)?);
        let at = match take(&mut rest)? {
            [1] => Moment::Wall(i64::from_le_bytes(take(&mut rest)?)),
            [_] => Moment::Uptime(u64::from_le_bytes(take(&mut rest)?)),
        };
        let value = f64::from_le_bytes(take(&mut rest)?);
        (format == FORMAT && rest.is_empty()).then_some(Self { stream, boot, n, at, value })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}
