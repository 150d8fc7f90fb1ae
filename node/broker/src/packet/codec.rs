//! From bytes to packets and back, for one connection.
//!
//! Not here: the fields of each packet (the modules beside this one). Guards invariant 10: whoever may not say a packet, or
//! announces one that is too long, is refused by its first bytes, before they cost memory.

use super::{
    Ack, Connack, Connect, Disconnect, EncodeError, Kind, Malformed, Packet, PacketId, Publish, Reason,
    Suback, Subscribe, Unsubscribe, Version,
    connect::Protocol,
    disconnect::check_auth,
    reader::{Reader, varint},
    writer::varint_bytes,
};
use bytes::{Buf, BufMut, BytesMut};

/// More is not reserved at once for what is still to come: the announced length may be a lie.
const RESERVED_BYTES_MAX: usize = 4096;

/// The codec of one connection. After an error it gives the same error again: the connection is to be closed.
#[derive(Debug)]
pub struct Codec {
    role: Role,
    version: Option<Version>,
    /// The longest packet that is taken, in bytes.
    packet_bytes_max: usize,
    /// The longest packet that the other end takes, in bytes.
    peer_bytes_max: usize,
    problem_information: bool,
    failed: Option<Malformed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Of a server, before it has a CONNECT.
    Expecting,
    /// Of a server, from then on.
    Server,
    Client,
}

impl Codec {
    /// Decodes what clients send. The first packet must be CONNECT, whose version is spoken from then on. A packet with more
    /// than `packet_bytes_max` bytes, its header counted in, is refused.
    #[must_use]
    pub const fn server(packet_bytes_max: u32) -> Self {
        Self {
            role: Role::Expecting,
            version: None,
            packet_bytes_max: packet_bytes_max as usize,
            peer_bytes_max: usize::MAX,
            problem_information: true,
            failed: None,
        }
    }

    /// Decodes what servers send.
    #[must_use]
    pub const fn client(version: Version, packet_bytes_max: u32) -> Self {
        Self { role: Role::Client, version: Some(version), ..Self::server(packet_bytes_max) }
    }

    /// The version that is spoken. After a CONNECT of a version that is not, the nearest one, so that the refusal can be
    /// understood.
    #[must_use]
    pub const fn version(&self) -> Option<Version> {
        self.version
    }

    /// With false, reason strings and user properties are left out except on PUBLISH, CONNACK and DISCONNECT.
    pub const fn set_problem_information(&mut self, problem_information: bool) {
        self.problem_information = problem_information;
    }

    /// So many bytes [`Self::encode`] would write. Costs no more than adding up.
    #[must_use]
    pub fn publish_bytes(version: Version, publish: &Publish) -> usize {
        publish.written_bytes(version)
    }

