//! [`Session`]: what the broker keeps of one client: subscriptions, the queue of QoS 1 and 2 messages, identifiers.
//!
//! Each entry of the queue has two states. [`Stage`] is what the journal knows, and is changed by operations alone, so it is
//! the same after a restart. [`Flight`] is what happened on the present connection, and is forgotten with it.

use crate::{
    message::{ClientId, Message, Will},
    op::EntryId,
    packet::{PacketId, QoS, SubscribeOptions},
    topic::Filter,
};
use bytestring::ByteString;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

/// A session's number in this process; later sessions have greater ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SessionKey(pub(crate) u64);

/// An expiry that never comes.
pub(crate) const FOR_EVER_S: u32 = u32::MAX;

/// One subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subscription {
    /// How it was asked for.
    pub(crate) options: SubscribeOptions,
    /// Sent back with each message.
    pub(crate) id: Option<u32>,
}

/// How far a message is, as the journal knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It may be sent, under any identifier.
    Waiting,
    /// QoS 2: it may be sent, under this identifier only.
    Sent(PacketId),
    /// QoS 2: the client has it; only its identifier is to be released.
    Received(PacketId),
}

/// How far a message is on the present connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flight {
    /// It was not touched yet.
    Ground,
    /// An operation is on its way to the disk, and the next packet comes after it.
    Submitted,
    /// It was sent and not yet acknowledged.
    Up,
    /// It is done, as soon as that is on disk.
    Landed,
}

/// A message that waits in a session or is on its way to the client.
#[derive(Debug, Clone)]
pub(crate) struct Queued {
    /// Its name.
    pub(crate) id: EntryId,
    /// What.
    pub(crate) message: Arc<Message>,
    /// How surely it is delivered to this client: 1 or 2.
    pub(crate) qos: QoS,
    /// With the retain flag.
    pub(crate) retain: bool,
    /// The subscriptions that it is for.
    pub(crate) subscription_ids: Vec<u32>,
    /// As the journal knows it.
    pub(crate) stage: Stage,
    /// On the present connection.
    pub(crate) flight: Flight,
    /// The identifier that it was sent under. A client that comes back sees it again under the same.
    pub(crate) packet_id: Option<PacketId>,
    /// It may have been sent before.
    pub(crate) dup: bool,
}

/// One client's session.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// Its number.
    pub(crate) key: SessionKey,
    /// Whose.
    pub(crate) client: ClientId,
    /// The device that the client proved to be.
    pub(crate) device: Option<ByteString>,
    /// How long it outlives its connection, in seconds; 0: it ends with it, [`FOR_EVER_S`]: for ever.
    pub(crate) expiry_s: u32,
    /// What to publish when the client goes without saying so.
    pub(crate) will: Option<Arc<Will>>,
    /// True while the client is there.
    pub(crate) connected: bool,
    /// The record of its last opening; `None` when that was not worth one.
    pub(crate) opened: Option<u64>,
    /// When it went, in milliseconds of the broker's clock.
    pub(crate) closed_ms: u64,
    /// Its subscriptions.
    pub(crate) subscriptions: BTreeMap<Filter, Subscription>,
    /// QoS 1 and 2 messages that it has not acknowledged, oldest first.
    pub(crate) queue: VecDeque<Queued>,
    /// What the queue counts for.
    pub(crate) queue_bytes: usize,
    /// QoS 2 messages that the client published and has not released.
    pub(crate) inbound: BTreeSet<PacketId>,
}

impl Session {
    pub(crate) fn new(key: SessionKey, client: ClientId) -> Self {
        Self {
            key,
            client,
            device: None,
            expiry_s: 0,
            will: None,
            connected: false,
            opened: None,
            closed_ms: 0,
            subscriptions: BTreeMap::new(),
            queue: VecDeque::new(),
            queue_bytes: 0,
            inbound: BTreeSet::new(),
        }
    }

    /// It outlives its connection, and so the node.
    pub(crate) const fn kept(&self) -> bool {
        self.expiry_s > 0
    }

    /// When it ends unless its client comes back, in milliseconds of the broker's clock.
    pub(crate) fn ends_ms(&self) -> Option<u64> {
        (!self.connected && self.expiry_s != FOR_EVER_S)
            .then(|| self.closed_ms + u64::from(self.expiry_s) * 1000)
    }

    /// When its will is due, in milliseconds of the broker's clock.
    pub(crate) fn will_due_ms(&self) -> Option<u64> {
        let will = self.will.as_ref().filter(|_| !self.connected)?;
        let due = self.closed_ms + u64::from(will.delay_s) * 1000;
        Some(self.ends_ms().map_or(due, |ends| ends.min(due)))
    }

    /// Where a message stands in the queue.
    pub(crate) fn position(&self, id: EntryId) -> Option<usize> {
        self.queue.binary_search_by_key(&id, |queued| queued.id).ok()
    }

    pub(crate) fn entry(&mut self, id: EntryId) -> Option<&mut Queued> {
        self.position(id).and_then(|position| self.queue.get_mut(position))
    }

    pub(crate) fn push(&mut self, queued: Queued) {
        self.queue_bytes += queued.message.bytes();
        self.queue.push_back(queued);
    }

    pub(crate) fn remove(&mut self, id: EntryId) -> Option<Queued> {
        self.position(id).and_then(|position| self.remove_at(position))
    }

    pub(crate) fn remove_at(&mut self, position: usize) -> Option<Queued> {
        let queued = self.queue.remove(position)?;
        self.queue_bytes = self.queue_bytes.saturating_sub(queued.message.bytes());
        Some(queued)
    }
}
