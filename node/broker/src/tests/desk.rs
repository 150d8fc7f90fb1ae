//! [`Desk`]: a core with clients whose packets and records a test can look at one by one.

use crate::{
    access::{Identity, Rights},
    config::Limits,
    connection::{Admission, Connection, Ending, Room, Wish, admit},
    core::{ConnId, Core, Outgoing, Refused, Step, Then},
    op::Op,
    packet::{
        Ack, Connack, Connect, MessageProperties, MessagePropertyValues, Packet, PacketId, Publish, QoS,
        Reason, Subscribe, SubscribeOptions, Version, Will,
    },
    store::Store,
    topic::Filter,
};
use bytestring::ByteString;
use std::{
    collections::{BTreeMap, VecDeque},
    mem,
};

/// What is wrong with a client that was never welcomed.
pub(super) const NOT_IN: &str = "it is not in";

pub(super) struct Desk {
    pub core: Core,
    pub now_ms: u64,
    limits: Limits,
    /// What is on disk.
    pub records: Vec<Op>,
    /// Batches that wait for the disk.
    pub waiting: VecDeque<(Option<ConnId>, Vec<Step>)>,
    /// Commits wait until they are asked for.
    pub held: bool,
    admissions: BTreeMap<ConnId, Admission>,
    connections: BTreeMap<ConnId, Connection>,
    heard: BTreeMap<ConnId, Vec<Packet>>,
    pub closed: BTreeMap<ConnId, Reason>,
    next_conn: u64,
}

struct InCore<'a>(&'a mut Core);

impl Room for InCore<'_> {
    fn may_retain(&self, _topic: &str, _bytes: usize) -> bool {
        true
    }

    fn subscriptions_left(&self, client: &str) -> usize {
        self.0.subscriptions_left(client)
    }

    fn is_subscribed(&self, client: &str, filter: &Filter) -> bool {
        self.0.is_subscribed(client, filter)
    }
}

pub(super) fn id(number: u16) -> PacketId {
    PacketId::new(number).unwrap()
}

pub(super) fn ack(number: u16) -> Ack {
    Ack { packet_id: id(number), reason: Reason::SUCCESS, reason_string: None }
}

/// A client that keeps its session for an hour.
pub(super) fn client(name: &str) -> Connect {
    Connect {
        version: Version::V5,
        bridge: false,
        client_id: name.into(),
        clean_start: false,
        keep_alive_s: 0,
        session_expiry_s: 3_600,
        receive_max: 100,
        packet_bytes_max: None,
        topic_alias_max: 0,
        problem_information: true,
        auth_method: None,
        username: None,
        password: None,
        will: None,
        user_properties: Vec::new(),
    }
}

/// A client that keeps nothing.
pub(super) fn clean(name: &str) -> Connect {
    Connect { clean_start: true, session_expiry_s: 0, ..client(name) }
}

pub(super) fn will(payload: &str, delay_s: u32) -> Option<Will> {
    Some(Will {
        topic: "will".into(),
        payload: payload.to_owned().into(),
        qos: QoS::AtLeastOnce,
        retain: false,
        delay_s,
        properties: MessageProperties::default(),
    })
}

pub(super) fn publish(topic: &str, payload: &str, qos: QoS, number: u16) -> Publish {
    Publish {
        qos,
        topic: topic.into(),
        packet_id: PacketId::new(number),
        payload: payload.to_owned().into(),
        ..Publish::default()
    }
}

pub(super) fn expires(publish: Publish, expiry_s: u32) -> Publish {
    let values = MessagePropertyValues { expiry_s: Some(expiry_s), ..MessagePropertyValues::default() };
    Publish { properties: MessageProperties(Some(Box::new(values))), ..publish }
}