    /// Takes one packet from the front of `input`; none when more bytes are needed. Texts and payloads are slices of
    /// `input`, so they hold on to all that was read with them.
    ///
    /// # Errors
    /// When the bytes are no packet, or none that may come now.
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Packet>, Malformed> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let Some(first) = input.first().copied() else { return Ok(None) };
        let kind = Kind::of(first);
        let decoded = match kind {
            Some(kind) => self.decode_kind(first, kind, input),
            None => Err(Malformed::bytes("packet type 0 is reserved")),
        };
        decoded.map_err(|malformed| *self.failed.insert(Malformed { packet: kind, ..malformed }))
    }

    fn decode_kind(
        &mut self,
        first: u8,
        kind: Kind,
        input: &mut BytesMut,
    ) -> Result<Option<Packet>, Malformed> {
        self.admit(first, kind)?;
        let Some((body_bytes, length_bytes)) = varint(input.get(1..).unwrap_or_default())? else {
            return Ok(None);
        };
        let header_bytes = 1 + length_bytes;
        let frame_bytes = header_bytes + body_bytes as usize;
        if frame_bytes > self.packet_bytes_max {
            return Err(Malformed::new(Reason::PACKET_TOO_LARGE, "it is longer than what is taken"));
        }
        if input.len() < frame_bytes {
            input.reserve((frame_bytes - input.len()).min(RESERVED_BYTES_MAX));
            return Ok(None);
        }
        if let Some(packet) = plain(kind, input) {
            input.advance(frame_bytes);
            return Ok(Some(packet));
        }
        let mut body = input.split_to(frame_bytes).freeze();
        body.advance(header_bytes);
        let mut reader = Reader::new(&body);
        let packet = self.read(first, kind, &mut reader)?;
        reader.end()?;
        if self.version == Some(Version::V5) && length_bytes != varint_bytes(body_bytes as usize) {
            return Err(Malformed::bytes("its length takes more bytes than it needs"));
        }
        if let Packet::Connect(connect) = &packet {
            self.role = Role::Server;
            self.peer_bytes_max = connect.packet_bytes_max.map_or(usize::MAX, |max| max as usize);
        }
        Ok(Some(packet))
    }

    /// Whether a packet that begins so may come at all.
    fn admit(&self, first: u8, kind: Kind) -> Result<(), Malformed> {
        let may_come = match self.role {
            Role::Expecting if kind != Kind::Connect => return Err(NOT_CONNECT),
            Role::Server if kind == Kind::Connect => {
                return Err(Malformed::protocol("the connection has begun already"));
            }
            Role::Expecting | Role::Server => kind.is_from_client(),
            // Before MQTT 5 a server does not say why it goes.
            Role::Client => {
                kind.is_from_server() && (kind != Kind::Disconnect || self.version == Some(Version::V5))
            }
        };
        if !may_come {
            return Err(Malformed::protocol("it only goes the other way"));
        }
        if kind == Kind::Auth && self.version != Some(Version::V5) {
            return Err(Malformed::bytes("packet type 15 is reserved before MQTT 5"));
        }
        // MQTT 3.1 marks these, too, when they are sent again.
        let is_marked = self.version == Some(Version::V31)
            && matches!(kind, Kind::Pubrel | Kind::Subscribe | Kind::Unsubscribe);
        let first = if is_marked { first & !0b1000 } else { first };
        if kind != Kind::Publish && first != kind.first() {
            return Err(Malformed::bytes("reserved flags of its first byte are not as they must be"));
        }
        Ok(())
    }

    fn read(&mut self, first: u8, kind: Kind, reader: &mut Reader<'_>) -> Result<Packet, Malformed> {
        if kind == Kind::Connect {
            let protocol = Protocol::read(reader)?;
            self.version = protocol.nearest;
            let unsupported =
                Malformed::new(Reason::UNSUPPORTED_PROTOCOL_VERSION, "its version is not spoken here");
            let version = protocol.version.ok_or(unsupported)?;
            return Ok(Packet::Connect(Box::new(Connect::read(reader, version, protocol.bridge)?)));
        }
        let version = self.version.ok_or(NOT_CONNECT)?;
        let is_from_client = self.role != Role::Client;
        Ok(match kind {
            Kind::Connect | Kind::Connack => Packet::Connack(Box::new(Connack::read(reader, version)?)),
            Kind::Publish => {
                Packet::Publish(Box::new(Publish::read(first, reader, version, is_from_client)?))
            }
            Kind::Puback => Packet::Puback(Ack::read(kind, reader, version)?),
            Kind::Pubrec => Packet::Pubrec(Ack::read(kind, reader, version)?),
            Kind::Pubrel => Packet::Pubrel(Ack::read(kind, reader, version)?),
            Kind::Pubcomp => Packet::Pubcomp(Ack::read(kind, reader, version)?),
            Kind::Subscribe => Packet::Subscribe(Box::new(Subscribe::read(reader, version)?)),
            Kind::Suback => Packet::Suback(Box::new(Suback::read(kind, reader, version)?)),
            Kind::Unsubscribe => Packet::Unsubscribe(Box::new(Unsubscribe::read(reader, version)?)),
            Kind::Unsuback => Packet::Unsuback(Box::new(Suback::read(kind, reader, version)?)),
            Kind::Pingreq => Packet::Pingreq,
            Kind::Pingresp => Packet::Pingresp,
            Kind::Disconnect => {
                Packet::Disconnect(Box::new(Disconnect::read(reader, version, is_from_client)?))
            }
            Kind::Auth => {
                check_auth(reader)?;
                Packet::Auth
            }
        })
    }

    /// What a server says before it closes the connection, when the version has words for it: CONNACK in answer to a
    /// CONNECT, DISCONNECT later.
    #[must_use]
    pub fn refusal(&self, malformed: &Malformed) -> Option<Packet> {
        let reason_string = Some(malformed.what.into());
        match (self.role, self.version?) {
            (Role::Expecting, version) => {
                // 3.1.1, 3.1.4: what does not conform is closed without CONNACK.
                let has_words = version == Version::V5
                    || matches!(
                        malformed.reason,
                        Reason::UNSUPPORTED_PROTOCOL_VERSION | Reason::CLIENT_IDENTIFIER_NOT_VALID
                    );
                let connack = Connack { reason: malformed.reason, reason_string, ..Connack::default() };
                has_words.then(|| Packet::Connack(Box::new(connack)))
            }
            (Role::Server, Version::V5) => {
                let disconnect =
                    Disconnect { reason: malformed.reason, reason_string, session_expiry_s: None };
                Some(Packet::Disconnect(Box::new(disconnect)))
            }
            _ => None,
        }
    }

    /// Writes a packet to the end of `out`. What the version has no words for is left out, unless that would say something
    /// else; so are texts with which it would be too long for the other end. DISCONNECT of a server before MQTT 5 writes
    /// nothing.
    ///
    /// # Errors
    /// When it cannot be said. `out` is as before then.
    pub fn encode(&self, packet: &Packet, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        let mut write = |with_texts| {
            let written = self.write(packet, out, with_texts).and_then(|()| self.fit(out.len() - start));
            if written.is_err() {
                out.truncate(start);
            }
            written
        };
        let with_texts =
            self.problem_information || matches!(packet, Packet::Connack(_) | Packet::Disconnect(_));
        match write(with_texts) {
            Err(EncodeError::TooLong { .. }) if with_texts && !matches!(packet, Packet::Publish(_)) => {
                write(false)
            }
            written => written,
        }
    }

    const fn fit(&self, bytes: usize) -> Result<(), EncodeError> {
        if bytes > self.peer_bytes_max {
            return Err(EncodeError::TooLong { what: "packet", bytes, bytes_max: self.peer_bytes_max });
        }
        Ok(())
    }

    fn write(&self, packet: &Packet, out: &mut BytesMut, with_texts: bool) -> Result<(), EncodeError> {
        let version = self.version.ok_or(EncodeError::NoVersion)?;
        let kind = packet.kind();
        match packet {
            Packet::Connect(connect) => connect.write(out),
            Packet::Connack(connack) => connack.write(out, version, with_texts),
            Packet::Publish(publish) => publish.write(out, version),
            Packet::Puback(ack) | Packet::Pubrec(ack) | Packet::Pubrel(ack) | Packet::Pubcomp(ack) => {
                ack.write(kind, out, version, with_texts)
            }
            Packet::Subscribe(subscribe) => subscribe.write(out, version),
            Packet::Suback(suback) | Packet::Unsuback(suback) => suback.write(kind, out, version, with_texts),
            Packet::Unsubscribe(unsubscribe) => unsubscribe.write(out, version),
            Packet::Disconnect(disconnect) => {
                disconnect.write(out, version, self.role == Role::Client, with_texts)
            }
            Packet::Auth if version != Version::V5 => Err(EncodeError::Unsayable { what: "AUTH" }),
            Packet::Pingreq | Packet::Pingresp | Packet::Auth => {
                out.put_slice(&[kind.first(), 0]);
                Ok(())
            }
        }
    }
}

const NOT_CONNECT: Malformed = Malformed::protocol("the first packet must be CONNECT");

/// The packets that come most often and hold nothing but a packet identifier: read without holding on to the input.
fn plain(kind: Kind, frame: &[u8]) -> Option<Packet> {
    let [_, 2, high, low, ..] = *frame else { return None };
    let packet_id = PacketId::new(u16::from_be_bytes([high, low]))?;
    let ack = Ack { packet_id, reason: Reason::SUCCESS, reason_string: None };
    match kind {
        Kind::Puback => Some(Packet::Puback(ack)),
        Kind::Pubrec => Some(Packet::Pubrec(ack)),
        Kind::Pubrel => Some(Packet::Pubrel(ack)),
        Kind::Pubcomp => Some(Packet::Pubcomp(ack)),
        _ => None,
    }
}
