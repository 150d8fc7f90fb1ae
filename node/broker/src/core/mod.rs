//! [`Core`]: the store with the clients that are there now. Steps come in, packets go out; no socket, no clock, no disk.
//!
//! A step is an operation with what follows from it. One that must survive is applied after its commit, in the order of
//! the journal; what the core itself finds necessary (a will that is due, a delivery that is over) it gives back as
//! operations to submit.
//!
//! Not here: the rules of one connection (`connection`), bytes (`packet`), waiting (`sequence`).
//! Guards invariant 1: an answer leaves only in [`Core::done`], which is called after the commit.

mod ack;
mod link;
mod pump;
mod retaining;
mod time;
mod view;

pub(crate) use ack::SubscriberAck;
pub(crate) use link::{ConnId, Link};
pub use view::{ClientView, Overview, RetainedView, SessionView, SubscriptionView};

use crate::{
    config::Limits,
    message::{ClientId, Message},
    op::{EntryId, Op},
    packet::{Ack, Connack, Packet, PacketId, QoS, Reason, Suback, Version},
    session::{Flight, SessionKey, Stage},
    store::{Direct, Effects, Store},
    topic::{Filter, Retained},
};
use rustc_hash::{FxHashMap, FxHashSet};
use std::{collections::BTreeSet, sync::Arc};

/// Something to do, and what follows from it.
#[derive(Debug)]
pub(crate) struct Step {
    /// What changes.
    pub op: Option<Op>,
    /// It has to be in the journal first.
    pub durable: bool,
    /// What follows.
    pub then: Then,
}

/// What follows from a step.
#[derive(Debug)]
pub(crate) enum Then {
    /// Nothing.
    Nothing,
    /// A packet to the client.
    Send(Packet),
    /// PUBACK or PUBREC, by its QoS.
    Acknowledge(PacketId, QoS),
    /// The client is in.
    Attach(Box<Opening>),
}

/// A client that comes in.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    pub client: ClientId,
    pub version: Version,
    pub receive_max: u16,
    pub packet_bytes_max: Option<u32>,
    /// What it is told; `session_present` is filled in.
    pub connack: Connack,
}

/// What goes to a connection, in this order.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// A packet to be written.
    Packet(Packet),
    /// The client is in: its CONNACK, and the QoS 2 identifiers that its session still knows.
    Attached(Box<Connack>, BTreeSet<PacketId>),
    /// The connection is to end.
    Close(Reason, &'static str),
}

/// Why a step was not made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The disk is full; it may be otherwise later.
    Full,
    /// The journal has ended. Nothing is answered any more.
    Ended,
}

/// Counts since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub published: u64,
    pub delivered: u64,
    pub dropped_queue: u64,
    pub dropped_expired: u64,
    pub dropped_too_large: u64,
    pub wills: u64,
    pub sessions_expired: u64,
    pub refused_full: u64,
}

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) store: Store,
    limits: Limits,
    links: FxHashMap<ConnId, Link>,
    linked: FxHashMap<SessionKey, ConnId>,
    /// Connections with something in `out`.
    ready: Vec<ConnId>,
    /// Operations that must be made durable.
    submits: Vec<Op>,
    /// What is on its way already, so that a timer does not ask twice.
    due: FxHashSet<(SessionKey, time::Due)>,
    effects: Effects,
    retaining: retaining::Retaining,
    /// `$SYS`: retained, but of this process only.
    sys: Retained<Arc<Message>>,
    pub(crate) counts: Counts,
}

