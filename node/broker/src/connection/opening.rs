//! A client comes in: what its CONNECT asks for, what it gets, and why not.

use crate::{
    access::{Identity, Rights},
    config::Limits,
    core::Opening,
    message::{Message, Will},
    op::Op,
    packet::{Connack, Connect, Reason, Version},
    session::FOR_EVER_S,
    topic::check_name,
};
use bytestring::ByteString;
use std::sync::Arc;

/// What the broker knows about a client's session before it is in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    /// The journal knows of a session of this client.
    pub has_session: bool,
    /// It was to end by now, and is to be ended first.
    pub is_over: bool,
    /// A further session may be kept.
    pub may_keep: bool,
    /// The will may be retained.
    pub may_retain_will: bool,
}

/// A client that may come in.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    pub opening: Opening,
    pub op: Op,
    /// Its opening must be in the journal first.
    pub durable: bool,
    pub kept: bool,
    pub bridge: bool,
    pub rights: Rights,
    /// Nothing for so long, and it is gone, in milliseconds.
    pub silence_max_ms: u64,
    pub topic_alias_max: u16,
    pub problem_information: bool,
}

/// Judges a CONNECT of a client whose identity is known.
///
/// # Errors
/// With what the client is told.
pub(crate) fn admit(
    connect: &Connect,
    identity: &Identity,
    client: &ByteString,
    limits: &Limits,
    wish: Wish,
) -> Result<Admission, Connack> {
    if connect.auth_method.is_some() {
        return Err(refusal(Reason::BAD_AUTHENTICATION_METHOD, "there is no extended authentication"));
    }
    if client.len() > limits.topic_bytes_max {
        return Err(refusal(Reason::CLIENT_IDENTIFIER_NOT_VALID, "the client identifier is too long"));
    }
    if !identity.may_use_client_id(client) {
        return Err(refusal(
            Reason::CLIENT_IDENTIFIER_NOT_VALID,
            "the client identifier is not the device's",
        ));
    }
    let will = connect.will.as_ref().map(|_| will_of(connect, identity, limits, wish)).transpose()?;
    let asked_s = match connect.version {
        Version::V5 => connect.session_expiry_s,
        _ if connect.clean_start => 0,
        _ => FOR_EVER_S,
    };
    let expiry_s = asked_s.min(limits.session_expiry_s_max);
    let kept = expiry_s > 0;
    if kept && !wish.may_keep {
        return Err(refusal(Reason::QUOTA_EXCEEDED, "no further session can be kept"));
    }
    let keep_alive_s = match connect.keep_alive_s {
        0 => limits.keep_alive_s_max,
        asked => asked.min(limits.keep_alive_s_max),
    };
    let assigned = connect.client_id.is_empty();
    let connack = Connack {
        reason: Reason::SUCCESS,
        session_expiry_s: (connect.version == Version::V5 && expiry_s != asked_s).then_some(expiry_s),
        receive_max: Some(limits.receive_max),
        packet_bytes_max: Some(limits.packet_bytes_max),
        assigned_client_id: assigned.then(|| client.clone()),
        topic_alias_max: limits.topic_alias_max,
        server_keep_alive_s: (keep_alive_s != connect.keep_alive_s).then_some(keep_alive_s),
        ..Connack::default()
    };
    let op = Op::Opened {
        client: client.clone(),
        device: Some(ByteString::from(identity.device.as_str())),
        clean_start: connect.clean_start || wish.is_over,
        expiry_s,
        will: will.clone(),
    };
    Ok(Admission {
        opening: Opening {
            client: client.clone(),
            version: connect.version,
            receive_max: connect.receive_max,
            packet_bytes_max: connect.packet_bytes_max,
            connack,
        },
        op,
        durable: kept || will.is_some() || wish.has_session,
        kept,
        bridge: connect.bridge,
        rights: identity.rights.clone(),
        silence_max_ms: u64::from(keep_alive_s) * 1500,
        topic_alias_max: connect.topic_alias_max,
        problem_information: connect.problem_information,
    })
}

fn will_of(
    connect: &Connect,
    identity: &Identity,
    limits: &Limits,
    wish: Wish,
) -> Result<Arc<Will>, Connack> {
    let Some(will) = &connect.will else {
        return Err(refusal(Reason::UNSPECIFIED_ERROR, "there is no will"));
    };
    if check_name(&will.topic, &limits.topic()).is_err() {
        return Err(refusal(Reason::TOPIC_NAME_INVALID, "the topic of the will is not allowed"));
    }
    if !identity.rights.may_publish(&will.topic) {
        return Err(refusal(Reason::NOT_AUTHORIZED, "it may not publish to the topic of its will"));
    }
    if will.payload.len() > limits.will_bytes_max {
        return Err(refusal(Reason::PACKET_TOO_LARGE, "the will is too long"));
    }
    if will.retain && !wish.may_retain_will {
        return Err(refusal(Reason::QUOTA_EXCEEDED, "there is no room to retain the will"));
    }
    let message = Message {
        topic: ByteString::from(&*will.topic),
        payload: bytes::Bytes::copy_from_slice(&will.payload),
        qos: will.qos,
        retain: will.retain,
        properties: will.properties.detached(),
        received_ms: 0,
    };
    Ok(Arc::new(Will { message, delay_s: will.delay_s }))
}

pub(crate) fn refusal(reason: Reason, why: &'static str) -> Connack {
    Connack { reason, reason_string: Some(why.into()), ..Connack::default() }
}
