//! [`Guest`]: a client that is in, whatever it came by.

use super::Visit;
use crate::{
    access::Identity,
    broker::Shared,
    config::Limits,
    connection::{Admission, Connection, Ending, Room, Wish, admit},
    core::{ClientView, ConnId, Core, Outgoing, Step, Then},
    outbox::Outbox,
    packet::{Connack, Connect, Packet, Reason},
    sequence::{From, NotTaken, Sequence},
    topic::Filter,
};
use bytestring::ByteString;
use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// How long the journal is given before steps are handed in again.
const BUSY: Duration = Duration::from_millis(5);

/// A client that is in.
pub(crate) struct Guest {
    shared: Arc<Shared>,
    from: From,
    pub(crate) connection: Connection,
    pub(crate) admission: Admission,
    pub(crate) connack: Box<Connack>,
    /// What came together with the welcome.
    early: VecDeque<Outgoing>,
    _visit: Visit,
}

/// Why a client is not in.
#[derive(Debug)]
pub(crate) enum NotIn {
    /// It is told this.
    Refused(Connack),
    /// It went, or the node does.
    Gone,
}

impl Room for Sequence {
    fn may_retain(&self, topic: &str, bytes: usize) -> bool {
        self.core().reserve(topic, bytes)
    }

    fn subscriptions_left(&self, client: &str) -> usize {
        self.core().subscriptions_left(client)
    }

    fn is_subscribed(&self, client: &str, filter: &Filter) -> bool {
        self.core().is_subscribed(client, filter)
    }
}

impl Guest {
    /// Lets a client in whose identity is known. Comes back when its session is open, and durable if it is kept.
    pub(crate) async fn enter(
        shared: &Arc<Shared>,
        connect: &Connect,
        identity: &Identity,
        client: &ByteString,
        view: ClientView,
    ) -> Result<Self, NotIn> {
        let limits = shared.limits();
        let outbox = Arc::new(Outbox::new(limits.outbox_bytes_max, shared.dropped.clone()));
        // Judged before anybody is sent away for it, and again after.
        let now_ms = shared.sequence.clock.now_ms();
        let judge = |core: &Core| judge(core, connect, identity, client, &limits, now_ms);
        judge(&shared.sequence.core()).map_err(NotIn::Refused)?;
        let visit = shared.registry.enter(client, &outbox, identity, view).await;
        let admission = judge(&shared.sequence.core()).map_err(NotIn::Refused)?;
        let from = From { conn: ConnId(shared.next_conn.fetch_add(1, Ordering::Relaxed)), outbox };
        let sequence = &shared.sequence;
        sequence.add(&from);
        sequence.core().connect(from.conn, connect.version);
        let step = Step {
            op: Some(admission.op.clone()),
            durable: admission.durable,
            then: Then::Attach(Box::new(admission.opening.clone())),
        };
        let mut guest = Self {
            shared: shared.clone(),
            connection: Connection::new(&admission, limits, Default::default()),
            from,
            admission,
            connack: Box::default(),
            early: VecDeque::new(),
            _visit: visit,
        };
        if guest.hand_in(vec![step]).await.is_err() {
            guest.give_up();
            return Err(NotIn::Gone);
        }
        match guest.welcome().await {
            Ok(()) => Ok(guest),
            Err(not_in) => {
                guest.leave(Ending::broken(Reason::SERVER_UNAVAILABLE, "it was not let in")).await;
                Err(not_in)
            }
        }
    }

    /// Waits for the session to be open.
    async fn welcome(&mut self) -> Result<(), NotIn> {
        let mut refusal = None;
        loop {
            self.from.outbox.ready().await;
            let mut outgoing = self.from.outbox.take();
            while let Some(first) = outgoing.pop_front() {
                match first {
                    Outgoing::Attached(connack, inbound) => {
                        self.connection = Connection::new(&self.admission, self.shared.limits(), inbound);
                        self.connection.resumed = connack.session_present;
                        self.connack = connack;
                        self.early = outgoing;
                        return Ok(());
                    }
                    Outgoing::Packet(Packet::Connack(connack)) => refusal = Some(*connack),
                    Outgoing::Packet(_) => {}
                    Outgoing::Close(..) => return Err(refusal.map_or(NotIn::Gone, NotIn::Refused)),
                }
            }
        }
    }

