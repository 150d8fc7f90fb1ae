//! The store as bytes, for a checkpoint.
//!
//! Sessions, subscriptions and messages are written as the events that would make them, so there is one form of each on
//! disk; a message that waits in many queues is written once.
//!
//! Not here: files (`aisle_state::snapshot_file`).
//! Guards invariant 2: an image only saves the replay of the records before it.

use crate::{
    clock::Timeline,
    config::Limits,
    message::{Message, Will, to_text},
    op::{self, EntryId},
    packet::{PacketId, QoS},
    session::{Flight, Queued, Session, SessionKey, Stage, Subscription},
    store::Store,
};
use aisle_event::{
    Unknown,
    mqtt::{MqttPublished, MqttSessionOpened, MqttSubscribed},
};
use bytestring::ByteString;
use minicbor::{Decoder, Encoder, decode::Error};
use rustc_hash::FxHashMap;
use std::sync::{Arc, atomic::Ordering};

/// The version of what the bytes mean.
pub(crate) const LAYOUT: u32 = 3;

/// What a checkpoint holds, taken from the store in little time: messages are shared, not copied.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) applied: u64,
    /// The broker's time then.
    time_ms: u64,
    retained: Vec<(u64, Arc<Message>)>,
    sessions: Vec<Session>,
    /// Whose turn it is in each shared subscription.
    turns: Vec<(String, u64)>,
}

impl Image {
    pub(crate) fn of(store: &Store) -> Self {
        let mut sessions: Vec<Session> =
            store.sessions.values().filter(|session| session.opened.is_some()).cloned().collect();
        sessions.sort_unstable_by_key(|session| session.key);
        let shared = sessions.iter().flat_map(|session| session.subscriptions.keys());
        let mut turns: Vec<(String, u64)> = shared
            .filter_map(|filter| {
                Some((filter.text().to_owned(), store.tree.turn(filter)?.load(Ordering::Relaxed)))
            })
            .collect();
        turns.sort_unstable();
        turns.dedup();
        Self {
            applied: store.applied,
            time_ms: store.time_ms,
            retained: store.retained.iter().map(|(_, (seq, message))| (*seq, message.clone())).collect(),
            sessions,
            turns,
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut messages: Vec<&Arc<Message>> = Vec::new();
        let mut numbers: FxHashMap<*const Message, u64> = FxHashMap::default();
        let queued =
            self.sessions.iter().flat_map(|session| session.queue.iter().map(|queued| &queued.message));
        for message in self.retained.iter().map(|(_, message)| message).chain(queued) {
            numbers.entry(Arc::as_ptr(message)).or_insert_with(|| {
                messages.push(message);
                messages.len() as u64 - 1
            });
        }
        let number = |message: &Arc<Message>| numbers.get(&Arc::as_ptr(message)).copied().unwrap_or_default();
        let mut bytes = Vec::new();
        // Writing to a `Vec` has no way to fail.
        let _ = self.write(&mut Encoder::new(&mut bytes), &messages, number);
        bytes
    }

    fn write(
        &self,
        out: &mut Encoder<&mut Vec<u8>>,
        messages: &[&Arc<Message>],
        number: impl Fn(&Arc<Message>) -> u64,
    ) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
        out.u64(self.time_ms)?.array(messages.len() as u64)?;
        for message in messages {
            let event = op::published(&ByteString::new(), message, None, false);
            out.array(2)?.u64(message.received_ms)?.encode(&event)?;
        }
        out.array(self.retained.len() as u64)?;
        for (seq, message) in &self.retained {
            out.array(2)?.u64(*seq)?.u64(number(message))?;
        }
        out.array(self.sessions.len() as u64)?;
        for session in &self.sessions {
            out.array(8)?.u64(session.key.0)?.encode(opened(session))?.encode(session.opened)?;
            out.bool(session.connected)?.u64(session.closed_ms)?;
            out.array(session.subscriptions.len() as u64)?;
            for (filter, subscription) in &session.subscriptions {
                out.encode(MqttSubscribed {
                    client: to_text(&ByteString::new()),
                    id: subscription.id,
                    filters: vec![op::subscription(filter, subscription.options)],
                    unknown: Unknown::default(),
                })?;
            }
            out.array(session.inbound.len() as u64)?;
            for packet_id in &session.inbound {
                out.u16(packet_id.get())?;
            }
            out.array(session.queue.len() as u64)?;
            for queued in &session.queue {
                let stage = match queued.stage {
                    Stage::Waiting => 0,
                    Stage::Sent(_) => 1,
                    Stage::Received(_) => 2,
                };
                // An identifier of QoS 2 that is still on its way to the journal is not known yet.
                let known = queued.qos == QoS::AtLeastOnce || queued.stage != Stage::Waiting;
                let packet_id = queued.packet_id.filter(|_| known).map_or(0, PacketId::get);
                let dup = queued.dup || known && queued.packet_id.is_some();
                out.array(9)?.u64(queued.id.seq)?.u64(queued.id.origin)?.u64(number(&queued.message))?;
                out.u8(queued.qos as u8)?.bool(queued.retain)?.u8(stage)?.u16(packet_id)?.bool(dup)?;
                out.array(queued.subscription_ids.len() as u64)?;
                for id in &queued.subscription_ids {
                    out.u32(*id)?;
                }
            }
        }
        out.array(self.turns.len() as u64)?;
        for (filter, turn) in &self.turns {
            out.array(2)?.str(filter)?.u64(*turn)?;
        }
        Ok(())
    }
}

