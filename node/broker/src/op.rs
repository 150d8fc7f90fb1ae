//! [`Op`]: one change of the broker's state, and its form in the journal.
//!
//! Live and at a replay the same operations meet the same code ([`crate::store`]), in the same order.

use crate::{
    message::{ClientId, Message, Will, to_text},
    packet::{MessageProperties, PacketId, RetainHandling, SubscribeOptions},
    topic::{Filter, Limits},
};
use aisle_event::{
    Blob, Event, EventType, Text, Unknown,
    mqtt::{
        MqttDelivered, MqttDelivery, MqttPublished, MqttReceived, MqttReleased, MqttSent, MqttSessionClosed,
        MqttSessionEnd, MqttSessionEnded, MqttSessionOpened, MqttSubscribed, MqttSubscription,
        MqttUnsubscribed,
    },
};
use aisle_journal::Entry;
use bytestring::ByteString;
use std::sync::Arc;

/// The name of a message in a session's queue: the record that put it there and, when that is a subscription, the record
/// of the retained message. Later ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct EntryId {
    /// The record's sequence number.
    pub(crate) seq: u64,
    /// 0 for the message that the record is; else the record, of those retained, that the message came with.
    pub(crate) origin: u64,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Op {
    /// A client came in.
    Opened {
        /// Who.
        client: ClientId,
        /// The device that it proved to be.
        device: Option<ByteString>,
        /// Without the session of before.
        clean_start: bool,
        /// How long its session outlives the connection, in seconds; the largest number is for ever.
        expiry_s: u32,
        /// What to publish when it goes without saying so.
        will: Option<Arc<Will>>,
    },
    /// A client went.
    Closed {
        /// Who.
        client: ClientId,
        /// Another expiry.
        expiry_s: Option<u32>,
        /// Its will is not published.
        will_discarded: bool,
        /// The record of the opening that this ends, if that has one. When the client has come back since, nothing happens.
        opened: Option<u64>,
    },
    /// A session is no more.
    Ended {
        /// Whose.
        client: ClientId,
        /// Why.
        reason: MqttSessionEnd,
        /// The record of its last opening, when it is only to end if its client has not come back since.
        opened: Option<u64>,
    },
    /// A message came.
    Published {
        /// From whom.
        client: ClientId,
        /// Which.
        message: Arc<Message>,
        /// Its identifier, until that is released (QoS 2 in a session that is kept).
        packet_id: Option<PacketId>,
        /// It is the client's will, which is thereby used up.
        will: bool,
    },
    /// A client asked for messages.
    Subscribed {
        /// Who.
        client: ClientId,
        /// Sent back with each message.
        id: Option<u32>,
        /// What was granted.
        filters: Vec<(Filter, SubscribeOptions)>,
    },
    /// A client asked for no more messages.
    Unsubscribed {
        /// Who.
        client: ClientId,
        /// Which.
        filters: Vec<Filter>,
    },
    /// A publisher released QoS 2 messages.
    Released {
        /// Who.
        client: ClientId,
        /// Their identifiers.
        packet_ids: Vec<PacketId>,
    },
    /// QoS 2 messages are about to be sent under these identifiers.
    Sent {
        /// To whom.
        client: ClientId,
        /// Which.
        deliveries: Vec<(EntryId, PacketId)>,
    },
    /// A subscriber has QoS 2 messages.
    Received {
        /// Who.
        client: ClientId,
        /// Which.
        deliveries: Vec<EntryId>,
    },
    /// Messages leave a session's queue.
    Delivered {
        /// Whose.
        client: ClientId,
        /// Which.
        deliveries: Vec<EntryId>,
    },
}

impl Op {
    /// Its form in the journal.
    pub(crate) fn entry(&self) -> Entry {
        let event = self.event();
        Entry { kind: event.kind().0, payload: event.encode() }
    }

