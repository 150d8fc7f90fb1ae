//! A client publishes.

use super::{Connection, Ending, Room};
use crate::{
    core::{Step, Then, acknowledgement},
    message::Message,
    op::Op,
    packet::{Packet, Publish, QoS, Reason, Version},
    topic::{InvalidTopic, check_name},
};
use bytestring::ByteString;
use std::sync::Arc;

impl Connection {
    pub(super) fn publish(&mut self, publish: &Publish, now_ms: u64, room: &impl Room) -> Result<(), Ending> {
        let topic = self.topic(publish)?;
        let duplicate = publish.qos == QoS::ExactlyOnce
            && publish.packet_id.is_some_and(|packet_id| self.inbound.contains(&packet_id));
        if publish.packet_id.is_some_and(|packet_id| duplicate && self.unreceived.contains(&packet_id)) {
            // The answer to the first one is the answer to both, whatever the disk says.
            return Ok(());
        }
        if publish.qos > QoS::AtMostOnce {
            if self.version == Version::V5
                && !duplicate
                && self.quota_used >= usize::from(self.limits.receive_max)
            {
                return Err(Ending::broken(
                    Reason::RECEIVE_MAXIMUM_EXCEEDED,
                    "more messages at once than the receive maximum",
                ));
            }
            self.unanswered += 1;
            self.quota_used += usize::from(!duplicate);
        }
        if duplicate && let Some(packet_id) = publish.packet_id {
            // It is in the journal.
            let again = acknowledgement(packet_id, publish.qos, Reason::SUCCESS);
            self.steps.push(Step { op: None, durable: false, then: Then::Send(again) });
            return Ok(());
        }
        match check_name(&topic, &self.limits.topic()) {
            Ok(()) => {}
            Err(InvalidTopic::TooLong { .. } | InvalidTopic::TooDeep { .. }) => {
                return self.refuse(publish, Reason::TOPIC_NAME_INVALID, "a topic is beyond the bounds");
            }
            Err(_) => return Err(Ending::broken(Reason::TOPIC_NAME_INVALID, "a topic that is none")),
        }
        if !self.rights.may_publish(&topic) {
            return self.refuse(publish, Reason::NOT_AUTHORIZED, "it may not publish to that topic");
        }
        let message = Message::of(publish, &topic, now_ms);
        if publish.retain && !publish.payload.is_empty() && !room.may_retain(&topic, message.bytes()) {
            return self.refuse(publish, Reason::QUOTA_EXCEEDED, "there is no room to retain a message");
        }
        let durable = publish.qos > QoS::AtMostOnce || publish.retain;
        let exactly_once = publish.qos == QoS::ExactlyOnce;
        if exactly_once {
            self.inbound.extend(publish.packet_id);
            self.unreceived.extend(publish.packet_id);
        }
        let op = Op::Published {
            client: self.client.clone(),
            message: Arc::new(message),
            packet_id: publish.packet_id.filter(|_| exactly_once && self.kept),
            will: false,
        };
        self.acknowledge(publish.packet_id, publish.qos, op, durable);
        Ok(())
    }

    /// The topic, from the packet or from its alias (3.3.2.3.4).
    fn topic(&mut self, publish: &Publish) -> Result<ByteString, Ending> {
        let Some(alias) = publish.topic_alias else { return Ok(publish.topic.clone()) };
        let invalid = Ending::broken(Reason::TOPIC_ALIAS_INVALID, "a topic alias that was not agreed");
        if alias == 0 || alias > self.limits.topic_alias_max {
            return Err(invalid);
        }
        let at = usize::from(alias);
        if publish.topic.is_empty() {
            return self.aliases.get(at).cloned().flatten().ok_or(Ending {
                reason: Reason::PROTOCOL_ERROR,
                why: "a topic alias that stands for nothing yet",
                ..invalid
            });
        }
        if self.aliases.len() <= at {
            self.aliases.resize(at + 1, None);
        }
        // With bytes of its own: it stays as long as the connection.
        let topic = ByteString::from(&*publish.topic);
        if let Some(place) = self.aliases.get_mut(at) {
            *place = Some(topic.clone());
        }
        Ok(topic)
    }

    /// Refuses one message: with its reason, or by ending the connection where the version has no words for it.
    fn refuse(&mut self, publish: &Publish, reason: Reason, why: &'static str) -> Result<(), Ending> {
        if self.version < Version::V5 {
            return Err(Ending::broken(reason, why));
        }
        match publish.packet_id {
            Some(packet_id) => {
                let refusal = match acknowledgement(packet_id, publish.qos, reason) {
                    Packet::Puback(ack) => {
                        Packet::Puback(crate::packet::Ack { reason_string: Some(why.into()), ..ack })
                    }
                    Packet::Pubrec(ack) => {
                        Packet::Pubrec(crate::packet::Ack { reason_string: Some(why.into()), ..ack })
                    }
                    other => other,
                };
                self.steps.push(Step { op: None, durable: false, then: Then::Send(refusal) });
            }
            None => self.refused += 1,
        }
        Ok(())
    }
}
