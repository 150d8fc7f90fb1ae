//! What node and hub say to each other beside batches: numbered messages, each a CBOR map with numbered fields.
//!
//! Additive for ever: a field or a message that is not known is passed over, a number is never used again. Texts and
//! lists have bounds; what is beyond one is refused whole. Not here: when a message is sent ([`crate::node`], [`crate::hub`]).

use crate::{
    batch::PolicyId,
    limits::{APPLIED_MAX, NODE_REPORT_BYTES_MAX, PAST_MAX, POINTS_MAX, TEXT_BYTES_MAX, VERSIONS_MAX},
    log::{Epoch, Hash, LogClass, Point},
};
use aisle_event::StoreId;
use bytes::Bytes;
use minicbor::{Decode, Decoder, Encode, Encoder};
use std::fmt;

/// A version of the protocol: the major in the high byte, the minor in the low one.
///
/// Peers of one major understand each other if one of them speaks the other's minor; every build speaks its own and the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Version(#[n(0)] pub u16);

impl Version {
    /// What this build speaks best.
    pub const CURRENT: Self = Self::new(1, 0);

    /// From its parts.
    #[must_use]
    pub const fn new(major: u8, minor: u8) -> Self {
        Self((major as u16) << 8 | minor as u16)
    }

    /// All that this build speaks, the best first. There is no minor before the first.
    #[must_use]
    pub fn spoken() -> Vec<Self> {
        let Self(current) = Self::CURRENT;
        let before = (current & 0xff).checked_sub(1).map(|_| Self(current - 1));
        std::iter::once(Self::CURRENT).chain(before).collect()
    }

    /// The best version that both speak.
    #[must_use]
    pub fn negotiate(ours: &[Self], theirs: &[Self]) -> Option<Self> {
        ours.iter().filter(|version| theirs.contains(version)).max().copied()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 >> 8, self.0 & 0xff)
    }
}

/// What the line costs. A number that is not known is treated as metered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LinkKind {
    /// Every byte costs: a mobile line with a small volume, a satellite.
    #[default]
    Metered,
    /// A mobile line with a volume.
    Lte,
    /// A line without a volume.
    Fibre,
}

impl LinkKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Metered, Self::Lte, Self::Fibre];

    /// Its name in configuration, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Metered => "metered",
            Self::Lte => "lte",
            Self::Fibre => "fibre",
        }
    }
}

impl<C> Encode<C> for LinkKind {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        let number = match self {
            Self::Metered => 0,
            Self::Lte => 1,
            Self::Fibre => 2,
        };
        encoder.u8(number).map(drop)
    }
}

impl<'b, C> Decode<'b, C> for LinkKind {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Ok(match decoder.u8()? {
            1 => Self::Lte,
            2 => Self::Fibre,
            _ => Self::Metered,
        })
    }
}

/// Why something was refused. A code that is not known survives as its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct ErrorCode(#[n(0)] pub u16);

macro_rules! error_codes {
    ($($(#[$meta:meta])* $name:ident = $number:literal $text:literal,)+) => {
        impl ErrorCode {
            $($(#[$meta])* pub const $name: Self = Self($number);)+

            /// Its name in logs and metrics.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self.0 {
                    $($number => $text,)+
                    _ => "unknown",
                }
            }
        }
    };
}

error_codes! {
    /// Bytes that are no message, or no frame.
    MALFORMED = 1 "malformed",
    /// A message that does not belong here.
    UNEXPECTED = 2 "unexpected",
    /// No version that both speak.
    VERSION = 3 "version",
    /// A store that the certificate does not name.
    IDENTITY = 4 "identity",
    /// More under way than was granted.
    CREDIT = 5 "credit",
    /// Too slow: no HELLO, or a frame that does not end.
    SLOW = 6 "slow",
    /// More questions at once than are answered.
    FLOOD = 7 "flood",
    /// One number with two hashes: the log is in quarantine.
    FORK = 16 "fork",
    /// A batch whose checksum, body or chain is wrong.
    BATCH = 17 "batch",
    /// The hub's region may not hold it, or its receipt is not true.
    RESIDENCY = 18 "residency",
    /// More epochs of one log than a store may have.
    EPOCHS = 19 "epochs",
    /// A receipt that does not follow the last one of its log: the node was restored from a backup, and goes on in a new epoch.
    RECEIPT = 20 "receipt",
    /// The hub goes down or cannot go on.
    UNAVAILABLE = 32 "unavailable",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.as_str(), self.0)
    }
}

