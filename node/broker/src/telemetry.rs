//! What the broker counts and says. A log line and its metric come from one place.

use crate::{
    broker::{Opened, Shared},
    connection::Ending,
    packet::{Connack, Malformed, Reason},
};
use aisle_state::snapshot_file::FileError;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::ConstGauge,
    },
    registry::Registry,
};
use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Weak, atomic::Ordering},
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: String,
}

/// Metrics that are counted where things happen.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    refused: Family<ReasonLabel, Counter>,
    ended: Family<ReasonLabel, Counter>,
    malformed: Family<ReasonLabel, Counter>,
    no_connect: Counter,
    sockets_refused: Counter,
    throttled: Counter,
    checkpoints: Counter,
    checkpoint_failures: Counter,
}

impl Metrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            refused: Family::default(),
            ended: Family::default(),
            malformed: Family::default(),
            no_connect: Counter::default(),
            sockets_refused: Counter::default(),
            throttled: Counter::default(),
            checkpoints: Counter::default(),
            checkpoint_failures: Counter::default(),
        };
        registry.register(
            "connects_refused",
            "Clients that were not let in, by MQTT 5 reason code; 0x86 and 0x87 are credentials, 0x89, 0x97 and 0x9f are bounds",
            metrics.refused.clone(),
        );
        registry.register(
            "connections_ended",
            "Connections that the broker ended or that broke, by MQTT 5 reason code",
            metrics.ended.clone(),
        );
        registry.register(
            "malformed",
            "Connections that sent what is no MQTT, by MQTT 5 reason code; look at who connects",
            metrics.malformed.clone(),
        );
        registry.register(
            "connects_missing",
            "Connections that ended, or took too long, before they sent a CONNECT",
            metrics.no_connect.clone(),
        );
        registry.register(
            "sockets_refused",
            "Connections closed unread because too many were open; raise `mqtt.limits.connections_max` if they are wanted",
            metrics.sockets_refused.clone(),
        );
        registry.register(
            "clients_throttled",
            "Times that a client was read more slowly because it published beyond its rate",
            metrics.throttled.clone(),
        );
        registry.register(
            "checkpoints",
            "Checkpoints of sessions and retained messages",
            metrics.checkpoints.clone(),
        );
        registry.register(
            "checkpoint_failures",
            "Checkpoints that could not be written; starts take longer until one can",
            metrics.checkpoint_failures.clone(),
        );
        metrics
    }

    pub(crate) fn no_connect(&self) {
        self.no_connect.inc();
    }

    pub(crate) fn too_many_sockets(&self) {
        self.sockets_refused.inc();
    }

    pub(crate) fn throttled(&self) {
        self.throttled.inc();
    }

    pub(crate) fn malformed(&self, malformed: &Malformed) {
        self.malformed.get_or_create(&label(malformed.reason)).inc();
    }

    pub(crate) fn ended(&self, ending: &Ending) {
        if !ending.by_client {
            self.ended.get_or_create(&label(ending.reason)).inc();
        }
    }
}

fn label(reason: Reason) -> ReasonLabel {
    ReasonLabel { reason: format!("{:#04x}", reason.0) }
}

/// A client is not let in.
pub(crate) struct Refusing<'a> {
    pub client: &'a str,
    pub peer: SocketAddr,
    pub connack: &'a Connack,
}

impl Refusing<'_> {
    pub(crate) fn emit(&self, metrics: &Metrics) {
        let why = self.connack.reason_string.as_deref().unwrap_or_default();
        tracing::info!(client = self.client, peer = %self.peer, why, "an MQTT client was not let in");
        metrics.refused.get_or_create(&label(self.connack.reason)).inc();
    }
}

/// The broker was opened.
pub(crate) struct Opening<'a> {
    pub opened: &'a Opened,
}

impl Opening<'_> {
    pub(crate) fn emit(&self) {
        let Opened { checkpoint, replayed, undecodable, lost, passed_over } = self.opened;
        for problem in passed_over {
            tracing::warn!(
                problem,
                "a checkpoint of the broker cannot be used; more of the journal is replayed"
            );
        }
        tracing::info!(checkpoint, replayed, undecodable, lost, "the broker's sessions are there again");
    }
}

