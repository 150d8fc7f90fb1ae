//! What a message becomes on the other side: another topic, maybe a lower QoS, one more mark in its trail. Payload, retain
//! flag and all other properties stay as they are.

use super::{Life, trail::Circle, verdict::Refusal};
use aisle_broker::{
    local::{Delivery, Publication},
    packet::Publish,
    topic::check_name,
};

impl Life {
    /// Out of a message of the other broker.
    pub(super) fn translate_in(&self, publish: Publish) -> Result<Publication, Refusal> {
        let (topic, qos) = self.inward.map(&publish.topic).ok_or(Refusal::NoRule)?;
        if publish.payload.len() + topic.len() > self.config.packet_bytes_max as usize {
            return Err(Refusal::TooLarge);
        }
        // A topic that is none would end the bridge's session here.
        check_name(&topic, &self.topics).map_err(|_| Refusal::Topic)?;
        let mut properties = publish.properties;
        self.mark.inward(&mut properties)?;
        Ok(Publication {
            topic,
            payload: publish.payload,
            qos: publish.qos.min(qos),
            retain: publish.retain,
            properties,
        })
    }

    /// Queues a message of the node's broker for the other one, or acknowledges it when it is not to cross.
    pub(super) fn carry_out(&mut self, delivery: Delivery) {
        self.telemetry.goes(delivery.publish.payload.len());
        match self.translate_out(&delivery.publish) {
            Ok(publish) => self.outbound.push(publish, delivery),
            Err(refusal) => {
                self.telemetry.refused_out(refusal);
                delivery.ack();
            }
        }
    }

    fn translate_out(&self, publish: &Publish) -> Result<Publish, Refusal> {
        let (topic, qos) = self.outward.map(&publish.topic).ok_or(Refusal::NoRule)?;
        let mut properties = publish.properties.clone();
        self.mark.outward(&mut properties)?;
        Ok(Publish {
            topic: topic.into(),
            payload: publish.payload.clone(),
            qos: publish.qos.min(qos),
            retain: publish.retain,
            properties,
            ..Publish::default()
        })
    }
}

impl From<Circle> for Refusal {
    fn from(circle: Circle) -> Self {
        match circle {
            Circle::Seen => Self::Circle,
            Circle::TooManyHops => Self::TooManyHops,
        }
    }
}
