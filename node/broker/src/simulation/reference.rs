//! What must be so, kept in the simplest way: lists, and a look at every filter.

use super::client::Client;
use crate::{
    message::Message,
    op::{EntryId, Op},
    packet::{QoS, RetainHandling, SubscribeOptions},
    session::FOR_EVER_S,
    store::Store,
};
use aisle_event::mqtt::MqttSessionEnd;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(crate) struct Kept {
    expiry_s: u32,
    connected: bool,
    opened: Option<u64>,
    closed_ms: u64,
    will: Option<Bytes>,
    subscriptions: BTreeMap<String, (SubscribeOptions, Option<u32>)>,
    inbound: BTreeSet<u16>,
    entries: BTreeMap<EntryId, Entry>,
}

#[derive(Debug)]
struct Entry {
    message: Message,
    qos: QoS,
}

/// How far a will is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WillState {
    /// Its client is there, or its end is not on disk.
    Armed,
    /// It must be published, at this time or soon after.
    Waits {
        due_ms: u64,
    },
    /// Its session ended before it was due: it must be published.
    Owed,
    /// Its client came back at about the time when it was due.
    Either,
    Fired,
    Discarded,
}

#[derive(Debug, Default)]
pub(crate) struct Reference {
    sessions: BTreeMap<String, Kept>,
    retained: BTreeMap<String, (u64, Message)>,
    wills: BTreeMap<Bytes, (WillState, u32)>,
    /// How often each message was committed.
    committed: BTreeMap<Bytes, usize>,
    /// Who shares the message that was published last, by filter.
    sharers: BTreeMap<String, Vec<String>>,
}

impl Reference {
    pub(crate) fn is_committed(&self, payload: &Bytes) -> bool {
        self.committed.contains_key(payload)
    }

    /// An operation happens. `clients` say what they have acknowledged.
    pub(crate) fn apply(&mut self, op: &Op, seq: Option<u64>, now_ms: u64, clients: &mut [Client]) {
        self.sharers.clear();
        match op {
            Op::Opened { client, clean_start, expiry_s, will, .. } => {
                let before = self.sessions.remove(&**client);
                let goes_on = !clean_start && before.as_ref().is_some_and(|before| before.expiry_s > 0);
                if let Some(payload) = before.as_ref().and_then(|before| before.will.clone()) {
                    if goes_on {
                        self.cancel(&payload, now_ms);
                    } else if let Some((state, _)) = self.wills.get_mut(&payload) {
                        *state = WillState::Owed;
                    }
                }
                let mut session = before.filter(|_| goes_on).unwrap_or_default();
                session.will = will.as_ref().map(|will| will.message.payload.clone());
                if let Some(will) = will {
                    let state = (WillState::Armed, will.delay_s);
                    self.wills.insert(will.message.payload.clone(), state);
                }
                (session.expiry_s, session.connected, session.opened) = (*expiry_s, true, seq);
                self.sessions.insert(client.to_string(), session);
            }
            Op::Closed { client, expiry_s, will_discarded, opened } => {
                let Some(session) = self.sessions.get_mut(&**client) else { return };
                if opened.is_some() && session.opened != *opened || !session.connected {
                    return;
                }
                session.expiry_s = expiry_s.unwrap_or(session.expiry_s);
                (session.connected, session.closed_ms) = (false, now_ms);
                if let Some(payload) = session.will.clone() {
                    let (state, delay_s) = self.wills.get_mut(&payload).unwrap();
                    if *will_discarded {
                        *state = WillState::Discarded;
                        session.will = None;
                    } else if *state == WillState::Armed {
                        assert!(session.expiry_s > 0, "{client}: its session ended without its will");
                        let wait_s = (*delay_s).min(session.expiry_s);
                        *state = WillState::Waits { due_ms: now_ms + u64::from(wait_s) * 1000 };
                    }
                }
                if session.expiry_s == 0 {
                    self.sessions.remove(&**client);
                }
            }
            Op::Ended { client, reason, opened } => {
                let Some(session) = self.sessions.get(&**client) else { return };
                if opened.is_some() && session.opened != *opened {
                    return;
                }
                if *reason == MqttSessionEnd::Expired {
                    assert!(!session.connected, "{client}: its session ended while it was there");
                    assert_ne!(session.expiry_s, FOR_EVER_S, "{client}: it was to be kept for ever");
                    let ends_ms = session.closed_ms + u64::from(session.expiry_s) * 1000;
                    assert!(ends_ms <= now_ms, "{client}: its session ended too soon");
                }
                self.sessions.remove(&**client);
            }
            Op::Published { client, message, packet_id, will } => {
                if *will && !self.fires(client, message, now_ms) {
                    return;
                }
                if let Some((state, _)) = self.wills.get_mut(&message.payload).filter(|_| !*will) {
                    let owed = matches!(state, WillState::Owed | WillState::Either);
                    assert!(owed, "{client}: its will came again, {state:?}");
                    *state = WillState::Fired;
                }
                self.publish(seq, client, message);
                if let (Some(id), Some(session)) = (packet_id, self.sessions.get_mut(&**client)) {
                    session.inbound.insert(id.get());
                }
            }
            Op::Subscribed { client, id, filters } => {
                let Some(session) = self.sessions.get_mut(&**client) else { return };
                for (filter, options) in filters {
                    let new = session.subscriptions.insert(filter.text().into(), (*options, *id)).is_none();
                    let wanted = match options.retain_handling {
                        RetainHandling::Send => true,
                        RetainHandling::SendIfNew => new,
                        RetainHandling::DoNotSend => false,
                    };
                    if !wanted || filter.share().is_some() {
                        continue;
                    }
                    for (topic, (origin, message)) in &self.retained {
                        let qos = message.qos.min(options.qos);
                        if !matches(filter.text(), topic) || qos == QoS::AtMostOnce {
                            continue;
                        }
                        let (Some(seq), origin) = (seq, *origin) else { continue };
                        let entry = session.entries.entry(EntryId { seq, origin });
                        let entry = entry.or_insert(Entry { message: message.clone(), qos });
                        entry.qos = entry.qos.max(qos);
                    }
                }
            }
            Op::Unsubscribed { client, filters } => {
                let Some(session) = self.sessions.get_mut(&**client) else { return };
                for filter in filters {
                    session.subscriptions.remove(filter.text());
                }
            }
            Op::Released { client, packet_ids } => {
                let Some(session) = self.sessions.get_mut(&**client) else { return };
                for id in packet_ids {
                    session.inbound.remove(&id.get());
                }
            }
            Op::Delivered { client, deliveries } => {
                let Some(session) = self.sessions.get_mut(&**client) else { return };
                let who = clients.iter_mut().find(|each| each.name == **client).unwrap();
                for id in deliveries {
                    let Some(entry) = session.entries.remove(id) else { continue };
                    let count = who.acknowledged.get_mut(&entry.message.payload).filter(|count| **count > 0);
                    match count {
                        Some(count) => *count -= 1,
                        None => assert!(
                            entry.message.expired(now_ms),
                            "{client}: {:?} left the queue and was never acknowledged",
                            entry.message
                        ),
                    }
                }
            }
            Op::Sent { .. } | Op::Received { .. } => {}
        }
    }

