//! A client over a socket: bytes in, bytes out.
//!
//! One task a client. It writes what waits, takes what has come, hands it in, and waits for more of either. What the client
//! sends is read only as far as its answers keep up; a client that does not take what is written is given up.

use super::{Guest, NotIn};
use crate::{
    access::Proof,
    broker::Shared,
    connection::{Ending, Rate, refusal},
    core::{ClientView, Outgoing},
    packet::{Codec, Connect, Disconnect, EncodeError, Packet, Publish, Reason, Version},
    transport::{Accepted, Stream},
};
use bytes::BytesMut;
use bytestring::ByteString;
use rustc_hash::FxHashMap;
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, sleep_until, timeout},
};

/// The least and the most that is read at once, in bytes. It grows with a client that has much to say.
const READ_BYTES_MIN: usize = 512;
const READ_BYTES_MAX: usize = 64 << 10;
/// What is written at once, about.
const WRITE_BYTES: usize = 64 << 10;
/// Steps that are handed in together.
const STEPS_MAX: usize = 512;
/// A connection that is ended may take so long for its last words.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// So long, and so many bytes, a client is listened to that was told to go.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES_MAX: usize = 4 << 20;

/// A client's socket and the bytes around it.
struct Wire {
    stream: Stream,
    codec: Codec,
    input: BytesMut,
    output: BytesMut,
    read_bytes: usize,
    aliases: Aliases,
}

/// Serves a client from its first byte to its last.
pub(crate) async fn serve(shared: Arc<Shared>, accepted: Accepted) {
    let limits = shared.limits();
    let (peer, transport) = (accepted.peer, accepted.transport);
    let (certificate, shown) = (accepted.certificate, accepted.shown);
    let mut wire = Wire {
        stream: accepted.stream,
        codec: Codec::server(limits.packet_bytes_max),
        input: BytesMut::new(),
        output: BytesMut::new(),
        read_bytes: READ_BYTES_MIN,
        aliases: Aliases::default(),
    };
    let patience = Duration::from_millis(limits.patience_ms);
    let Ok(Some(connect)) = timeout(patience, wire.connect()).await else {
        shared.no_connect();
        return;
    };
    let view = ClientView {
        peer: peer.to_string(),
        transport: transport.scheme().into(),
        version: version_name(connect.version).into(),
        connected_s: 0,
    };
    let entered = match shared.identify(&connect, certificate.as_ref()).await {
        Ok((identity, client)) => {
            Guest::enter(&shared, &connect, &identity, &client, view).await.map(|guest| (guest, identity))
        }
        Err(refused) => Err(NotIn::Refused(refused)),
    };
    let (mut guest, identity) = match entered {
        Ok(entered) => entered,
        Err(not_in) => {
            if let NotIn::Refused(connack) = not_in {
                shared.refused_connect(&connect.client_id, peer, &connack);
                wire.last_words(&Packet::Connack(Box::new(connack))).await;
            }
            return;
        }
    };
    // A ban that came while it was on its way in did not find it there. Whoever came by a password is not meant.
    if identity.proof == Proof::Certificate && shown.is_some_and(|shown| shown.is_banned()) {
        let why = "its certificate was taken back";
        guest.leave(Ending::broken(Reason::NOT_AUTHORIZED, why)).await;
        let connack = refusal(Reason::NOT_AUTHORIZED, why);
        shared.refused_connect(&connect.client_id, peer, &connack);
        wire.last_words(&Packet::Connack(Box::new(connack))).await;
        return;
    }
    tracing::debug!(client = %guest.admission.opening.client, %peer, %transport, "a client is in");
    wire.codec.set_problem_information(guest.admission.problem_information);
    wire.aliases.max = guest.admission.topic_alias_max;
    let connack = Packet::Connack(std::mem::take(&mut guest.connack));
    let ending = match wire.codec.encode(&connack, &mut wire.output) {
        Ok(()) => wire.talk(&shared, &mut guest, identity).await,
        Err(_) => Ending::broken(Reason::PACKET_TOO_LARGE, "its CONNACK is too long for it"),
    };
    tracing::debug!(client = %guest.admission.opening.client, why = ending.why, "a client is gone");
    shared.ended(&ending);
    // The session goes on without the socket; whoever comes next need not wait for its last words.
    guest.leave(ending).await;
    if !ending.by_client {
        let words = Disconnect {
            reason: ending.reason,
            reason_string: Some(ending.why.into()),
            session_expiry_s: None,
        };
        wire.last_words(&Packet::Disconnect(Box::new(words))).await;
    }
}

