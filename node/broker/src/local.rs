//! Clients in this process: the same rules, rights and promises as over a socket, without the socket.
//!
//! A message is published as QoS 0, 1 or 2 and acknowledged when a client over a socket would have its PUBACK; what is
//! received is acknowledged by whoever received it. A client that is dropped is gone without a word, as if its
//! connection broke.

use crate::{
    access::{Identity, Rights},
    broker::{Broker, Shared},
    connection::Ending,
    core::{ClientView, Outgoing},
    driver::{Guest, NotIn},
    packet::{
        Ack, Connect, MessageProperties, Packet, PacketId, Publish, QoS, Reason, Suback, Subscribe,
        SubscribeOptions, Unsubscribe, Version,
    },
};
use bytes::Bytes;
use bytestring::ByteString;
use rustc_hash::FxHashMap;
use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};

/// How the identifiers of the node's own parts begin. They are no clients to those who look after the broker: they are neither
/// counted nor listed, and take nobody's place.
pub const OWN_PREFIX: &str = "$node/";

/// Whether a client is a part of the node itself.
pub(crate) fn is_own(client: &str) -> bool {
    client.starts_with(OWN_PREFIX)
}

/// Requests that wait for the client's task; a further one waits with its caller.
const REQUESTS_MAX: usize = 256;

/// Who comes in.
#[derive(Debug, Clone)]
pub struct LocalOptions {
    /// Its client identifier. A connection of the same identifier is sent away.
    pub client_id: String,
    /// How long its session is kept after it has gone; `None`: it ends with it.
    pub session: Option<Duration>,
    /// What it may do.
    pub rights: Rights,
    /// Messages that it takes before it acknowledges them; more wait in its session.
    pub queue_max: u16,
}

/// A message to publish.
#[derive(Debug, Clone, Default)]
pub struct Publication {
    /// Where to.
    pub topic: String,
    /// What.
    pub payload: Bytes,
    /// How surely.
    pub qos: QoS,
    /// As the retained message of its topic.
    pub retain: bool,
    /// What goes with it.
    pub properties: MessageProperties,
}

/// Why a client in this process is not in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocalError {
    /// The broker refused it.
    #[error("client `{client}` was not let in: {why}")]
    Refused {
        /// Which.
        client: String,
        /// Why.
        why: String,
    },
    /// The broker stops.
    #[error("the broker stops")]
    Stopped,
}

/// Why a message was not published, or a subscription not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The broker refused it.
    #[error("it was refused with reason {:#04x}{}", .reason.0, .why.as_ref().map(|why| format!(": {why}")).unwrap_or_default())]
    Refused {
        /// With this reason.
        reason: Reason,
        /// In words.
        why: Option<String>,
    },
    /// The client was sent away, or the broker stops. Whether a message was taken is not known.
    #[error("the client is gone: {why}")]
    Gone {
        /// Why.
        why: String,
    },
}

impl RequestError {
    /// True when the same may be asked again later with another answer.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused { reason, .. } => {
                matches!(*reason, Reason::QUOTA_EXCEEDED | Reason::SERVER_BUSY | Reason::SERVER_UNAVAILABLE)
            }
            Self::Gone { .. } => true,
        }
    }
}

/// What a client in this process does. Clones are one client; it leaves in order when the last is gone.
#[derive(Debug, Clone)]
pub struct LocalClient(mpsc::Sender<Request>);

/// What a client in this process receives.
#[derive(Debug)]
pub struct LocalReceiver {
    deliveries: mpsc::Receiver<Publish>,
    /// Bounded by the messages that are in flight.
    acks: mpsc::UnboundedSender<Packet>,
}

/// A message for the client. One of QoS 1 or 2 that is dropped without [`Self::ack`] comes again when the client does.
#[derive(Debug)]
pub struct Delivery {
    /// The message as it would be sent over a socket.
    pub publish: Publish,
    acks: mpsc::UnboundedSender<Packet>,
}

#[derive(Debug)]
enum Request {
    Publish(Box<Publish>, oneshot::Sender<Result<(), RequestError>>),
    Subscribe(String, SubscribeOptions, Option<u32>, oneshot::Sender<Result<QoS, RequestError>>),
    Unsubscribe(String, oneshot::Sender<Result<(), RequestError>>),
}