fn opened(session: &Session) -> MqttSessionOpened {
    MqttSessionOpened {
        client: to_text(&session.client),
        device: session.device.as_ref().map(to_text),
        clean_start: false,
        expiry_s: session.expiry_s,
        will: session.will.as_ref().map(|will| will.to_event()),
        unknown: Unknown::default(),
    }
}

/// Makes the store that an image was taken of.
///
/// # Errors
/// When the bytes are none.
pub(crate) fn decode(bytes: &[u8], applied: u64, limits: Limits) -> Result<Store, Error> {
    let mut input = Decoder::new(bytes);
    let mut store = Store::new(limits);
    store.applied = applied;
    store.time_ms = input.u64()?;
    let mut messages: Vec<Arc<Message>> = Vec::new();
    for _ in 0..array(&mut input)? {
        fixed(&mut input, 2)?;
        let received_ms = input.u64()?;
        messages.push(Arc::new(op::message(input.decode::<MqttPublished>()?, received_ms)));
    }
    let message = |number: u64| {
        let message = usize::try_from(number).ok().and_then(|number| messages.get(number));
        message.cloned().ok_or_else(|| Error::message("a message is missing"))
    };
    for _ in 0..array(&mut input)? {
        fixed(&mut input, 2)?;
        let seq = input.u64()?;
        store.restore_retained(seq, &message(input.u64()?)?);
    }
    for _ in 0..array(&mut input)? {
        let session = session(&mut input, message)?;
        store.restore(session);
    }
    for _ in 0..array(&mut input)? {
        fixed(&mut input, 2)?;
        let (text, turn) = (input.str()?, input.u64()?);
        if let Some(place) = op::parsed(text).ok().as_ref().and_then(|filter| store.tree.turn(filter)) {
            place.store(turn, Ordering::Relaxed);
        }
    }
    if input.position() != bytes.len() {
        return Err(Error::message("something follows the end"));
    }
    Ok(store)
}

fn session(
    input: &mut Decoder<'_>,
    message: impl Fn(u64) -> Result<Arc<Message>, Error>,
) -> Result<Session, Error> {
    fixed(input, 8)?;
    let key = SessionKey(input.u64()?);
    let opened: MqttSessionOpened = input.decode()?;
    let mut session = Session::new(key, opened.client.into_inner());
    session.device = opened.device.map(aisle_event::Text::into_inner);
    session.expiry_s = opened.expiry_s;
    session.will = opened.will.map(|will| Arc::new(Will::from_event(&will)));
    session.opened = input.decode()?;
    session.connected = input.bool()?;
    session.closed_ms = input.u64()?;
    for _ in 0..array(input)? {
        let subscribed: MqttSubscribed = input.decode()?;
        for each in &subscribed.filters {
            let (filter, options) = op::granted(each).map_err(Error::message)?;
            session.subscriptions.insert(filter, Subscription { options, id: subscribed.id });
        }
    }
    for _ in 0..array(input)? {
        session.inbound.extend(PacketId::new(input.u16()?));
    }
    for _ in 0..array(input)? {
        fixed(input, 9)?;
        let id = EntryId { seq: input.u64()?, origin: input.u64()? };
        let message = message(input.u64()?)?;
        let qos = QoS::from_u8(input.u8()?).ok_or_else(|| Error::message("a QoS that is none"))?;
        let (retain, stage, packet_id) = (input.bool()?, input.u8()?, PacketId::new(input.u16()?));
        let dup = input.bool()?;
        let stage = match (stage, packet_id) {
            (0, _) => Stage::Waiting,
            (1, Some(packet_id)) => Stage::Sent(packet_id),
            (2, Some(packet_id)) => Stage::Received(packet_id),
            _ => return Err(Error::message("a stage that is none")),
        };
        let mut subscription_ids = Vec::new();
        for _ in 0..array(input)? {
            subscription_ids.push(input.u32()?);
        }
        let flight = Flight::Ground;
        session.push(Queued { id, message, qos, retain, subscription_ids, stage, flight, packet_id, dup });
    }
    Ok(session)
}

fn array(input: &mut Decoder<'_>) -> Result<u64, Error> {
    input.array()?.ok_or_else(|| Error::message("a list without a length"))
}

fn fixed(input: &mut Decoder<'_>, fields: u64) -> Result<(), Error> {
    if array(input)? == fields { Ok(()) } else { Err(Error::message("a record of another length")) }
}

/// Applies the records of a journal that come after `applied`. Of others only the time is noted.
pub(crate) fn replay(
    store: &mut Store,
    applied: u64,
    timeline: &mut Timeline,
    records: impl Iterator<Item = (u64, u16, u64, bytes::Bytes)>,
) -> Replayed {
    let mut replayed = Replayed::default();
    let mut effects = crate::store::Effects::default();
    for (seq, kind, recorded_ms, payload) in records {
        let time_ms = timeline.next(recorded_ms);
        if seq <= applied || !op::is_broker_kind(kind) {
            continue;
        }
        match op::Op::of_record(kind, &payload, time_ms) {
            Ok(Some(op)) => {
                store.apply(Some(seq), time_ms, &op, &mut effects);
                replayed.records += 1;
            }
            Ok(None) => {}
            Err(reason) => {
                tracing::warn!(seq, reason, "a record of the broker does not decode; it is passed over");
                replayed.undecodable += 1;
            }
        }
        effects = crate::store::Effects::default();
    }
    replayed
}

/// What a replay found.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Replayed {
    pub(crate) records: u64,
    pub(crate) undecodable: u64,
}
