//! A regional hub and a global one as processes: what goes on, what does not, and that nothing is lost or doubled by kills and restores.

use crate::{
    ports::free,
    postgres::Server,
    running::{CHAIN, Hubbing, Shelf, eventually, root},
    shop::{Outbox, officer, signed},
};
use aisle_protocol::{LinkKind, node};
use aisle_transport::{
    Credentials,
    client::{self, Client, Hub, NoBudgetStore, NoLoad, Parts},
};
use data_encoding::HEXLOWER;
use prometheus_client::registry::Registry;
use rcgen::{CertificateParams, Issuer, KeyPair, SanType};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Arc,
};
use tempfile::TempDir;

/// To the region everything but the customer, of whom a token; beyond it no prices and no customer.
const POLICY: &str = "aisle_policy = 1\nname = \"two-steps\"\nversion = 1\nhome = \"eu\"\n\
    [[destination]]\nregion = \"eu\"\nclock = \"second\"\n[[destination]]\nregion = \"global\"\nclock = \"minute\"\n\
    [[rule]]\nto = [\"eu\", \"global\"]\nfields = [\"SaleRecorded.*<=4\", \"SaleRecorded.lines.line\", \"SaleRecorded.lines.sku\", \
    \"SaleRecorded.lines.quantity\"]\naction = \"pass\"\n\
    [[rule]]\nto = [\"eu\"]\nfields = [\"SaleRecorded.lines.unit_price\"]\naction = \"pass\"\n\
    [[rule]]\nto = [\"eu\"]\nfields = [\"SaleRecorded.customer\"]\naction = \"token\"\npurpose = \"loyalty\"\n";

/// One issuer for all, so that every end believes every other.
struct Authority {
    roots: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let (authority, key) = (root(), KeyPair::generate().unwrap());
        let roots = authority.self_signed(&key).unwrap().pem();
        Self { roots, issuer: Issuer::new(authority, key) }
    }

    fn sign(&self, names: Vec<SanType>) -> (String, String) {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    fn write(&self, folder: &Path, name: &str, names: Vec<SanType>) {
        let (certificate, key) = self.sign(names);
        fs::write(folder.join(format!("{name}.pem")), certificate).unwrap();
        fs::write(folder.join(format!("{name}.key")), key).unwrap();
        fs::write(folder.join("roots.pem"), &self.roots).unwrap();
    }
}

fn uri(path: &str) -> SanType {
    SanType::URI(format!("spiffe://{CHAIN}/{path}").try_into().unwrap())
}

/// A hub with its folder.
struct Side {
    folder: TempDir,
    quic: u16,
    tls: u16,
    http: u16,
}

impl Side {
    fn new(authority: &Authority, name: &str, region: &str, database: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        authority.write(folder.path(), "hub", vec![SanType::IpAddress(Ipv4Addr::LOCALHOST.into())]);
        authority.write(folder.path(), "relay", vec![uri("relay/hub-eu")]);
        fs::write(folder.path().join("policy.toml"), POLICY).unwrap();
        let signature = HEXLOWER.encode(&officer().sign(POLICY.as_bytes()).0);
        fs::write(folder.path().join("policy.toml.sig"), signature).unwrap();
        fs::write(folder.path().join("relay.secret"), "5a".repeat(32)).unwrap();
        let [quic, tls, http] = [free(), free(), free()].map(Result::unwrap);
        let officer = HEXLOWER.encode(&officer().verifying_key().0);
        let text = format!(
            "hub = \"{name}\"\nregion = \"{region}\"\ndatabase = \"{database}\"\n\
             [listen]\nquic = \"127.0.0.1:{quic}\"\ntls = \"127.0.0.1:{tls}\"\nhttp = \"127.0.0.1:{http}\"\n\
             [tls]\ncertificate = \"hub.pem\"\nkey = \"hub.key\"\nroots = \"roots.pem\"\nchain = \"{CHAIN}\"\n\
             [policies]\nfiles = [\"policy.toml\"]\nkeys = [\"{officer}\"]\n[limits]\nretry_after_ms = 50\n{more}"
        );
        fs::write(folder.path().join("hub.toml"), text).unwrap();
        Self { folder, quic, tls, http }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aisle-hub"));
        command.arg("--config").arg(self.folder.path().join("hub.toml")).args(arguments);
        command.env_remove("RUST_LOG").stdin(Stdio::null());
        command
    }

    fn run(&self) -> Hubbing {
        Hubbing(self.command(&["run"]).stdout(Stdio::null()).spawn().unwrap())
    }

