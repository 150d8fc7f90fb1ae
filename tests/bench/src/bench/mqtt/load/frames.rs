//! The messages of one publisher, laid out once, and how a subscriber reads one.

use super::{Load, PAYLOAD_BYTES};
use aisle_harness::mqtt::raw::{Frame, Publish, Version, write};

/// At the front of the payload: when it was sent, by whom, in which slot.
const STAMP_BYTES: usize = 12;

/// One message for each slot, one behind the other.
#[derive(Debug)]
pub(super) struct Frames {
    bytes: Vec<u8>,
    each: usize,
}

impl Frames {
    pub(super) fn new(load: Load, lane: u16) -> Self {
        let mut bytes = Vec::new();
        for slot in 0..load.in_flight {
            let mut payload = vec![0xa5; PAYLOAD_BYTES];
            let stamp = [0; 8].into_iter().chain(lane.to_le_bytes()).chain(slot.to_le_bytes());
            payload.iter_mut().zip(stamp).for_each(|(byte, stamp)| *byte = stamp);
            // As many digits for everybody: all messages are as long.
            let topic = format!("bench/{lane:05}");
            let publish = Publish {
                topic,
                payload: payload.into(),
                qos: load.qos,
                packet_id: slot + 1,
                ..Publish::default()
            };
            write::publish(&mut bytes, Version::V311, &publish);
        }
        Self { each: bytes.len() / usize::from(load.in_flight.max(1)), bytes }
    }

    /// Appends the message of a slot.
    pub(super) fn put(&self, slot: u16, sent_ns: u64, out: &mut Vec<u8>) {
        let from = usize::from(slot) * self.each;
        out.extend_from_slice(self.bytes.get(from..from + self.each).unwrap_or_default());
        let stamp = out.len() - PAYLOAD_BYTES;
        if let Some(place) = out.get_mut(stamp..stamp + 8) {
            place.copy_from_slice(&sent_ns.to_le_bytes());
        }
    }
}

/// What a subscriber needs to know of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamped {
    pub(super) sent_ns: u64,
    pub(super) lane: u16,
    pub(super) slot: u16,
    pub(super) qos: u8,
    pub(super) packet_id: u16,
}

impl Stamped {
    /// Reads a PUBLISH; `None` when it is not one of ours.
    pub(super) fn read(frame: &Frame<'_>) -> Option<Self> {
        let qos = frame.first >> 1 & 3;
        let (topic_bytes, rest) = frame.body.split_first_chunk()?;
        let rest = rest.get(u16::from_be_bytes(*topic_bytes).into()..)?;
        let (packet_id, payload) = if qos > 0 { rest.split_first_chunk()? } else { (&[0; 2], rest) };
        let (stamp, _) = payload.split_first_chunk::<STAMP_BYTES>()?;
        let (sent_ns, rest) = stamp.split_first_chunk()?;
        let (lane, slot) = rest.split_first_chunk()?;
        Some(Self {
            sent_ns: u64::from_le_bytes(*sent_ns),
            lane: u16::from_le_bytes(*lane),
            slot: u16::from_le_bytes(slot.try_into().ok()?),
            qos,
            packet_id: u16::from_be_bytes(*packet_id),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Pace, *};
    use aisle_harness::mqtt::raw::frame;

    #[test]
    fn what_a_publisher_puts_a_subscriber_reads() {
        for qos in 0..3 {
            let load = Load {
                publishers: 1,
                in_flight: 9,
                qos,
                subscribers: 0,
                subscriber_qos: 0,
                pace: Pace::Delivered,
            };
            let mut out = Vec::new();
            Frames::new(load, 300).put(7, 42, &mut out);
            let read = Stamped::read(&frame(&out).unwrap().unwrap()).unwrap();
            let packet_id = if qos > 0 { 8 } else { 0 };
            assert_eq!(read, Stamped { sent_ns: 42, lane: 300, slot: 7, qos, packet_id });
        }
    }
}
