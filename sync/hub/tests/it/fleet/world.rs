//! Stores that call the real desk of a hub, an engine at each hub, and people who call its HTTP interface.

use super::node::Node;
use crate::{
    desks::peer,
    people::hall::{Caller, Hall, Reply, sent},
    shop::{Outbox, hello, policy, region},
};
use aisle_fleet::{ContentHash, Release};
use aisle_hub::{
    Database, HubDesk,
    content::Contents,
    database::DatabaseError,
    desk,
    fleet::{Engine, Looked, Metadata, NoMetadata, Parts, Settings, metadata::Current},
    http::Clock,
    objects::Place,
    policies::Policies,
    publish::Publisher,
    telemetry::Telemetry,
};
use aisle_protocol::{
    Version,
    control::{Octets, Report},
};
use aisle_residency::signing::SigningKey;
use aisle_transport::desk::{Desk as _, Errand, Parting, Peer};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{future::Future, pin::Pin, sync::Arc};
use tempfile::TempDir;
use tokio::sync::watch;

pub const SLOT: &str = "plugin/multi-buy";
const MINUTE: i64 = 60_000;

pub struct World<'h> {
    pub hall: &'h Hall,
    pub desk: HubDesk,
    pub engine: Engine,
    pub nodes: Vec<Node>,
    pub publisher: Publisher,
    /// Whoever runs the hub.
    pub machine: Caller,
    _folder: TempDir,
}

pub fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32]).unwrap()
}

/// Metadata that cannot be had.
#[derive(Debug)]
pub struct Broken;

impl Metadata for Broken {
    fn current(&self) -> Pin<Box<dyn Future<Output = Result<Current, DatabaseError>> + Send + '_>> {
        Box::pin(std::future::ready(Err(DatabaseError::Disk)))
    }
}

pub fn parts(database: &Database, hub: &str, clock: Clock) -> Parts {
    Parts {
        database: database.clone(),
        hub: hub.into(),
        receipt_key: Arc::new(key()),
        metadata: Arc::new(NoMetadata),
        wake: aisle_hub::fleet::Wake::default(),
        clock,
        settings: Settings::default(),
    }
}

impl<'h> World<'h> {
    /// So many stores with a node each, all connected.
    pub async fn new(hall: &'h Hall, stores: usize) -> Self {
        // Databases note with the machine's clock when somebody was seen.
        hall.time.store(Database::now_ms(), std::sync::atomic::Ordering::SeqCst);
        let folder = tempfile::tempdir().unwrap();
        let database = hall.one.api.database.clone();
        let contents = Contents::new(Place::Folder(folder.path().join("contents")).open(None).unwrap());
        let policies = Policies::new(region("eu"), [policy()], None).unwrap();
        let config = desk::Config {
            region: region("eu"),
            hub: "hub-1".into(),
            chain: None,
            checks_together_max: 2,
            retry_after_ms: 1_500,
            receipt_key: Arc::new(key()),
        };
        let policies = watch::Sender::new(Arc::new(policies)).subscribe();
        let desk = HubDesk::new(
            config,
            database.clone(),
            policies,
            contents.clone(),
            Telemetry::register(&mut prometheus_client::registry::Registry::default()),
        );
        let engine = Engine::new(parts(&database, "hub-1", hall.one.api.clock.clone()));
        let publisher = Publisher { database, contents };
        let machine = hall.one.machine();
        let mut world = Self { hall, desk, engine, nodes: Vec::new(), publisher, machine, _folder: folder };
        for number in 0..stores {
            world.enrol(&format!("store-{number:02}")).await;
        }
        world
    }

    pub fn database(&self) -> &Database {
        &self.hall.one.api.database
    }

    /// A store with a node, that comes at once.
    pub async fn enrol(&mut self, store: &str) {
        self.database().register(&Outbox::new(store, 1).node()).await.unwrap();
        self.nodes.push(Node::new(store, "node-1"));
        let last = self.nodes.len() - 1;
        self.come(last).await;
    }

    /// A second box in a store.
    pub async fn enrol_box(&mut self, store: &str, serial: &str) {
        let node =
            aisle_hub::database::RegisteredNode { node: serial.into(), ..Outbox::new(store, 1).node() };
        self.database().register(&node).await.unwrap();
        self.nodes.push(Node::new(store, serial));
        let last = self.nodes.len() - 1;
        self.come(last).await;
    }

    fn peer(&self, at: usize) -> Peer {
        let Node { store, serial, .. } = &self.nodes[at];
        peer(&format!("spiffe://shops.example/store/{store}/node/{serial}"))
    }

    pub async fn come(&mut self, at: usize) {
        let peer = self.peer(at);
        self.desk.meet(&peer).await.unwrap();
        let shop = Outbox::new(peer.store().as_str(), 1);
        let said =
            aisle_protocol::control::Hello { node: self.nodes[at].serial.clone(), ..hello(&shop, "eu") };
        let errands = self.desk.welcomed(&peer, &said, Version::spoken()[0]).await.unwrap();
        self.nodes[at].is_online = true;
        for errand in errands {
            if let Errand::Desired(desired) = errand {
                self.nodes[at].take(desired.generation, &desired.manifest.0, &key().verifying_key());
            }
        }
        self.report(at).await;
    }

    pub async fn go(&mut self, at: usize) {
        self.desk.parted(&self.peer(at), Parting::Lost).await;
        self.nodes[at].is_online = false;
    }