/// A checkpoint was written, or was not.
pub(crate) struct Checkpointed<'a> {
    pub applied: u64,
    pub written: &'a Result<PathBuf, FileError>,
}

impl Checkpointed<'_> {
    pub(crate) fn emit(&self, metrics: &Metrics) {
        match self.written {
            Ok(_) => {
                tracing::debug!(applied = self.applied, "wrote a checkpoint of the broker");
                metrics.checkpoints.inc();
            }
            Err(error) => {
                tracing::warn!(%error, "no checkpoint of the broker could be written");
                metrics.checkpoint_failures.inc();
            }
        }
    }
}

/// Registers what is counted elsewhere and read when somebody asks.
pub(crate) fn collect(shared: &Arc<Shared>, registry: &mut Registry) {
    registry.register_collector(Box::new(Figures(Arc::downgrade(shared))));
}

struct Figures(Weak<Shared>);

impl std::fmt::Debug for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Figures")
    }
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(shared) = self.0.upgrade() else { return Ok(()) };
        let core = shared.sequence.core();
        let (overview, counts) = (core.overview(), core.counts);
        drop(core);
        let mut gauge = |name: &str, help: &str, value: usize| {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        gauge("clients", "Clients that are there; bound: `mqtt.limits.connections_max`", overview.clients)?;
        gauge(
            "sessions",
            "Sessions of clients that are there or may come back; bound: `mqtt.limits.sessions_max`",
            overview.sessions,
        )?;
        gauge(
            "subscriptions",
            "Subscriptions of all sessions; bound: `mqtt.limits.subscriptions_max`",
            overview.subscriptions,
        )?;
        gauge(
            "retained_messages",
            "Retained messages; bound: `mqtt.limits.retained_messages_max`",
            overview.retained_messages,
        )?;
        gauge(
            "retained_bytes",
            "Bytes of retained messages; bound: `mqtt.limits.retained_bytes_max`",
            overview.retained_bytes,
        )?;
        gauge(
            "queued_messages",
            "QoS 1 and 2 messages that are not acknowledged by their receivers; bound for each session: `mqtt.limits.queue_messages_max`",
            overview.queued_messages,
        )?;
        gauge(
            "queued_bytes",
            "Their bytes, in sessions that are kept; bound: `mqtt.limits.queues_bytes_max`",
            overview.queued_bytes,
        )?;
        let mut counter = |name: &str, help: &str, value: u64| {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)
        };
        counter("messages_published", "Messages that came from clients and were routed", counts.published)?;
        counter("messages_delivered", "Messages that were sent to clients", counts.delivered)?;
        counter(
            "messages_dropped_queue_full",
            "QoS 1 and 2 messages lost because a queue was full; the client is away for too long or too slow",
            counts.dropped_queue,
        )?;
        counter(
            "messages_dropped_slow_client",
            "QoS 0 messages lost because a client did not take them in time; bound: `mqtt.limits.outbox_bytes_max`",
            shared.dropped.load(Ordering::Relaxed),
        )?;
        counter(
            "messages_dropped_expired",
            "Messages that were of no more use when their turn came",
            counts.dropped_expired,
        )?;
        counter(
            "messages_dropped_too_large",
            "Messages longer than their receiver takes",
            counts.dropped_too_large,
        )?;
        counter(
            "messages_refused",
            "QoS 0 messages that a client may not publish",
            shared.refused.load(Ordering::Relaxed),
        )?;
        counter(
            "steps_refused_full_disk",
            "Packets that were refused because the disk was full",
            counts.refused_full,
        )?;
        counter(
            "clients_held",
            "Times that a client had to wait because the journal was behind",
            shared.held.load(Ordering::Relaxed),
        )?;
        counter("wills", "Wills that were published", counts.wills)?;
        counter(
            "sessions_expired",
            "Sessions that ended because their client stayed away",
            counts.sessions_expired,
        )
    }
}
