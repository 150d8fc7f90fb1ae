//! Looking into a running node and stepping in: the routes under `/v1/admin`, and what its commands need to reach them.
//!
//! Whoever may read `admin.token` in the data directory is an administrator. `admin.url` beside it says where the node is,
//! for as long as it runs.
//!
//! Not here: what is looked at (`aisle-broker`), the commands (`mqtt`).
//! Guards that nothing is told or done without the token: only `http::Authorized` leads to the broker.

pub(crate) mod http;
pub(crate) mod place;
pub(crate) mod remote;
pub(crate) mod token;
pub(crate) mod view;

use aisle_broker::{Broker, transport::Listening};
use aisle_devices::bridge::StatusHandle;
use std::sync::Arc;

/// All that there is to look at of MQTT. A clone is cheap.
#[derive(Clone)]
pub(crate) struct Mqtt {
    /// The broker.
    pub broker: Broker,
    /// Where it listens.
    pub listening: Listening,
    /// How the bridges are doing, in the order of the configuration.
    pub bridges: Arc<[StatusHandle]>,
}

impl Mqtt {
    /// Where clients connect, such as `mqtts://192.168.1.10:8883`.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let listening = self.listening.load();
        listening.iter().map(|(transport, address)| format!("{transport}://{address}")).collect()
    }
}