    pub async fn report(&self, at: usize) {
        let node = &self.nodes[at];
        let said = Octets(node.says().encode().unwrap().into());
        let report = Report { generation: node.generation, applied: vec![], node: Some(said) };
        self.desk.report(&self.peer(at), report).await.unwrap();
    }

    /// A node says this of itself, as JSON.
    pub async fn says_of(&mut self, at: usize, json: &[u8]) {
        let said = Octets(frame(json).into());
        let report = Report { generation: self.nodes[at].generation, applied: vec![], node: Some(said) };
        self.desk.report(&self.peer(at), report).await.unwrap();
    }

    /// What the herald does, then time in the stores, then their reports, then a look.
    pub async fn pass(&mut self, minutes: u64) -> Looked {
        for at in 0..self.nodes.len() {
            if self.nodes[at].is_online {
                if let Some(row) = self.database().desired(&self.nodes[at].store).await.unwrap() {
                    self.nodes[at].take(row.generation, &row.manifest, &key().verifying_key());
                }
                self.nodes[at].pass(minutes);
                self.report(at).await;
            }
        }
        self.hall.pass(minutes as i64 * MINUTE);
        self.engine.look().await.unwrap()
    }

    /// Goes on until a rollout is so far.
    pub async fn until(&mut self, rollout: &str, phase: &str) {
        for _ in 0..60 {
            if self.phase(rollout).await == phase {
                return;
            }
            self.pass(5).await;
        }
        panic!("never {phase}: {:#}", self.rollout(rollout).await);
    }

    pub async fn rollout(&self, name: &str) -> Value {
        let reply = self.machine.get(&format!("/v1/rollouts/{name}")).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.json);
        reply.json
    }

    pub async fn phase(&self, name: &str) -> String {
        self.rollout(name).await["rollout"]["phase"]["phase"].as_str().unwrap().to_owned()
    }

    /// A version whose bytes are at the hub.
    pub async fn release(&self, version: &str) -> Release {
        let bytes = format!("multi-buy {version}").into_bytes();
        let content = self.publisher.add(bytes.clone().into(), version).await.unwrap();
        let hash = ContentHash(content.hash.0);
        assert_eq!(hash, ContentHash::of(&bytes));
        Release { version: version.parse().unwrap(), hash, bytes: content.bytes, needs: Default::default() }
    }

    /// Every node is to run this, by a group.
    pub async fn everybody_has(&mut self, release: &Release) {
        let group = json!({ "name": "every", "who": "*", "says": { "artefacts": { (SLOT): release } } });
        assert!(self.put("/v1/groups/every", &group).await.status.is_success());
        for _ in 0..6 {
            self.pass(5).await;
        }
    }

    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        sent(self.machine.request(Method::PUT, path).json(body)).await
    }

    /// Writes a rollout, and lets it go as far as its start.
    pub async fn start(&mut self, spec: &Value) {
        let name = spec["rollout"].as_str().unwrap();
        self.draft(spec).await;
        let found = self.say(name, "preflight", &json!({})).await;
        assert_eq!(found.status, StatusCode::OK, "{}", found.json);
        if found.json["rollout"]["phase"]["phase"] == "awaiting-approval" {
            let approved = self.say(name, "approve", &json!({})).await;
            assert_eq!(approved.status, StatusCode::OK, "{}", approved.json);
        }
        let started = self.say(name, "start", &json!({})).await;
        assert_eq!(started.status, StatusCode::OK, "{}", started.json);
        self.engine.look().await.unwrap();
    }

    pub async fn draft(&self, spec: &Value) {
        let made = self.machine.post("/v1/rollouts", spec).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.json);
    }

    pub async fn say(&self, rollout: &str, verb: &str, body: &Value) -> Reply {
        self.machine.post(&format!("/v1/rollouts/{rollout}/{verb}"), body).await
    }

    /// What each node runs, in their order.
    pub fn running(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.runs(SLOT).unwrap_or_else(|| "nothing".into())).collect()
    }

    pub fn count(&self, version: &str) -> usize {
        self.running().iter().filter(|running| *running == version).count()
    }

    /// The nodes of a wave, by their places.
    pub async fn wave(&self, rollout: &str, wave: &str) -> Vec<usize> {
        let page = self.machine.get(&format!("/v1/rollouts/{rollout}/nodes?wave={wave}&limit=1000")).await;
        let named = |item: &Value| {
            let name = item["node"].as_str().unwrap();
            self.nodes.iter().position(|node| format!("{}/{}", node.store, node.serial) == name).unwrap()
        };
        page.json["items"].as_array().unwrap().iter().map(named).collect()
    }
}

/// A frame of zstd's with one block as it is: of 256 to 65,791 bytes.
fn frame(plain: &[u8]) -> Vec<u8> {
    let length = u16::try_from(plain.len() - 256).unwrap().to_le_bytes();
    let block = u32::try_from(plain.len()).unwrap() << 3 | 1;
    [&[0x28, 0xB5, 0x2F, 0xFD, 0x60], &length[..], &block.to_le_bytes()[..3], plain].concat()
}

/// A rollout of a release to everybody, in waves.
#[allow(clippy::needless_pass_by_value, reason = "it is written where it is handed over")]
pub fn spec(name: &str, release: &Release, waves: Value) -> Value {
    let mut spec = json!({
        "rollout": name, "why": "sells the second at half the price", "who": "*", "set": { (SLOT): release },
        "gates": { "calls_min": 50 },
    });
    spec["waves"] = waves;
    spec
}

pub fn waves() -> Value {
    json!([{ "name": "canary", "size": 2, "soak_minutes": 10 }, { "name": "rest" }])
}
