//! What a subscriber says about the messages it was sent.

use super::{ConnId, Core};
use crate::{
    op::{EntryId, Op},
    packet::{Ack, Packet, PacketId, QoS, Reason},
    session::{Flight, Queued, SessionKey, Stage},
};

/// A subscriber's packet about one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubscriberAck {
    /// PUBACK
    Acknowledged(PacketId),
    /// PUBREC, and whether the client took the message.
    Received(PacketId, bool),
    /// PUBCOMP
    Completed(PacketId),
}

impl Core {
    /// Takes a subscriber's packets of one read together.
    pub(crate) fn acknowledge(&mut self, conn: ConnId, acks: &[SubscriberAck], now_ms: u64) {
        let Some(key) = self.links.get(&conn).and_then(|link| link.session) else { return };
        let (mut received, mut over) = (Vec::new(), Vec::new());
        for ack in acks {
            match *ack {
                SubscriberAck::Acknowledged(packet_id) => {
                    over.extend(self.advance(conn, packet_id, |qos, stage| {
                        qos == QoS::AtLeastOnce && stage == Stage::Waiting
                    }));
                }
                SubscriberAck::Received(packet_id, true) => self.received(conn, packet_id, &mut received),
                SubscriberAck::Received(packet_id, false) => {
                    over.extend(self.advance(conn, packet_id, |qos, stage| {
                        qos == QoS::ExactlyOnce && matches!(stage, Stage::Sent(_))
                    }));
                }
                SubscriberAck::Completed(packet_id) => {
                    over.extend(
                        self.advance(conn, packet_id, |_, stage| matches!(stage, Stage::Received(_))),
                    );
                }
            }
        }
        let Some(session) = self.store.sessions.get(&key) else { return };
        let (kept, client) = (session.kept(), session.client.clone());
        if !received.is_empty() {
            self.record(kept, Op::Received { client: client.clone(), deliveries: received }, now_ms);
        }
        if !over.is_empty() {
            self.record(kept, Op::Delivered { client, deliveries: over }, now_ms);
        }
        self.pump(key, now_ms);
    }

    /// The entry that an identifier stands for lands, if it was up and `fits`.
    fn advance(
        &mut self,
        conn: ConnId,
        packet_id: PacketId,
        fits: impl Fn(QoS, Stage) -> bool,
    ) -> Option<EntryId> {
        let link = self.links.get_mut(&conn)?;
        let id = *link.used.get(&packet_id)?;
        let session = self.store.sessions.get_mut(&link.session?)?;
        let Some(queued) = session.entry(id) else {
            // It was dropped from a full queue after it was sent; its identifier is free again.
            link.used.remove(&packet_id);
            link.in_flight = link.in_flight.saturating_sub(1);
            return None;
        };
        if queued.flight != Flight::Up || !fits(queued.qos, queued.stage) {
            return None;
        }
        queued.flight = Flight::Landed;
        Some(id)
    }

    /// PUBREC: the release follows, now or after the commit. An identifier that is not known is released too, with
    /// that reason, so that the client can forget it (4.4).
    fn received(&mut self, conn: ConnId, packet_id: PacketId, received: &mut Vec<EntryId>) {
        let release = |reason| Packet::Pubrel(Ack { packet_id, reason, reason_string: None });
        let Some(link) = self.links.get_mut(&conn) else { return };
        let entry = link.used.get(&packet_id).copied().zip(link.session);
        let queued = entry
            .and_then(|(id, key)| self.store.sessions.get_mut(&key).and_then(|session| session.entry(id)));
        match queued {
            Some(queued) if queued.flight == Flight::Up && matches!(queued.stage, Stage::Sent(_)) => {
                queued.flight = Flight::Submitted;
                received.push(queued.id);
            }
            Some(queued) if queued.flight == Flight::Up && matches!(queued.stage, Stage::Received(_)) => {
                self.send(conn, release(Reason::SUCCESS));
            }
            Some(_) => {}
            None => self.send(conn, release(Reason::PACKET_IDENTIFIER_NOT_FOUND)),
        }
    }

    /// Frees the identifiers of entries that leave the queue.
    pub(super) fn free(&mut self, client: &str, ids: &[EntryId]) {
        let Some(session) = self.store.session_of(client) else { return };
        let Some(link) = self.linked.get(&session.key).and_then(|conn| self.links.get_mut(conn)) else {
            return;
        };
        for id in ids {
            let packet_id = session.position(*id).and_then(|at| session.queue.get(at)?.packet_id);
            if let Some(packet_id) = packet_id
                && link.used.get(&packet_id) == Some(id)
            {
                link.used.remove(&packet_id);
                link.in_flight = link.in_flight.saturating_sub(1);
            }
        }
    }

    /// A message left the queue to make room. Its identifier is free, unless the client has still to acknowledge it.
    pub(super) fn pushed_out(&mut self, key: SessionKey, queued: &Queued) {
        let Some(packet_id) = queued.packet_id.filter(|_| queued.flight != Flight::Up) else { return };
        if let Some(link) = self.linked.get(&key).and_then(|conn| self.links.get_mut(conn))
            && link.used.remove(&packet_id).is_some()
            && queued.flight != Flight::Ground
        {
            link.in_flight = link.in_flight.saturating_sub(1);
        }
    }
}
