//! What the hub's end counts and says. A log line and its metric come from one place.

use crate::{
    Path,
    desk::{Parting, Peer},
};
use aisle_protocol::hub::Alert;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use std::{fmt, net::SocketAddr};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PathLabel {
    path: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabel {
    path: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HowLabel {
    how: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabel {
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QuestionLabel {
    question: &'static str,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Metrics {
    open: Family<PathLabel, Gauge>,
    handshakes: Gauge,
    refused: Family<RefusalLabel, Counter>,
    parted: Family<HowLabel, Counter>,
    cut_off: Family<CodeLabel, Counter>,
    logs_refused: Counter,
    busy: Family<QuestionLabel, Counter>,
    errands_dropped: Counter,
    too_long: Counter,
}

impl Metrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("connections_open", "Connections that are open, by path", metrics.open.clone());
        registry.register("handshakes_open", "Handshakes under way", metrics.handshakes.clone());
        registry.register(
            "connections_refused",
            "Callers that were not let in, by path and reason; `full` means `connections_max`, `certificate_…` and `issuer_…` are their certificates",
            metrics.refused.clone(),
        );
        registry.register("connections_ended", "Connections that are over, by how", metrics.parted.clone());
        registry.register(
            "peers_cut_off",
            "Peers that did not keep to the protocol, by code; look at who they are",
            metrics.cut_off.clone(),
        );
        registry.register(
            "logs_refused",
            "Logs that are not taken further: forks, and what the region may not hold",
            metrics.logs_refused.clone(),
        );
        registry.register(
            "desk_busy",
            "Questions that the database did not answer, by question; nodes come again later",
            metrics.busy.clone(),
        );
        registry.register(
            "errands_dropped",
            "Errands beyond the bound of one WELCOME; they go out with the next",
            metrics.errands_dropped.clone(),
        );
        registry.register(
            "messages_too_long",
            "Documents for nodes that are longer than their stream allows and were not sent",
            metrics.too_long.clone(),
        );
        metrics
    }

    pub(super) fn handshake(&self, change: i64) {
        self.handshakes.inc_by(change);
    }

    pub(super) fn refused(
        &self,
        path: Path,
        reason: &'static str,
        from: SocketAddr,
        text: impl fmt::Display,
    ) {
        self.refused.get_or_create(&RefusalLabel { path: path.as_str(), reason }).inc();
        tracing::info!(%path, reason, %from, "a caller is not let in: {text}");
    }

    pub(super) fn opened(&self, peer: &Peer) {
        self.open.get_or_create(&PathLabel { path: peer.path.as_str() }).inc();
        tracing::debug!(node = %peer.identity, path = %peer.path, from = %peer.address, "a node has called");
    }

    pub(super) fn parted(&self, peer: &Peer, how: Parting) {
        self.open.get_or_create(&PathLabel { path: peer.path.as_str() }).dec();
        self.parted.get_or_create(&HowLabel { how: how.as_str() }).inc();
        tracing::debug!(node = %peer.identity, how = how.as_str(), "a connection is over");
    }

    pub(super) fn alert(&self, peer: &Peer, alert: &Alert) {
        match alert {
            Alert::CutOff { code, text, .. } => {
                self.cut_off.get_or_create(&CodeLabel { code: code.as_str() }).inc();
                tracing::warn!(node = %peer.identity, %code, "a peer is cut off: {text}");
            }
            Alert::Refused { log, stop } => {
                self.logs_refused.inc();
                tracing::warn!(node = %peer.identity, %log, "a log is not taken further: {stop:?}");
            }
            Alert::TooLong { message, bytes, bytes_max, .. } => {
                self.too_long.inc();
                tracing::warn!(node = %peer.identity, message, bytes, bytes_max, "a message is too long to be told");
            }
        }
    }

    pub(super) fn busy(&self, peer: &Peer, question: &'static str, why: impl fmt::Display) {
        self.busy.get_or_create(&QuestionLabel { question }).inc();
        tracing::info!(node = %peer.identity, question, "the desk is busy: {why}");
    }

    pub(super) fn errands_dropped(&self, peer: &Peer, count: usize) {
        self.errands_dropped.inc_by(count as u64);
        tracing::warn!(node = %peer.identity, count, "more errands than one WELCOME takes");
    }
}
