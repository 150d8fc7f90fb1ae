//! A hub and nodes under test.

use crate::{
    authority::{Authority, CHAIN},
    desk::Memory,
    shelf::Shelf,
};
use aisle_event::StoreId;
use aisle_protocol::{LogClass, hub, node};
use aisle_transport::{
    Credentials, Path,
    client::{self, Client, Heard, Hub, NoBudgetStore, NoLoad, Parts, Status},
    server::{self, Connections, Keys, Server},
};
use prometheus_client::{encoding::text::encode, registry::Registry};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{sync::oneshot, task::JoinHandle};

/// Waits until something is so.
pub async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "not so after 30 s: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub fn metric(registry: &Registry, name: &str) -> f64 {
    let mut text = String::new();
    encode(&mut text, registry).unwrap();
    let line = text.lines().find(|line| line.starts_with(name));
    line.map_or(0.0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

pub struct HubUnderTest {
    pub desk: Arc<Memory>,
    pub quic: SocketAddr,
    pub tls: SocketAddr,
    pub connections: Connections,
    pub keys: Keys,
    pub registry: Registry,
    down: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

pub fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

impl HubUnderTest {
    pub fn start(credentials: Credentials) -> Self {
        Self::with(credentials, |_| {})
    }

    pub fn with(credentials: Credentials, change: impl FnOnce(&mut server::Config)) -> Self {
        Self::over(Arc::new(Memory::default()), credentials, change)
    }

    /// Over what another hub had.
    pub fn over(
        desk: Arc<Memory>,
        credentials: Credentials,
        change: impl FnOnce(&mut server::Config),
    ) -> Self {
        let machine = hub::Config { region: "EU".into(), hub: "hub-1".into(), ..hub::Config::default() };
        let mut config = server::Config::new(credentials, Some(CHAIN.into()), machine);
        config.quic = Some(any_port());
        config.tls = Some(any_port());
        config.retry_after_ms = 20;
        config.finish_ms = 500;
        change(&mut config);
        let mut registry = Registry::default();
        let server = Server::bind(config, desk.clone(), &mut registry).unwrap();
        let (down, is_down) = oneshot::channel();
        let (quic, tls) = (server.quic_address().unwrap(), server.tls_address().unwrap());
        let (connections, keys) = (server.connections(), server.keys());
        let task = tokio::spawn(server.run(async {
            let _ = is_down.await;
        }));
        Self { desk, quic, tls, connections, keys, registry, down: Some(down), task }
    }

    pub fn metric(&self, name: &str) -> f64 {
        metric(&self.registry, name)
    }

    pub async fn stop(mut self) {
        self.down.take().unwrap().send(()).unwrap();
        (&mut self.task).await.unwrap();
    }
}

impl Drop for HubUnderTest {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub struct NodeUnderTest {
    pub client: Client,
    pub shelf: Shelf,
    pub heard: Arc<Mutex<Vec<Heard>>>,
    pub registry: Registry,
}

pub struct Plan {
    pub config: client::Config,
    pub node: node::Config,
    pub load: Arc<dyn client::Load>,
    pub budgets: Box<dyn client::BudgetStore>,
}

impl NodeUnderTest {
    pub fn start(
        authority: &Authority,
        store: &str,
        quic: Option<SocketAddr>,
        tls: Option<SocketAddr>,
    ) -> Self {
        Self::with(authority.node(store, "1"), store, quic, tls, |_| {})
    }

    pub fn with(
        credentials: Credentials,
        store: &str,
        quic: Option<SocketAddr>,
        tls: Option<SocketAddr>,
        change: impl FnOnce(&mut Plan),
    ) -> Self {
        Self::over(Shelf::new(store), credentials, store, quic, tls, change)
    }

    pub fn over(
        shelf: Shelf,
        credentials: Credentials,
        store: &str,
        quic: Option<SocketAddr>,
        tls: Option<SocketAddr>,
        change: impl FnOnce(&mut Plan),
    ) -> Self {
        let hub = Hub {
            name: "127.0.0.1".into(),
            quic_port: quic.map(|address| address.port()),
            tls_port: tls.map(|address| address.port()),
        };
        let mut config = client::Config::new(vec![hub], credentials);
        config.quic_head_start_ms = 400;
        let mut node = node::Config::new(StoreId::new(store).unwrap(), "1");
        node.backoff_base_ms = 20;
        node.backoff_max_ms = 200;
        node.link = aisle_protocol::LinkKind::Fibre;
        let mut plan = Plan { config, node, load: Arc::new(NoLoad), budgets: Box::new(NoBudgetStore) };
        change(&mut plan);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let listener = heard.clone();
        let parts = Parts {
            outbox: shelf.clone(),
            budgets: plan.budgets,
            load: plan.load,
            listener: Box::new(move |event| listener.lock().unwrap().push(event)),
        };
        let mut registry = Registry::default();
        let client = Client::start(plan.config, plan.node, 7, parts, &mut registry).unwrap();
        Self { client, shelf, heard, registry }
    }

    pub fn seal(&self, class: LogClass, ids: std::ops::Range<u64>, batch: usize, filling: usize) {
        self.shelf.seal(class, ids, batch, filling);
        self.client.sealed();
    }

    pub fn status(&self) -> Status {
        self.client.status().borrow().clone()
    }

    pub async fn is_connected_by(&self, path: Path) {
        let what = format!("connected by {path}");
        eventually(&what, || {
            let status = self.status();
            status.phase == client::Phase::Connected && status.path == Some(path)
        })
        .await;
    }

    pub async fn is_acked(&self) {
        eventually("all is acknowledged", || self.shelf.is_acked()).await;
    }

    pub fn metric(&self, name: &str) -> f64 {
        metric(&self.registry, name)
    }
}

/// All of it came, once, and in order.
pub fn assert_whole(hub: &HubUnderTest, store: &str, class: LogClass, ids: std::ops::Range<u64>) {
    assert_eq!(hub.desk.ids(store, class), ids.collect::<Vec<_>>(), "{store} {class}");
}
