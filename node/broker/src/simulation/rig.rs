//! [`Rig`]: the core, the connections, and a sequencer whose commits come when the course says so.

use super::{
    action::{Action, CLIENTS, FILTERS, TOPICS, WillAsked},
    client::{Answered, Client, Outbound, payload},
    digest,
    reference::Reference,
    world::World,
};
use crate::{
    access::{Identity, Rights},
    clock::Timeline,
    connection::{Admission, Connection, Ending, Room, Wish, admit},
    core::{ConnId, Core, Outgoing, Refused, Step, Then},
    image::{self, Image},
    op::Op,
    packet::{
        Connect, Disconnect, MessageProperties, MessagePropertyValues, Packet, Publish, QoS, Reason,
        Subscribe, Unsubscribe, Version, Will,
    },
    store::Store,
    topic::Filter,
};
use bytes::Bytes;
use bytestring::ByteString;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    mem,
};

struct Batch {
    from: Option<ConnId>,
    steps: Vec<Step>,
}

/// A connection, and its client's number.
struct Place {
    client: usize,
    admission: Admission,
    /// What its client was before it came.
    was_unsure: bool,
    /// Once it is in.
    connection: Option<Connection>,
}

pub(crate) struct Rig {
    world: World,
    pub core: Core,
    pub now_ms: u64,
    /// What is on disk: number, kind, time, bytes.
    journal: Vec<(u64, u16, u64, Bytes)>,
    queue: VecDeque<Batch>,
    late: VecDeque<Op>,
    /// Batches of a connection that are on their way to the disk.
    pending: BTreeMap<ConnId, usize>,
    places: BTreeMap<ConnId, Place>,
    /// Whose connections there were.
    owners: BTreeMap<ConnId, usize>,
    /// Connections that are to end, and how.
    ending: BTreeMap<ConnId, Ending>,
    pub clients: Vec<Client>,
    reference: Reference,
    checkpoint: Option<(u64, Vec<u8>)>,
    next_conn: u64,
    next_payload: u64,
}

struct InCore<'a>(&'a Core);

impl Room for InCore<'_> {
    fn may_retain(&self, topic: &str, bytes: usize) -> bool {
        self.0.may_retain(topic, bytes)
    }

    fn subscriptions_left(&self, client: &str) -> usize {
        self.0.subscriptions_left(client)
    }

    fn is_subscribed(&self, client: &str, filter: &Filter) -> bool {
        self.0.is_subscribed(client, filter)
    }
}

impl Rig {
    pub(crate) fn new(world: World) -> Self {
        Self {
            core: Core::new(Store::new(world.limits)),
            world,
            now_ms: 1_000_000,
            journal: Vec::new(),
            queue: VecDeque::new(),
            late: VecDeque::new(),
            pending: BTreeMap::new(),
            places: BTreeMap::new(),
            owners: BTreeMap::new(),
            ending: BTreeMap::new(),
            clients: (0..CLIENTS).map(Client::new).collect(),
            reference: Reference::default(),
            checkpoint: None,
            next_conn: 0,
            next_payload: 0,
        }
    }

