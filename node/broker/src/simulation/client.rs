//! A client that keeps to the rules, and sees to it that the broker does.

use crate::{
    packet::{Ack, Packet, PacketId, Publish, QoS, Reason},
    session::{Session, Stage},
};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// A message that the client published and has no last answer for.
#[derive(Debug, Clone)]
pub(crate) struct Outbound {
    pub publish: Publish,
    /// The broker has it: it is to be released.
    pub received: bool,
    pub released: bool,
    pub resent: bool,
    /// It was sent on this connection.
    pub fresh: bool,
}

/// What the client owes the broker for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owed {
    Puback,
    Pubrec,
    Pubcomp,
}

#[derive(Debug, Default)]
pub(crate) struct Client {
    pub name: String,
    pub old: bool,
    pub receive_max: usize,
    /// It asked to begin anew, and was not told whether it did: it asks again.
    pub unsure: bool,
    /// How long its session is kept, as far as it knows, and since when it is gone.
    pub expiry_s: u32,
    gone_ms: u64,
    /// It has just come back, and may send again what it has no answer for.
    may_resend: bool,
    pub outbound: BTreeMap<PacketId, Outbound>,
    /// QoS 2 messages that came and were not released, with what they were.
    inbound: BTreeMap<PacketId, Bytes>,
    /// What was released last under an identifier.
    released: BTreeMap<PacketId, Bytes>,
    /// What the broker waits for on this connection.
    pub owed: Vec<(PacketId, Owed)>,
    /// Identifiers that are in use towards this client on this connection.
    flying: BTreeMap<PacketId, (QoS, Bytes)>,
    /// How often the client was done with a message.
    pub acknowledged: BTreeMap<Bytes, usize>,
    /// QoS 2 messages that came, of those that were not retained.
    got: BTreeSet<Bytes>,
    next_id: u16,
}

/// What an acknowledgement says about a message that the client published.
#[derive(Debug)]
pub(crate) enum Answered {
    Taken(Bytes),
    Refused(Bytes),
    Nothing,
}

impl Client {
    pub(crate) fn new(number: usize) -> Self {
        Self { name: format!("client-{number}"), ..Self::default() }
    }

    /// CONNACK.
    pub(crate) fn welcomed(&mut self, session_present: bool) {
        self.unsure = false;
        self.may_resend = true;
        if !session_present {
            self.outbound.clear();
            self.inbound.clear();
            self.acknowledged.clear();
            self.got.clear();
        }
    }

    /// The connection is over; `since_ms` when the client was in.
    pub(crate) fn gone(&mut self, since_ms: Option<u64>) {
        self.gone_ms = since_ms.unwrap_or(self.gone_ms);
        self.outbound.values_mut().for_each(|out| out.fresh = false);
        self.owed.clear();
        self.flying.clear();
    }

    /// True when it has to begin anew, because what it knows of its session may be of one that has ended.
    pub(crate) fn must_begin_anew(&self, now_ms: u64) -> bool {
        self.unsure || self.gone_ms + u64::from(self.expiry_s) * 1000 <= now_ms
    }

    pub(crate) fn new_id(&mut self) -> PacketId {
        loop {
            self.next_id = self.next_id % 40 + 1;
            let id = PacketId::new(self.next_id).unwrap();
            if !self.outbound.contains_key(&id) {
                return id;
            }
        }
    }

    /// A packet comes. `session` is what the broker keeps for the client.
    pub(crate) fn hears(&mut self, packet: &Packet, session: Option<&Session>) -> Answered {
        match packet {
            Packet::Publish(publish) => self.hears_publish(publish, session),
            // With an error it answers nonsense of ours.
            Packet::Pubrel(ack) if ack.reason == Reason::SUCCESS => {
                if let Some(message) = self.inbound.remove(&ack.packet_id) {
                    self.released.insert(ack.packet_id, message);
                }
                let message = self.released.get(&ack.packet_id).cloned().unwrap_or_default();
                self.flying.entry(ack.packet_id).or_insert((QoS::ExactlyOnce, message));
                self.owed.retain(|(id, _)| *id != ack.packet_id);
                self.owed.push((ack.packet_id, Owed::Pubcomp));
            }
            Packet::Puback(ack) => return self.answered(ack, QoS::AtLeastOnce),
            Packet::Pubrec(ack) => return self.answered(ack, QoS::ExactlyOnce),
            Packet::Pubcomp(ack) if self.outbound.get(&ack.packet_id).is_some_and(|out| out.released) => {
                self.outbound.remove(&ack.packet_id);
            }
            _ => {}
        }
        Answered::Nothing
    }

