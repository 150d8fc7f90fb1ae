//! The bridges to brokers that the store already has: started after the node's own broker, ended before it.
//!
//! Not here: everything about bridging (`aisle-devices`).

use aisle_broker::Broker;
use aisle_devices::bridge::{Bridge, Config, Metrics, StatusHandle};
use anyhow::Context;
use prometheus_client::registry::Registry;
use std::time::Duration;
use tokio::{sync::watch, task::JoinSet, time::timeout};

/// How long bridges may take to end; they take two seconds for what is under way.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// Made, and not connected yet.
pub(super) struct Bridges(Vec<Bridge>);

/// Running.
pub(super) struct Bridging(JoinSet<()>);

impl Bridges {
    pub(super) fn new(
        configs: &[Config],
        store: &str,
        broker: &Broker,
        registry: &mut Registry,
    ) -> anyhow::Result<Self> {
        let metrics = Metrics::new(registry);
        let bridges = configs.iter().map(|config| {
            Bridge::new(config.clone(), store, broker.clone(), &metrics)
                .with_context(|| format!("cannot make the bridge `{}`", config.name))
        });
        Ok(Self(bridges.collect::<anyhow::Result<_>>()?))
    }

    /// How they are doing, now and later.
    pub(super) fn statuses(&self) -> Vec<StatusHandle> {
        self.0.iter().map(Bridge::status).collect()
    }

    /// Connects, and brings messages over until the node stops.
    pub(super) fn start(self, stopping: &watch::Receiver<bool>) -> Bridging {
        let mut tasks = JoinSet::new();
        for bridge in self.0 {
            let mut stopping = stopping.clone();
            tasks.spawn(bridge.run(async move {
                // An error means that the node is as good as gone.
                let _ = stopping.wait_for(|stopping| *stopping).await;
            }));
        }
        Bridging(tasks)
    }
}

impl Bridging {
    /// Waits for the end of bridges whose node stops.
    pub(super) async fn ended(mut self) {
        let ended = async { while self.0.join_next().await.is_some() {} };
        if timeout(END_TIMEOUT, ended).await.is_err() {
            tracing::warn!("some bridges did not end in time");
        }
    }
}