impl Wire {
    /// The first packet. `None` when there is none that may be.
    async fn connect(&mut self) -> Option<Box<Connect>> {
        loop {
            match self.codec.decode(&mut self.input) {
                Ok(Some(Packet::Connect(connect))) => return Some(connect),
                Ok(Some(_)) => return None,
                Ok(None) => {}
                Err(malformed) => {
                    if let Some(words) = self.codec.refusal(&malformed) {
                        self.last_words(&words).await;
                    }
                    return None;
                }
            }
            if self.read().await? == 0 {
                return None;
            }
        }
    }

    async fn read(&mut self) -> Option<usize> {
        self.input.reserve(self.read_bytes);
        let count = self.stream.read_buf(&mut self.input).await.ok()?;
        // A client that has much to say is read in larger pieces, one that has little keeps little memory.
        if count >= self.read_bytes {
            self.read_bytes = (self.read_bytes * 4).min(READ_BYTES_MAX);
        } else if count < self.read_bytes / 8 {
            self.read_bytes = (self.read_bytes / 4).max(READ_BYTES_MIN);
        }
        Some(count)
    }

    /// Packets both ways, until the connection ends.
    async fn talk(
        &mut self,
        shared: &Arc<Shared>,
        guest: &mut Guest,
        mut identity: crate::access::Identity,
    ) -> Ending {
        let limits = shared.limits();
        let silence = Duration::from_millis(guest.admission.silence_max_ms);
        let patience = Duration::from_millis(limits.patience_ms);
        let outbox = guest.outbox().clone();
        let mut heard = Instant::now();
        let mut resume: Option<Instant> = None;
        let now_ms = shared.sequence.clock.now_ms();
        let mut messages = Rate::new(limits.publishes_per_s_max, now_ms);
        let mut volume = Rate::new(limits.publish_bytes_per_s_max, now_ms);
        let mut devices = shared.devices.changes();
        loop {
            if let Some(ending) = self.gather(guest) {
                // What was answered before the end still goes out.
                drop(timeout(LAST_WORDS, self.write()).await);
                return ending;
            }
            let written = tokio::select! {
                written = timeout(patience, self.write()) => written,
                () = outbox.ended() => {
                    drop(timeout(LAST_WORDS, self.write()).await);
                    Ok(true)
                }
            };
            match written {
                Ok(true) => {}
                Ok(false) => return Ending::broken(Reason::UNSPECIFIED_ERROR, "the connection broke"),
                Err(_) => return Ending::broken(Reason::UNSPECIFIED_ERROR, "it takes nothing more"),
            }
            let more = match self.take(guest, &mut messages, &mut volume, shared, &mut resume).await {
                Ok(more) => more,
                Err(ending) => return ending,
            };
            if more {
                continue;
            }
            let readable = resume.is_none() && !guest.connection.is_waiting();
            let wake = resume.unwrap_or(heard + silence);
            tokio::select! {
                () = outbox.ready() => {}
                count = self.read(), if readable => match count {
                    Some(count) if count > 0 => heard = Instant::now(),
                    _ => return Ending::broken(Reason::UNSPECIFIED_ERROR, "the connection broke"),
                },
                () = sleep_until(wake) => {
                    if resume.take().is_none() && heard.elapsed() >= silence {
                        return Ending::broken(Reason::KEEP_ALIVE_TIMEOUT, "nothing came for one and a half times its keep alive");
                    }
                    // While it was not read, its silence is our own.
                    if !readable {
                        heard = Instant::now();
                    }
                }
                changed = devices.changed() => {
                    if changed.is_ok() {
                        match shared.devices.renew(&identity) {
                            Some(renewed) => {
                                guest.connection.rights = renewed.rights.clone();
                                identity = renewed;
                            }
                            None => return Ending::broken(Reason::NOT_AUTHORIZED, "its credentials are no longer valid"),
                        }
                    }
                }
            }
        }
    }