/// What waits for an answer.
#[derive(Debug)]
enum Asked {
    Done(oneshot::Sender<Result<(), RequestError>>),
    Granted(oneshot::Sender<Result<QoS, RequestError>>),
}

impl Broker {
    /// Lets a client in this process in. Its rights are what they are given as; its identifier is its own affair.
    ///
    /// # Errors
    /// When the broker refuses it or stops.
    pub async fn local(&self, options: LocalOptions) -> Result<(LocalClient, LocalReceiver), LocalError> {
        let broker = self.clone();
        // In a task: a caller that does not wait for the end leaves no client half in.
        let entered = tokio::spawn(async move { broker.let_in(options).await });
        entered.await.unwrap_or(Err(LocalError::Stopped))
    }

    async fn let_in(&self, options: LocalOptions) -> Result<(LocalClient, LocalReceiver), LocalError> {
        let client = ByteString::from(options.client_id.as_str());
        let identity = Identity::local(&options.client_id, options.rights.clone());
        let connect = connect(&options);
        let view = ClientView {
            peer: "this process".into(),
            transport: "local".into(),
            version: "5".into(),
            connected_s: 0,
        };
        let guest = match Guest::enter(&self.0, &connect, &identity, &client, view).await {
            Ok(guest) => guest,
            Err(NotIn::Gone) => return Err(LocalError::Stopped),
            Err(NotIn::Refused(connack)) => {
                return Err(LocalError::Refused {
                    client: options.client_id,
                    why: connack.reason_string.map_or_else(String::new, |why| why.to_string()),
                });
            }
        };
        let (requests, requested) = mpsc::channel(REQUESTS_MAX);
        let room = usize::from(options.queue_max).max(1);
        let (deliver, deliveries) = mpsc::channel(room);
        let (acks, acked) = mpsc::unbounded_channel();
        let task = Task {
            shared: self.0.clone(),
            guest,
            requested,
            deliver,
            waiting: VecDeque::new(),
            acked,
            room,
            asked: FxHashMap::default(),
            next_id: 0,
        };
        tokio::spawn(task.run());
        Ok((LocalClient(requests), LocalReceiver { deliveries, acks }))
    }
}

