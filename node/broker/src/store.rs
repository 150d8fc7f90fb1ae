//! [`Store`]: sessions, subscriptions, queues and retained messages, as the operations so far have made them.
//!
//! A fold: [`Store::apply`] is all that changes it (but for what is forgotten with a connection), it decides nothing by a clock, and
//! what it does to kept sessions depends on nothing but operations. So a replay of the journal makes the same store.
//!
//! Where a shared subscription has members with and without kept sessions, a replay may choose another member than was
//! chosen live; the message is then delivered once more, never lost.
//!
//! Not here: connections and what is sent (`core`), the form of operations in the journal (`op`).

use crate::{
    config::Limits,
    local::is_own,
    message::{ClientId, Message},
    op::{EntryId, Op},
    packet::{QoS, RetainHandling, SubscribeOptions},
    session::{Flight, Queued, Session, SessionKey, Stage, Subscription},
    topic::{Filter, Found, Retained, Subscriptions},
};
use rustc_hash::FxHashMap;
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

/// What an operation did, for those who are connected now.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Sessions whose queues have something new.
    pub touched: Vec<SessionKey>,
    /// QoS 0 messages for clients that are there.
    pub direct: Vec<Direct>,
    /// Messages that found no room in a queue.
    pub dropped: u64,
    /// Messages that had to leave a queue to make room.
    pub pushed_out: Vec<(SessionKey, Queued)>,
    /// Sessions that a message went to.
    pub receivers: usize,
    /// Identifiers that a session no longer needs to keep from its client.
    pub ended: Vec<SessionKey>,
}

/// A QoS 0 delivery.
#[derive(Debug)]
pub(crate) struct Direct {
    pub key: SessionKey,
    pub message: Arc<Message>,
    pub retain: bool,
    pub subscription_ids: Vec<u32>,
}

/// A message for one session.
#[derive(Debug)]
struct Parcel {
    /// Its name in the queue; `None` when no record makes it.
    id: Option<EntryId>,
    qos: QoS,
    message: Arc<Message>,
    retain: bool,
    subscription_ids: Vec<u32>,
}

/// One receiver of a message, with all its subscriptions that match taken together.
#[derive(Debug)]
struct Target {
    key: SessionKey,
    qos: QoS,
    retain_as_published: bool,
    ids: Vec<u32>,
}

/// The state of the broker.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) limits: Limits,
    pub(crate) sessions: FxHashMap<SessionKey, Session>,
    pub(crate) by_client: FxHashMap<ClientId, SessionKey>,
    pub(crate) tree: Subscriptions<SessionKey, Subscription>,
    /// Subscriptions of the node's own parts, which take nobody's place: counted as they come and go, because at every SUBSCRIBE it
    /// is asked.
    own_subscriptions: usize,
    /// With the number of the record that each came from.
    pub(crate) retained: Retained<(u64, Arc<Message>)>,
    pub(crate) retained_bytes: usize,
    /// Bytes in the queues of kept sessions.
    pub(crate) queued_bytes: usize,
    /// The last record that was applied.
    pub(crate) applied: u64,
    /// The broker's time when it was, or later.
    pub(crate) time_ms: u64,
    next_key: u64,
    /// Names queue entries that no record made: of sessions that end with their connection.
    next_origin: u64,
    targets: Vec<Target>,
}