    fn said(&self, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        assert!(status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let token = fs::read_to_string(self.data().join("hub.token")).ok()?;
        let url = format!("http://127.0.0.1:{}{path}", self.http);
        let answer = reqwest::Client::new().get(url).bearer_auth(token.trim()).send().await.ok()?;
        answer.error_for_status().ok()?.json().await.ok()
    }

    /// What is shown of a store: how often each document, and all payloads as one text.
    async fn shown(&self, store: &str) -> Option<(BTreeMap<String, u32>, String)> {
        let (mut documents, mut text) = (BTreeMap::new(), String::new());
        let mut path = format!("/v1/stores/{store}/events?limit=1000");
        loop {
            let page = self.get(&path).await?;
            for event in page["items"].as_array()? {
                *documents.entry(event["payload"]["document"].as_str()?.to_owned()).or_default() += 1;
                text.push_str(&event["payload"].to_string());
            }
            let Some(next) = page["next"].as_str() else { return Some((documents, text)) };
            path = format!("/v1/stores/{store}/events?limit=1000&after={next}");
        }
    }

    async fn has_once(&self, store: &str, events: u64) -> bool {
        let Some((documents, _)) = self.shown(store).await else { return false };
        assert!(documents.values().all(|count| *count == 1), "an event is shown more than once");
        documents.len() as u64 == events
    }
}

struct World {
    authority: Authority,
    global: Side,
    shelf: Shelf,
}

impl World {
    /// A global hub that lets `hub-eu` speak for stores of the EU.
    fn new(database: &str) -> Self {
        let authority = Authority::new();
        let shelf = Shelf::of(Outbox::under("store-1", 1, "eu", signed(POLICY)));
        Self { global: Side::new(&authority, "hub-global", "global", database, ""), authority, shelf }
    }

    fn regional(&self, name: &str, database: &str) -> Side {
        let receipt_key = HEXLOWER.encode(&self.shelf.0.lock().unwrap().shop.key.verifying_key().0);
        let more = format!(
            "[relay]\nregion = \"global\"\ncertificate = \"relay.pem\"\nkey = \"relay.key\"\nroots = \"roots.pem\"\n\
             secret_file = \"relay.secret\"\nevery_ms = 50\nlease_ms = 1000\n\
             [[relay.hub]]\nname = \"127.0.0.1\"\nquic_port = {}\ntls_port = {}\n\
             [[node]]\nstore = \"store-1\"\nnode = \"node-1\"\nreceipt_key = \"{receipt_key}\"\n",
            self.global.quic, self.global.tls
        );
        let side = Side::new(&self.authority, name, "eu", database, &more);
        let key = side.said(&["relay", "key"]);
        self.global.said(&["relay", "allow", "hub-eu", key.trim(), "--region", "eu"]);
        side
    }

    fn call(&self, sides: &[&Side]) -> Client {
        let (certificate, key) = self.authority.sign(vec![uri("store/store-1/node/node-1")]);
        let roots = self.authority.roots.as_bytes();
        let credentials = Credentials::from_pem(certificate.as_bytes(), key.as_bytes(), roots).unwrap();
        let hubs = sides.iter().map(|side| Hub {
            name: "127.0.0.1".into(),
            quic_port: None,
            tls_port: Some(side.tls),
        });
        let config = client::Config::new(hubs.collect(), credentials);
        let mut node = node::Config::new("store-1".parse().unwrap(), "node-1");
        node.region = "eu".into();
        (node.backoff_base_ms, node.backoff_max_ms) = (20, 200);
        node.link = LinkKind::Fibre;
        let parts = Parts {
            outbox: self.shelf.clone(),
            budgets: Box::new(NoBudgetStore),
            load: Arc::new(NoLoad),
            listener: Box::new(|heard| println!("{heard:?}")),
        };
        Client::start(config, node, 7, parts, &mut Registry::default()).unwrap()
    }

    fn sell(&self, client: &Client, count: u64) {
        self.shelf.sell(count);
        client.sealed();
    }

    fn sold(&self) -> u64 {
        self.shelf.0.lock().unwrap().shop.at().seq
    }