    pub(crate) fn act(&mut self, action: &Action) {
        match action {
            Action::Connect { client, old, clean, expiry_s, receive_max, will } => {
                // The first clients are those who always keep a session.
                let always = *client < 2;
                let expiry_s = if always { (*expiry_s).max(60) } else { *expiry_s };
                self.connect(*client, *old, *clean && !(always && *old), expiry_s, *receive_max, *will);
            }
            Action::Disconnect { client, with_will, expiry_s } => {
                let old = self.clients[*client].old;
                let reason = if *with_will && !old { Reason::DISCONNECT_WITH_WILL } else { Reason::SUCCESS };
                let expiry_s = expiry_s.filter(|expiry_s| !old && (*client >= 2 || *expiry_s > 0));
                if self.is_in(*client)
                    && let Some(expiry_s) = expiry_s
                {
                    let who = &mut self.clients[*client];
                    who.expiry_s = who.expiry_s.min(expiry_s);
                }
                let words = Disconnect { reason, reason_string: None, session_expiry_s: expiry_s };
                self.packet(*client, Packet::Disconnect(Box::new(words)));
            }
            Action::Break { client } => {
                if let Some(conn) = self.conn_of(*client) {
                    self.leave(conn, Ending::broken(Reason::UNSPECIFIED_ERROR, "it broke"));
                }
            }
            Action::Publish { client, qos, topic, retain, empty, expiry_s } => {
                self.publish(*client, *qos, TOPICS[*topic], *retain, *empty && *retain, *expiry_s);
            }
            Action::Resend { client } => self.resend(*client),
            Action::Release { client, at } => {
                if self.is_in(*client)
                    && let Some(packet) = self.clients[*client].release(*at)
                {
                    self.packet(*client, packet);
                    self.flush(*client);
                }
            }
            Action::Subscribe { client, filters, id } => {
                let id = id.filter(|_| !self.clients[*client].old);
                let filters = filters
                    .iter()
                    .map(|(filter, options)| {
                        let shared = FILTERS[*filter].starts_with("$share") && *client < 2;
                        let filter = FILTERS[if shared { *filter } else { *filter % 7 }];
                        let options = crate::packet::SubscribeOptions {
                            no_local: options.no_local && !shared,
                            // Who shares with QoS 0 may be given what others would keep.
                            qos: if shared { options.qos.max(QoS::AtLeastOnce) } else { options.qos },
                            ..*options
                        };
                        (ByteString::from(filter), options)
                    })
                    .collect();
                let packet_id = crate::packet::PacketId::MAX;
                self.packet(*client, Packet::Subscribe(Box::new(Subscribe { packet_id, id, filters })));
                self.flush(*client);
            }
            Action::Unsubscribe { client, filter } => {
                let packet_id = crate::packet::PacketId::MAX;
                let filters = vec![FILTERS[*filter].into()];
                self.packet(*client, Packet::Unsubscribe(Box::new(Unsubscribe { packet_id, filters })));
                self.flush(*client);
            }
            Action::Acknowledge { client, at, count } => {
                for _ in 0..*count {
                    if self.is_in(*client)
                        && let Some(packet) = self.clients[*client].pay(*at)
                    {
                        self.packet(*client, packet);
                    }
                }
                self.flush(*client);
            }
            Action::Nonsense { client, kind, packet_id } => {
                if let Some(packet) = self.clients[*client].nonsense(*kind, *packet_id) {
                    self.packet(*client, packet);
                    self.flush(*client);
                }
            }
            Action::Flush { client } => self.flush(*client),
            Action::Commit { count } => (0..*count).for_each(|_| self.commit()),
            Action::DiskFull => self.disk_full(),
            Action::Retry => self.retry(),
            Action::Wait { ms } => self.wait(*ms),
            Action::Checkpoint => {
                let image = Image::of(&self.core.store);
                self.checkpoint = Some((image.applied, image.encode()));
            }
            Action::PowerCut { on_disk, from_checkpoint, ms } => {
                self.power_cut(*on_disk, *from_checkpoint);
                self.wait(*ms);
            }
        }
    }

    fn conn_of(&self, client: usize) -> Option<ConnId> {
        self.places.iter().find(|(_, place)| place.client == client).map(|(conn, _)| *conn)
    }

    pub(crate) fn is_in(&self, client: usize) -> bool {
        let conn = self.conn_of(client);
        conn.is_some_and(|conn| self.places.get(&conn).is_some_and(|place| place.connection.is_some()))
    }

    pub(crate) fn is_there(&self, client: usize) -> bool {
        self.conn_of(client).is_some()
    }

    pub(crate) fn connect(
        &mut self,
        client: usize,
        old: bool,
        clean: bool,
        expiry_s: u32,
        receive_max: u16,
        will: Option<WillAsked>,
    ) {
        if let Some(other) = self.conn_of(client) {
            self.leave(other, Ending::broken(Reason::SESSION_TAKEN_OVER, "another came"));
        }
        if self.pending.keys().any(|conn| self.owners.get(conn) == Some(&client)) {
            // It has to wait for what is on its way, and loses its patience.
            return;
        }
        self.next_payload += 1;
        let will = will.map(|will| Will {
            topic: TOPICS[will.topic].into(),
            payload: format!("will {}", self.next_payload).into(),
            qos: will.qos,
            retain: will.retain,
            delay_s: if old { 0 } else { will.delay_s },
            properties: MessageProperties::default(),
        });
        let who = &mut self.clients[client];
        let anew = who.must_begin_anew(self.now_ms);
        let (old, clean) = (old && !(anew && client < 2), clean || anew);
        let was_unsure = mem::replace(&mut who.unsure, clean);
        let receive_max = if old { u16::MAX } else { receive_max };
        (who.old, who.receive_max) = (old, receive_max.into());
        let name = ByteString::from(who.name.as_str());
        let connect = Connect {
            version: if old { Version::V311 } else { Version::V5 },
            bridge: false,
            client_id: name.clone(),
            clean_start: clean,
            keep_alive_s: 0,
            session_expiry_s: expiry_s,
            receive_max,
            packet_bytes_max: None,
            topic_alias_max: 0,
            problem_information: true,
            auth_method: None,
            username: None,
            password: None,
            will,
            user_properties: Vec::new(),
        };
        let wish = Wish {
            is_over: self.core.is_over(&name, self.now_ms),
            has_session: self.core.is_recorded(&name),
            may_keep: self.core.may_keep(&name),
            may_retain_will: true,
        };
        let limits = self.world.limits;
        let identity = Identity::local(&name, Rights::all());
        let admission = admit(&connect, &identity, &name, &limits, wish).expect("it may come in");
        if let Op::Opened { expiry_s, .. } = admission.op {
            // Whether that holds, it learns later, if at all.
            let who = &mut self.clients[client];
            who.expiry_s = who.expiry_s.min(expiry_s);
        }
        self.next_conn += 1;
        let conn = ConnId(self.next_conn);
        self.core.connect(conn, connect.version);
        let step = Step {
            op: Some(admission.op.clone()),
            durable: admission.durable,
            then: Then::Attach(Box::new(admission.opening.clone())),
        };
        self.owners.insert(conn, client);
        self.places.insert(conn, Place { client, admission, was_unsure, connection: None });
        self.submit(Some(conn), vec![step]);
        self.settle();
    }

