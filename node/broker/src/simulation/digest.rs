//! What two stores must have in common: all of kept sessions, and what is retained.

use crate::store::Store;
use std::collections::BTreeMap;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    pub sessions: BTreeMap<String, Vec<String>>,
    pub retained: BTreeMap<String, String>,
    pub bytes: (usize, usize),
}

pub(crate) fn of(store: &Store) -> Digest {
    let sessions = store.sessions.values().filter(|session| session.kept()).map(|session| {
        let mut lines = vec![format!(
            "connected {} opened {:?} closed {} expiry {} will {:?} inbound {:?} bytes {}",
            session.connected,
            session.opened,
            session.closed_ms,
            session.expiry_s,
            session.will,
            session.inbound,
            session.queue_bytes
        )];
        lines.extend(session.subscriptions.iter().map(|(filter, how)| format!("{filter} {how:?}")));
        lines.extend(session.queue.iter().map(|queued| {
            let message = &queued.message;
            format!(
                "{:?} {:?} {} {:?} {:?} {} {:?} {:?}",
                queued.id,
                queued.qos,
                queued.retain,
                queued.subscription_ids,
                queued.stage,
                message.topic,
                message.payload,
                message.properties
            )
        }));
        (session.client.to_string(), lines)
    });
    let retained = store.retained.iter().map(|(topic, (seq, message))| {
        (topic, format!("{seq} {:?} {:?} {:?}", message.qos, message.payload, message.properties))
    });
    Digest {
        sessions: sessions.collect(),
        retained: retained.collect(),
        bytes: (store.queued_bytes, store.retained_bytes),
    }
}
