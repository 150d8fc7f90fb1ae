//! [`RawClient`]: one conversation.

use super::{Ack, Connack, Connect, Packet, Publish, RawError, Stream, Tls, Version, packet::frame, write};
use bytes::{Bytes, BytesMut};
use std::{collections::VecDeque, net::SocketAddr, time::Duration};
use tokio::time::timeout;

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Packets kept that came while another was waited for.
const KEPT_MAX: usize = 100_000;
/// Bytes written at once.
const BATCH_BYTES: usize = 64 << 10;

/// A connection to a broker, and what came over it that nobody has asked for yet.
#[derive(Debug)]
pub struct RawClient {
    stream: Stream,
    version: Version,
    read: BytesMut,
    kept: VecDeque<Packet>,
    packet_id: u16,
}

impl RawClient {
    /// Opens a connection and says nothing.
    ///
    /// # Errors
    /// When nobody is there.
    pub async fn open(address: SocketAddr, version: Version) -> Result<Self, RawError> {
        Ok(Self::over(Stream::open(address, None).await?, version))
    }

    /// The same over TLS.
    ///
    /// # Errors
    /// When nobody is there, or TLS is not agreed on.
    pub async fn open_tls(address: SocketAddr, version: Version, tls: &Tls) -> Result<Self, RawError> {
        Ok(Self::over(Stream::open(address, Some(tls)).await?, version))
    }

    /// Opens a connection and says CONNECT.
    ///
    /// # Errors
    /// When nobody is there, or the broker refuses.
    pub async fn connect(address: SocketAddr, connect: &Connect) -> Result<(Self, Connack), RawError> {
        let mut client = Self::open(address, connect.version).await?;
        let connack = client.introduce(connect).await?;
        Ok((client, connack))
    }

    /// The same over TLS.
    ///
    /// # Errors
    /// When nobody is there, TLS is not agreed on, or the broker refuses.
    pub async fn connect_tls(
        address: SocketAddr,
        connect: &Connect,
        tls: &Tls,
    ) -> Result<(Self, Connack), RawError> {
        let mut client = Self::open_tls(address, connect.version, tls).await?;
        let connack = client.introduce(connect).await?;
        Ok((client, connack))
    }

    fn over(stream: Stream, version: Version) -> Self {
        Self { stream, version, read: BytesMut::new(), kept: VecDeque::new(), packet_id: 0 }
    }

