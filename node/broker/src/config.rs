//! What can be set about the broker. Each bound says what happens when it is reached.

use crate::{
    access::{AccessConfig, Anonymous},
    topic,
    transport::{TransportConfig, Trust},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Settings of the broker.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where devices connect over TLS: `store:PORT` for every private address of this machine, `IP:PORT`, or `off`.
    pub tls_listen: String,
    /// Where devices connect without TLS, in the same forms. Passwords and readings then cross the network as they are.
    pub tcp_listen: String,
    /// Where browsers connect by WebSocket, in the same forms.
    pub websocket_listen: String,
    /// WebSocket over TLS.
    pub websocket_tls: bool,
    /// The certificate chain, PEM. Left out, one is made in `DATA/mqtt` at the first start.
    pub certificate_file: Option<PathBuf>,
    /// Its private key, PEM.
    pub private_key_file: Option<PathBuf>,
    /// Certificates of those who vouch for devices, PEM. Left out, devices have passwords only. Certificates are taken in TLS 1.3 alone; a device that speaks
    /// nothing newer than TLS 1.2 comes in by its password. One that names a store, as in `spiffe://CHAIN/store/STORE/device/ID`, has to name this one.
    pub client_ca_file: Option<PathBuf>,
    /// What the node knows of client certificates besides; no setting.
    #[serde(skip)]
    pub trust: Trust,
    /// What clients without credentials may do. Left out, nobody comes in without.
    pub anonymous: Option<Anonymous>,
    /// The bounds.
    pub limits: Limits,
    /// How often the `$SYS` topics are published, in seconds; 0 is never.
    pub sys_interval_s: u32,
    /// A checkpoint of sessions and retained messages is written after so many records, which bounds what a start reads.
    pub checkpoint_every_records: u64,
}

/// What the broker takes, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Clients at once; a further one is told that the server is busy.
    pub connections_max: usize,
    /// New connections a second, with a burst of as many; beyond it they are told to come more slowly.
    pub connections_per_s_max: u32,
    /// How long a client may take for its TLS and WebSocket handshakes, then for its CONNECT, and for each write to it, in
    /// milliseconds.
    pub patience_ms: u64,
    /// Handshakes under way; beyond them clients wait unaccepted.
    pub handshakes_max: usize,
    /// Handshakes under way with one address other than this machine's own; beyond them its connections are closed.
    pub handshakes_per_address_max: usize,
    /// Passwords that are checked at the same time, each with 7 MiB of memory; 0 is one for every two cores.
    pub password_checks_max: usize,
    /// Clients that wait for their password to be checked; a further one is told that the server is busy.
    pub password_checks_waiting_max: usize,
    /// A client that asks for a longer keep alive, or none, is given this one, in seconds.
    pub keep_alive_s_max: u16,
    /// Messages a second from one client; beyond it the broker reads more slowly.
    pub publishes_per_s_max: u32,
    /// Bytes a second from one client; beyond it the broker reads more slowly.
    pub publish_bytes_per_s_max: u32,
    /// The longest packet from a client, in bytes; a longer one ends the connection.
    pub packet_bytes_max: u32,
    /// QoS 1 and 2 messages from one client that are not acknowledged yet. MQTT 5 clients are told; for others the broker reads
    /// no further until the disk has caught up.
    pub receive_max: u16,
    /// Topic aliases that a client may use.
    pub topic_alias_max: u16,
    /// QoS 1 and 2 messages to one client that it has not acknowledged; more wait in its queue.
    pub in_flight_max: u16,
    /// Messages in the queue of one session; beyond it `overflow` decides.
    pub queue_messages_max: usize,
    /// Bytes in the queue of one session; beyond it `overflow` decides.
    pub queue_bytes_max: usize,
    /// Bytes in all queues of sessions that are kept; beyond it new messages are dropped.
    pub queues_bytes_max: usize,
    /// Which message is dropped when a queue is full.
    pub overflow: Overflow,
    /// Bytes that wait to be written to one client; beyond it the oldest QoS 0 messages among them are dropped.
    pub outbox_bytes_max: usize,
    /// Sessions that are kept; beyond it a client that wants a new one is refused.
    pub sessions_max: usize,
    /// How long a session may be kept for its client, in seconds; longer ones are shortened to this.
    pub session_expiry_s_max: u32,
    /// Retained messages; a further one is refused.
    pub retained_messages_max: usize,
    /// Bytes of all retained messages; a message that goes beyond it is refused.
    pub retained_bytes_max: usize,
    /// Subscriptions of one client; a further one is refused.
    pub subscriptions_per_client_max: usize,
    /// Subscriptions of all clients; a further one is refused.
    pub subscriptions_max: usize,
    /// Levels of a topic or filter; one with more is refused.
    pub topic_levels_max: usize,
    /// Bytes of a topic or filter; a longer one is refused.
    pub topic_bytes_max: usize,
    /// Bytes of a will's payload; a client with a longer one is refused.
    pub will_bytes_max: usize,
}

