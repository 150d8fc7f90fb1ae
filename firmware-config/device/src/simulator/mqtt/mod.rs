//! One device's side of MQTT 5 over TCP: connect, will, subscriptions, publishes that wait for their acknowledgement.
//!
//! The protocol is `rust-mqtt`'s, which was made for boards: it has no buffers of its own, so that thousands of devices fit into one
//! process. Here are the socket under it and the loop around it. Not here: what is said (`aisle-firmware-config`), when to
//! connect again and what to say again (whoever uses the [`Port`]).
//!
//! Guards: a publish is told to be acknowledged only after its PUBACK. What is on its way when a connection ends is told to be
//! lost, and who published it does so again: at least once.

mod connection;
mod socket;

use super::count::Counts;
use embassy_futures::select::{Either, Either3, select, select3};
use embassy_sync::{blocking_mutex::raw::NoopRawMutex, channel::Channel, signal::Signal};
use std::{cell::Cell, future::Future, num::NonZero, sync::Arc};
use tokio::sync::oneshot;

/// Messages of a device that wait to be written; whoever has one more waits.
const OUTGOING_MAX: usize = 4;
/// Messages to a device that it has not taken; a further one is dropped and counted, as a board would.
const INCOMING_MAX: usize = 4;

/// As whom a device connects to which broker.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    pub(super) host: Arc<str>,
    pub(super) port: u16,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) keep_alive_s: NonZero<u16>,
}

/// What a connection is made with.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) client_id: String,
    /// What the broker says, retained, when the device is gone without a word.
    pub(super) will: (String, Vec<u8>),
    pub(super) filters: Vec<String>,
}

/// A message to be published.
#[derive(Debug)]
struct Outgoing {
    topic: String,
    payload: Vec<u8>,
    retain: bool,
    done: oneshot::Sender<Delivery>,
}

/// How a publish ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// The broker has it.
    Acknowledged,
    /// The broker does not want it.
    Refused,
    /// The connection ended before the broker said anything.
    Lost,
}

/// A message that came.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
}

/// When a device may use its radio.
pub(super) trait Radio {
    /// Whether it may now.
    fn is_on(&self) -> bool;
    /// Comes back when it may not any more.
    fn off(&self) -> impl Future<Output = ()>;
}

/// Where a device and its connection meet: the device calls, [`Port::carry`] does.
pub(super) struct Port {
    wanted: Signal<NoopRawMutex, (Session, oneshot::Sender<bool>)>,
    outgoing: Channel<NoopRawMutex, Outgoing, OUTGOING_MAX>,
    incoming: Channel<NoopRawMutex, Incoming, INCOMING_MAX>,
    is_up: Cell<bool>,
    went_down: Signal<NoopRawMutex, ()>,
}

impl Port {
    pub(super) fn new() -> Self {
        Self {
            wanted: Signal::new(),
            outgoing: Channel::new(),
            incoming: Channel::new(),
            is_up: Cell::new(false),
            went_down: Signal::new(),
        }
    }

    /// Tries to connect once; what was connected before is given up.
    pub(super) async fn connect(&self, session: Session) -> bool {
        let (done, connected) = oneshot::channel();
        self.wanted.signal((session, done));
        connected.await.unwrap_or(false)
    }

    /// Publishes and waits for the broker's word, for as long as the connection stands.
    pub(super) async fn publish(&self, topic: &str, payload: &[u8], retain: bool) -> Delivery {
        if !self.is_up.get() {
            return Delivery::Lost;
        }
        let (done, ended) = oneshot::channel();
        let message = Outgoing { topic: topic.to_owned(), payload: payload.to_vec(), retain, done };
        self.outgoing.send(message).await;
        ended.await.unwrap_or(Delivery::Lost)
    }

    /// The next message; nothing when the connection is lost. One waits at a time.
    pub(super) async fn receive(&self) -> Option<Incoming> {
        if let Ok(message) = self.incoming.try_receive() {
            return Some(message);
        }
        if !self.is_up.get() {
            return None;
        }
        match select(self.incoming.receive(), self.went_down.wait()).await {
            Either::First(message) => Some(message),
            Either::Second(()) => None,
        }
    }

    /// Does what the device calls for, for as long as it is polled.
    pub(super) async fn carry(&self, credentials: &Credentials, radio: &impl Radio, counts: &Counts) {
        let mut request = None;
        let mut again = false;
        loop {
            let (session, done) = match request.take() {
                Some(request) => request,
                None => match select(self.wanted.wait(), self.lose_all()).await {
                    Either::First(request) => request,
                    Either::Second(never) => match never {},
                },
            };
            if !radio.is_on() {
                // Whoever does not wait any more needs no answer.
                let _ = done.send(false);
                continue;
            }
            let mut buffers = connection::buffers();
            let Some(mut connection) = connection::open(credentials, &session, &mut buffers).await else {
                counts.unreachable();
                let _ = done.send(false);
                continue;
            };
            let standing = counts.connected(again);
            again = true;
            self.went_down.reset();
            self.is_up.set(true);
            let _ = done.send(true);
            let serve = connection.serve(self, counts);
            if let Either3::Third(next) = select3(serve, radio.off(), self.wanted.wait()).await {
                request = Some(next);
            }
            drop((connection, standing));
            self.is_up.set(false);
            self.went_down.signal(());
        }
    }

    /// Tells all that is published while there is no connection that it is lost.
    async fn lose_all(&self) -> std::convert::Infallible {
        loop {
            let message = self.outgoing.receive().await;
            let _ = message.done.send(Delivery::Lost);
        }
    }
}
