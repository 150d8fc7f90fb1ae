//! How a bridge is doing, for `/healthz`, the admin API and people.

use serde::{Deserialize, Serialize};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};
use utoipa::ToSchema;

/// How a bridge to another broker is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MqttBridge)]
pub struct BridgeStatus {
    /// The bridge.
    pub name: String,
    /// The other broker.
    pub url: String,
    /// Messages can cross.
    pub connected: bool,
    /// Since when that is so, in milliseconds since 1970 by this computer's clock.
    pub since_ms: u64,
    /// What went wrong last, with a hint where there is one; kept after it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_error: Option<String>,
    /// When that was, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_error_at_ms: Option<u64>,
    /// Times that a connection came about since the node started.
    pub connections_count: u64,
    /// Messages brought in since the node started.
    pub in_count: u64,
    /// Messages brought out.
    pub out_count: u64,
    /// Messages that did not cross and will not, in either direction.
    pub refused_count: u64,
    /// Messages from the other broker that wait for the journal.
    pub in_held_count: usize,
    /// Messages for the other broker that it has not answered for, without those in the node's own queue.
    pub out_held_count: usize,
}

/// The status, shared between the bridge and who asks. A clone is cheap.
#[derive(Debug, Clone)]
pub struct StatusHandle(Arc<Mutex<BridgeStatus>>);

impl StatusHandle {
    pub(super) fn new(name: &str, url: &str) -> Self {
        Self(Arc::new(Mutex::new(BridgeStatus {
            name: name.into(),
            url: url.into(),
            connected: false,
            since_ms: now_ms(),
            last_error: None,
            last_error_at_ms: None,
            connections_count: 0,
            in_count: 0,
            out_count: 0,
            refused_count: 0,
            in_held_count: 0,
            out_held_count: 0,
        })))
    }

    /// How the bridge is doing now.
    #[must_use]
    pub fn get(&self) -> BridgeStatus {
        self.lock().clone()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, BridgeStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BridgeStatus {
    pub(super) fn set_connected(&mut self, connected: bool) {
        if self.connected != connected {
            self.connected = connected;
            self.since_ms = now_ms();
            self.connections_count += u64::from(connected);
        }
    }

    pub(super) fn set_error(&mut self, error: String) {
        self.last_error = Some(error);
        self.last_error_at_ms = Some(now_ms());
    }
}

fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