fn connect(options: &LocalOptions) -> Connect {
    Connect {
        version: Version::V5,
        bridge: false,
        client_id: options.client_id.as_str().into(),
        clean_start: options.session.is_none(),
        keep_alive_s: 0,
        session_expiry_s: options
            .session
            .map_or(0, |session| u32::try_from(session.as_secs()).unwrap_or(u32::MAX).max(1)),
        receive_max: options.queue_max.max(1),
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

impl LocalClient {
    /// Publishes a message. Comes back when it is acknowledged, which for QoS 1 and 2 is when it is durable.
    ///
    /// # Errors
    /// When it is refused, or the client is gone.
    pub async fn publish(&self, publication: Publication) -> Result<(), RequestError> {
        let Publication { topic, payload, qos, retain, properties } = publication;
        let publish = Publish { topic: topic.into(), payload, qos, retain, properties, ..Publish::default() };
        let (answer, answered) = oneshot::channel();
        self.ask(Request::Publish(Box::new(publish), answer), answered).await
    }

    /// Asks for messages, and says how surely they will come.
    ///
    /// # Errors
    /// When it is refused, or the client is gone.
    pub async fn subscribe(
        &self,
        filter: &str,
        options: SubscribeOptions,
        id: Option<u32>,
    ) -> Result<QoS, RequestError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::Subscribe(filter.into(), options, id, answer), answered).await
    }

    /// Asks for no more messages.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn unsubscribe(&self, filter: &str) -> Result<(), RequestError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::Unsubscribe(filter.into(), answer), answered).await
    }

    async fn ask<T>(
        &self,
        request: Request,
        answered: oneshot::Receiver<Result<T, RequestError>>,
    ) -> Result<T, RequestError> {
        let gone = || RequestError::Gone { why: "its session was taken over or the broker stops".into() };
        self.0.send(request).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

impl LocalReceiver {
    /// The next message; `None` when the client is gone.
    pub async fn recv(&mut self) -> Option<Delivery> {
        let publish = self.deliveries.recv().await?;
        Some(Delivery { publish, acks: self.acks.clone() })
    }
}

impl Delivery {
    /// The message was dealt with; it does not come again.
    pub fn ack(self) {
        let Some(packet_id) = self.publish.packet_id else { return };
        let ack = Ack { packet_id, reason: Reason::SUCCESS, reason_string: None };
        let packet =
            if self.publish.qos == QoS::ExactlyOnce { Packet::Pubrec(ack) } else { Packet::Puback(ack) };
        // A client that is gone has nobody to tell.
        drop(self.acks.send(packet));
    }
}

/// The client's side of the connection.
struct Task {
    shared: Arc<Shared>,
    guest: Guest,
    requested: mpsc::Receiver<Request>,
    deliver: mpsc::Sender<Publish>,
    /// What the receiver has no room for yet: QoS 1 and 2 within the window, QoS 0 up to `room`.
    waiting: VecDeque<Publish>,
    acked: mpsc::UnboundedReceiver<Packet>,
    room: usize,
    asked: FxHashMap<PacketId, Asked>,
    next_id: u16,
}

impl Task {
    async fn run(mut self) {
        // Nobody here sends a message twice, so what an earlier client of the name had not released is free.
        for packet_id in self.guest.connection.unreleased() {
            let release = Ack { packet_id, reason: Reason::SUCCESS, reason_string: None };
            // A release is always taken.
            let _ = self.guest.packet(Packet::Pubrel(release));
        }
        let ending = loop {
            if let Some(ending) = self.gather() {
                break ending;
            }
            if let Err(ending) = self.guest.submit().await {
                break ending;
            }
            let (outbox, deliver) = (self.guest.outbox().clone(), self.deliver.clone());
            let may_ask = !self.guest.connection.is_waiting();
            let step = tokio::select! {
                () = outbox.ready() => Ok(()),
                permit = deliver.reserve(), if !self.waiting.is_empty() => match permit {
                    Ok(permit) => {
                        if let Some(publish) = self.waiting.pop_front() {
                            permit.send(publish);
                        }
                        Ok(())
                    }
                    Err(_) => Err(goodbye()),
                },
                () = self.deliver.closed() => Err(goodbye()),
                packet = self.acked.recv() => match packet {
                    Some(packet) => self.take(packet),
                    None => Err(goodbye()),
                },
                request = self.requested.recv(), if may_ask => match request {
                    Some(request) => self.ask(request),
                    None => Err(goodbye()),
                },
            };
            if let Err(ending) = step {
                break ending;
            }
        };
        for (_, asked) in self.asked.drain() {
            let gone = RequestError::Gone { why: ending.why.into() };
            match asked {
                Asked::Done(answer) => drop(answer.send(Err(gone))),
                Asked::Granted(answer) => drop(answer.send(Err(gone))),
            }
        }
        self.shared.ended(&ending);
        self.guest.leave(ending).await;
    }

    /// Passes a message on, or keeps it until there is room. Of QoS 0 messages the oldest are dropped beyond the bound.
    fn pass_on(&mut self, publish: Publish) {
        self.waiting.push_back(publish);
        while let Some(publish) = self.waiting.pop_front() {
            if let Err(TrySendError::Full(publish) | TrySendError::Closed(publish)) =
                self.deliver.try_send(publish)
            {
                self.waiting.push_front(publish);
                break;
            }
        }
        let droppable = |publish: &Publish| publish.qos == QoS::AtMostOnce;
        if self.waiting.len() > self.room
            && let Some(oldest) = self.waiting.iter().position(droppable)
        {
            self.waiting.remove(oldest);
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn take(&mut self, packet: Packet) -> Result<(), Ending> {
        self.guest.packet(packet)?;
        while let Ok(packet) = self.acked.try_recv() {
            self.guest.packet(packet)?;
        }
        Ok(())
    }

    fn ask(&mut self, request: Request) -> Result<(), Ending> {
        match request {
            Request::Publish(mut publish, answer) => {
                if publish.qos == QoS::AtMostOnce {
                    self.guest.packet(Packet::Publish(publish))?;
                    drop(answer.send(Ok(())));
                    return Ok(());
                }
                let packet_id = self.packet_id()?;
                publish.packet_id = Some(packet_id);
                self.asked.insert(packet_id, Asked::Done(answer));
                self.guest.packet(Packet::Publish(publish))
            }
            Request::Subscribe(filter, options, id, answer) => {
                let packet_id = self.packet_id()?;
                self.asked.insert(packet_id, Asked::Granted(answer));
                let filters = vec![(filter.into(), options)];
                self.guest.packet(Packet::Subscribe(Box::new(Subscribe { packet_id, id, filters })))
            }
            Request::Unsubscribe(filter, answer) => {
                let packet_id = self.packet_id()?;
                self.asked.insert(packet_id, Asked::Done(answer));
                let filters = vec![filter.into()];
                self.guest.packet(Packet::Unsubscribe(Box::new(Unsubscribe { packet_id, filters })))
            }
        }
    }

    fn packet_id(&mut self) -> Result<PacketId, Ending> {
        (0..=u16::MAX)
            .find_map(|_| {
                self.next_id = self.next_id.wrapping_add(1);
                PacketId::new(self.next_id).filter(|id| !self.asked.contains_key(id))
            })
            .ok_or(Ending::broken(Reason::QUOTA_EXCEEDED, "it asks too much at once"))
    }

    /// Deals with what the broker says.
    fn gather(&mut self) -> Option<Ending> {
        for outgoing in self.guest.take_outgoing() {
            match outgoing {
                Outgoing::Close(reason, why) => return Some(Ending::broken(reason, why)),
                Outgoing::Attached(..) => {}
                Outgoing::Packet(packet) => {
                    self.guest.connection.outgoing(&packet);
                    if let Err(ending) = self.heard(packet) {
                        return Some(ending);
                    }
                }
            }
        }
        None
    }

    fn heard(&mut self, packet: Packet) -> Result<(), Ending> {
        match packet {
            Packet::Publish(publish) => self.pass_on(*publish),
            Packet::Puback(ack) => self.answer(ack),
            Packet::Pubrec(ack) if ack.reason.is_error() => self.answer(ack),
            // It is durable: that is the promise. The release only frees the identifier.
            Packet::Pubrec(ack) => {
                self.guest.packet(Packet::Pubrel(Ack { reason: Reason::SUCCESS, ..ack }))?;
            }
            Packet::Pubcomp(ack) => self.answer(Ack { reason: Reason::SUCCESS, ..ack }),
            Packet::Pubrel(ack) => {
                self.guest.packet(Packet::Pubcomp(Ack { reason: Reason::SUCCESS, ..ack }))?;
            }
            Packet::Suback(ack) | Packet::Unsuback(ack) => self.granted(&ack),
            _ => {}
        }
        Ok(())
    }

    fn answer(&mut self, ack: Ack) {
        if let Some(Asked::Done(answer)) = self.asked.remove(&ack.packet_id) {
            let why = ack.reason_string.map(|why| why.to_string());
            let outcome = if ack.reason.is_error() {
                Err(RequestError::Refused { reason: ack.reason, why })
            } else {
                Ok(())
            };
            drop(answer.send(outcome));
        }
    }

    fn granted(&mut self, ack: &Suback) {
        let reason = ack.reasons.first().copied().unwrap_or(Reason::UNSPECIFIED_ERROR);
        let refused =
            || RequestError::Refused { reason, why: ack.reason_string.as_ref().map(ToString::to_string) };
        match self.asked.remove(&ack.packet_id) {
            Some(Asked::Granted(answer)) => drop(answer.send(QoS::from_u8(reason.0).ok_or_else(refused))),
            Some(Asked::Done(answer)) => {
                drop(answer.send(if reason.is_error() { Err(refused()) } else { Ok(()) }));
            }
            None => {}
        }
    }
}

/// The client goes in order: it has no will, and its session stays as long as it was to.
fn goodbye() -> Ending {
    Ending { by_client: true, will_discarded: true, ..Ending::broken(Reason::SUCCESS, "it was dropped") }
}
