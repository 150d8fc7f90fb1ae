//! A bridge that runs beside the test.

use crate::{eventually, store::Store};
use aisle_devices::bridge::{Bridge, BridgeStatus, Config, Metrics, StatusHandle};
use prometheus_client::registry::Registry;
use tokio::{sync::oneshot, task::JoinHandle};

pub struct BridgeUnderTest {
    status: StatusHandle,
    registry: Registry,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// Settings as an operator writes them, with waits that suit a test.
pub fn config(url: &str, version: &str, rules: &str) -> Config {
    let text = format!(
        "name = \"hall\"\nurl = \"{url}\"\nversion = \"{version}\"\nreconnect_min_ms = 20\nreconnect_max_ms = 200\n{rules}"
    );
    toml::from_str(&text).expect("a configuration")
}

impl BridgeUnderTest {
    /// Runs it and waits until messages can cross.
    pub async fn connected(store: &Store, config: Config) -> Self {
        let this = Self::run(store, "leeds", config);
        this.until(|status| status.connected).await;
        this
    }

    pub fn run(store: &Store, name: &str, config: Config) -> Self {
        let mut registry = Registry::with_prefix("aisle");
        let metrics = Metrics::new(&mut registry);
        let bridge = Bridge::new(config, name, store.broker.clone(), &metrics).expect("a bridge");
        let status = bridge.status();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(bridge.run(async move { drop(stopped.await) }));
        Self { status, registry, stop: Some(stop), task }
    }

    pub async fn until(&self, is_so: impl Fn(&BridgeStatus) -> bool) -> BridgeStatus {
        eventually(|| self.status.get(), is_so).await
    }

    pub fn status(&self) -> BridgeStatus {
        self.status.get()
    }

    pub fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).expect("encoded");
        text
    }

    /// Ends it in order.
    pub async fn stop(mut self) {
        self.stop.take().expect("runs").send(()).expect("listens");
        let task = std::mem::replace(&mut self.task, tokio::spawn(async {}));
        task.await.expect("ends in order");
    }

    /// Ends it as a crash would.
    pub async fn kill(mut self) {
        self.task.abort();
        let ended = (&mut self.task).await.expect_err("it runs until it is ended");
        assert!(ended.is_cancelled(), "{ended}");
    }
}

impl Drop for BridgeUnderTest {
    fn drop(&mut self) {
        self.task.abort();
    }
}