    async fn is_everywhere(&self, regional: &Side) {
        let sold = self.sold();
        eventually("the region has all", async || regional.has_once("store-1", sold).await).await;
        eventually("the hub above has all", async || self.global.has_once("store-1", sold).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_region_holds_goes_on_with_less_in_it_as_the_store_s() {
    let world = World::new("data/hub.db");
    let regional = world.regional("hub-eu-1", "data/hub.db");
    let (above, hub) = (world.global.run(), regional.run());
    let client = world.call(&[&regional]);
    for _ in 0..12 {
        world.sell(&client, 100);
    }
    world.is_everywhere(&regional).await;
    let (_, in_region) = regional.shown("store-1").await.unwrap();
    assert!(in_region.contains("unit_price") && in_region.contains("customer"), "{in_region:.300}");
    let (_, beyond) = world.global.shown("store-1").await.unwrap();
    assert!(beyond.contains("SKU-") && beyond.contains("quantity"), "{beyond:.300}");
    for kept in ["unit_price", "customer", "CANARY"] {
        assert!(!beyond.contains(kept), "`{kept}` has left the region: {beyond:.300}");
    }
    let nodes = world.global.get("/v1/stores/store-1/nodes").await.unwrap();
    assert_eq!(nodes["items"][0]["node"], "relay/hub-eu");
    let store = world.global.get("/v1/stores/store-1").await.unwrap();
    assert_eq!(store["region"], "eu");
    eventually("the relay says that nothing waits", async || {
        let relay = regional.get("/v1/relay").await;
        relay.is_some_and(|relay| {
            relay["items"][0]["waiting"] == 0
                && relay["items"][0]["unacknowledged"] == 0
                && relay["items"][0]["acknowledged_at_ms"].as_i64().unwrap() > 0
        })
    })
    .await;
    let status = regional.said(&["status"]);
    assert!(status.contains("relay to global: 0 events wait"), "{status}");
    client.stop().await;
    hub.end();
    above.end();
    for side in [&world.global, &regional] {
        let checked: Value = serde_json::from_str(&side.said(&["verify", "--json"])).unwrap();
        assert_eq!(checked["events"], 1200, "{checked}");
    }
    assert!(world.global.said(&["relay", "list"]).contains("hub-eu"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_may_not_speak_for_a_store_brings_nothing_and_says_why() {
    let world = World::new("data/hub.db");
    let regional = world.regional("hub-eu-1", "data/hub.db");
    let key = regional.said(&["relay", "key"]);
    world.global.said(&["relay", "allow", "hub-eu", key.trim(), "--region", "cn"]);
    let (_above, _hub) = (world.global.run(), regional.run());
    let client = world.call(&[&regional]);
    world.sell(&client, 100);
    eventually("the reason is told", async || {
        let relay = regional.get("/v1/relay").await;
        relay.is_some_and(|relay| {
            let problem = relay["items"][0]["problem"].as_str();
            problem.is_some_and(|problem| problem.contains("may not speak for `store-1`"))
        })
    })
    .await;
    assert_eq!(world.global.get("/v1/totals").await.unwrap()["events"], 0);
    world.global.said(&["relay", "allow", "hub-eu", key.trim(), "--region", "eu"]);
    world.is_everywhere(&regional).await;
    client.stop().await;
}

async fn kills(world: &World, first: &Side, second: &Side) {
    let client = world.call(&[first, second]);
    let mut hubs = [Some(first.run()), Some(second.run()), Some(world.global.run())];
    let sides = [first, second, &world.global];
    for round in 0..9_usize {
        for _ in 0..5 {
            world.sell(&client, 20);
            tokio::time::sleep(std::time::Duration::from_millis(60)).await;
        }
        let at = [0, 2, 1][round % 3];
        drop(hubs[at].take());
        println!("round {round}: killed {at}");
        if round % 2 == 0 {
            world.sell(&client, 20);
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        hubs[at] = Some(sides[at].run());
    }
    eventually("the region acknowledges all", async || {
        client.sealed();
        world.shelf.is_acked()
    })
    .await;
    world.is_everywhere(first).await;
    client.stop().await;
    for hub in hubs.into_iter().flatten() {
        hub.end();
    }
    let checked: Value = serde_json::from_str(&world.global.said(&["verify", "--json"])).unwrap();
    // Neither twice in the rows: nothing was relayed by two hubs.
    assert_eq!(checked["events"], world.sold(), "{checked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hubs_on_one_sqlite_relay_once_whoever_is_killed() {
    let world = World::new("data/hub.db");
    let first = world.regional("hub-eu-1", "data/hub.db");
    let shared = first.data().join("hub.db").display().to_string();
    let second = world.regional("hub-eu-2", &shared);
    kills(&world, &first, &second).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hubs_on_one_postgresql_relay_once_whoever_is_killed() {
    let server = Server::start();
    let world = World::new(&server.database("above"));
    let shared = server.database("region");
    let (first, second) = (world.regional("hub-eu-1", &shared), world.regional("hub-eu-2", &shared));
    kills(&world, &first, &second).await;
}

fn put_back(side: &Side, copy: &str) {
    for name in ["hub.db", "hub.db-wal", "hub.db-shm"] {
        let _ = fs::remove_file(side.data().join(name));
    }
    side.said(&["restore", copy]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn either_hub_may_be_restored_from_an_old_backup_and_every_event_is_shown_once() {
    let world = World::new("data/hub.db");
    let regional = world.regional("hub-eu-1", "data/hub.db");
    let (mut above, mut hub) = (world.global.run(), regional.run());
    let client = world.call(&[&regional]);
    let copy = |side: &Side| {
        let copy = side.folder.path().join("copy.db").display().to_string();
        side.said(&["backup", &copy]);
        copy
    };
    world.sell(&client, 300);
    world.is_everywhere(&regional).await;
    let (of_region, of_above) = (copy(&regional), copy(&world.global));
    world.sell(&client, 300);
    world.is_everywhere(&regional).await;

    hub.end();
    put_back(&regional, &of_region);
    hub = regional.run();
    world.sell(&client, 100);
    world.is_everywhere(&regional).await;

    above.end();
    put_back(&world.global, &of_above);
    above = world.global.run();
    world.sell(&client, 100);
    world.is_everywhere(&regional).await;
    client.stop().await;
    hub.end();
    above.end();
    world.global.said(&["verify"]);
    regional.said(&["verify"]);
}