impl Store {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            sessions: FxHashMap::default(),
            by_client: FxHashMap::default(),
            tree: Subscriptions::default(),
            own_subscriptions: 0,
            retained: Retained::default(),
            retained_bytes: 0,
            queued_bytes: 0,
            applied: 0,
            time_ms: 0,
            next_key: 1,
            next_origin: 1,
            targets: Vec::new(),
        }
    }

    pub(crate) fn session_of(&self, client: &str) -> Option<&Session> {
        self.sessions.get(self.by_client.get(client)?)
    }

    pub(crate) fn session_of_mut(&mut self, client: &str) -> Option<&mut Session> {
        self.sessions.get_mut(self.by_client.get(client)?)
    }

    /// Subscriptions of all sessions but those of the node's own parts.
    pub(crate) fn subscriptions(&self) -> usize {
        self.tree.len().saturating_sub(self.own_subscriptions)
    }

    /// Makes an operation happen. `seq` is its record's number; `None` when it has none, because nothing of it is kept.
    pub(crate) fn apply(&mut self, seq: Option<u64>, now_ms: u64, op: &Op, effects: &mut Effects) {
        if let Some(seq) = seq {
            self.applied = seq;
        }
        self.time_ms = self.time_ms.max(now_ms);
        match op {
            Op::Opened { client, device, clean_start, expiry_s, will } => {
                // One that was not to be kept does not go on, whether or not its end was seen.
                if *clean_start || self.session_of(client).is_some_and(|session| !session.kept()) {
                    self.end(client, effects);
                }
                let key = self.session(client);
                self.keep_for(key, *expiry_s);
                let Some(session) = self.sessions.get_mut(&key) else { return };
                session.connected = true;
                session.opened = seq;
                session.device.clone_from(device);
                session.will.clone_from(will);
            }
            Op::Closed { client, expiry_s, will_discarded, opened } => {
                if self.is_of(client, *opened) {
                    self.close(client, *expiry_s, *will_discarded, now_ms, effects);
                }
            }
            Op::Ended { client, opened, .. } => {
                if self.is_of(client, *opened) {
                    self.end(client, effects);
                }
            }
            // A will is published once, and not when its client came back with another one in the meantime.
            Op::Published { client, message, will: true, .. } if !self.has_will(client, message) => {}
            Op::Published { client, message, packet_id, will } => {
                self.publish(seq, client, message, effects);
                if (packet_id.is_some() || *will)
                    && let Some(session) = self.session_of_mut(client)
                {
                    session.inbound.extend(*packet_id);
                    if *will {
                        session.will = None;
                    }
                }
            }
            Op::Subscribed { client, id, filters } => {
                self.subscribe(seq, client, *id, filters, effects);
            }
            Op::Unsubscribed { client, filters } => {
                for filter in filters {
                    self.unsubscribe(client, filter);
                }
            }
            Op::Released { client, packet_ids } => {
                if let Some(session) = self.session_of_mut(client) {
                    for id in packet_ids {
                        session.inbound.remove(id);
                    }
                }
            }
            Op::Sent { client, deliveries } => {
                if let Some(session) = self.session_of_mut(client) {
                    for (id, packet_id) in deliveries {
                        if let Some(queued) = session.entry(*id) {
                            queued.stage = Stage::Sent(*packet_id);
                            queued.packet_id = Some(*packet_id);
                        }
                    }
                }
            }
            Op::Received { client, deliveries } => {
                if let Some(session) = self.session_of_mut(client) {
                    for id in deliveries {
                        if let Some(queued) = session.entry(*id)
                            && let Stage::Sent(packet_id) = queued.stage
                        {
                            queued.stage = Stage::Received(packet_id);
                        }
                    }
                }
            }
            Op::Delivered { client, deliveries } => {
                let Some(session) = self.by_client.get(client).and_then(|key| self.sessions.get_mut(key))
                else {
                    return;
                };
                for id in deliveries {
                    if let Some(queued) = session.remove(*id)
                        && session.kept()
                    {
                        self.queued_bytes = self.queued_bytes.saturating_sub(queued.message.bytes());
                    }
                }
            }
        }
    }

    /// True when a session is still that of an opening. An operation may be late, and the client back already.
    fn is_of(&self, client: &str, opened: Option<u64>) -> bool {
        opened.is_none() || self.session_of(client).is_some_and(|session| session.opened == opened)
    }

    fn has_will(&self, client: &str, message: &Message) -> bool {
        let will = self.session_of(client).and_then(|session| session.will.as_ref());
        will.is_some_and(|will| {
            Message { received_ms: message.received_ms, ..will.message.clone() } == *message
        })
    }

    /// The session of a client, made if it is not there.
    fn session(&mut self, client: &ClientId) -> SessionKey {
        let next = SessionKey(self.next_key);
        let key = *self.by_client.entry(client.clone()).or_insert(next);
        if key == next {
            self.next_key += 1;
            self.sessions.insert(key, Session::new(key, client.clone()));
        }
        key
    }

    /// Sets a session's expiry. What waits in it counts for all queues only while it is kept.
    fn keep_for(&mut self, key: SessionKey, expiry_s: u32) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        let was_kept = session.kept();
        session.expiry_s = expiry_s;
        match (was_kept, session.kept()) {
            (true, false) => self.queued_bytes = self.queued_bytes.saturating_sub(session.queue_bytes),
            (false, true) => self.queued_bytes += session.queue_bytes,
            _ => {}
        }
    }

    fn close(
        &mut self,
        client: &str,
        expiry_s: Option<u32>,
        will_discarded: bool,
        now_ms: u64,
        effects: &mut Effects,
    ) {
        // Once: what comes again, because a full disk had made it late, does not keep the session for longer.
        let Some(key) = self.by_client.get(client).copied() else { return };
        if !self.sessions.get(&key).is_some_and(|session| session.connected) {
            return;
        }
        if let Some(expiry_s) = expiry_s {
            self.keep_for(key, expiry_s);
        }
        let Some(session) = self.sessions.get_mut(&key) else { return };
        session.connected = false;
        session.closed_ms = now_ms;
        if will_discarded {
            session.will = None;
        }
        if !session.kept() {
            self.end(client, effects);
        }
    }

    fn end(&mut self, client: &str, effects: &mut Effects) {
        let Some(key) = self.by_client.remove(client) else { return };
        let Some(session) = self.sessions.remove(&key) else { return };
        if session.kept() {
            self.queued_bytes = self.queued_bytes.saturating_sub(session.queue_bytes);
        }
        if is_own(&session.client) {
            self.own_subscriptions = self.own_subscriptions.saturating_sub(session.subscriptions.len());
        }
        for filter in session.subscriptions.keys() {
            self.tree.remove(filter, &key);
        }
        effects.ended.push(key);
    }

    fn subscribe(
        &mut self,
        seq: Option<u64>,
        client: &ClientId,
        id: Option<u32>,
        filters: &[(Filter, SubscribeOptions)],
        effects: &mut Effects,
    ) {
        let Some(session) = self.by_client.get(client).and_then(|key| self.sessions.get_mut(key)) else {
            return;
        };
        let key = session.key;
        // In the order in which they were published, which is also the order of their names in a queue. One that several
        // filters stand for comes once, as surely as any of them asks.
        let mut found: BTreeMap<u64, (QoS, Arc<Message>)> = BTreeMap::new();
        for (filter, options) in filters {
            let subscription = Subscription { options: *options, id };
            let new = session.subscriptions.insert(filter.clone(), subscription).is_none();
            self.own_subscriptions += usize::from(new && is_own(client));
            self.tree.insert(filter, key, subscription);
            let wanted = match options.retain_handling {
                RetainHandling::Send => true,
                RetainHandling::SendIfNew => new,
                RetainHandling::DoNotSend => false,
            };
            if !wanted || filter.share().is_some() {
                continue;
            }
            self.retained.for_each_match(filter, &mut |_, (origin, message)| {
                let qos = message.qos.min(options.qos);
                let (surest, _) = found.entry(*origin).or_insert_with(|| (qos, message.clone()));
                *surest = qos.max(*surest);
            });
        }
        for (origin, (qos, message)) in found {
            let parcel = Parcel {
                id: seq.map(|seq| EntryId { seq, origin }),
                qos,
                message,
                retain: true,
                subscription_ids: id.into_iter().collect(),
            };
            self.deliver(key, parcel, effects);
        }
    }

    fn unsubscribe(&mut self, client: &str, filter: &Filter) {
        let Some(session) = self.session_of_mut(client) else { return };
        let key = session.key;
        let was_there = session.subscriptions.remove(filter).is_some();
        self.own_subscriptions = self.own_subscriptions.saturating_sub((was_there && is_own(client)).into());
        self.tree.remove(filter, &key);
    }

    fn publish(&mut self, seq: Option<u64>, from: &ClientId, message: &Arc<Message>, effects: &mut Effects) {
        if message.retain {
            self.retain(seq.unwrap_or(self.applied), message);
        }
        let mut targets = std::mem::take(&mut self.targets);
        self.collect(seq.is_some(), from, &message.topic, &mut targets);
        targets.sort_unstable_by_key(|target| target.key);
        // A client with several subscriptions that match gets one message, with the highest QoS and all identifiers (3.3.4).
        targets.dedup_by(|next, first| {
            let same = next.key == first.key;
            if same {
                first.qos = first.qos.max(next.qos);
                first.retain_as_published |= next.retain_as_published;
                first.ids.append(&mut next.ids);
            }
            same
        });
        effects.receivers += targets.len();
        let id = seq.map(|seq| EntryId { seq, origin: 0 });
        for target in targets.drain(..) {
            let parcel = Parcel {
                id,
                qos: message.qos.min(target.qos),
                message: message.clone(),
                retain: message.retain && target.retain_as_published,
                subscription_ids: target.ids,
            };
            self.deliver(target.key, parcel, effects);
        }
        self.targets = targets;
    }

    fn collect(&mut self, recorded: bool, from: &ClientId, topic: &str, targets: &mut Vec<Target>) {
        let Self { tree, sessions, .. } = self;
        let mut add = |key: SessionKey, subscription: &Subscription| {
            let own = subscription.options.no_local
                && sessions.get(&key).is_some_and(|session| session.client == *from);
            if !own {
                targets.push(Target {
                    key,
                    qos: subscription.options.qos,
                    retain_as_published: subscription.options.retain_as_published,
                    ids: subscription.id.into_iter().collect(),
                });
            }
        };
        tree.for_each_match(topic, &mut |found| match found {
            Found::One { key, value } => add(key, value),
            Found::Group { members, turn, .. } => {
                // Those who are there first; the turn goes round among them.
                let there = |key: &SessionKey| sessions.get(key).is_some_and(|session| session.connected);
                let connected = members.keys().filter(|key| there(key)).count();
                // Messages without a record, of which a replay knows nothing, take turns of their own: in the upper half.
                let turn = if recorded {
                    turn.fetch_add(1, Ordering::Relaxed) & u64::from(u32::MAX)
                } else {
                    turn.fetch_add(1 << 32, Ordering::Relaxed) >> 32
                };
                let chosen = if connected > 0 {
                    members.iter().filter(|(key, _)| there(key)).nth((turn % connected as u64) as usize)
                } else {
                    members.iter().nth((turn % members.len().max(1) as u64) as usize)
                };
                if let Some((key, subscription)) = chosen {
                    add(*key, subscription);
                }
            }
        });
    }

    fn deliver(&mut self, key: SessionKey, parcel: Parcel, effects: &mut Effects) {
        let Parcel { id, qos, message, retain, subscription_ids } = parcel;
        let Some(session) = self.sessions.get_mut(&key) else { return };
        if qos == QoS::AtMostOnce {
            if session.connected {
                effects.direct.push(Direct { key, message, retain, subscription_ids });
            }
            return;
        }
        let id = id.unwrap_or_else(|| {
            self.next_origin += 1;
            EntryId { seq: self.applied, origin: self.next_origin }
        });
        let bytes = message.bytes();
        let kept = session.kept();
        let full = |session: &Session, queued_bytes: usize, limits: &Limits| {
            session.queue.len() >= limits.queue_messages_max
                || session.queue_bytes + bytes > limits.queue_bytes_max
                || kept && queued_bytes + bytes > limits.queues_bytes_max
        };
        while full(session, self.queued_bytes, &self.limits) {
            effects.dropped += 1;
            // What is retained can be had again, so it makes no room for itself; nor does a session pay for another one's.
            let own = session.queue.len() >= self.limits.queue_messages_max
                || session.queue_bytes + bytes > self.limits.queue_bytes_max;
            let oldest = session.queue.iter().position(|queued| queued.stage == Stage::Waiting);
            let (true, true, Some(oldest)) = (own, !retain && self.limits.drop_oldest(), oldest) else {
                return;
            };
            if let Some(pushed_out) = session.remove_at(oldest) {
                if kept {
                    self.queued_bytes = self.queued_bytes.saturating_sub(pushed_out.message.bytes());
                }
                effects.pushed_out.push((key, pushed_out));
            }
        }
        if kept {
            self.queued_bytes += bytes;
        }
        session.push(Queued {
            id,
            message,
            qos,
            retain,
            subscription_ids,
            stage: Stage::Waiting,
            flight: Flight::Ground,
            packet_id: None,
            dup: false,
        });
        effects.touched.push(key);
    }

    fn retain(&mut self, seq: u64, message: &Arc<Message>) {
        let old = if message.payload.is_empty() {
            self.retained.remove(&message.topic)
        } else {
            self.retained_bytes += message.bytes();
            self.retained.insert(&message.topic, (seq, message.clone()))
        };
        if let Some((_, old)) = old {
            self.retained_bytes = self.retained_bytes.saturating_sub(old.bytes());
        }
    }

    /// Removes retained messages that are no longer of use.
    pub(crate) fn drop_expired_retained(&mut self, now_ms: u64) {
        let expired: Vec<Arc<Message>> = self
            .retained
            .iter()
            .filter(|(_, (_, message))| message.expired(now_ms))
            .map(|(_, (_, message))| message.clone())
            .collect();
        for message in expired {
            self.retained.remove(&message.topic);
            self.retained_bytes = self.retained_bytes.saturating_sub(message.bytes());
        }
    }

    /// How a filter is subscribed by a client now.
    pub(crate) fn options_of(&self, client: &str, filter: &Filter) -> Option<SubscribeOptions> {
        Some(self.session_of(client)?.subscriptions.get(filter)?.options)
    }

    /// Puts a session in as a checkpoint has it.
    pub(crate) fn restore(&mut self, session: Session) {
        let key = session.key;
        self.next_key = self.next_key.max(key.0 + 1);
        for (filter, subscription) in &session.subscriptions {
            self.tree.insert(filter, key, *subscription);
        }
        if session.kept() {
            self.queued_bytes += session.queue_bytes;
        }
        if is_own(&session.client) {
            self.own_subscriptions += session.subscriptions.len();
        }
        self.by_client.insert(session.client.clone(), key);
        self.sessions.insert(key, session);
    }

    pub(crate) fn restore_retained(&mut self, seq: u64, message: &Arc<Message>) {
        self.retain(seq, message);
    }
}