impl Core {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            limits: store.limits,
            store,
            links: FxHashMap::default(),
            linked: FxHashMap::default(),
            ready: Vec::new(),
            submits: Vec::new(),
            due: FxHashSet::default(),
            effects: Effects::default(),
            retaining: retaining::Retaining::default(),
            sys: Retained::default(),
            counts: Counts::default(),
        }
    }

    /// Does a step that needs no record, or whose record is durable under `seq`.
    pub(crate) fn done(&mut self, conn: Option<ConnId>, step: Step, seq: Option<u64>, now_ms: u64) {
        let mut receivers = 0;
        match (step.op, step.then) {
            (Some(op), Then::Attach(opening)) => {
                if let Some(conn) = conn {
                    self.attach(conn, &opening, &op, seq, now_ms);
                }
            }
            (op, then) => {
                // An answer goes before what follows from it: SUBACK before retained messages.
                let then = match (then, conn) {
                    (Then::Send(packet), Some(conn)) => {
                        self.send(conn, packet);
                        Then::Nothing
                    }
                    (then, _) => then,
                };
                if let Some(op) = op {
                    self.release(&op);
                    receivers = self.apply(&op, seq, now_ms);
                }
                let Some(conn) = conn else { return };
                match then {
                    Then::Nothing | Then::Attach(_) | Then::Send(_) => {}
                    Then::Acknowledge(packet_id, qos) => {
                        let reason =
                            if receivers == 0 { Reason::NO_MATCHING_SUBSCRIBERS } else { Reason::SUCCESS };
                        self.send(conn, acknowledgement(packet_id, qos, reason));
                    }
                }
            }
        }
    }

    /// Gives a step up whose record was not made durable. Nothing of it is acknowledged.
    pub(crate) fn failed(&mut self, conn: Option<ConnId>, step: Step, refused: Refused) {
        if refused == Refused::Ended {
            return;
        }
        self.counts.refused_full += 1;
        if let Some(op) = step.op {
            self.release(&op);
            self.take_back(conn, op);
        }
        let Some(conn) = conn else { return };
        let old = self.links.get(&conn).is_some_and(|link| link.version < Version::V5);
        match step.then {
            Then::Acknowledge(packet_id, qos) if !old => {
                self.send(conn, acknowledgement(packet_id, qos, Reason::QUOTA_EXCEEDED));
            }
            Then::Send(Packet::Suback(ack)) => {
                let reasons = ack.reasons.iter().map(|_| Reason::QUOTA_EXCEEDED).collect();
                self.send(conn, Packet::Suback(Box::new(Suback { reasons, ..*ack })));
            }
            Then::Attach(_) => {
                let refused = Connack { reason: Reason::SERVER_UNAVAILABLE, ..Connack::default() };
                self.push(conn, Outgoing::Packet(Packet::Connack(Box::new(refused))));
                self.close(conn, Reason::SERVER_UNAVAILABLE, "the disk is full");
            }
            Then::Nothing => {}
            Then::Acknowledge(..) | Then::Send(_) => {
                self.close(conn, Reason::QUOTA_EXCEEDED, "the disk is full");
            }
        }
    }

    /// What becomes of an operation that the disk did not take.
    fn take_back(&mut self, conn: Option<ConnId>, op: Op) {
        match op {
            // The delivery starts again on the next connection.
            Op::Sent { client, deliveries } => {
                self.ground(&client, deliveries.into_iter().map(|(id, _)| id));
            }
            Op::Received { client, deliveries } | Op::Delivered { client, deliveries } => {
                self.ground(&client, deliveries.into_iter());
            }
            // These have to happen some time: at the end of a connection they are handed in again, later the timer asks again.
            Op::Closed { ref client, .. } | Op::Published { ref client, will: true, .. }
                if self.store.session_of(client).is_some_and(|session| session.connected) =>
            {
                self.submits.push(op);
            }
            // The will of a session that is no more.
            Op::Published { will: false, .. } if conn.is_none() => self.submits.push(op),
            Op::Published { ref client, will: true, .. } | Op::Ended { ref client, .. } => {
                if let Some(session) = self.store.session_of(client) {
                    let key = session.key;
                    self.due.retain(|(due, _)| *due != key);
                }
            }
            _ => {}
        }
    }

    fn ground(&mut self, client: &str, ids: impl Iterator<Item = EntryId>) {
        let Some(session) = self.store.session_of_mut(client) else { return };
        for id in ids {
            if let Some(queued) = session.entry(id) {
                queued.flight = Flight::Ground;
                if queued.qos == QoS::ExactlyOnce && queued.stage == Stage::Waiting {
                    // It was not sent, and what the journal does not know must not be.
                    queued.packet_id = None;
                }
            }
        }
        if let Some(conn) = self.linked.get(&session.key).copied() {
            self.close(conn, Reason::QUOTA_EXCEEDED, "the disk is full");
        }
    }

    /// Applies an operation and sends what follows from it. Gives how many sessions a message went to.
    fn apply(&mut self, op: &Op, seq: Option<u64>, now_ms: u64) -> usize {
        match op {
            Op::Published { will: true, client, .. } => {
                self.counts.wills += 1;
                self.not_due(client, time::Due::Will);
            }
            Op::Ended { client, .. } => self.not_due(client, time::Due::End),
            Op::Delivered { client, deliveries } => self.free(client, deliveries),
            // It has no record, so nor has the opening that it ends; the client is back already.
            Op::Closed { client, .. } if seq.is_none() && self.is_linked(client) => return 0,
            _ => {}
        }
        let mut effects = std::mem::take(&mut self.effects);
        self.store.apply(seq, now_ms, op, &mut effects);
        match op {
            Op::Published { .. } => self.counts.published += 1,
            Op::Subscribed { client, id, filters } => {
                for (filter, _) in filters {
                    self.send_sys(client, filter, *id);
                }
            }
            Op::Sent { client, deliveries } => {
                if let Some(key) = self.store.by_client.get(client) {
                    effects.touched.push(*key);
                }
                self.no_longer_awaited(client, deliveries.len());
                deliveries.iter().for_each(|(id, _)| self.send_entry(client, *id, now_ms));
            }
            Op::Received { client, deliveries } => {
                deliveries.iter().for_each(|id| self.send_entry(client, *id, now_ms));
            }
            Op::Delivered { client, .. } => {
                if let Some(key) = self.store.by_client.get(client) {
                    effects.touched.push(*key);
                }
            }
            _ => {}
        }
        self.counts.dropped_queue += effects.dropped;
        for key in effects.ended.drain(..) {
            if let Some(conn) = self.linked.remove(&key) {
                self.close(conn, Reason::ADMINISTRATIVE_ACTION, "its session was ended");
            }
            self.due.retain(|(due, _)| *due != key);
        }
        for (key, queued) in effects.pushed_out.drain(..) {
            self.pushed_out(key, &queued);
        }
        for Direct { key, message, retain, subscription_ids } in effects.direct.drain(..) {
            self.send_direct(key, &message, retain, subscription_ids, now_ms);
        }
        effects.touched.dedup();
        for key in effects.touched.drain(..) {
            self.pump(key, now_ms);
        }
        let receivers = effects.receivers;
        effects.receivers = 0;
        effects.dropped = 0;
        self.effects = effects;
        receivers
    }

    fn is_linked(&self, client: &str) -> bool {
        self.store.by_client.get(client).is_some_and(|key| self.linked.contains_key(key))
    }

    /// Does what needs a record where the session is kept: submits it, or does it at once.
    fn record(&mut self, kept: bool, op: Op, now_ms: u64) {
        if kept {
            self.submits.push(op);
        } else {
            self.apply(&op, None, now_ms);
        }
    }

    /// The operations to submit, oldest first.
    pub(crate) fn take_submits(&mut self) -> Vec<Op> {
        std::mem::take(&mut self.submits)
    }

    /// Hands on what is to be sent.
    pub(crate) fn take_outgoing(&mut self, mut hand: impl FnMut(ConnId, &mut Vec<Outgoing>)) {
        for conn in self.ready.drain(..) {
            if let Some(link) = self.links.get_mut(&conn) {
                hand(conn, &mut link.out);
                link.out.clear();
            }
        }
    }

    pub(crate) fn send(&mut self, conn: ConnId, packet: Packet) {
        self.push(conn, Outgoing::Packet(packet));
    }

    /// Ends a connection.
    pub(crate) fn close(&mut self, conn: ConnId, reason: Reason, why: &'static str) {
        self.push(conn, Outgoing::Close(reason, why));
    }

    fn push(&mut self, conn: ConnId, outgoing: Outgoing) {
        if let Some(link) = self.links.get_mut(&conn) {
            if link.out.is_empty() {
                self.ready.push(conn);
            }
            link.out.push(outgoing);
        }
    }

    /// How many more subscriptions a client may have.
    pub(crate) fn subscriptions_left(&self, client: &str) -> usize {
        let own = self.store.session_of(client).map_or(0, |session| session.subscriptions.len());
        let all = self.limits.subscriptions_max.saturating_sub(self.store.subscriptions());
        self.limits.subscriptions_per_client_max.saturating_sub(own).min(all)
    }

    /// True when a client has this subscription.
    pub(crate) fn is_subscribed(&self, client: &str, filter: &Filter) -> bool {
        self.store.options_of(client, filter).is_some()
    }

    /// Whether a session of a client outlives its connection; `None` when there is none.
    pub(crate) fn is_kept(&self, client: &str) -> Option<bool> {
        self.store.session_of(client).map(super::session::Session::kept)
    }

    /// True when the journal knows of a client's session.
    pub(crate) fn is_recorded(&self, client: &str) -> bool {
        self.store.session_of(client).is_some_and(|session| session.opened.is_some())
    }

    /// True when a further session may be kept.
    pub(crate) fn may_keep(&self, client: &str) -> bool {
        self.is_kept(client) == Some(true) || self.store.sessions.len() < self.limits.sessions_max
    }
}

pub(crate) fn acknowledgement(packet_id: PacketId, qos: QoS, reason: Reason) -> Packet {
    let ack = Ack { packet_id, reason, reason_string: None };
    if qos == QoS::ExactlyOnce { Packet::Pubrec(ack) } else { Packet::Puback(ack) }
}

/// What the journal knows of an entry decides its next packet.
fn next_is_release(stage: Stage) -> bool {
    matches!(stage, Stage::Received(_))
}
