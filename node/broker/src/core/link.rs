//! [`Link`]: a session's present connection: what is in flight on it, and what waits to be written.

use super::{Core, Opening, Outgoing};
use crate::{
    message::Message,
    op::{EntryId, Op},
    packet::{PacketId, Version},
    session::{Flight, Session, SessionKey, Stage},
};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// A connection's number; never used twice in one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ConnId(pub(crate) u64);

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) session: Option<SessionKey>,
    pub(crate) version: Version,
    /// QoS 1 and 2 messages that may be in flight.
    pub(super) window: usize,
    pub(super) packet_bytes_max: Option<u32>,
    /// Identifiers that may not be given out, and what they stand for.
    pub(super) used: FxHashMap<PacketId, EntryId>,
    pub(super) in_flight: usize,
    /// QoS 2 messages among those that are sent as soon as their identifiers are on disk. Nothing overtakes them.
    pub(super) awaited: usize,
    next_id: u16,
    /// Entries of the queue up to this one were looked at on this connection.
    pub(super) cursor: EntryId,
    pub(super) out: Vec<Outgoing>,
}

impl Link {
    /// An identifier that is not in use.
    pub(super) fn next_id(&mut self) -> Option<PacketId> {
        (0..=u16::MAX).find_map(|_| {
            self.next_id = self.next_id.wrapping_add(1);
            PacketId::new(self.next_id).filter(|id| !self.used.contains_key(id))
        })
    }
}

impl Core {
    /// A connection that has not said yet who it is, and can be told things.
    pub(crate) fn connect(&mut self, conn: ConnId, version: Version) {
        let link = Link {
            session: None,
            version,
            window: 0,
            packet_bytes_max: None,
            used: FxHashMap::default(),
            in_flight: 0,
            awaited: 0,
            next_id: 0,
            cursor: EntryId::default(),
            out: Vec::new(),
        };
        self.links.insert(conn, link);
    }

    /// Closes a session whose client went while it was opened.
    fn leave_again(&mut self, client: &str, now_ms: u64) {
        if let Some((ops, durable)) = self.goodbye_of(client, None, true, now_ms) {
            ops.into_iter().for_each(|op| self.record(durable, op, now_ms));
        }
    }

    pub(super) fn no_longer_awaited(&mut self, client: &str, count: usize) {
        let conn = self.store.by_client.get(client).and_then(|key| self.linked.get(key));
        if let Some(link) = conn.and_then(|conn| self.links.get_mut(conn)) {
            link.awaited = link.awaited.saturating_sub(count);
        }
    }

    /// The connection is gone; nothing more can be sent on it.
    pub(crate) fn disconnect(&mut self, conn: ConnId) {
        if let Some(session) = self.links.remove(&conn).and_then(|link| link.session)
            && self.linked.get(&session) == Some(&conn)
        {
            self.linked.remove(&session);
        }
    }

    /// The client is in: its session is opened and goes on where it was.
    pub(super) fn attach(&mut self, conn: ConnId, opening: &Opening, op: &Op, seq: Option<u64>, now_ms: u64) {
        let clean_start = matches!(op, Op::Opened { clean_start: true, .. });
        let session_present = !clean_start && self.is_kept(&opening.client) == Some(true);
        if !session_present && let Some(key) = self.store.by_client.get(&opening.client) {
            self.linked.remove(key);
        }
        // A session that ends before its will was due takes leave with it (3.1.2.5).
        let will = self.store.session_of(&opening.client).filter(|_| !session_present).and_then(last_will);
        self.apply(op, seq, now_ms);
        if let Some(message) = will {
            self.counts.wills += 1;
            let message = Arc::new(Message { received_ms: now_ms, ..message });
            let client = opening.client.clone();
            self.submits.push(Op::Published { client, message, packet_id: None, will: false });
        }
        let Some(session) = self.store.session_of_mut(&opening.client) else { return };
        let key = session.key;
        // It may have gone while it was being let in. Then it was told nothing, and leaves nothing behind.
        let Some(link) = self.links.get_mut(&conn) else {
            self.leave_again(&opening.client, now_ms);
            return;
        };
        link.session = Some(key);
        link.window = usize::from(opening.receive_max.min(self.limits.in_flight_max));
        link.packet_bytes_max = opening.packet_bytes_max;
        for queued in &mut session.queue {
            let Some(packet_id) = queued.packet_id else { continue };
            link.used.insert(packet_id, queued.id);
            match queued.flight {
                Flight::Ground | Flight::Up => {
                    queued.flight = Flight::Ground;
                    queued.dup = true;
                }
                Flight::Submitted | Flight::Landed => {
                    link.in_flight += 1;
                    link.awaited +=
                        usize::from(queued.flight == Flight::Submitted && queued.stage == Stage::Waiting);
                }
            }
        }
        let inbound = session.inbound.clone();
        self.linked.insert(key, conn);
        let mut connack = opening.connack.clone();
        connack.session_present = session_present;
        self.push(conn, Outgoing::Attached(Box::new(connack), inbound));
        self.pump(key, now_ms);
    }
}

fn last_will(session: &Session) -> Option<Message> {
    Some(session.will.as_ref()?.message.clone())
}
