//! The other broker, spoken to through `rumqttc`: one set of events and requests for both of its protocol versions.
//!
//! `rumqttc` is given one connection and then thrown away; what is on its way is remembered by the caller. It would otherwise
//! forget unacknowledged messages when the other broker forgets the session, send acknowledgements of one connection on the
//! next, give a packet identifier out that still waits for its PUBCOMP, and break off for ever when a PUBREL comes that it
//! does not expect. [`Line::begin`] sets its state where it lets us, once, at the start of each connection:
//!
//! - Every identifier counts as received by QoS 2, so any PUBREL is answered with a PUBCOMP, as the protocol asks.
//! - Its own limit of messages in flight is never reached, because at the limit it sends no acknowledgements either. The caller
//!   keeps to [`Limits::window`] instead, and never has so many between its oldest and its newest that an identifier comes round.
//! - What has to be sent again goes first, with the identifier that it had and marked as a duplicate.
//!
//! Not here: what a message means, when to connect. Nothing else names `rumqttc`.

pub(super) mod dial;
mod error;
mod tls;
mod v311;
mod v5;

pub(super) use dial::{Dial, DialError};
pub(super) use error::LinkError;

use aisle_broker::packet::{PacketId, Publish, QoS, Reason};

/// What happened on a connection.
#[derive(Debug)]
pub(super) enum Event {
    /// The other broker took us in.
    Connected(Connected),
    /// It sent a message.
    Message(Publish),
    /// It may forget a QoS 2 message that we took.
    Released(PacketId),
    /// The oldest message that it was not sent yet was sent; with its number unless it has QoS 0.
    Sent(Option<PacketId>),
    /// It took a QoS 2 message and waits for our release, which is under way.
    Received(PacketId),
    /// It took a message for good, or refused it.
    Answered(PacketId, Reason),
    /// It answered a subscription, filter by filter.
    Subscribed(Vec<Reason>),
    /// Our goodbye was sent.
    Gone,
    /// Nothing that matters.
    Other,
}

/// What the other broker said when it took us in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Connected {
    /// It remembers what was on its way.
    pub session_present: bool,
    /// It takes so many QoS 1 and 2 messages at once.
    pub receive_max: u16,
    /// It takes packets of so many bytes.
    pub packet_bytes_max: usize,
}

/// What has to be sent again after a connection was lost.
#[derive(Debug)]
pub(super) enum Again {
    /// A message that was not answered.
    Publish(Publish),
    /// The release of a QoS 2 message that was taken.
    Release(PacketId),
}

/// One filter to subscribe to.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub filter: String,
    pub qos: QoS,
}

/// How many identifiers `rumqttc` goes round in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The caller keeps at most so many messages unanswered.
    pub window: u16,
    /// Identifiers are 1 to this.
    pub ids: u16,
}

impl Limits {
    pub(super) const fn new(in_flight_max: u16) -> Self {
        Self { window: in_flight_max, ids: 2 * in_flight_max + 16 }
    }
}

/// A request could not be queued. The queue holds more than all windows together, so this is a connection gone wrong.
#[derive(Debug, Clone, Copy)]
pub(super) struct Full;

/// `rumqttc`'s queue of requests. It takes memory only for what is in it, and that is bounded by the windows.
const REQUESTS_MAX: usize = 1 << 17;

/// The receiving end of a connection.
pub(super) enum Line {
    V311(Box<v311::Line>),
    V5(Box<v5::Line>),
}

/// The sending end of a connection. Nothing here waits.
pub(super) enum Sender {
    V311(v311::Sender),
    V5(v5::Sender),
}

macro_rules! either {
    ($this:expr, $it:ident => $call:expr) => {
        match $this {
            Self::V311($it) => $call,
            Self::V5($it) => $call,
        }
    };
}

impl Line {
    /// Waits for what happens next; the first call connects. After an error come no more events but those of
    /// [`Line::leftover`]. It may be dropped while it waits only if the line is dropped too.
    pub(super) async fn next(&mut self) -> Result<Event, LinkError> {
        either!(self, line => line.next().await)
    }

    /// What came before the connection ended and was not looked at.
    pub(super) fn leftover(&mut self) -> Option<Event> {
        either!(self, line => line.leftover())
    }

    /// Forgets what was on its way and sends this first. Call it when connected, or when nothing is on its way.
    pub(super) fn begin(&mut self, again: Vec<Again>) {
        either!(self, line => line.begin(again));
    }

    /// At least so often something happens while the other broker is there, in seconds.
    pub(super) fn keep_alive_s(&self) -> u64 {
        either!(self, line => line.keep_alive_s())
    }
}

impl Sender {
    /// Sends a message; its identifier is chosen by `rumqttc` and told by [`Event::Sent`].
    pub(super) fn publish(&self, publish: &Publish) -> Result<(), Full> {
        either!(self, sender => sender.publish(publish))
    }

    /// How many bytes the message takes as a packet.
    pub(super) fn packet_bytes(&self, publish: &Publish) -> usize {
        either!(self, sender => sender.packet_bytes(publish))
    }

    /// PUBACK or PUBREC.
    pub(super) fn acknowledge(&self, id: PacketId, qos: QoS) -> Result<(), Full> {
        either!(self, sender => sender.acknowledge(id, qos))
    }

    /// Asks for messages, by one packet.
    pub(super) fn subscribe(&self, wanted: &[Wanted]) -> Result<(), Full> {
        either!(self, sender => sender.subscribe(wanted))
    }

    /// Says goodbye. The session stays.
    pub(super) fn disconnect(&self) -> Result<(), Full> {
        either!(self, sender => sender.disconnect())
    }
}