/// Opaque bytes in a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Octets(pub Bytes);

impl<C> Encode<C> for Octets {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.bytes(&self.0).map(drop)
    }
}

impl<'b, C> Decode<'b, C> for Octets {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        decoder.bytes().map(|bytes| Self(Bytes::copy_from_slice(bytes)))
    }
}

/// Where a node's log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LogState {
    /// Its class.
    #[n(1)]
    pub class: LogClass,
    /// Its epoch.
    #[n(2)]
    pub epoch: Epoch,
    /// Up to where the node knows that the hub has it.
    #[n(3)]
    pub acked: Point,
    /// Its last sealed event.
    #[n(4)]
    pub last: Point,
}

/// The first message of a node, at once when the control stream opens.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Hello {
    /// The versions it speaks, at most [`VERSIONS_MAX`].
    #[n(1)]
    pub versions: Vec<Version>,
    /// Whose node it is.
    #[n(2)]
    pub store: StoreId,
    /// Which node it is.
    #[n(3)]
    pub node: String,
    /// The region the store lies in.
    #[n(4)]
    pub region: String,
    /// What the line costs.
    #[n(5)]
    pub link: LinkKind,
    /// Its logs, one for each class that it has.
    #[n(6)]
    pub logs: Vec<LogState>,
    /// The policy that its gate applies.
    #[n(7)]
    pub policy: PolicyId,
    /// The program and its version, for people.
    #[n(8)]
    pub software: String,
    /// Epochs that ended, with where the hub had them then (in both points), at most [`PAST_MAX`]. A hub that was restored from an
    /// older backup may lack some of that.
    #[n(9)]
    #[cbor(default)]
    pub past: Vec<LogState>,
}

/// How a log stands at the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Cursor {
    /// Its class.
    #[n(1)]
    pub class: LogClass,
    /// Its epoch.
    #[n(2)]
    pub epoch: Epoch,
    /// Up to where the hub has it; place 0 with the first head for a log it does not know.
    #[n(3)]
    pub through: Point,
    /// True when the log is in quarantine: nothing more of this epoch is taken.
    #[n(4)]
    pub quarantined: bool,
}

/// The hub's answer to HELLO.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Welcome {
    /// The version that is spoken from here on.
    #[n(1)]
    pub version: Version,
    /// The region the hub lies in.
    #[n(2)]
    pub region: String,
    /// Which hub it is, for people.
    #[n(3)]
    pub hub: String,
    /// The policy that the node should apply, when the hub knows one.
    #[n(4)]
    pub policy_wanted: Option<PolicyId>,
    /// One for each log of the HELLO, those of the past behind the others.
    #[n(5)]
    pub cursors: Vec<Cursor>,
}

/// How much may have been sent in a class since the connection began, in total. Only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Credit {
    /// The class.
    #[n(1)]
    pub class: LogClass,
    /// Bytes of batches, lengths of frames not counted.
    #[n(2)]
    pub bytes: u64,
    /// Batches.
    #[n(3)]
    pub batches: u64,
}

/// Everything up to here is durable at the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Ack {
    /// The class.
    #[n(1)]
    pub class: LogClass,
    /// The epoch.
    #[n(2)]
    pub epoch: Epoch,
    /// Up to where.
    #[n(3)]
    pub through: Point,
}

/// The hub has too much to do. What was sent after the last ACK of the class is forgotten and must be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RetryAfter {
    /// Not before so many milliseconds.
    #[n(1)]
    pub ms: u64,
    /// The class; all of them, and the connection with them, when it is absent.
    #[n(2)]
    pub class: Option<LogClass>,
}

/// A policy for the node's gate, signed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Policy {
    /// Which.
    #[n(1)]
    pub id: PolicyId,
    /// The document with its signature; opaque here.
    #[n(2)]
    pub document: Octets,
}

/// A person is to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Erase {
    /// Which request.
    #[n(1)]
    pub id: Hash,
    /// Who, as the two ends name them: tokens, never a name. Opaque here.
    #[n(2)]
    pub subject: Octets,
}

/// A person was forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Erased {
    /// Which request.
    #[n(1)]
    pub id: Hash,
    /// The proof; opaque here.
    #[n(2)]
    pub receipt: Octets,
}

