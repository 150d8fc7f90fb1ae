//! What is due: wills, sessions whose clients stay away, retained messages that are of no more use.

use super::Core;
use crate::{
    message::Message,
    op::Op,
    session::{Session, SessionKey},
};
use aisle_event::mqtt::MqttSessionEnd;
use std::sync::Arc;

/// What was asked for already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Due {
    Will,
    End,
}

impl Core {
    /// Finds what is due. To be called about once a second.
    pub(crate) fn tick(&mut self, now_ms: u64) {
        let mut ops = Vec::new();
        for session in self.store.sessions.values().filter(|session| !session.connected) {
            let key = session.key;
            if session.will_due_ms().is_some_and(|due| due <= now_ms) && self.due.insert((key, Due::Will)) {
                ops.extend(will_of(session, now_ms));
            }
            // Its will goes first, and is on disk before it ends.
            let ends = session.will.is_none() && session.ends_ms().is_some_and(|ends| ends <= now_ms);
            if ends && self.due.insert((key, Due::End)) {
                self.counts.sessions_expired += 1;
                let client = session.client.clone();
                ops.push(Op::Ended { client, reason: MqttSessionEnd::Expired, opened: session.opened });
            }
        }
        self.submits.extend(ops);
    }

    /// True when a client's session was to end by now.
    pub(crate) fn is_over(&self, client: &str, now_ms: u64) -> bool {
        self.store.session_of(client).and_then(Session::ends_ms).is_some_and(|ends| ends <= now_ms)
    }

    /// Removes retained messages that are of no more use. Goes through all of them, so to be called now and then.
    pub(crate) fn sweep(&mut self, now_ms: u64) {
        self.store.drop_expired_retained(now_ms);
    }

    /// After a start: those who were there when the node went are not there now.
    pub(crate) fn recover(&mut self, now_ms: u64) {
        let gone: Vec<SessionKey> = self
            .store
            .sessions
            .values()
            .filter(|session| session.connected)
            .map(|session| session.key)
            .collect();
        let may_be_up = usize::from(self.limits.in_flight_max);
        for key in gone {
            // What was sent to them without a trace in the journal may come again.
            if let Some(session) = self.store.sessions.get_mut(&key) {
                session.queue.iter_mut().take(may_be_up).for_each(|queued| queued.dup = true);
            }
            if let Some(session) = self.store.sessions.get(&key) {
                self.submits.extend(self.goodbye(session, None, false, now_ms));
            }
        }
    }

    /// The operations that end a connection: the will, if it is due at once, and the close.
    fn goodbye(&self, session: &Session, expiry_s: Option<u32>, discard_will: bool, now_ms: u64) -> Vec<Op> {
        let ends_now = expiry_s.unwrap_or(session.expiry_s) == 0;
        let will = session.will.as_ref().filter(|will| !discard_will && (will.delay_s == 0 || ends_now));
        let mut ops: Vec<Op> = will.and_then(|_| will_of(session, now_ms)).into_iter().collect();
        ops.push(Op::Closed {
            client: session.client.clone(),
            expiry_s,
            will_discarded: discard_will,
            opened: session.opened,
        });
        ops
    }

    /// What ends a client's connection; whether it must be in the journal, as its opening was.
    pub(crate) fn goodbye_of(
        &self,
        client: &str,
        expiry_s: Option<u32>,
        discard_will: bool,
        now_ms: u64,
    ) -> Option<(Vec<Op>, bool)> {
        let session = self.store.session_of(client).filter(|session| session.connected)?;
        let durable = session.opened.is_some();
        Some((self.goodbye(session, expiry_s, discard_will, now_ms), durable))
    }

    pub(super) fn not_due(&mut self, client: &str, due: Due) {
        if let Some(key) = self.store.by_client.get(client) {
            self.due.remove(&(*key, due));
        }
    }
}

fn will_of(session: &Session, now_ms: u64) -> Option<Op> {
    let will = session.will.as_ref()?;
    let message = Message { received_ms: now_ms, ..will.message.clone() };
    Some(Op::Published {
        client: session.client.clone(),
        message: Arc::new(message),
        packet_id: None,
        will: true,
    })
}
