//! `$SYS`: the broker's own figures as topics, under the names that monitoring tools know from other brokers.

use crate::core::Overview;
use std::time::Duration;

/// Topics and what they say now.
pub(crate) fn values(overview: &Overview, uptime: Duration) -> Vec<(&'static str, String)> {
    vec![
        ("$SYS/broker/version", concat!("aisle ", env!("CARGO_PKG_VERSION")).into()),
        ("$SYS/broker/uptime", format!("{} seconds", uptime.as_secs())),
        ("$SYS/broker/clients/connected", overview.clients.to_string()),
        ("$SYS/broker/clients/disconnected", overview.sessions.saturating_sub(overview.clients).to_string()),
        ("$SYS/broker/clients/total", overview.sessions.to_string()),
        ("$SYS/broker/clients/expired", overview.sessions_expired.to_string()),
        ("$SYS/broker/subscriptions/count", overview.subscriptions.to_string()),
        ("$SYS/broker/retained messages/count", overview.retained_messages.to_string()),
        ("$SYS/broker/retained messages/bytes", overview.retained_bytes.to_string()),
        ("$SYS/broker/store/messages/count", overview.queued_messages.to_string()),
        ("$SYS/broker/store/messages/bytes", overview.queued_bytes.to_string()),
        ("$SYS/broker/publish/messages/received", overview.published.to_string()),
        ("$SYS/broker/publish/messages/sent", overview.delivered.to_string()),
        ("$SYS/broker/publish/messages/dropped", overview.dropped_queue_full.to_string()),
    ]
}
