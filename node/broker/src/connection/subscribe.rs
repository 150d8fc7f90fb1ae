//! A client asks for messages, or for no more of them.

use super::{Connection, Ending, Room};
use crate::{
    core::{Step, Then},
    op::Op,
    packet::{Packet, Reason, Suback, Subscribe, Unsubscribe, Version},
    topic::Filter,
};

impl Connection {
    pub(super) fn subscribe(&mut self, subscribe: Subscribe, room: &impl Room) -> Result<(), Ending> {
        let mut left = room.subscriptions_left(&self.client);
        let mut granted: Vec<(Filter, crate::packet::SubscribeOptions)> = Vec::new();
        let mut reasons = Vec::with_capacity(subscribe.filters.len());
        let mut why: Option<bytestring::ByteString> = None;
        for (text, mut options) in subscribe.filters {
            let Ok(filter) = Filter::parse(&text, &self.limits.topic()) else {
                reasons.push(Reason::TOPIC_FILTER_INVALID);
                continue;
            };
            if filter.share().is_some() && options.no_local {
                // 3.8.3.1
                return Err(Ending::broken(Reason::PROTOCOL_ERROR, "a shared subscription with no local"));
            }
            if self.version < Version::V5 {
                options.no_local = self.bridge;
                options.retain_as_published = self.bridge;
            }
            if !self.rights.may_subscribe(filter.pattern()) {
                // 3.9.3: what may not be subscribed is not told apart from what is not there; the words are for people.
                reasons.push(Reason::UNSPECIFIED_ERROR);
                why = Some("it may not subscribe to one of the filters".into());
                continue;
            }
            // Once for each packet, as it is asked for last: what is retained is looked through for each filter.
            if let Some((_, before)) = granted.iter_mut().find(|(before, _)| *before == filter) {
                *before = options;
                reasons.push(options.qos.into());
                continue;
            }
            if !room.is_subscribed(&self.client, &filter) {
                if left == 0 {
                    reasons.push(Reason::QUOTA_EXCEEDED);
                    continue;
                }
                left -= 1;
            }
            reasons.push(options.qos.into());
            granted.push((filter, options));
        }
        let op = (!granted.is_empty()).then(|| Op::Subscribed {
            client: self.client.clone(),
            id: subscribe.id,
            filters: granted,
        });
        let ack = Suback { packet_id: subscribe.packet_id, reasons, reason_string: why };
        self.steps.push(Step {
            durable: op.is_some() && self.kept,
            op,
            then: Then::Send(Packet::Suback(Box::new(ack))),
        });
        Ok(())
    }

    pub(super) fn unsubscribe(&mut self, unsubscribe: Unsubscribe, room: &impl Room) {
        let mut filters = Vec::new();
        let mut reasons = Vec::with_capacity(unsubscribe.filters.len());
        for text in unsubscribe.filters {
            match Filter::parse(&text, &self.limits.topic()) {
                Err(_) => reasons.push(Reason::TOPIC_FILTER_INVALID),
                Ok(filter) => {
                    // One that is on its way to the disk counts as there: it is removed after it.
                    let asked = self.steps.iter().any(|step| match &step.op {
                        Some(Op::Subscribed { filters, .. }) => {
                            filters.iter().any(|(asked, _)| *asked == filter)
                        }
                        _ => false,
                    });
                    let there = asked || room.is_subscribed(&self.client, &filter);
                    reasons.push(if there { Reason::SUCCESS } else { Reason::NO_SUBSCRIPTION_EXISTED });
                    filters.push(filter);
                }
            }
        }
        let op = (!filters.is_empty()).then(|| Op::Unsubscribed { client: self.client.clone(), filters });
        let ack = Suback { packet_id: unsubscribe.packet_id, reasons, reason_string: None };
        self.steps.push(Step {
            durable: op.is_some() && self.kept,
            op,
            then: Then::Send(Packet::Unsuback(Box::new(ack))),
        });
    }
}