    fn event(&self) -> Event {
        let unknown = Unknown::default();
        match self {
            Self::Opened { client, device, clean_start, expiry_s, will } => MqttSessionOpened {
                client: to_text(client),
                device: device.as_ref().map(to_text),
                clean_start: *clean_start,
                expiry_s: *expiry_s,
                will: will.as_ref().map(|will| will.to_event()),
                unknown,
            }
            .into(),
            Self::Closed { client, expiry_s, will_discarded, opened } => MqttSessionClosed {
                client: to_text(client),
                expiry_s: *expiry_s,
                will_discarded: *will_discarded,
                opened: *opened,
                unknown,
            }
            .into(),
            Self::Ended { client, reason, opened } => {
                MqttSessionEnded { client: to_text(client), reason: *reason, opened: *opened, unknown }.into()
            }
            Self::Published { client, message, packet_id, will } => {
                published(client, message, *packet_id, *will).into()
            }
            Self::Subscribed { client, id, filters } => {
                let filters = filters.iter().map(|(filter, options)| subscription(filter, *options));
                MqttSubscribed { client: to_text(client), id: *id, filters: filters.collect(), unknown }
                    .into()
            }
            Self::Unsubscribed { client, filters } => {
                let filters = filters.iter().map(|filter| text(filter.text())).collect();
                MqttUnsubscribed { client: to_text(client), filters, unknown }.into()
            }
            Self::Released { client, packet_ids } => {
                let packet_ids = packet_ids.iter().map(|id| id.get()).collect();
                MqttReleased { client: to_text(client), packet_ids, unknown }.into()
            }
            Self::Sent { client, deliveries } => {
                let deliveries = deliveries.iter().map(|(entry, id)| delivery(*entry, Some(*id))).collect();
                MqttSent { client: to_text(client), deliveries, unknown }.into()
            }
            Self::Received { client, deliveries } => {
                let deliveries = deliveries.iter().map(|entry| delivery(*entry, None)).collect();
                MqttReceived { client: to_text(client), deliveries, unknown }.into()
            }
            Self::Delivered { client, deliveries } => {
                let deliveries = deliveries.iter().map(|entry| delivery(*entry, None)).collect();
                MqttDelivered { client: to_text(client), deliveries, unknown }.into()
            }
        }
    }

    /// Reads a record. `None` when it is none of the broker's.
    ///
    /// # Errors
    /// When it is the broker's and does not decode; the text says why.
    pub(crate) fn of_record(kind: u16, payload: &[u8], recorded_ms: u64) -> Result<Option<Self>, String> {
        let event = match Event::decode(EventType(kind), payload) {
            Ok(event) => event,
            Err(error) => return Err(error.to_string()),
        };
        Ok(Some(match event {
            Event::MqttSessionOpened(e) => Self::Opened {
                client: e.client.into_inner(),
                device: e.device.map(Text::into_inner),
                clean_start: e.clean_start,
                expiry_s: e.expiry_s,
                will: e.will.map(|will| Arc::new(Will::from_event(&will))),
            },
            Event::MqttSessionClosed(e) => Self::Closed {
                client: e.client.into_inner(),
                expiry_s: e.expiry_s,
                will_discarded: e.will_discarded,
                opened: e.opened,
            },
            Event::MqttSessionEnded(e) => {
                Self::Ended { client: e.client.into_inner(), reason: e.reason, opened: e.opened }
            }
            Event::MqttPublished(e) => {
                let (packet_id, will) = (e.packet_id.and_then(PacketId::new), e.will == Some(true));
                let client = e.client.clone().into_inner();
                Self::Published { client, message: Arc::new(message(e, recorded_ms)), packet_id, will }
            }
            Event::MqttSubscribed(e) => Self::Subscribed {
                client: e.client.into_inner(),
                id: e.id,
                filters: e.filters.iter().map(granted).collect::<Result<_, _>>()?,
            },
            Event::MqttUnsubscribed(e) => Self::Unsubscribed {
                client: e.client.into_inner(),
                filters: e.filters.iter().map(|filter| parsed(filter)).collect::<Result<_, _>>()?,
            },
            Event::MqttReleased(e) => Self::Released {
                client: e.client.into_inner(),
                packet_ids: e.packet_ids.into_iter().filter_map(PacketId::new).collect(),
            },
            Event::MqttSent(e) => Self::Sent {
                client: e.client.into_inner(),
                deliveries: e
                    .deliveries
                    .iter()
                    .filter_map(|each| Some((entry_id(each), PacketId::new(each.packet_id?)?)))
                    .collect(),
            },
            Event::MqttReceived(e) => Self::Received {
                client: e.client.into_inner(),
                deliveries: e.deliveries.iter().map(entry_id).collect(),
            },
            Event::MqttDelivered(e) => Self::Delivered {
                client: e.client.into_inner(),
                deliveries: e.deliveries.iter().map(entry_id).collect(),
            },
            _ => return Ok(None),
        }))
    }
}

