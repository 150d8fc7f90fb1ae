//! [`Connection`]: the rules of one client's connection. Packets in, steps out; no socket, no clock.
//!
//! It keeps what belongs to the connection alone: topic aliases, QoS 2 identifiers in use, how many messages are not yet
//! answered. What belongs to the session it turns into steps.
//!
//! Not here: who the client is (`access`), what the steps do (`core`).
//! Guards issue 3, point 3: what a client may not do is refused with a reason, or with the end of the connection where
//! its version has no words for one; never acknowledged and dropped.

mod opening;
mod publish;
mod rate;
mod subscribe;

pub(crate) use opening::{Admission, Wish, admit, refusal};
pub(crate) use rate::Rate;

use crate::{
    access::Rights,
    config::Limits,
    core::{Step, SubscriberAck, Then},
    message::ClientId,
    op::Op,
    packet::{Ack, Disconnect, Packet, PacketId, QoS, Reason, Version},
    topic::Filter,
};
use bytestring::ByteString;
use std::collections::BTreeSet;

/// What a connection has to ask the rest of the broker before it can answer.
pub(crate) trait Room {
    /// True when a message of so many bytes may become the retained one of its topic. There is room for it then until it is
    /// done.
    fn may_retain(&self, topic: &str, bytes: usize) -> bool;
    /// How many more subscriptions the client may have.
    fn subscriptions_left(&self, client: &str) -> usize;
    /// True when the client has this subscription.
    fn is_subscribed(&self, client: &str, filter: &Filter) -> bool;
}

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ending {
    pub reason: Reason,
    pub why: &'static str,
    /// The client said goodbye itself.
    pub by_client: bool,
    /// Its will is not published.
    pub will_discarded: bool,
    /// Another expiry of its session, in seconds.
    pub expiry_s: Option<u32>,
}

impl Ending {
    /// The broker ends it.
    pub(crate) const fn broken(reason: Reason, why: &'static str) -> Self {
        Self { reason, why, by_client: false, will_discarded: false, expiry_s: None }
    }
}

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) client: ClientId,
    pub(crate) version: Version,
    pub(crate) rights: Rights,
    bridge: bool,
    /// The session outlives the connection.
    kept: bool,
    /// The session of before goes on.
    pub(crate) resumed: bool,
    limits: Limits,
    aliases: Vec<Option<ByteString>>,
    /// QoS 2 identifiers of messages that came and were not released.
    inbound: BTreeSet<PacketId>,
    /// Of those, the ones that came on this connection and have no PUBREC yet.
    unreceived: BTreeSet<PacketId>,
    /// QoS 1 and 2 messages that have no PUBACK or PUBREC yet.
    unanswered: usize,
    /// QoS 1 and 2 messages that have no last answer yet: what MQTT 5 counts against the receive maximum (4.9).
    quota_used: usize,
    /// What follows from the packets so far, in their order.
    pub(crate) steps: Vec<Step>,
    /// What the client says about messages it was sent.
    pub(crate) acks: Vec<SubscriberAck>,
    /// What can be answered at once.
    pub(crate) replies: Vec<Packet>,
    /// QoS 0 messages that were refused; they have no answer.
    pub(crate) refused: u64,
}

impl Connection {
    pub(crate) fn new(admission: &Admission, limits: Limits, inbound: BTreeSet<PacketId>) -> Self {
        Self {
            client: admission.opening.client.clone(),
            version: admission.opening.version,
            rights: admission.rights.clone(),
            bridge: admission.bridge,
            kept: admission.kept,
            resumed: false,
            limits,
            aliases: Vec::new(),
            inbound,
            unreceived: BTreeSet::new(),
            // Counted anew on each connection (4.9).
            quota_used: 0,
            unanswered: 0,
            steps: Vec::new(),
            acks: Vec::new(),
            replies: Vec::new(),
            refused: 0,
        }
    }

    /// QoS 2 messages that came and were not released.
    pub(crate) fn unreleased(&self) -> Vec<PacketId> {
        self.inbound.iter().copied().collect()
    }

    /// True when the client has to wait for answers before more is read. Only what is to be answered by the disk counts: a
    /// release must always come through.
    pub(crate) fn is_waiting(&self) -> bool {
        self.unanswered >= usize::from(self.limits.receive_max)
    }