    fn publish(
        &mut self,
        client: usize,
        qos: QoS,
        topic: &str,
        retain: bool,
        empty: bool,
        expiry_s: Option<u32>,
    ) {
        let who = &mut self.clients[client];
        if who.outbound.len() >= usize::from(self.world.limits.receive_max) {
            return;
        }
        self.next_payload += 1;
        let values = MessagePropertyValues { expiry_s, ..MessagePropertyValues::default() };
        let packet_id = (qos > QoS::AtMostOnce).then(|| who.new_id());
        let publish = Publish {
            qos,
            retain,
            topic: topic.into(),
            packet_id,
            payload: if empty { Bytes::new() } else { payload(client, self.next_payload) },
            properties: MessageProperties(expiry_s.map(|_| Box::new(values))),
            ..Publish::default()
        };
        if !self.is_in(client) {
            return;
        }
        if let Some(id) = packet_id {
            let publish = publish.clone();
            let out = Outbound { publish, received: false, released: false, resent: false, fresh: true };
            self.clients[client].outbound.insert(id, out);
        }
        self.packet(client, Packet::Publish(Box::new(publish)));
        // Some reads hold several messages.
        if !self.next_payload.is_multiple_of(3) {
            self.flush(client);
        }
    }

    pub(crate) fn resend(&mut self, client: usize) {
        if self.is_in(client) {
            for packet in self.clients[client].again() {
                self.packet(client, packet);
            }
            self.flush(client);
        }
    }

    /// A packet of a client that is in arrives.
    pub(crate) fn packet(&mut self, client: usize, packet: Packet) {
        let Some(conn) = self.conn_of(client) else { return };
        let Some(connection) = self.places.get_mut(&conn).and_then(|place| place.connection.as_mut()) else {
            return;
        };
        if let Err(ending) = connection.packet(packet, self.now_ms, &InCore(&self.core)) {
            let said = ending.by_client || ending.reason == Reason::PROTOCOL_ERROR;
            assert!(said, "the client keeps to the rules, and is sent away: {ending:?}");
            self.flush(client);
            if self.places.contains_key(&conn) {
                self.leave(conn, ending);
            }
        }
    }

    /// Hands in what followed from the packets so far.
    pub(crate) fn flush(&mut self, client: usize) {
        let Some(conn) = self.conn_of(client) else { return };
        let Some(connection) = self.places.get_mut(&conn).and_then(|place| place.connection.as_mut()) else {
            return;
        };
        let acks = mem::take(&mut connection.acks);
        let steps = mem::take(&mut connection.steps);
        if !acks.is_empty() {
            self.core.acknowledge(conn, &acks, self.now_ms);
        }
        let mut steps = steps;
        if self.pending.contains_key(&conn) {
            let direct =
                |step: &Step| !step.durable && step.op.is_some() && matches!(step.then, Then::Nothing);
            let (now, later): (Vec<Step>, Vec<Step>) = steps.into_iter().partition(direct);
            now.into_iter().for_each(|step| self.done(Some(conn), step, None));
            steps = later;
        }
        self.submit(Some(conn), steps);
        self.settle();
    }

