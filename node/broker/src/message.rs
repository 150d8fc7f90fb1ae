//! [`Message`]: what was published, shared by everyone it goes to; [`Will`]: what will be, if its client goes without a word.
//!
//! A message owns its bytes: it may wait for days, and must not keep the buffer alive that it was read from.

use crate::packet::{MessageProperties, MessagePropertyValues, Publish, QoS};
use aisle_event::{
    Blob, Text, Unknown,
    mqtt::{MqttProperties, MqttQos, MqttWill},
};
use bytes::Bytes;
use bytestring::ByteString;

/// A client's identifier.
pub(crate) type ClientId = ByteString;

/// A published message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// Where to.
    pub(crate) topic: ByteString,
    /// What.
    pub(crate) payload: Bytes,
    /// How surely its publisher sent it.
    pub(crate) qos: QoS,
    /// Its publisher set the retain flag.
    pub(crate) retain: bool,
    /// What goes with it; `expiry_s` as it was published.
    pub(crate) properties: MessageProperties,
    /// When the broker got it, in milliseconds of the broker's clock.
    pub(crate) received_ms: u64,
}

impl Message {
    /// Takes a message out of its packet, with bytes of its own.
    pub(crate) fn of(publish: &Publish, topic: &str, received_ms: u64) -> Self {
        Self {
            topic: topic.into(),
            payload: Bytes::copy_from_slice(&publish.payload),
            qos: publish.qos,
            retain: publish.retain,
            properties: publish.properties.detached(),
            received_ms,
        }
    }

    /// What it counts for in a bound: its bytes and what it costs to keep.
    pub(crate) fn bytes(&self) -> usize {
        const OVERHEAD: usize = 128;
        let properties = self.properties.0.as_ref().map_or(0, |values| {
            let user: usize = values.user.iter().map(|(name, value)| name.len() + value.len() + 64).sum();
            let text = [&values.content_type, &values.response_topic];
            let text: usize = text.into_iter().flatten().map(|text| text.len()).sum();
            OVERHEAD + user + text + values.correlation_data.as_ref().map_or(0, Bytes::len)
        });
        OVERHEAD + self.topic.len() + self.payload.len() + properties
    }

    /// How long it is still of use, in whole seconds, rounded up: `None` for ever, `Some(0)` no longer.
    pub(crate) fn remaining_s(&self, now_ms: u64) -> Option<u32> {
        let expiry_ms = u64::from(self.properties.0.as_ref()?.expiry_s?) * 1000;
        let left_ms = (self.received_ms + expiry_ms).saturating_sub(now_ms);
        Some(u32::try_from(left_ms.div_ceil(1000)).unwrap_or(u32::MAX))
    }

    /// True when it is no longer of use.
    pub(crate) fn expired(&self, now_ms: u64) -> bool {
        self.remaining_s(now_ms) == Some(0)
    }

    /// What goes with it when it is sent now: its expiry is what is left of it.
    pub(crate) fn properties_at(&self, now_ms: u64) -> MessageProperties {
        let mut properties = self.properties.clone();
        if let Some(values) = properties.0.as_mut() {
            values.expiry_s = self.remaining_s(now_ms);
        }
        properties
    }
}

/// What to publish when a client goes without saying so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Will {
    /// The message; its time is that of its publication.
    pub(crate) message: Message,
    /// How long after the connection ended, in seconds.
    pub(crate) delay_s: u32,
}

impl MessageProperties {
    /// The same with bytes of its own.
    pub(crate) fn detached(&self) -> Self {
        fn text(text: &ByteString) -> ByteString {
            ByteString::from(&**text)
        }
        Self(self.0.as_ref().map(|values| {
            Box::new(MessagePropertyValues {
                is_text: values.is_text,
                expiry_s: values.expiry_s,
                content_type: values.content_type.as_ref().map(text),
                response_topic: values.response_topic.as_ref().map(text),
                correlation_data: values.correlation_data.as_ref().map(|data| Bytes::copy_from_slice(data)),
                user: values.user.iter().map(|(name, value)| (text(name), text(value))).collect(),
            })
        }))
    }

    pub(crate) fn to_event(&self) -> Option<MqttProperties> {
        let values = self.0.as_ref()?;
        Some(MqttProperties {
            text: values.is_text.then_some(true),
            expiry_s: values.expiry_s,
            content_type: values.content_type.as_ref().map(to_text),
            response_topic: values.response_topic.as_ref().map(to_text),
            correlation_data: values.correlation_data.clone().map(Blob),
            user: values.user.iter().flat_map(|(name, value)| [to_text(name), to_text(value)]).collect(),
            unknown: Unknown::default(),
        })
    }

    pub(crate) fn from_event(event: Option<&MqttProperties>) -> Self {
        Self(event.map(|values| {
            Box::new(MessagePropertyValues {
                is_text: values.text == Some(true),
                expiry_s: values.expiry_s,
                content_type: values.content_type.clone().map(Text::into_inner),
                response_topic: values.response_topic.clone().map(Text::into_inner),
                correlation_data: values.correlation_data.clone().map(|blob| blob.0),
                user: values
                    .user
                    .chunks_exact(2)
                    .filter_map(|pair| match pair {
                        [name, value] => Some((name.clone().into_inner(), value.clone().into_inner())),
                        _ => None,
                    })
                    .collect(),
            })
        }))
    }
}

impl Will {
    pub(crate) fn to_event(&self) -> MqttWill {
        MqttWill {
            topic: to_text(&self.message.topic),
            payload: Blob(self.message.payload.clone()),
            qos: self.message.qos.into(),
            retain: self.message.retain,
            delay_s: (self.delay_s > 0).then_some(self.delay_s),
            properties: self.message.properties.to_event(),
            unknown: Unknown::default(),
        }
    }

    pub(crate) fn from_event(event: &MqttWill) -> Self {
        Self {
            message: Message {
                topic: event.topic.clone().into_inner(),
                payload: event.payload.0.clone(),
                qos: event.qos.into(),
                retain: event.retain,
                properties: MessageProperties::from_event(event.properties.as_ref()),
                received_ms: 0,
            },
            delay_s: event.delay_s.unwrap_or(0),
        }
    }
}

/// The text of a packet. It came through a 16-bit length, so it fits.
pub(crate) fn to_text(text: &ByteString) -> Text {
    Text::new(text.clone()).unwrap_or_default()
}

impl From<QoS> for MqttQos {
    fn from(qos: QoS) -> Self {
        match qos {
            QoS::AtMostOnce => Self::AtMostOnce,
            QoS::AtLeastOnce => Self::AtLeastOnce,
            QoS::ExactlyOnce => Self::ExactlyOnce,
        }
    }
}

impl From<MqttQos> for QoS {
    fn from(qos: MqttQos) -> Self {
        match qos {
            MqttQos::AtMostOnce => Self::AtMostOnce,
            MqttQos::AtLeastOnce => Self::AtLeastOnce,
            MqttQos::ExactlyOnce => Self::ExactlyOnce,
        }
    }
}