    /// A client comes back, and its will is not published any more, unless it was due.
    fn cancel(&mut self, payload: &Bytes, now_ms: u64) {
        let Some((state, _)) = self.wills.get_mut(payload) else { return };
        *state = match *state {
            WillState::Waits { due_ms } if now_ms < due_ms => WillState::Discarded,
            WillState::Waits { .. } | WillState::Armed => WillState::Either,
            other => other,
        };
    }

    fn fires(&mut self, client: &str, message: &Message, now_ms: u64) -> bool {
        let Some(session) = self.sessions.get_mut(client) else { return false };
        if session.will.as_ref() != Some(&message.payload) {
            return false;
        }
        session.will = None;
        let (state, _) = self.wills.get_mut(&message.payload).unwrap();
        match *state {
            WillState::Armed | WillState::Either => {}
            WillState::Waits { due_ms } => assert!(due_ms <= now_ms, "{client}: its will came too soon"),
            WillState::Owed | WillState::Fired | WillState::Discarded => {
                panic!("{client}: its will came though {state:?}")
            }
        }
        *state = WillState::Fired;
        true
    }

    fn publish(&mut self, seq: Option<u64>, from: &str, message: &Message) {
        let times = self.committed.entry(message.payload.clone()).or_default();
        *times += 1;
        let once = message.qos == QoS::ExactlyOnce && !message.payload.is_empty();
        assert!(!once || *times == 1, "{:?} was taken twice", message.payload);
        let Some(seq) = seq else { return };
        if message.retain {
            if message.payload.is_empty() {
                self.retained.remove(&*message.topic);
            } else {
                self.retained.insert(message.topic.to_string(), (seq, message.clone()));
            }
        }
        for (client, session) in &mut self.sessions {
            let mut highest = QoS::AtMostOnce;
            for (filter, (options, _)) in &session.subscriptions {
                let pattern = filter.strip_prefix("$share/g/").unwrap_or(filter);
                if !matches(pattern, &message.topic) || options.no_local && client == from {
                    continue;
                }
                if pattern == filter {
                    highest = highest.max(options.qos);
                } else if options.qos.min(message.qos) > QoS::AtMostOnce {
                    self.sharers.entry(filter.clone()).or_default().push(client.clone());
                }
            }
            let qos = message.qos.min(highest);
            if qos > QoS::AtMostOnce {
                let entry = Entry { message: message.clone(), qos };
                session.entries.insert(EntryId { seq, origin: 0 }, entry);
            }
        }
    }

