//! CONNECT: read in two steps, because its version decides how to answer even when the rest is refused.

use super::{
    Connect, EncodeError, Kind, Malformed, MessageProperties, QoS, Reason, Version, Will, property,
    reader::{Reader, UNKNOWN_PROPERTY},
    writer,
};
use bytes::{BufMut, BytesMut};
use bytestring::ByteString;

const RESERVED: u8 = 1;
const CLEAN_START: u8 = 1 << 1;
const WILL: u8 = 1 << 2;
const WILL_QOS_AT: u8 = 3;
const WILL_RETAIN: u8 = 1 << 5;
const PASSWORD: u8 = 1 << 6;
const USERNAME: u8 = 1 << 7;
const BRIDGE: u8 = 1 << 7;

/// What a client says it speaks.
pub(super) struct Protocol {
    /// The version that is nearest, to answer in. None when it is not MQTT at all.
    pub(super) nearest: Option<Version>,
    /// The version, when it is spoken here.
    pub(super) version: Option<Version>,
    /// The level's highest bit is set.
    pub(super) bridge: bool,
}

impl Protocol {
    /// The first two fields of CONNECT, the same in all versions.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let name = reader.string()?;
        let level = reader.u8()?;
        let (nearest, version) = match (&*name, level) {
            ("MQIsdp", 0x03 | 0x83) => (Some(Version::V31), Some(Version::V31)),
            ("MQIsdp", _) => (Some(Version::V31), None),
            ("MQTT", 0x04 | 0x84) => (Some(Version::V311), Some(Version::V311)),
            ("MQTT", 0x05) => (Some(Version::V5), Some(Version::V5)),
            ("MQTT", level) if level & !BRIDGE < 5 => (Some(Version::V311), None),
            ("MQTT", _) => (Some(Version::V5), None),
            _ => (None, None),
        };
        Ok(Self { nearest, version, bridge: level & BRIDGE != 0 })
    }
}

impl Connect {
    /// What follows after the protocol's name and level.
    pub(super) fn read(reader: &mut Reader<'_>, version: Version, bridge: bool) -> Result<Self, Malformed> {
        let flags = Flags::read(reader.u8()?, version)?;
        let mut connect = Self::new(version, bridge, flags.has(CLEAN_START), reader.u16()?);
        connect.read_properties(reader)?;
        connect.client_id = reader.string()?;
        // 3.1 has no empty one at all, 3.1.1 none that outlives its connection (3.1.3.1).
        let may_be_empty = match version {
            Version::V31 => false,
            Version::V311 => connect.clean_start,
            Version::V5 => true,
        };
        if connect.client_id.is_empty() && !may_be_empty {
            let what = "the client identifier is empty, and the session is to be kept";
            return Err(Malformed::new(Reason::CLIENT_IDENTIFIER_NOT_VALID, what));
        }
        if flags.has(WILL) {
            connect.will = Some(Will::read(reader, version, &flags)?);
        }
        // In 3.1 the length of the packet counts for more than these flags.
        let is_there = |reader: &Reader<'_>| version != Version::V31 || !reader.is_empty();
        if flags.has(USERNAME) && is_there(reader) {
            connect.username = Some(reader.string()?);
        }
        if flags.has(PASSWORD) && is_there(reader) {
            connect.password = Some(reader.bytes()?);
        }
        Ok(connect)
    }