    /// Takes what has come, as far as it may. True when there is more that could be taken at once.
    async fn take(
        &mut self,
        guest: &mut Guest,
        messages: &mut Rate,
        volume: &mut Rate,
        shared: &Arc<Shared>,
        resume: &mut Option<Instant>,
    ) -> Result<bool, Ending> {
        let mut ending = None;
        let (mut publishes, before) = (0, self.input.len());
        let mut more = false;
        while resume.is_none() && !guest.connection.is_waiting() {
            if guest.connection.steps.len() >= STEPS_MAX {
                more = true;
                break;
            }
            match self.codec.decode(&mut self.input) {
                Ok(Some(packet)) => {
                    publishes += u64::from(matches!(packet, Packet::Publish(_)));
                    if let Err(why) = guest.packet(packet) {
                        ending = Some(why);
                        break;
                    }
                }
                Ok(None) => break,
                Err(malformed) => {
                    shared.malformed(&malformed);
                    ending = Some(Ending::broken(malformed.reason, malformed.what));
                    break;
                }
            }
        }
        if publishes > 0 {
            let now_ms = shared.sequence.clock.now_ms();
            let bytes = before.saturating_sub(self.input.len()) as u64;
            let pause = messages.take(publishes, now_ms).max(volume.take(bytes, now_ms));
            if pause > 0 {
                shared.throttled();
                *resume = Some(Instant::now() + Duration::from_millis(pause));
            }
        }
        for reply in std::mem::take(&mut guest.connection.replies) {
            self.encode(guest, reply);
        }
        guest.submit().await?;
        let replied = !self.output.is_empty();
        ending.map_or(Ok(more || replied), Err)
    }

    /// Encodes what waits. Gives why the connection is to end, if it is.
    fn gather(&mut self, guest: &mut Guest) -> Option<Ending> {
        for outgoing in guest.take_outgoing() {
            match outgoing {
                Outgoing::Packet(packet) => self.encode(guest, packet),
                Outgoing::Attached(..) => {}
                Outgoing::Close(reason, why) => return Some(Ending::broken(reason, why)),
            }
        }
        None
    }

    fn encode(&mut self, guest: &mut Guest, packet: Packet) {
        guest.connection.outgoing(&packet);
        let encoded = match packet {
            Packet::Publish(publish) => self.aliases.encode(&self.codec, *publish, &mut self.output),
            packet => self.codec.encode(&packet, &mut self.output),
        };
        if let Err(error) = encoded {
            tracing::debug!(client = %guest.connection.client, %error, "a packet was not sent");
        }
    }

    /// Writes what was encoded. False when the connection is broken.
    async fn write(&mut self) -> bool {
        if self.output.is_empty() {
            return true;
        }
        if self.stream.write_all_buf(&mut self.output).await.is_err() || self.stream.flush().await.is_err() {
            return false;
        }
        if self.output.capacity() > WRITE_BYTES {
            self.output = BytesMut::new();
        }
        true
    }

    /// Tells the client why it ends, and closes. What the client still sends is read and thrown away for a while: a socket
    /// that is closed with bytes unread resets the connection, and the words are lost on their way.
    async fn last_words(&mut self, packet: &Packet) {
        // Where the version has no words, there are none.
        let _ = self.codec.encode(packet, &mut self.output);
        self.input = BytesMut::new();
        let farewell = async {
            let mut unread = LINGER_BYTES_MAX;
            if !self.write().await || self.stream.shutdown().await.is_err() {
                return;
            }
            while unread > 0 {
                self.input.clear();
                match self.read().await {
                    Some(count) if count > 0 => unread = unread.saturating_sub(count),
                    _ => return,
                }
            }
        };
        // A client that does not go by itself is left.
        drop(timeout(LINGER, farewell).await);
    }
}

/// Numbers that stand for topics, on the way to a client that takes them (3.3.2.3.4). Given out once, to the first topics.
#[derive(Debug, Default)]
struct Aliases {
    max: u16,
    given: FxHashMap<ByteString, u16>,
}

impl Aliases {
    fn encode(
        &mut self,
        codec: &Codec,
        mut publish: Publish,
        output: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        /// More would be memory for little gain.
        const ALIASES_MAX: u16 = 64;
        if self.max > 0 {
            if let Some(alias) = self.given.get(&publish.topic) {
                publish.topic_alias = Some(*alias);
                publish.topic = ByteString::new();
            } else if let Some(alias) = u16::try_from(self.given.len() + 1).ok()
                && alias <= self.max.min(ALIASES_MAX)
            {
                let aliased =
                    Packet::Publish(Box::new(Publish { topic_alias: Some(alias), ..publish.clone() }));
                if codec.encode(&aliased, output).is_ok() {
                    self.given.insert(publish.topic, alias);
                    return Ok(());
                }
            }
        }
        codec.encode(&Packet::Publish(Box::new(publish)), output)
    }
}

const fn version_name(version: Version) -> &'static str {
    match version {
        Version::V31 => "3.1",
        Version::V311 => "3.1.1",
        Version::V5 => "5",
    }
}