    fn leave(&mut self, conn: ConnId, ending: Ending) {
        let Some(place) = self.places.remove(&conn) else { return };
        self.ending.remove(&conn);
        self.clients[place.client].gone(place.connection.is_some().then_some(self.now_ms));
        self.core.disconnect(conn);
        let name = &place.admission.opening.client;
        let goodbye = self.core.goodbye_of(name, ending.expiry_s, ending.will_discarded, self.now_ms);
        if let Some((ops, durable)) = goodbye {
            let steps = ops.into_iter().map(|op| Step { op: Some(op), durable, then: Then::Nothing });
            self.submit(Some(conn), steps.collect());
        }
        self.settle();
    }

    fn submit(&mut self, from: Option<ConnId>, steps: Vec<Step>) {
        if steps.is_empty() {
            return;
        }
        let durable = steps.iter().any(|step| step.durable);
        let pending = from.is_some_and(|from| self.pending.contains_key(&from));
        if !durable && !pending {
            steps.into_iter().for_each(|step| self.done(from, step, None));
            return;
        }
        if let Some(from) = from {
            *self.pending.entry(from).or_default() += 1;
        }
        self.queue.push_back(Batch { from, steps });
    }

    fn no_longer_pending(&mut self, from: Option<ConnId>) {
        if let Some(from) = from
            && let Some(count) = self.pending.get_mut(&from)
        {
            *count -= 1;
            if *count == 0 {
                self.pending.remove(&from);
            }
        }
    }

    fn record(&mut self, op: &Op) -> u64 {
        let entry = op.entry();
        let seq = self.journal.last().map_or(1, |(seq, ..)| seq + 1);
        self.journal.push((seq, entry.kind, self.now_ms, entry.payload.into()));
        seq
    }

    fn done(&mut self, conn: Option<ConnId>, step: Step, seq: Option<u64>) {
        if let Some(op) = &step.op {
            let again = seq.is_none() && matches!(op, Op::Closed { .. }) && self.is_back(op);
            if !again {
                self.reference.apply(op, seq, self.now_ms, &mut self.clients);
            }
        }
        self.core.done(conn, step, seq, self.now_ms);
        self.reference.check(&self.core.store, seq, self.world.roomy);
    }

    /// The client whose unrecorded session is closed has come back already.
    fn is_back(&self, op: &Op) -> bool {
        let Op::Closed { client, .. } = op else { return false };
        self.places
            .values()
            .any(|place| place.connection.is_some() && place.admission.opening.client == *client)
    }

    /// The oldest batch is on disk.
    fn commit(&mut self) {
        let Some(batch) = self.queue.pop_front() else { return };
        for step in batch.steps {
            let seq = step.op.as_ref().filter(|_| step.durable).map(|op| self.record(op));
            self.done(batch.from, step, seq);
        }
        self.no_longer_pending(batch.from);
        self.settle();
    }

    /// The oldest batch finds no room.
    fn disk_full(&mut self) {
        if !self.queue.front().is_some_and(|batch| batch.steps.iter().any(|step| step.durable)) {
            return;
        }
        let Some(batch) = self.queue.pop_front() else { return };
        for step in batch.steps {
            self.core.failed(batch.from, step, Refused::Full);
        }
        self.late.extend(self.core.take_submits());
        self.no_longer_pending(batch.from);
        self.settle();
    }

    pub(crate) fn retry(&mut self) {
        let ops = mem::take(&mut self.late);
        self.submit_ops(ops.into());
    }

    fn submit_ops(&mut self, ops: Vec<Op>) {
        if !self.late.is_empty() {
            self.late.extend(ops);
        } else if !ops.is_empty() {
            let steps = ops.into_iter().map(|op| Step { op: Some(op), durable: true, then: Then::Nothing });
            self.submit(None, steps.collect());
        }
    }

    pub(crate) fn wait(&mut self, ms: u64) {
        self.now_ms += ms;
        self.core.tick(self.now_ms);
        self.settle();
    }

    /// Everything that waits is written, however often it takes.
    pub(crate) fn commit_all(&mut self) {
        for _ in 0..10_000 {
            self.retry();
            if self.queue.is_empty() {
                return;
            }
            self.commit();
        }
        panic!("there is always something more to write");
    }

    /// Packets go to their clients, operations to the sequencer, and who is to go goes.
    fn settle(&mut self) {
        loop {
            let mut outgoing = Vec::new();
            self.core.take_outgoing(|conn, out| outgoing.push((conn, mem::take(out))));
            let ops = self.core.take_submits();
            if outgoing.is_empty() && ops.is_empty() && self.ending.is_empty() {
                return;
            }
            for (conn, out) in outgoing {
                out.into_iter().for_each(|each| self.deliver(conn, each));
            }
            self.submit_ops(ops);
            if let Some((conn, ending)) = self.ending.pop_first() {
                self.leave(conn, ending);
            }
        }
    }