/// Something that the node runs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Applied {
    /// What: a plugin, a model, a catalogue.
    #[n(1)]
    pub name: String,
    /// Its version.
    #[n(2)]
    pub version: String,
    /// Its content.
    #[n(3)]
    pub hash: Hash,
    /// True when it runs; false when it was refused.
    #[n(4)]
    pub ok: bool,
    /// Why not.
    #[n(5)]
    pub reason: Option<String>,
}

/// What the node really runs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Report {
    /// The desired state that it answers.
    #[n(1)]
    pub generation: u64,
    /// What of it is applied, at most [`APPLIED_MAX`].
    #[n(2)]
    pub applied: Vec<Applied>,
    /// How the node itself stands in its fleet, where it is in one; opaque here, at most [`NODE_REPORT_BYTES_MAX`].
    #[n(3)]
    pub node: Option<Octets>,
}

/// Something was refused. Without a class the connection ends with it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ErrorMessage {
    /// Why.
    #[n(1)]
    pub code: ErrorCode,
    /// The same for people.
    #[n(2)]
    pub text: String,
    /// The class that does not go on.
    #[n(3)]
    pub class: Option<LogClass>,
    /// The epoch that does not go on.
    #[n(4)]
    pub epoch: Option<Epoch>,
}

/// Which of these places does the hub have with the same head?
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Locate {
    /// The class.
    #[n(1)]
    pub class: LogClass,
    /// The epoch.
    #[n(2)]
    pub epoch: Epoch,
    /// Places, at most [`POINTS_MAX`], in ascending order.
    #[n(3)]
    pub points: Vec<Point>,
}

/// The highest of the places that the hub has with the same head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Located {
    /// The class.
    #[n(1)]
    pub class: LogClass,
    /// The epoch.
    #[n(2)]
    pub epoch: Epoch,
    /// The place; nothing when there is none.
    #[n(3)]
    pub seq: Option<u64>,
}

/// What the store should be. Comes on the down stream.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Desired {
    /// Grows with every change.
    #[n(1)]
    pub generation: u64,
    /// What, signed; opaque here.
    #[n(2)]
    pub manifest: Octets,
}

/// The node asks for a piece of a content, on a chunk stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ChunkWanted {
    /// The content.
    #[n(1)]
    pub hash: Hash,
    /// From which byte on.
    #[n(2)]
    pub offset: u64,
    /// At most so many bytes.
    #[n(3)]
    pub bytes_max: u64,
}

/// A piece of a content.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ChunkPart {
    /// The content.
    #[n(1)]
    pub hash: Hash,
    /// Where the piece begins.
    #[n(2)]
    pub offset: u64,
    /// How many bytes the whole content has.
    #[n(3)]
    pub bytes_total: u64,
    /// The piece.
    #[n(4)]
    pub bytes: Octets,
}

/// Why bytes are not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// They are not `[number, fields]`, or the fields are not those of the message.
    #[error("message {number} does not decode: {reason}")]
    Malformed {
        /// The message's number; 0 when not even that was there.
        number: u32,
        /// What is wrong.
        reason: String,
    },
    /// A list or a text beyond its bound.
    #[error("`{field}` of message {number} is beyond its bound")]
    Bound {
        /// The message's number.
        number: u32,
        /// The field.
        field: &'static str,
    },
}