/// Which message is dropped when a queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Overflow {
    /// The one that has waited longest and was not sent yet.
    DropOldest,
    /// The one that has just come.
    DropNewest,
}

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
#[error("`{field}` is {found}, expected {expected}")]
pub struct InvalidConfig {
    /// The field.
    pub field: &'static str,
    /// What it holds.
    pub found: String,
    /// What it may hold.
    pub expected: &'static str,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tls_listen: "store:8883".into(),
            tcp_listen: "off".into(),
            websocket_listen: "off".into(),
            websocket_tls: true,
            certificate_file: None,
            private_key_file: None,
            client_ca_file: None,
            trust: Trust::default(),
            anonymous: None,
            limits: Limits::default(),
            sys_interval_s: 10,
            checkpoint_every_records: 200_000,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            connections_per_s_max: 2_000,
            patience_ms: 10_000,
            handshakes_max: 512,
            handshakes_per_address_max: 64,
            password_checks_max: 0,
            password_checks_waiting_max: 2_048,
            keep_alive_s_max: 3_600,
            publishes_per_s_max: 50_000,
            publish_bytes_per_s_max: 32 << 20,
            packet_bytes_max: 256 << 10,
            receive_max: 256,
            topic_alias_max: 32,
            in_flight_max: 256,
            queue_messages_max: 10_000,
            queue_bytes_max: 8 << 20,
            queues_bytes_max: 256 << 20,
            overflow: Overflow::DropOldest,
            outbox_bytes_max: 1 << 20,
            sessions_max: 10_000,
            session_expiry_s_max: 30 * 24 * 3_600,
            retained_messages_max: 20_000,
            retained_bytes_max: 64 << 20,
            subscriptions_per_client_max: 1_000,
            subscriptions_max: 100_000,
            topic_levels_max: 32,
            topic_bytes_max: 1_024,
            will_bytes_max: 16 << 10,
        }
    }
}

impl Limits {
    /// The bounds of topics and filters.
    #[must_use]
    pub const fn topic(&self) -> topic::Limits {
        topic::Limits { levels_max: self.topic_levels_max, bytes_max: self.topic_bytes_max }
    }

    pub(crate) fn drop_oldest(&self) -> bool {
        self.overflow == Overflow::DropOldest
    }
}

impl Config {
    /// What the listeners need of it.
    #[must_use]
    pub fn transport(&self) -> TransportConfig {
        TransportConfig {
            tls_listen: self.tls_listen.clone(),
            tcp_listen: self.tcp_listen.clone(),
            websocket_listen: self.websocket_listen.clone(),
            websocket_tls: self.websocket_tls,
            certificate_file: self.certificate_file.clone(),
            private_key_file: self.private_key_file.clone(),
            client_ca_file: self.client_ca_file.clone(),
            trust: self.trust.clone(),
            handshake_timeout_ms: self.limits.patience_ms,
            handshakes_max: self.limits.handshakes_max,
            handshakes_per_address_max: self.limits.handshakes_per_address_max,
            websocket_message_bytes_max: self.limits.packet_bytes_max as usize + 16,
        }
    }

    /// What the check of credentials needs of it.
    pub(crate) fn access(&self) -> AccessConfig {
        AccessConfig {
            anonymous: self.anonymous.clone(),
            password_checks_max: self.limits.password_checks_max,
            password_checks_waiting_max: self.limits.password_checks_waiting_max,
            ..AccessConfig::default()
        }
    }

    /// Checks what the types do not. `record_bytes_max` is the journal's.
    ///
    /// # Errors
    /// When a bound leaves no room for work, or a packet could be longer than a record.
    pub fn validate(&self, record_bytes_max: usize) -> Result<(), InvalidConfig> {
        let limits = &self.limits;
        let at_least = |field, found: usize, min: usize, expected| {
            if found < min {
                Err(InvalidConfig { field, found: found.to_string(), expected })
            } else {
                Ok(())
            }
        };
        at_least("limits.connections_max", limits.connections_max, 1, "at least 1")?;
        at_least("limits.connections_per_s_max", limits.connections_per_s_max as usize, 1, "at least 1")?;
        at_least(
            "limits.patience_ms",
            usize::try_from(limits.patience_ms).unwrap_or(usize::MAX),
            100,
            "at least 100",
        )?;
        at_least("limits.keep_alive_s_max", limits.keep_alive_s_max.into(), 1, "at least 1")?;
        at_least("limits.publishes_per_s_max", limits.publishes_per_s_max as usize, 1, "at least 1")?;
        let packet_bytes_max = limits.packet_bytes_max as usize;
        at_least("limits.packet_bytes_max", packet_bytes_max, 1_024, "at least 1024")?;
        at_least(
            "limits.publish_bytes_per_s_max",
            limits.publish_bytes_per_s_max as usize,
            packet_bytes_max,
            "at least `limits.packet_bytes_max`",
        )?;
        at_least("limits.receive_max", limits.receive_max.into(), 1, "at least 1")?;
        at_least("limits.in_flight_max", limits.in_flight_max.into(), 1, "at least 1")?;
        at_least("limits.queue_messages_max", limits.queue_messages_max, 1, "at least 1")?;
        at_least(
            "limits.queue_bytes_max",
            limits.queue_bytes_max,
            packet_bytes_max,
            "at least `limits.packet_bytes_max`",
        )?;
        at_least(
            "limits.queues_bytes_max",
            limits.queues_bytes_max,
            limits.queue_bytes_max,
            "at least `limits.queue_bytes_max`",
        )?;
        at_least(
            "limits.outbox_bytes_max",
            limits.outbox_bytes_max,
            packet_bytes_max,
            "at least `limits.packet_bytes_max`",
        )?;
        at_least("limits.topic_levels_max", limits.topic_levels_max, 1, "at least 1")?;
        at_least("limits.topic_bytes_max", limits.topic_bytes_max, 1, "at least 1")?;
        at_least(
            "checkpoint_every_records",
            usize::try_from(self.checkpoint_every_records).unwrap_or(usize::MAX),
            100,
            "at least 100",
        )?;
        // A record holds the packet, its client and a few numbers.
        if packet_bytes_max + 4_096 > record_bytes_max {
            return Err(InvalidConfig {
                field: "limits.packet_bytes_max",
                found: packet_bytes_max.to_string(),
                expected: "at least 4096 less than `journal.record_bytes_max`",
            });
        }
        Ok(())
    }
}
