//! What goes out next: from a session's queue to its connection, within the window that both sides agreed on.

use super::{Core, Outgoing, next_is_release};
use crate::{
    message::Message,
    op::Op,
    packet::{Ack, Codec, Packet, Publish, QoS, Reason},
    session::{Flight, Queued, SessionKey, Stage},
};
use std::sync::Arc;

impl Core {
    /// Sends from the queue what the window has room for.
    pub(super) fn pump(&mut self, key: SessionKey, now_ms: u64) {
        let Some(conn) = self.linked.get(&key).copied() else { return };
        let (Some(link), Some(session)) = (self.links.get_mut(&conn), self.store.sessions.get_mut(&key))
        else {
            return;
        };
        let (mut sent, mut over) = (Vec::new(), Vec::new());
        let mut position = session.queue.partition_point(|queued| queued.id <= link.cursor);
        let was_empty = link.out.is_empty();
        while link.in_flight < link.window
            && let Some(queued) = session.queue.get_mut(position)
        {
            let packet_id = match queued.packet_id {
                Some(packet_id) => packet_id,
                None => match link.next_id() {
                    Some(packet_id) => packet_id,
                    None => break,
                },
            };
            let fresh = queued.stage == Stage::Waiting && queued.packet_id.is_none();
            let after_commit = fresh && queued.qos == QoS::ExactlyOnce;
            if link.awaited > 0 && !after_commit && queued.flight == Flight::Ground {
                break;
            }
            position += 1;
            link.cursor = queued.id;
            if queued.flight != Flight::Ground {
                continue;
            }
            if fresh && queued.message.expired(now_ms) {
                self.counts.dropped_expired += 1;
                queued.flight = Flight::Landed;
                over.push(queued.id);
                continue;
            }
            if after_commit {
                link.awaited += 1;
                queued.packet_id = Some(packet_id);
                queued.flight = Flight::Submitted;
                sent.push((queued.id, packet_id));
            } else {
                queued.packet_id = Some(packet_id);
                let packet = packet_of(queued, now_ms);
                if too_large(link.version, link.packet_bytes_max, &packet) {
                    self.counts.dropped_too_large += 1;
                    queued.flight = Flight::Landed;
                    queued.packet_id = None;
                    over.push(queued.id);
                    continue;
                }
                queued.flight = Flight::Up;
                self.counts.delivered += 1;
                link.out.push(Outgoing::Packet(packet));
            }
            link.used.insert(packet_id, queued.id);
            link.in_flight += 1;
        }
        if was_empty && !link.out.is_empty() {
            self.ready.push(conn);
        }
        let (kept, client) = (session.kept(), session.client.clone());
        if !sent.is_empty() {
            self.record(kept, Op::Sent { client: client.clone(), deliveries: sent }, now_ms);
        }
        if !over.is_empty() {
            self.record(kept, Op::Delivered { client, deliveries: over }, now_ms);
        }
    }

    /// The journal knows the next state of an entry: its next packet may go.
    pub(super) fn send_entry(&mut self, client: &str, id: crate::op::EntryId, now_ms: u64) {
        let Some(session) = self.store.session_of_mut(client) else { return };
        let (key, kept) = (session.key, session.kept());
        let Some(conn) = self.linked.get(&key).copied() else {
            // Nobody is there: it is sent when the client comes back.
            if let Some(queued) = session.entry(id) {
                queued.flight = Flight::Ground;
            }
            return;
        };
        let (Some(queued), Some(link)) = (session.entry(id), self.links.get_mut(&conn)) else { return };
        if queued.flight != Flight::Submitted {
            return;
        }
        let packet = packet_of(queued, now_ms);
        if !next_is_release(queued.stage) {
            if too_large(link.version, link.packet_bytes_max, &packet) {
                self.counts.dropped_too_large += 1;
                queued.flight = Flight::Landed;
                let over = Op::Delivered { client: client.into(), deliveries: vec![id] };
                self.record(kept, over, now_ms);
                return;
            }
            self.counts.delivered += 1;
        }
        queued.flight = Flight::Up;
        self.send(conn, packet);
    }

    /// A QoS 0 message to a client that is there.
    pub(super) fn send_direct(
        &mut self,
        key: SessionKey,
        message: &Arc<Message>,
        retain: bool,
        subscription_ids: Vec<u32>,
        now_ms: u64,
    ) {
        let Some(conn) = self.linked.get(&key).copied() else { return };
        let Some(link) = self.links.get(&conn) else { return };
        if message.expired(now_ms) {
            self.counts.dropped_expired += 1;
            return;
        }
        let packet = Packet::Publish(Box::new(Publish {
            retain,
            topic: message.topic.clone(),
            payload: message.payload.clone(),
            subscription_ids,
            properties: message.properties_at(now_ms),
            ..Publish::default()
        }));
        if too_large(link.version, link.packet_bytes_max, &packet) {
            self.counts.dropped_too_large += 1;
            return;
        }
        self.counts.delivered += 1;
        self.send(conn, packet);
    }
}

fn packet_of(queued: &Queued, now_ms: u64) -> Packet {
    if let Stage::Received(packet_id) = queued.stage {
        return Packet::Pubrel(Ack { packet_id, reason: Reason::SUCCESS, reason_string: None });
    }
    Packet::Publish(Box::new(Publish {
        dup: queued.dup,
        qos: queued.qos,
        retain: queued.retain,
        topic: queued.message.topic.clone(),
        packet_id: queued.packet_id,
        payload: queued.message.payload.clone(),
        topic_alias: None,
        subscription_ids: queued.subscription_ids.clone(),
        properties: queued.message.properties_at(now_ms),
    }))
}

fn too_large(version: crate::packet::Version, bytes_max: Option<u32>, packet: &Packet) -> bool {
    match (bytes_max, packet) {
        (Some(bytes_max), Packet::Publish(publish)) => {
            Codec::publish_bytes(version, publish) > bytes_max as usize
        }
        _ => false,
    }
}