    /// The store is as it must be. `whole` when nothing may have been dropped.
    pub(crate) fn check(&mut self, store: &Store, seq: Option<u64>, whole: bool) {
        let retained: Vec<_> = store.retained.iter().map(|(topic, (seq, _))| (topic, *seq)).collect();
        let mut expected: Vec<_> =
            self.retained.iter().map(|(topic, (seq, _))| (topic.clone(), *seq)).collect();
        expected.sort_by_key(|(topic, _)| topic.replace('/', "\0"));
        assert_eq!(retained, expected, "what is retained");
        if whole {
            self.check_sharers(store, seq);
        }
        for session in store.sessions.values().filter(|session| session.kept()) {
            let kept = self.sessions.get(&*session.client).expect("a session that is there should not be");
            let name = &session.client;
            assert_eq!(session.expiry_s, kept.expiry_s, "{name}: how long it is kept");
            assert_eq!(session.connected, kept.connected, "{name}: whether it is there");
            let subscribed: BTreeMap<String, _> = session
                .subscriptions
                .iter()
                .map(|(filter, how)| (filter.text().to_owned(), (how.options, how.id)))
                .collect();
            assert_eq!(subscribed, kept.subscriptions, "{name}: its subscriptions");
            let inbound: BTreeSet<u16> = session.inbound.iter().map(|id| id.get()).collect();
            assert_eq!(inbound, kept.inbound, "{name}: what it has to release");
            assert!(session.queue.iter().is_sorted_by(|a, b| a.id < b.id), "{name}: a queue out of order");
            let in_queue: usize = session.queue.iter().map(|queued| queued.message.bytes()).sum();
            assert_eq!(session.queue_bytes, in_queue, "{name}: what its queue counts for");
            if whole && session.opened.is_some() {
                // A message that no record made is in no replay, and not promised.
                let recorded = |id: EntryId| id.origin == 0 || id.seq > id.origin;
                let queue: Vec<_> = session
                    .queue
                    .iter()
                    .map(|each| (each.id, each.qos))
                    .filter(|each| recorded(each.0))
                    .collect();
                let must: Vec<_> = kept.entries.iter().map(|(id, entry)| (*id, entry.qos)).collect();
                assert_eq!(queue, must, "{name}: its queue");
            }
        }
        for (name, kept) in self.sessions.iter().filter(|(_, kept)| kept.expiry_s > 0) {
            assert!(store.session_of(name).is_some(), "{name}: its session {kept:?} is lost");
        }
    }

    /// Of those who share a message, one has it.
    fn check_sharers(&mut self, store: &Store, seq: Option<u64>) {
        let Some(seq) = seq else { return };
        let id = EntryId { seq, origin: 0 };
        let has =
            |client: &String| store.session_of(client).is_some_and(|session| session.position(id).is_some());
        for (filter, sharers) in std::mem::take(&mut self.sharers) {
            assert!(sharers.iter().any(has), "{filter}: none of {sharers:?} has the message");
            for client in sharers.iter().filter(|client| has(client)) {
                let session = store.session_of(client).unwrap();
                let queued = session.position(id).and_then(|at| session.queue.get(at)).unwrap();
                let entry = Entry { message: Message::clone(&queued.message), qos: queued.qos };
                self.sessions.get_mut(client).unwrap().entries.insert(id, entry);
            }
        }
    }

    /// The node went down. Sessions that nothing on disk knows of are gone.
    pub(crate) fn power_cut(&mut self) {
        self.sessions.retain(|_, session| session.opened.is_some());
        // What was owed may have been lost with the power.
        for (state, _) in self.wills.values_mut().filter(|(state, _)| *state == WillState::Owed) {
            *state = WillState::Either;
        }
        // Of what a session did that was not to be kept, there is no record; it ends now.
        for session in self.sessions.values_mut().filter(|session| session.expiry_s == 0) {
            session.subscriptions.clear();
            session.entries.clear();
        }
    }

    /// Everybody has taken everything.
    pub(crate) fn nothing_waits(&self) {
        for (name, session) in self.sessions.iter().filter(|(_, session)| session.expiry_s > 0) {
            assert!(session.entries.is_empty(), "{name}: {:?} never came", session.entries);
        }
    }

    /// Everybody is gone for good: every will is settled.
    pub(crate) fn is_over(&self) {
        for (payload, (state, _)) in &self.wills {
            let settled = !matches!(state, WillState::Armed | WillState::Waits { .. } | WillState::Owed);
            assert!(settled, "the will {payload:?} is {state:?} in the end");
        }
    }
}

/// The rules of 4.7, one level after the other.
fn matches(filter: &str, topic: &str) -> bool {
    fn levels(filter: &[&str], topic: &[&str]) -> bool {
        match (filter, topic) {
            (["#"], _) | ([], []) => true,
            (["+", filter @ ..], [_, topic @ ..]) => levels(filter, topic),
            ([a, filter @ ..], [b, topic @ ..]) => a == b && levels(filter, topic),
            _ => false,
        }
    }
    let hidden = topic.starts_with('$') && filter.starts_with(['+', '#']);
    !hidden && levels(&filter.split('/').collect::<Vec<_>>(), &topic.split('/').collect::<Vec<_>>())
}
