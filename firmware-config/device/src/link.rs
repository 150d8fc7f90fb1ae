//! The way to the store's node.
//!
//! Not here: MQTT itself. Whoever runs a device brings a [`Link`]: a client over a network stack on hardware, over a socket in
//! the simulator. When to connect again is decided by the core (`tasks::listen`), so a link never retries by itself.

/// The link is down: not connected, refused, or broken in the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the link to the node is down")]
pub struct LinkDown;

/// What a connection is made with.
#[derive(Debug, Clone, Copy)]
pub struct Session<'a> {
    /// Names the device on its store's broker: its id, which rights to topics are given by.
    pub client_id: &'a str,
    /// What the broker says of the device when the connection is lost. Retained.
    pub will: Message<'a>,
    /// What to subscribe to, at least once.
    pub filters: [&'a str; 2],
}

/// Something to publish at least once.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The full topic.
    pub topic: &'a str,
    /// The payload.
    pub payload: &'a [u8],
    /// Whether the broker keeps it for those who come later.
    pub retain: bool,
}

/// Something that came in. Both parts lie in the buffer given to [`Link::receive`].
#[derive(Debug, Clone, Copy)]
pub struct Received<'b> {
    /// The full topic.
    pub topic: &'b str,
    /// The payload.
    pub payload: &'b [u8],
}

impl<'b> Received<'b> {
    /// Copies a message into the buffer; nothing when it does not fit.
    #[must_use]
    pub fn copy(topic: &str, payload: &[u8], buffer: &'b mut [u8]) -> Option<Self> {
        let (place, rest) = buffer.split_at_mut_checked(topic.len())?;
        place.copy_from_slice(topic.as_bytes());
        let body = rest.get_mut(..payload.len())?;
        body.copy_from_slice(payload);
        Some(Self { topic: core::str::from_utf8(place).ok()?, payload: body })
    }
}

/// The way to the node. All tasks of a device share one, so what it changes it changes behind `&self`.
pub trait Link {
    /// Connects and subscribes; what was connected before is given up. Tried once.
    ///
    /// # Errors
    /// When there is no connection now.
    async fn connect(&self, session: &Session<'_>) -> Result<(), LinkDown>;

    /// Publishes, and returns when the node has acknowledged (PUBACK).
    ///
    /// # Errors
    /// When the acknowledgement did not come on this connection. The message may have arrived all the same.
    async fn publish(&self, message: Message<'_>) -> Result<(), LinkDown>;

    /// Waits for the next message. One that does not fit into the buffer is dropped by the link.
    ///
    /// # Errors
    /// When the connection is lost. Every publish that waits must return an error then, too.
    async fn receive<'b>(&self, buffer: &'b mut [u8]) -> Result<Received<'b>, LinkDown>;
}

impl<L: Link> Link for &L {
    async fn connect(&self, session: &Session<'_>) -> Result<(), LinkDown> {
        (*self).connect(session).await
    }

    async fn publish(&self, message: Message<'_>) -> Result<(), LinkDown> {
        (*self).publish(message).await
    }

    async fn receive<'b>(&self, buffer: &'b mut [u8]) -> Result<Received<'b>, LinkDown> {
        (*self).receive(buffer).await
    }
}