/// The record types of the broker, 0x0500 to 0x05ff; others need not be decoded.
pub(crate) const fn is_broker_kind(kind: u16) -> bool {
    kind >> 8 == 0x05
}

pub(crate) fn published(
    client: &ClientId,
    message: &Message,
    packet_id: Option<PacketId>,
    will: bool,
) -> MqttPublished {
    MqttPublished {
        topic: to_text(&message.topic),
        payload: Blob(message.payload.clone()),
        qos: message.qos.into(),
        retain: message.retain,
        client: to_text(client),
        packet_id: packet_id.map(PacketId::get),
        properties: message.properties.to_event(),
        will: will.then_some(true),
        unknown: Unknown::default(),
    }
}

pub(crate) fn message(event: MqttPublished, received_ms: u64) -> Message {
    Message {
        qos: event.qos.into(),
        retain: event.retain,
        properties: MessageProperties::from_event(event.properties.as_ref()),
        topic: event.topic.into_inner(),
        payload: event.payload.0,
        received_ms,
    }
}

pub(crate) fn subscription(filter: &Filter, options: SubscribeOptions) -> MqttSubscription {
    let handling = match options.retain_handling {
        RetainHandling::Send => 0,
        RetainHandling::SendIfNew => 1,
        RetainHandling::DoNotSend => 2,
    };
    let bits = u16::from(options.no_local) | u16::from(options.retain_as_published) << 1 | handling << 2;
    MqttSubscription {
        filter: text(filter.text()),
        qos: options.qos.into(),
        options: bits,
        unknown: Unknown::default(),
    }
}

pub(crate) fn granted(event: &MqttSubscription) -> Result<(Filter, SubscribeOptions), String> {
    let options = SubscribeOptions {
        qos: event.qos.into(),
        no_local: event.options & 1 != 0,
        retain_as_published: event.options & 2 != 0,
        retain_handling: match event.options >> 2 {
            0 => RetainHandling::Send,
            1 => RetainHandling::SendIfNew,
            _ => RetainHandling::DoNotSend,
        },
    };
    Ok((parsed(&event.filter)?, options))
}

/// A filter that was granted once, whatever the bounds are now.
pub(crate) fn parsed(text: &str) -> Result<Filter, String> {
    const ANY: Limits = Limits { levels_max: usize::MAX, bytes_max: usize::MAX };
    Filter::parse(text, &ANY).map_err(|error| error.to_string())
}

fn text(text: &str) -> Text {
    Text::new(text).unwrap_or_default()
}

fn delivery(entry: EntryId, packet_id: Option<PacketId>) -> MqttDelivery {
    MqttDelivery {
        seq: entry.seq,
        origin: (entry.origin > 0).then_some(entry.origin),
        packet_id: packet_id.map(PacketId::get),
        unknown: Unknown::default(),
    }
}

fn entry_id(event: &MqttDelivery) -> EntryId {
    EntryId { seq: event.seq, origin: event.origin.unwrap_or(0) }
}