impl Desk {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            core: Core::new(Store::new(limits)),
            now_ms: 1_000_000,
            limits,
            records: Vec::new(),
            waiting: VecDeque::new(),
            held: false,
            admissions: BTreeMap::new(),
            connections: BTreeMap::new(),
            heard: BTreeMap::new(),
            closed: BTreeMap::new(),
            next_conn: 0,
        }
    }

    pub(super) fn connect(&mut self, connect: &Connect) -> ConnId {
        let name = connect.client_id.clone();
        let wish = Wish {
            has_session: self.core.is_recorded(&name),
            is_over: self.core.is_over(&name, self.now_ms),
            may_keep: true,
            may_retain_will: true,
        };
        let identity = Identity::local(&name, Rights::all());
        let admission = admit(connect, &identity, &name, &self.limits, wish).unwrap();
        self.next_conn += 1;
        let conn = ConnId(self.next_conn);
        self.core.connect(conn, connect.version);
        let then = Then::Attach(Box::new(admission.opening.clone()));
        let step = Step { op: Some(admission.op.clone()), durable: admission.durable, then };
        self.admissions.insert(conn, admission);
        self.submit(Some(conn), vec![step]);
        conn
    }

    /// The packets of one read.
    pub(super) fn say(
        &mut self,
        conn: ConnId,
        packets: impl IntoIterator<Item = Packet>,
    ) -> Result<(), Ending> {
        let connection = self.connections.get_mut(&conn).expect(NOT_IN);
        let outcome = packets
            .into_iter()
            .try_for_each(|packet| connection.packet(packet, self.now_ms, &InCore(&mut self.core)));
        let (acks, steps) = (mem::take(&mut connection.acks), mem::take(&mut connection.steps));
        self.core.acknowledge(conn, &acks, self.now_ms);
        self.submit(Some(conn), steps);
        outcome
    }

    pub(super) fn publish(&mut self, conn: ConnId, publish: Publish) {
        self.say(conn, [Packet::Publish(Box::new(publish))]).unwrap();
    }

    pub(super) fn subscribe(&mut self, conn: ConnId, filter: &str, qos: QoS) {
        let options = SubscribeOptions { qos, ..SubscribeOptions::default() };
        let filters = vec![(ByteString::from(filter), options)];
        self.say(conn, [Packet::Subscribe(Box::new(Subscribe { packet_id: id(1), id: None, filters }))])
            .unwrap();
        self.heard(conn);
    }

    /// The connection breaks, or ends as it is said.
    pub(super) fn leave(&mut self, conn: ConnId, ending: Option<Ending>) {
        let ending = ending.unwrap_or(Ending::broken(Reason::UNSPECIFIED_ERROR, "it broke"));
        self.connections.remove(&conn);
        self.core.disconnect(conn);
        let name = self.admissions[&conn].opening.client.clone();
        if let Some((ops, durable)) =
            self.core.goodbye_of(&name, ending.expiry_s, ending.will_discarded, self.now_ms)
        {
            let steps =
                ops.into_iter().map(|op| Step { op: Some(op), durable, then: Then::Nothing }).collect();
            self.submit(Some(conn), steps);
        }
    }

    pub(super) fn wait_s(&mut self, seconds: u64) {
        self.now_ms += seconds * 1000;
        self.core.tick(self.now_ms);
        self.settle();
    }

    /// What came since this was asked last.
    pub(super) fn heard(&mut self, conn: ConnId) -> Vec<Packet> {
        self.heard.remove(&conn).unwrap_or_default()
    }

    /// Payload, identifier and DUP of the messages that came; whatever else came is dropped.
    pub(super) fn messages(&mut self, conn: ConnId) -> Vec<(String, Option<u16>, bool)> {
        let publishes = self.heard(conn).into_iter().filter_map(|packet| match packet {
            Packet::Publish(publish) => {
                let payload = String::from_utf8(publish.payload.to_vec()).unwrap();
                Some((payload, publish.packet_id.map(PacketId::get), publish.dup))
            }
            _ => None,
        });
        publishes.collect()
    }

    pub(super) fn payloads(&mut self, conn: ConnId) -> Vec<String> {
        self.messages(conn).into_iter().map(|(payload, ..)| payload).collect()
    }

    pub(super) fn connack(&mut self, conn: ConnId) -> Connack {
        let first = self.heard.get_mut(&conn).map(|heard| heard.remove(0));
        let Some(Packet::Connack(connack)) = first else { panic!("{NOT_IN}: {first:?}") };
        *connack
    }

    fn submit(&mut self, conn: Option<ConnId>, steps: Vec<Step>) {
        if !steps.is_empty() {
            self.waiting.push_back((conn, steps));
        }
        self.settle();
    }

    fn settle(&mut self) {
        if !self.held {
            self.commit();
        }
        self.hand_on();
    }

    /// Everything that waits is on disk, and what follows from it too.
    pub(super) fn commit(&mut self) {
        loop {
            self.hand_on();
            if self.waiting.is_empty() {
                return;
            }
            self.commit_one();
        }
    }

    pub(super) fn commit_one(&mut self) {
        let (conn, steps) = self.waiting.pop_front().expect("something waits");
        for step in steps {
            if step.durable {
                self.records.extend(step.op.clone());
            }
            let seq = step.durable.then_some(self.records.len() as u64);
            self.core.done(conn, step, seq, self.now_ms);
        }
        self.hand_on();
    }

    /// The disk has no room for the oldest batch.
    pub(super) fn refuse_one(&mut self) {
        let (conn, steps) = self.waiting.pop_front().expect("something waits");
        steps.into_iter().for_each(|step| self.core.failed(conn, step, Refused::Full));
        self.hand_on();
    }

    fn hand_on(&mut self) {
        let ops = self.core.take_submits();
        if !ops.is_empty() {
            let steps = ops.into_iter().map(|op| Step { op: Some(op), durable: true, then: Then::Nothing });
            self.waiting.push_back((None, steps.collect()));
        }
        let mut outgoing = Vec::new();
        self.core.take_outgoing(|conn, out| outgoing.push((conn, mem::take(out))));
        for (conn, each) in
            outgoing.into_iter().flat_map(|(conn, out)| out.into_iter().map(move |each| (conn, each)))
        {
            match each {
                Outgoing::Attached(connack, inbound) => {
                    let mut connection = Connection::new(&self.admissions[&conn], self.limits, inbound);
                    connection.resumed = connack.session_present;
                    self.connections.insert(conn, connection);
                    self.heard.entry(conn).or_default().push(Packet::Connack(connack));
                }
                Outgoing::Close(reason, _) => drop(self.closed.insert(conn, reason)),
                Outgoing::Packet(packet) => {
                    if let Some(connection) = self.connections.get_mut(&conn) {
                        connection.outgoing(&packet);
                    }
                    self.heard.entry(conn).or_default().push(packet);
                }
            }
        }
    }
}