    /// Says CONNECT on an open connection and waits for the answer.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub async fn introduce(&mut self, connect: &Connect) -> Result<Connack, RawError> {
        let mut bytes = Vec::new();
        write::connect(&mut bytes, connect);
        self.send_bytes(&bytes).await?;
        match self.recv_packet(ANSWER_TIMEOUT).await? {
            Packet::Connack(connack) if connack.reason == 0 => Ok(connack),
            Packet::Connack(Connack { reason, .. }) => {
                Err(RawError::Refused { what: "the connection", reason })
            }
            packet => Err(unexpected(packet, "CONNACK")),
        }
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the connection broke.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), RawError> {
        self.stream.write(bytes).await
    }

    /// The next packet.
    ///
    /// # Errors
    /// When none comes in time, the connection ends, or what comes is no packet.
    pub async fn recv_packet(&mut self, within: Duration) -> Result<Packet, RawError> {
        match self.kept.pop_front() {
            Some(packet) => Ok(packet),
            None => self.next(within).await,
        }
    }

    /// The next message; sends the PUBACK or PUBREC it asks for, and PUBCOMP for each PUBREL on the way.
    ///
    /// # Errors
    /// As for [`Self::recv_packet`], and when another packet comes.
    pub async fn recv_publish(&mut self, within: Duration) -> Result<Publish, RawError> {
        loop {
            match self.recv_packet(within).await? {
                Packet::Publish(publish) => {
                    match publish.qos {
                        0 => {}
                        1 => self.ack(Ack::Puback, publish.packet_id).await?,
                        _ => self.ack(Ack::Pubrec, publish.packet_id).await?,
                    }
                    return Ok(publish);
                }
                Packet::Pubrel { packet_id, .. } => self.ack(Ack::Pubcomp, packet_id).await?,
                packet => return Err(unexpected(packet, "PUBLISH")),
            }
        }
    }

    /// Sends PUBLISH and waits for nothing.
    ///
    /// # Errors
    /// When the connection broke.
    pub async fn publish(&mut self, publish: &Publish) -> Result<(), RawError> {
        let mut bytes = Vec::with_capacity(publish.payload.len() + publish.topic.len() + 16);
        write::publish(&mut bytes, self.version, publish);
        self.send_bytes(&bytes).await
    }

    /// Publishes payloads to one topic with at most `window` of them on their way, until all are acknowledged. Messages that
    /// come meanwhile are kept for [`Self::recv_packet`].
    ///
    /// # Errors
    /// When one is refused, or an answer does not come.
    pub async fn publish_all(
        &mut self,
        topic: &str,
        qos: u8,
        payloads: impl IntoIterator<Item = Bytes>,
        window: u16,
    ) -> Result<(), RawError> {
        let mut payloads = payloads.into_iter();
        let mut free: Vec<u16> = (1..=window.max(1)).rev().collect();
        let (mut on_their_way, mut more, mut bytes) = (0, true, Vec::new());
        while more || on_their_way > 0 {
            while more && bytes.len() < BATCH_BYTES {
                let Some(packet_id) = free.pop() else { break };
                let Some(payload) = payloads.next() else {
                    more = false;
                    break;
                };
                let publish = Publish { topic: topic.into(), payload, qos, packet_id, ..Publish::default() };
                write::publish(&mut bytes, self.version, &publish);
                if qos == 0 {
                    free.push(packet_id);
                } else {
                    on_their_way += 1;
                }
            }
            self.send_bytes(&bytes).await?;
            bytes.clear();
            if on_their_way > 0 && (free.is_empty() || !more) {
                on_their_way -= self.answers(&mut free, &mut bytes).await?;
            }
        }
        self.send_bytes(&bytes).await
    }

    /// Takes what has come, at least one packet; gives how many messages are done with, and their identifiers to `free`.
    async fn answers(&mut self, free: &mut Vec<u16>, bytes: &mut Vec<u8>) -> Result<usize, RawError> {
        let mut done = 0;
        let mut packet = Some(self.next(ANSWER_TIMEOUT).await?);
        while let Some(answer) = packet {
            match answer {
                Packet::Puback { reason, .. } | Packet::Pubrec { reason, .. } if reason >= 0x80 => {
                    return Err(RawError::Refused { what: "a message", reason });
                }
                Packet::Puback { packet_id, .. } | Packet::Pubcomp { packet_id, .. } => {
                    free.push(packet_id);
                    done += 1;
                }
                Packet::Pubrec { packet_id, .. } => write::ack(bytes, Ack::Pubrel, packet_id),
                other => self.keep(other)?,
            }
            packet = self.buffered()?;
        }
        Ok(done)
    }

    /// Asks for messages and waits for the answer: the granted QoS.
    ///
    /// # Errors
    /// When it is refused, or no answer comes.
    pub async fn subscribe(&mut self, filter: &str, options: u8) -> Result<u8, RawError> {
        let packet_id = self.next_packet_id();
        let mut bytes = Vec::new();
        write::subscribe(&mut bytes, self.version, packet_id, &[(filter, options)]);
        self.send_bytes(&bytes).await?;
        let is_answer = |packet: &Packet| matches!(packet, Packet::Suback { packet_id: answered, .. } if *answered == packet_id);
        match self.wait_for(is_answer).await? {
            Packet::Suback { reasons, .. } => match reasons.as_slice() {
                [granted] if *granted < 3 => Ok(*granted),
                other => {
                    let reason = other.first().copied().unwrap_or(0x80);
                    Err(RawError::Refused { what: "a subscription", reason })
                }
            },
            packet => Err(unexpected(packet, "SUBACK")),
        }
    }

    /// Asks for messages no more and waits for the answer: its reasons, which 3.1.1 does not give.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn unsubscribe(&mut self, filter: &str) -> Result<Vec<u8>, RawError> {
        let packet_id = self.next_packet_id();
        let mut bytes = Vec::new();
        write::unsubscribe(&mut bytes, self.version, packet_id, &[filter]);
        self.send_bytes(&bytes).await?;
        let is_answer = |packet: &Packet| matches!(packet, Packet::Unsuback { packet_id: answered, .. } if *answered == packet_id);
        match self.wait_for(is_answer).await? {
            Packet::Unsuback { reasons, .. } => Ok(reasons),
            packet => Err(unexpected(packet, "UNSUBACK")),
        }
    }

    /// Answers a message.
    ///
    /// # Errors
    /// When the connection broke.
    pub async fn ack(&mut self, ack: Ack, packet_id: u16) -> Result<(), RawError> {
        let mut bytes = Vec::with_capacity(4);
        write::ack(&mut bytes, ack, packet_id);
        self.send_bytes(&bytes).await
    }

    /// Asks whether the broker is there and waits until it says so.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&mut self) -> Result<(), RawError> {
        self.send_bytes(&write::PINGREQ).await?;
        self.wait_for(|packet| *packet == Packet::Pingresp).await.map(drop)
    }

    /// Says goodbye.
    ///
    /// # Errors
    /// When the connection broke.
    pub async fn disconnect(mut self) -> Result<(), RawError> {
        self.send_bytes(&write::DISCONNECT).await
    }

    /// Waits for the end of the connection; what comes before it is let go.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn closed(&mut self, within: Duration) -> Result<(), RawError> {
        loop {
            match self.recv_packet(within).await {
                Ok(_) => {}
                Err(RawError::Closed | RawError::Broken(_)) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// The connection itself, for those who want to do more with it. What has come and was not asked for is lost.
    #[must_use]
    pub fn into_stream(self) -> Stream {
        self.stream
    }

    fn next_packet_id(&mut self) -> u16 {
        self.packet_id = self.packet_id.checked_add(1).unwrap_or(1);
        self.packet_id
    }

    async fn wait_for(&mut self, is_answer: impl Fn(&Packet) -> bool) -> Result<Packet, RawError> {
        loop {
            let packet = self.next(ANSWER_TIMEOUT).await?;
            if is_answer(&packet) {
                return Ok(packet);
            }
            self.keep(packet)?;
        }
    }

    fn keep(&mut self, packet: Packet) -> Result<(), RawError> {
        if self.kept.len() == KEPT_MAX {
            return Err(RawError::Flood(KEPT_MAX));
        }
        self.kept.push_back(packet);
        Ok(())
    }

    async fn next(&mut self, within: Duration) -> Result<Packet, RawError> {
        let read = async {
            loop {
                if let Some(packet) = self.buffered()? {
                    return Ok(packet);
                }
                if self.stream.read(&mut self.read).await? == 0 {
                    return Err(RawError::Closed);
                }
            }
        };
        timeout(within, read).await.unwrap_or(Err(RawError::Silent(within)))
    }

    fn buffered(&mut self) -> Result<Option<Packet>, RawError> {
        let Some(frame) = frame(&self.read)? else { return Ok(None) };
        let (first, bytes, head) = (frame.first, frame.bytes, frame.bytes - frame.body.len());
        let body = self.read.split_to(bytes).freeze().slice(head..);
        Ok(Some(Packet::read(self.version, first, body)?))
    }
}

fn unexpected(packet: Packet, expected: &'static str) -> RawError {
    RawError::Unexpected { packet: Box::new(packet), expected }
}