macro_rules! messages {
    ($($(#[$meta:meta])* $name:ident($type:ty) = $number:literal,)+) => {
        /// A message.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Message {
            $($(#[$meta])* $name($type),)+
            /// A message that this build does not know, to be passed over.
            Unknown(
                /// Its number.
                u32,
            ),
        }

        impl Message {
            /// Its number on the wire.
            #[must_use]
            pub const fn number(&self) -> u32 {
                match self {
                    $(Self::$name(_) => $number,)+
                    Self::Unknown(number) => *number,
                }
            }

            /// Its bytes: `[number, fields]`.
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                let mut out = Vec::new();
                // Writing to a `Vec` has no way to fail.
                drop(self.write(&mut Encoder::new(&mut out)));
                out
            }

            fn write(
                &self,
                encoder: &mut Encoder<&mut Vec<u8>>,
            ) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
                encoder.array(2)?.u32(self.number())?;
                match self {
                    $(Self::$name(fields) => encoder.encode(fields).map(drop),)+
                    Self::Unknown(_) => encoder.map(0).map(drop),
                }
            }

            fn read(number: u32, decoder: &mut Decoder<'_>) -> Result<Self, minicbor::decode::Error> {
                match number {
                    $($number => decoder.decode().map(Self::$name),)+
                    _ => {
                        decoder.skip()?;
                        Ok(Self::Unknown(number))
                    }
                }
            }
        }

        $(
            impl From<$type> for Message {
                fn from(fields: $type) -> Self {
                    Self::$name(fields)
                }
            }
        )+
    };
}

messages! {
    /// The first word of a node.
    Hello(Hello) = 1,
    /// The first word of a hub.
    Welcome(Welcome) = 2,
    /// How a log stands at the hub.
    Cursor(Cursor) = 3,
    /// How much may be sent.
    Credit(Credit) = 4,
    /// What is durable.
    Ack(Ack) = 5,
    /// Not now.
    RetryAfter(RetryAfter) = 6,
    /// A policy for the gate.
    Policy(Policy) = 7,
    /// Forget a person.
    Erase(Erase) = 8,
    /// A person was forgotten.
    Erased(Erased) = 9,
    /// What the node runs.
    Report(Report) = 10,
    /// Something was refused.
    Error(ErrorMessage) = 11,
    /// Where did our logs part?
    Locate(Locate) = 12,
    /// Here.
    Located(Located) = 13,
    /// What the store should be.
    Desired(Desired) = 14,
    /// A piece is wanted.
    ChunkWanted(ChunkWanted) = 15,
    /// A piece.
    ChunkPart(ChunkPart) = 16,
}

impl Message {
    /// Reads a message from bytes that may be anybody's.
    ///
    /// # Errors
    /// When they are no message, or one with a list or a text beyond its bound.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        let malformed = |number, reason: &dyn fmt::Display| MessageError::Malformed {
            number,
            reason: reason.to_string(),
        };
        let mut decoder = Decoder::new(bytes);
        match decoder.array() {
            Ok(Some(2)) => {}
            Ok(_) => return Err(malformed(0, &"a message is [number, fields]")),
            Err(error) => return Err(malformed(0, &error)),
        }
        let number = decoder.u32().map_err(|error| malformed(0, &error))?;
        let message = Self::read(number, &mut decoder).map_err(|error| malformed(number, &error))?;
        if decoder.position() != bytes.len() {
            return Err(malformed(number, &"something follows the fields"));
        }
        match message.beyond_bound() {
            Some(field) => Err(MessageError::Bound { number, field }),
            None => Ok(message),
        }
    }

    /// The first field that is beyond its bound.
    fn beyond_bound(&self) -> Option<&'static str> {
        let long = |text: &str| text.len() > TEXT_BYTES_MAX;
        match self {
            Self::Hello(hello) => [
                ("versions", hello.versions.len() > VERSIONS_MAX),
                ("node", long(&hello.node)),
                ("region", long(&hello.region)),
                ("logs", hello.logs.len() > LogClass::ALL.len()),
                ("software", long(&hello.software)),
                ("past", hello.past.len() > PAST_MAX),
            ]
            .iter()
            .find_map(|(field, beyond)| beyond.then_some(*field)),
            Self::Welcome(welcome) => [
                ("region", long(&welcome.region)),
                ("hub", long(&welcome.hub)),
                ("cursors", welcome.cursors.len() > LogClass::ALL.len() + PAST_MAX),
            ]
            .iter()
            .find_map(|(field, beyond)| beyond.then_some(*field)),
            Self::Report(report) => {
                let is_long = |applied: &Applied| {
                    long(&applied.name)
                        || long(&applied.version)
                        || applied.reason.as_deref().is_some_and(long)
                };
                let is_told_too_much =
                    report.node.as_ref().is_some_and(|node| node.0.len() > NODE_REPORT_BYTES_MAX);
                [
                    ("applied", report.applied.len() > APPLIED_MAX || report.applied.iter().any(is_long)),
                    ("node", is_told_too_much),
                ]
                .iter()
                .find_map(|(field, beyond)| beyond.then_some(*field))
            }
            Self::Error(error) => long(&error.text).then_some("text"),
            Self::Locate(locate) => (locate.points.len() > POINTS_MAX).then_some("points"),
            _ => None,
        }
    }

    /// An error about one class, or about the connection.
    #[must_use]
    pub fn error(code: ErrorCode, text: impl Into<String>, log: Option<(LogClass, Epoch)>) -> Self {
        let mut text = text.into();
        let end =
            (0..=TEXT_BYTES_MAX.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        let (class, epoch) = log.unzip();
        Self::Error(ErrorMessage { code, text, class, epoch })
    }
}