    fn deliver(&mut self, conn: ConnId, outgoing: Outgoing) {
        let Some(place) = self.places.get_mut(&conn).filter(|_| !self.ending.contains_key(&conn)) else {
            return;
        };
        match outgoing {
            Outgoing::Attached(connack, inbound) => {
                let mut connection = Connection::new(&place.admission, self.world.limits, inbound);
                connection.resumed = connack.session_present;
                place.connection = Some(connection);
                let who = &mut self.clients[place.client];
                who.welcomed(connack.session_present);
                if let Op::Opened { expiry_s, .. } = place.admission.op {
                    who.expiry_s = expiry_s;
                }
            }
            Outgoing::Close(reason, why) => {
                self.ending.insert(conn, Ending::broken(reason, why));
            }
            Outgoing::Packet(packet) => {
                let Some(connection) = &mut place.connection else {
                    // It was refused, so nothing has changed.
                    self.clients[place.client].unsure = place.was_unsure;
                    return;
                };
                connection.outgoing(&packet);
                let who = &mut self.clients[place.client];
                match who.hears(&packet, self.core.store.session_of(&who.name)) {
                    Answered::Taken(payload) => {
                        assert!(
                            self.reference.is_committed(&payload),
                            "{payload:?} was acknowledged too soon"
                        );
                    }
                    Answered::Refused(payload) => {
                        let taken = !payload.is_empty() && self.reference.is_committed(&payload);
                        assert!(!taken, "{payload:?} was taken, and its publisher told otherwise");
                    }
                    Answered::Nothing => {}
                }
            }
        }
    }

    /// The power goes and comes back. Of what was under way, some records reached the disk.
    fn power_cut(&mut self, on_disk: usize, from_checkpoint: bool) {
        let live = digest::of(&self.core.store);
        let replayed = self.rebuilt(false);
        assert_eq!(digest::of(&replayed), live, "a replay makes another state");
        for place in mem::take(&mut self.places).into_values() {
            self.clients[place.client].gone(place.connection.is_some().then_some(self.now_ms));
        }
        self.ending.clear();
        self.pending.clear();
        self.late.clear();
        self.reference.power_cut();
        let under_way: Vec<Step> =
            mem::take(&mut self.queue).into_iter().flat_map(|batch| batch.steps).collect();
        let reached = under_way.into_iter().filter(|step| step.durable).filter_map(|step| step.op);
        for op in reached.take(on_disk % 8) {
            let seq = self.record(&op);
            self.reference.apply(&op, Some(seq), self.now_ms, &mut self.clients);
            self.reference.check(&self.rebuilt(false), Some(seq), self.world.roomy);
        }
        self.reference.power_cut();
        let store = self.rebuilt(from_checkpoint);
        assert_eq!(
            digest::of(&store),
            digest::of(&self.rebuilt(!from_checkpoint)),
            "a checkpoint makes a difference"
        );
        if !from_checkpoint {
            // It was damaged, and is not used later either.
            self.checkpoint = None;
        }
        self.reference.check(&store, None, false);
        let bytes = Image::of(&store).encode();
        let again = image::decode(&bytes, store.applied, self.world.limits).expect("an image");
        assert_eq!(Image::of(&again).encode(), bytes, "an image of an image is another");
        self.core = Core::new(store);
        self.core.recover(self.now_ms);
        self.settle();
    }

    /// What the disk makes of it, with or without the checkpoint.
    fn rebuilt(&self, from_checkpoint: bool) -> Store {
        let mut store = match &self.checkpoint {
            Some((applied, bytes)) if from_checkpoint => {
                image::decode(bytes, *applied, self.world.limits).expect("a checkpoint")
            }
            _ => Store::new(self.world.limits),
        };
        let applied = store.applied;
        let replayed =
            image::replay(&mut store, applied, &mut Timeline::new(None), self.journal.iter().cloned());
        assert_eq!(replayed.undecodable, 0);
        store
    }

    /// Names of clients whose sessions are kept.
    pub(crate) fn kept(&self) -> BTreeSet<usize> {
        let kept = |client: &usize| self.core.is_kept(&self.clients[*client].name) == Some(true);
        (0..CLIENTS).filter(kept).collect()
    }

    pub(crate) fn nothing_waits(&self) {
        if self.world.roomy {
            self.reference.nothing_waits();
        }
        for session in self.core.store.sessions.values() {
            assert!(session.queue.is_empty(), "{}: {:?} is stuck", session.client, session.queue);
        }
    }

    pub(crate) fn is_over(&self) {
        self.reference.is_over();
        assert_eq!(digest::of(&self.rebuilt(true)), digest::of(&self.core.store), "a replay in the end");
    }
}