    fn answered(&mut self, ack: &Ack, qos: QoS) -> Answered {
        let Some(out) = self.outbound.get_mut(&ack.packet_id) else { return Answered::Nothing };
        assert_eq!(out.publish.qos, qos, "the wrong kind of acknowledgement");
        let payload = out.publish.payload.clone();
        if ack.reason.is_error() {
            let resent = out.resent;
            assert!(!out.received, "a message was taken and then refused");
            self.outbound.remove(&ack.packet_id);
            return if resent { Answered::Nothing } else { Answered::Refused(payload) };
        }
        if qos == QoS::AtLeastOnce {
            self.outbound.remove(&ack.packet_id);
        } else {
            out.received = true;
        }
        Answered::Taken(payload)
    }

    fn hears_publish(&mut self, publish: &Publish, session: Option<&Session>) {
        let Some(id) = publish.packet_id else { return };
        let (name, payload) = (&self.name, &publish.payload);
        assert!(!self.flying.contains_key(&id), "{name}: identifier {id} is used twice at once");
        assert!(self.flying.len() < self.receive_max, "{name}: more in flight than its receive maximum");
        if publish.qos == QoS::AtLeastOnce {
            self.owed.push((id, Owed::Puback));
        } else {
            let session = session.expect("a session");
            let entry = session.queue.iter().find(|queued| queued.packet_id == Some(id)).expect("an entry");
            assert_eq!(entry.stage, Stage::Sent(id), "{name}: what the journal does not know was sent");
            match self.inbound.insert(id, payload.clone()) {
                Some(before) => {
                    assert_eq!(before, payload, "{name}: another message under {id}");
                    assert!(publish.dup, "{name}: sent again without saying so");
                }
                None => {
                    let new = publish.retain || payload.is_empty() || self.got.insert(payload.clone());
                    assert!(new, "{name}: {payload:?} came twice");
                }
            }
            self.owed.push((id, Owed::Pubrec));
        }
        self.flying.insert(id, (publish.qos, payload.clone()));
    }

    /// The packet that pays a debt.
    pub(crate) fn pay(&mut self, at: usize) -> Option<Packet> {
        if self.owed.is_empty() {
            return None;
        }
        let (packet_id, owed) = self.owed.remove(at % self.owed.len());
        let ack = ack(packet_id);
        Some(match owed {
            Owed::Puback => {
                self.done_with(packet_id);
                Packet::Puback(ack)
            }
            Owed::Pubrec => Packet::Pubrec(ack),
            Owed::Pubcomp => {
                self.done_with(packet_id);
                Packet::Pubcomp(ack)
            }
        })
    }

    fn done_with(&mut self, packet_id: PacketId) {
        if let Some((_, payload)) = self.flying.remove(&packet_id) {
            *self.acknowledged.entry(payload).or_default() += 1;
        }
    }

    /// A packet that the broker has no reason to expect, and that changes nothing.
    pub(crate) fn nonsense(&self, kind: u8, packet_id: u16) -> Option<Packet> {
        let packet_id = PacketId::new(packet_id)?;
        let flying = self.flying.get(&packet_id).map(|(qos, _)| *qos);
        let ack = ack(packet_id);
        let waits = |owed| self.owed.contains(&(packet_id, owed));
        match kind % 4 {
            0 if flying != Some(QoS::AtLeastOnce) => Some(Packet::Puback(ack)),
            1 if flying != Some(QoS::ExactlyOnce) => Some(Packet::Pubrec(ack)),
            2 if !waits(Owed::Pubcomp) => Some(Packet::Pubcomp(ack)),
            3 if !self.outbound.contains_key(&packet_id) => Some(Packet::Pubrel(ack)),
            _ => None,
        }
    }

    /// Releases one of the messages that the broker has.
    pub(crate) fn release(&mut self, at: usize) -> Option<Packet> {
        let waiting: Vec<PacketId> = self
            .outbound
            .iter()
            .filter(|(_, out)| out.received && !out.released)
            .map(|(id, _)| *id)
            .collect();
        let id = *waiting.get(at % waiting.len().max(1))?;
        self.outbound.get_mut(&id)?.released = true;
        Some(Packet::Pubrel(ack(id)))
    }

    /// What is sent again on a new connection.
    pub(crate) fn again(&mut self) -> Vec<Packet> {
        if !std::mem::take(&mut self.may_resend) {
            return Vec::new();
        }
        let before = self.outbound.iter_mut().filter(|(_, out)| !out.fresh);
        let again = before.map(|(id, out)| {
            (out.resent, out.fresh) = (true, true);
            if out.received {
                out.released = true;
                Packet::Pubrel(ack(*id))
            } else {
                Packet::Publish(Box::new(Publish { dup: true, ..out.publish.clone() }))
            }
        });
        again.collect()
    }
}

pub(crate) fn ack(packet_id: PacketId) -> Ack {
    Ack { packet_id, reason: Reason::SUCCESS, reason_string: None }
}

/// The payload says who published it, in which order.
pub(crate) fn payload(client: usize, number: u64) -> Bytes {
    format!("{client}:{number}").into()
}