    /// Takes a packet.
    ///
    /// # Errors
    /// With why the connection ends.
    pub(crate) fn packet(&mut self, packet: Packet, now_ms: u64, room: &impl Room) -> Result<(), Ending> {
        match packet {
            Packet::Publish(publish) => self.publish(&publish, now_ms, room),
            Packet::Pubrel(ack) => {
                self.release(ack.packet_id);
                Ok(())
            }
            Packet::Puback(ack) => {
                self.acks.push(SubscriberAck::Acknowledged(ack.packet_id));
                Ok(())
            }
            Packet::Pubrec(ack) => {
                self.acks.push(SubscriberAck::Received(ack.packet_id, !ack.reason.is_error()));
                Ok(())
            }
            Packet::Pubcomp(ack) => {
                self.acks.push(SubscriberAck::Completed(ack.packet_id));
                Ok(())
            }
            Packet::Subscribe(subscribe) => self.subscribe(*subscribe, room),
            Packet::Unsubscribe(unsubscribe) => {
                self.unsubscribe(*unsubscribe, room);
                Ok(())
            }
            Packet::Pingreq => {
                self.replies.push(Packet::Pingresp);
                Ok(())
            }
            Packet::Disconnect(disconnect) => Err(self.goodbye(&disconnect)),
            Packet::Auth => {
                Err(Ending::broken(Reason::BAD_AUTHENTICATION_METHOD, "there is no extended authentication"))
            }
            Packet::Connect(_)
            | Packet::Connack(_)
            | Packet::Suback(_)
            | Packet::Unsuback(_)
            | Packet::Pingresp => {
                Err(Ending::broken(Reason::PROTOCOL_ERROR, "a packet that may not come here"))
            }
        }
    }

    fn goodbye(&self, disconnect: &Disconnect) -> Ending {
        // A session that ends with its connection cannot be given a longer life at the end (3.14.2.2.2).
        if disconnect.session_expiry_s.is_some_and(|expiry_s| expiry_s > 0) && !self.kept {
            return Ending::broken(Reason::PROTOCOL_ERROR, "a session that ends now cannot be kept");
        }
        Ending {
            reason: Reason::SUCCESS,
            why: "the client said goodbye",
            by_client: true,
            will_discarded: disconnect.reason == Reason::SUCCESS,
            expiry_s: disconnect
                .session_expiry_s
                .map(|expiry_s| expiry_s.min(self.limits.session_expiry_s_max)),
        }
    }

    fn release(&mut self, packet_id: PacketId) {
        let known = self.inbound.remove(&packet_id);
        // In a session that goes on it may be a release whose answer was lost with the last connection, which is no error (3.7.2.1).
        let reason =
            if known || self.resumed { Reason::SUCCESS } else { Reason::PACKET_IDENTIFIER_NOT_FOUND };
        let op = (known && self.kept)
            .then(|| Op::Released { client: self.client.clone(), packet_ids: vec![packet_id] });
        self.steps.push(Step {
            durable: op.is_some(),
            op,
            then: Then::Send(Packet::Pubcomp(Ack { packet_id, reason, reason_string: None })),
        });
    }

    /// Takes note of a packet that goes to the client.
    pub(crate) fn outgoing(&mut self, packet: &Packet) {
        match packet {
            Packet::Puback(_) => {
                self.unanswered = self.unanswered.saturating_sub(1);
                self.quota_used = self.quota_used.saturating_sub(1);
            }
            Packet::Pubrec(ack) => {
                self.unanswered = self.unanswered.saturating_sub(1);
                self.unreceived.remove(&ack.packet_id);
                if ack.reason.is_error() {
                    self.quota_used = self.quota_used.saturating_sub(1);
                    self.inbound.remove(&ack.packet_id);
                }
            }
            Packet::Pubcomp(_) => self.quota_used = self.quota_used.saturating_sub(1),
            _ => {}
        }
    }

    fn acknowledge(&mut self, packet_id: Option<PacketId>, qos: QoS, op: Op, durable: bool) {
        let then = packet_id.map_or(Then::Nothing, |packet_id| Then::Acknowledge(packet_id, qos));
        self.steps.push(Step { op: Some(op), durable, then });
    }
}