    /// What waits to be sent.
    pub(crate) fn take_outgoing(&mut self) -> VecDeque<Outgoing> {
        let mut outgoing = std::mem::take(&mut self.early);
        outgoing.append(&mut self.from.outbox.take());
        outgoing
    }

    pub(crate) fn outbox(&self) -> &Arc<Outbox> {
        &self.from.outbox
    }

    /// Takes a packet; what follows from it is handed in by [`Self::submit`].
    pub(crate) fn packet(&mut self, packet: Packet) -> Result<(), Ending> {
        let sequence = &self.shared.sequence;
        self.connection.packet(packet, sequence.clock.now_ms(), sequence)
    }

    /// Hands in what followed from the packets so far. While the journal is behind, this waits, and the client with it.
    pub(crate) async fn submit(&mut self) -> Result<(), Ending> {
        if !self.connection.acks.is_empty() {
            let acks = std::mem::take(&mut self.connection.acks);
            let (conn, now_ms) = (self.from.conn, self.shared.sequence.clock.now_ms());
            self.shared.sequence.with_core(|core| core.acknowledge(conn, &acks, now_ms));
        }
        if self.connection.refused > 0 {
            let refused = std::mem::take(&mut self.connection.refused);
            self.shared.refused.fetch_add(refused, Ordering::Relaxed);
        }
        let steps = std::mem::take(&mut self.connection.steps);
        self.hand_in(steps).await
    }

    async fn hand_in(&self, mut steps: Vec<Step>) -> Result<(), Ending> {
        // A message that needs no record does not wait for those that do.
        if self.from.outbox.pending.load(Ordering::Acquire) > 0 {
            let direct =
                |step: &Step| !step.durable && step.op.is_some() && matches!(step.then, Then::Nothing);
            if steps.iter().any(direct) {
                let (now, later): (Vec<Step>, Vec<Step>) = steps.into_iter().partition(direct);
                let (conn, now_ms) = (self.from.conn, self.shared.sequence.clock.now_ms());
                self.shared.sequence.with_core(|core| {
                    now.into_iter().for_each(|step| core.done(Some(conn), step, None, now_ms));
                });
                steps = later;
            }
        }
        loop {
            match self.shared.sequence.submit(Some(&self.from), steps) {
                Ok(()) => return Ok(()),
                Err(NotTaken::Busy(again)) => {
                    steps = again;
                    self.shared.held.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(BUSY).await;
                }
                Err(NotTaken::Ended) => {
                    return Err(Ending::broken(Reason::SERVER_SHUTTING_DOWN, "the node stops"));
                }
            }
        }
    }

    /// The client is gone, or is to go: its will is published, if that is so, and its session closed.
    pub(crate) async fn leave(self, ending: Ending) {
        let (conn, client) = (self.from.conn, &self.admission.opening.client);
        let now_ms = self.shared.sequence.clock.now_ms();
        let goodbye = {
            let mut core = self.shared.sequence.core();
            core.disconnect(conn);
            core.goodbye_of(client, ending.expiry_s, ending.will_discarded, now_ms)
        };
        if let Some((ops, durable)) = goodbye {
            let steps =
                ops.into_iter().map(|op| Step { op: Some(op), durable, then: Then::Nothing }).collect();
            // A journal that has ended keeps the session as it is; the next start closes it.
            let _ = self.hand_in(steps).await;
        }
        // Who comes next under this identifier is judged by what became of it.
        self.from.outbox.settled().await;
        self.give_up();
    }

    fn give_up(&self) {
        self.shared.sequence.remove(self.from.conn);
    }
}

fn judge(
    core: &Core,
    connect: &Connect,
    identity: &Identity,
    client: &ByteString,
    limits: &Limits,
    now_ms: u64,
) -> Result<Admission, Connack> {
    let wish = Wish {
        is_over: core.is_over(client, now_ms),
        has_session: core.is_recorded(client),
        may_keep: core.may_keep(client),
        may_retain_will: connect
            .will
            .as_ref()
            .is_none_or(|will| core.may_retain(&will.topic, will.topic.len() + will.payload.len() + 256)),
    };
    admit(connect, identity, client, limits, wish)
}