    /// With what the standard says when nothing is said.
    fn new(version: Version, bridge: bool, clean_start: bool, keep_alive_s: u16) -> Self {
        Self {
            version,
            bridge,
            client_id: ByteString::new(),
            clean_start,
            keep_alive_s,
            session_expiry_s: if version == Version::V5 || clean_start { 0 } else { u32::MAX },
            receive_max: u16::MAX,
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

    fn read_properties(&mut self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        let mut has_auth_data = false;
        reader.properties(self.version, |id, reader| {
            match id {
                property::SESSION_EXPIRY => self.session_expiry_s = reader.u32()?,
                property::RECEIVE_MAX => self.receive_max = receive_max(reader)?,
                property::PACKET_BYTES_MAX => self.packet_bytes_max = Some(packet_bytes_max(reader)?),
                property::TOPIC_ALIAS_MAX => self.topic_alias_max = reader.u16()?,
                property::PROBLEM_INFORMATION => self.problem_information = reader.flag()?,
                property::RESPONSE_INFORMATION_WANTED => drop(reader.flag()?),
                property::AUTH_METHOD => self.auth_method = Some(reader.string()?),
                property::AUTH_DATA => {
                    reader.bytes()?;
                    has_auth_data = true;
                }
                property::USER => reader.user_property(&mut self.user_properties)?,
                _ => return Err(UNKNOWN_PROPERTY),
            }
            Ok(())
        })?;
        if has_auth_data && self.auth_method.is_none() {
            return Err(Malformed::protocol("it has authentication data and no method"));
        }
        Ok(())
    }

    /// Writes in the version that it names itself.
    pub(super) fn write(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        if self.version == Version::V311 && self.password.is_some() && self.username.is_none() {
            return Err(EncodeError::Unsayable { what: "a password without a user name" });
        }
        let (name, level) = match self.version {
            Version::V31 => ("MQIsdp", 3),
            Version::V311 => ("MQTT", 4),
            Version::V5 => ("MQTT", 5),
        };
        let bridge = if self.bridge && self.version != Version::V5 { BRIDGE } else { 0 };
        out.put_u8(Kind::Connect.first());
        writer::prefixed(out, |out| {
            writer::bytes(out, "protocol name", name.as_bytes())?;
            out.put_slice(&[level | bridge, self.flags()]);
            out.put_u16(self.keep_alive_s);
            if self.version == Version::V5 {
                writer::prefixed(out, |out| self.write_properties(out))?;
            }
            writer::bytes(out, "client id", self.client_id.as_bytes())?;
            if let Some(will) = &self.will {
                will.write(out, self.version)?;
            }
            if let Some(username) = &self.username {
                writer::bytes(out, "user name", username.as_bytes())?;
            }
            if let Some(password) = &self.password {
                writer::bytes(out, "password", password)?;
            }
            Ok(())
        })
    }

    fn flags(&self) -> u8 {
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        let will = self
            .will
            .as_ref()
            .map_or(0, |will| WILL | (will.qos as u8) << WILL_QOS_AT | flag(will.retain, WILL_RETAIN));
        flag(self.clean_start, CLEAN_START)
            | will
            | flag(self.password.is_some(), PASSWORD)
            | flag(self.username.is_some(), USERNAME)
    }

    fn write_properties(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let unless = |value: u16, default: u16| (value != default).then_some(value);
        let session_expiry_s = (self.session_expiry_s != 0).then_some(self.session_expiry_s);
        writer::u32_property(out, property::SESSION_EXPIRY, session_expiry_s);
        writer::u16_property(out, property::RECEIVE_MAX, unless(self.receive_max, u16::MAX));
        writer::u32_property(out, property::PACKET_BYTES_MAX, self.packet_bytes_max);
        writer::u16_property(out, property::TOPIC_ALIAS_MAX, unless(self.topic_alias_max, 0));
        if !self.problem_information {
            out.put_slice(&[property::PROBLEM_INFORMATION, 0]);
        }
        let auth_method = self.auth_method.as_ref().map(|method| &**method.as_bytes());
        writer::bytes_property(out, property::AUTH_METHOD, "authentication method", auth_method)?;
        writer::user_properties(out, &self.user_properties)
    }
}

/// The flags of CONNECT, which were checked against each other.
struct Flags(u8);

impl Flags {
    const fn has(&self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    fn read(byte: u8, version: Version) -> Result<Self, Malformed> {
        let flags = Self(byte);
        if version == Version::V31 {
            // It does not say what the other combinations mean.
            return Ok(flags);
        }
        if flags.has(RESERVED) {
            return Err(Malformed::bytes("the reserved flag is set"));
        }
        if !flags.has(WILL) && byte & (WILL_RETAIN | 0b11 << WILL_QOS_AT) != 0 {
            return Err(Malformed::bytes("it has flags for a will and no will"));
        }
        if version == Version::V311 && flags.has(PASSWORD) && !flags.has(USERNAME) {
            return Err(Malformed::bytes("it has a password and no user name"));
        }
        Ok(flags)
    }
}

impl Will {
    fn read(reader: &mut Reader<'_>, version: Version, flags: &Flags) -> Result<Self, Malformed> {
        let qos =
            QoS::from_u8(flags.0 >> WILL_QOS_AT & 0b11).ok_or(Malformed::bytes("QoS 3 does not exist"))?;
        let (mut delay_s, mut properties) = (0, MessageProperties::default());
        reader.properties(version, |id, reader| {
            if id != property::WILL_DELAY {
                return properties.read(id, reader);
            }
            delay_s = reader.u32()?;
            Ok(())
        })?;
        let topic = reader.string()?;
        if topic.is_empty() {
            return Err(Malformed::new(Reason::TOPIC_NAME_INVALID, "the topic of the will is empty"));
        }
        let payload = reader.bytes()?;
        Ok(Self { topic, payload, qos, retain: flags.has(WILL_RETAIN), delay_s, properties })
    }

    fn write(&self, out: &mut BytesMut, version: Version) -> Result<(), EncodeError> {
        if version == Version::V5 {
            writer::prefixed(out, |out| {
                writer::u32_property(out, property::WILL_DELAY, (self.delay_s != 0).then_some(self.delay_s));
                self.properties.write(out)
            })?;
        }
        writer::bytes(out, "topic of the will", self.topic.as_bytes())?;
        writer::bytes(out, "payload of the will", &self.payload)
    }
}

/// A receive maximum.
pub(super) fn receive_max(reader: &mut Reader<'_>) -> Result<u16, Malformed> {
    match reader.u16()? {
        0 => Err(Malformed::protocol("the receive maximum is 0")),
        max => Ok(max),
    }
}

/// A maximum packet size.
pub(super) fn packet_bytes_max(reader: &mut Reader<'_>) -> Result<u32, Malformed> {
    match reader.u32()? {
        0 => Err(Malformed::protocol("the maximum packet size is 0")),
        max => Ok(max),
    }
}
