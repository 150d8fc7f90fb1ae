//! The hub as a process, with nodes that call it over real sockets, and kills.

use crate::{
    ports::free,
    postgres::Server,
    shop::{Outbox, POLICY, officer},
};
use aisle_event::LogClass;
use aisle_protocol::{
    Batch, Epoch, Head, Point,
    node::{self, Log},
};
use aisle_transport::{
    Credentials,
    client::{self, Client, Hub, Listener, NoBudgetStore, NoLoad, Parts},
};
use data_encoding::HEXLOWER;
use prometheus_client::registry::Registry;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use serde_json::Value;
use std::{
    convert::Infallible,
    fs,
    net::Ipv4Addr,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tempfile::TempDir;

pub const CHAIN: &str = "shops.example";
const PATIENCE: Duration = Duration::from_secs(60);

/// Sealed batches in memory, with the last acknowledgement.
#[derive(Clone)]
pub struct Shelf(pub Arc<Mutex<Shelved>>);

pub struct Shelved {
    pub shop: Outbox,
    pub batches: Vec<Batch>,
    pub acked: Point,
}

impl Shelf {
    pub fn new(store: &str) -> Self {
        Self::of(Outbox::new(store, 1))
    }

    pub fn of(shop: Outbox) -> Self {
        let acked = shop.at();
        Self(Arc::new(Mutex::new(Shelved { shop, batches: Vec::new(), acked })))
    }

    pub fn sell(&self, count: u64) {
        let mut shelved = self.0.lock().unwrap();
        let from = shelved.shop.at().seq;
        let batch = shelved.shop.sales(from, from + count);
        shelved.batches.push(batch);
    }

    pub fn is_acked(&self) -> bool {
        let shelved = self.0.lock().unwrap();
        shelved.acked == shelved.shop.at()
    }
}

impl node::Outbox for Shelf {
    type Error = Infallible;

    fn log(&mut self, class: LogClass) -> Result<Option<Log>, Infallible> {
        let shelved = self.0.lock().unwrap();
        let id = &shelved.shop.log;
        let log = Log { epoch: id.epoch, floor: id.start(), acked: shelved.acked, last: shelved.shop.at() };
        Ok((class == id.class).then_some(log))
    }

    fn batch_after(&mut self, _: LogClass, seq: u64) -> Result<Option<Batch>, Infallible> {
        let shelved = self.0.lock().unwrap();
        Ok(shelved.batches.iter().find(|batch| batch.header().end().seq > seq).cloned())
    }

    fn head_at(&mut self, _: LogClass, seq: u64) -> Result<Option<Head>, Infallible> {
        let shelved = self.0.lock().unwrap();
        if seq == 0 {
            return Ok(Some(shelved.shop.log.genesis()));
        }
        let ends = shelved.batches.iter().map(|batch| batch.header().end());
        Ok(ends.into_iter().find(|end| end.seq == seq).map(|end| end.head))
    }

    fn points(
        &mut self,
        _: LogClass,
        after: u64,
        through: u64,
        most: usize,
    ) -> Result<Vec<Point>, Infallible> {
        let shelved = self.0.lock().unwrap();
        let ends = shelved.batches.iter().map(|batch| batch.header().end());
        Ok(ends.filter(|end| end.seq > after && end.seq <= through).take(most).collect())
    }

    fn past(&mut self, _: LogClass) -> Result<Vec<(Epoch, Point)>, Infallible> {
        Ok(vec![])
    }
}

impl client::Outbox for Shelf {
    fn acked(&mut self, _: LogClass, _: Epoch, through: Point) -> Result<(), Infallible> {
        self.0.lock().unwrap().acked = through;
        Ok(())
    }

    fn renew(&mut self, _: LogClass, _: Epoch, after: u64) -> Result<(), Infallible> {
        panic!("no epoch ends here, and one did after {after}");
    }
}

/// A folder with everything that a hub needs, and what its nodes need to call it.
pub struct Region {
    pub folder: TempDir,
    /// Variables of its commands.
    pub environment: Vec<(&'static str, String)>,
    node: Credentials,
    quic: u16,
    tls: u16,
    http: u16,
}

impl Region {
    /// Of the store of a shelf.
    pub fn of(shelf: &Shelf) -> Self {
        Self::new("data/hub.db", &shelf.0.lock().unwrap().shop)
    }

    pub fn new(database: &str, shop: &Outbox) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let (authority, authority_key) = (root(), KeyPair::generate().unwrap());
        let roots = authority.self_signed(&authority_key).unwrap().pem();
        let issuer = Issuer::new(authority, authority_key);
        let sign = |name: SanType| {
            let mut params = CertificateParams::default();
            params.subject_alt_names.push(name);
            let key = KeyPair::generate().unwrap();
            (params.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
        };
        let (certificate, key) = sign(SanType::IpAddress(Ipv4Addr::LOCALHOST.into()));
        fs::write(file("hub.pem"), certificate).unwrap();
        fs::write(file("hub.key"), key).unwrap();
        fs::write(file("roots.pem"), &roots).unwrap();
        let name = format!("spiffe://{CHAIN}/store/{}/node/node-1", shop.log.store);
        let (certificate, key) = sign(SanType::URI(name.try_into().unwrap()));
        let node = Credentials::from_pem(certificate.as_bytes(), key.as_bytes(), roots.as_bytes()).unwrap();
        fs::write(file("eu.toml"), POLICY).unwrap();
        fs::write(file("eu.toml.sig"), HEXLOWER.encode(&officer().sign(POLICY.as_bytes()).0)).unwrap();
        let [quic, tls, http] = [free(), free(), free()].map(Result::unwrap);
        let text = format!(
            "region = \"eu\"\ndatabase = \"{database}\"\n\
             [listen]\nquic = \"127.0.0.1:{quic}\"\ntls = \"127.0.0.1:{tls}\"\nhttp = \"127.0.0.1:{http}\"\n\
             [tls]\ncertificate = \"hub.pem\"\nkey = \"hub.key\"\nroots = \"roots.pem\"\nchain = \"{CHAIN}\"\n\
             [policies]\nfiles = [\"eu.toml\"]\nkeys = [\"{}\"]\n[limits]\nretry_after_ms = 50\n\
             [[node]]\nstore = \"{}\"\nnode = \"node-1\"\nreceipt_key = \"{}\"\n",
            HEXLOWER.encode(&officer().verifying_key().0),
            shop.log.store,
            HEXLOWER.encode(&shop.key.verifying_key().0),
        );
        fs::write(file("hub.toml"), text).unwrap();
        Self { folder, environment: Vec::new(), node, quic, tls, http }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aisle-hub"));
        command.arg("--config").arg(self.folder.path().join("hub.toml")).args(arguments);
        command.env_remove("RUST_LOG").stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn run(&self) -> Hubbing {
        Hubbing(self.command(&["run"]).stdout(Stdio::null()).spawn().unwrap())
    }

    pub fn ask(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn call(&self, shelf: &Shelf, quic: bool) -> Client {
        self.call_with(shelf, quic, Box::new(|heard| println!("{heard:?}")))
    }

    pub fn call_with(&self, shelf: &Shelf, quic: bool, listener: Box<dyn Listener>) -> Client {
        let hub =
            Hub { name: "127.0.0.1".into(), quic_port: quic.then_some(self.quic), tls_port: Some(self.tls) };
        let mut config = client::Config::new(vec![hub], self.node.clone());
        config.quic_head_start_ms = 5_000;
        let mut node = node::Config::new(shelf.0.lock().unwrap().shop.log.store.clone(), "node-1");
        node.backoff_base_ms = 20;
        node.backoff_max_ms = 200;
        node.link = aisle_protocol::LinkKind::Fibre;
        let parts = Parts {
            outbox: shelf.clone(),
            budgets: Box::new(NoBudgetStore),
            load: Arc::new(NoLoad),
            listener,
        };
        Client::start(config, node, 7, parts, &mut Registry::default()).unwrap()
    }

    /// Where people are served.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http)
    }

    pub async fn get(&self, path: &str) -> Option<Value> {
        let token = fs::read_to_string(self.folder.path().join("data/hub.token")).ok()?;
        let url = format!("http://127.0.0.1:{}{path}", self.http);
        reqwest::Client::new().get(url).bearer_auth(token.trim()).send().await.ok()?.json().await.ok()
    }
}

pub fn root() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// Killed when it is dropped.
pub struct Hubbing(pub Child);

impl Hubbing {
    pub fn end(mut self) {
        rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.0),
            rustix::process::Signal::TERM,
        )
        .unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Hubbing {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "not so after {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn everything_is_there_once(region: &Region, shelf: &Shelf) {
    let (store, events) = {
        let shelved = shelf.0.lock().unwrap();
        (shelved.shop.log.store.clone(), shelved.shop.at().seq)
    };
    // All may have been acknowledged by the hub before the one that is asked.
    eventually("the hub answers", async || region.get("/v1/totals").await.is_some()).await;
    let mut seen = Vec::new();
    let mut path = format!("/v1/stores/{store}/events?limit=1000");
    loop {
        let page = region.get(&path).await.unwrap();
        seen.extend(page["items"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/stores/{store}/events?limit=1000&after={next}");
    }
    assert_eq!(seen, (1..=events).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_calls_a_hub_is_taken_in_shown_verified_exported_and_backed_up() {
    let shelf = Shelf::new("store-1");
    let region = Region::new("data/hub.db", &shelf.0.lock().unwrap().shop);
    (0..30).for_each(|_| shelf.sell(100));
    let hub = region.run();
    eventually("the hub answers", async || region.get("/v1/totals").await.is_some()).await;
    let client = region.call(&shelf, true);
    eventually("all is acknowledged", async || shelf.is_acked()).await;
    everything_is_there_once(&region, &shelf).await;
    let node = region.get("/v1/stores/store-1/nodes").await.unwrap();
    assert_eq!(
        (&node["items"][0]["path"], &node["items"][0]["is_connected"]),
        (&"quic".into(), &true.into())
    );
    client.stop().await;
    eventually("the node is known to be gone", async || {
        region.get("/v1/stores/store-1").await.is_some_and(|store| store["connected"] == 0)
    })
    .await;

    let said = |output: Output| {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let status = said(region.ask(&["status"]));
    assert!(
        status.contains("1 stores, 0 of 1 nodes connected") && status.contains("3000 events"),
        "{status}"
    );
    let checked: Value = serde_json::from_str(&said(region.ask(&["verify", "--json"]))).unwrap();
    assert_eq!((&checked["events"], &checked["receipts"]), (&3000.into(), &30.into()));
    let out = region.folder.path().join("out").display().to_string();
    let exported: Value =
        serde_json::from_str(&said(region.ask(&["export", &out, "--json", "--store", "store-1"]))).unwrap();
    assert_eq!((&exported["events"], &exported["files"]), (&3000.into(), &1.into()));
    let copy = region.folder.path().join("copy.db").display().to_string();
    said(region.ask(&["backup", &copy]));
    let again = region.ask(&["backup", &copy]);
    assert_eq!(again.status.code(), Some(1));
    let complaint = String::from_utf8(again.stderr).unwrap();
    assert!(complaint.starts_with("error: `") && complaint.contains("\nhint: "), "{complaint}");
    hub.end();

    // A restored hub has the older state; the store sends the rest again and nothing is lost.
    shelf.sell(50);
    let hub = region.run();
    let client = region.call(&shelf, true);
    eventually("the rest is acknowledged", async || shelf.is_acked()).await;
    client.stop().await;
    hub.end();
    for name in ["hub.db", "hub.db-wal", "hub.db-shm"] {
        let _ = fs::remove_file(region.folder.path().join("data").join(name));
    }
    said(region.ask(&["restore", &copy]));
    let hub = region.run();
    let client = region.call(&shelf, true);
    shelf.sell(50);
    eventually("what the backup lacked is acknowledged", async || shelf.is_acked()).await;
    eventually("all of it is there", async || {
        let cursors = region.get("/v1/stores/store-1/cursors").await;
        cursors.is_some_and(|cursors| cursors["items"][0]["through"] == 3100)
    })
    .await;
    everything_is_there_once(&region, &shelf).await;
    client.stop().await;
    hub.end();
}

/// Over TLS: a killed process ends its TCP connections at once, while QUIC has to find out.
async fn kills(region: &Region, shelf: &Shelf) {
    let client = region.call(shelf, false);
    let acked = || shelf.0.lock().unwrap().acked.seq;
    for round in 0..7_u64 {
        let (hub, before, begun) = (region.run(), acked(), Instant::now());
        // The first one dies young; the others once they have acknowledged something, and a little later, so that transactions are under way.
        let mut extra = 0;
        while extra < 1 + round * 3 {
            shelf.sell(50);
            client.sealed();
            tokio::time::sleep(Duration::from_millis(4)).await;
            extra += u64::from(round == 0 || acked() > before);
            assert!(begun.elapsed() < PATIENCE, "nothing was acknowledged in round {round}");
        }
        drop(hub);
        println!("killed in round {round}: {} acknowledged", acked());
        if round % 3 == 2 {
            let told = acked();
            let verified = region.ask(&["verify", "--json"]);
            let checked: Value = serde_json::from_slice(&verified.stdout).unwrap();
            assert!(verified.status.success(), "{checked}");
            assert!(checked["events"].as_u64().unwrap() >= told, "{checked}: {told} were acknowledged");
        }
    }
    let hub = region.run();
    eventually("all is acknowledged after the last kill", async || {
        client.sealed();
        shelf.is_acked()
    })
    .await;
    // All of it may have been acknowledged before the last kill.
    eventually("the hub answers", async || region.get("/v1/totals").await.is_some()).await;
    everything_is_there_once(region, shelf).await;
    client.stop().await;
    hub.end();
    assert!(region.ask(&["verify"]).status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_is_killed_again_and_again_loses_and_doubles_nothing() {
    let shelf = Shelf::new("store-1");
    let region = Region::new("data/hub.db", &shelf.0.lock().unwrap().shop);
    kills(&region, &shelf).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_does_one_on_postgresql() {
    let server = Server::start();
    let shelf = Shelf::new("store-1");
    let region = Region::new(&server.database("killed"), &shelf.0.lock().unwrap().shop);
    kills(&region, &shelf).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_on_quic_hears_at_once_that_its_hub_was_killed_and_is_back() {
    let shelf = Shelf::new("store-1");
    let region = Region::new("data/hub.db", &shelf.0.lock().unwrap().shop);
    let hub = region.run();
    let client = region.call(&shelf, true);
    shelf.sell(10);
    client.sealed();
    eventually("the first sales are acknowledged", async || shelf.is_acked()).await;
    let path = client.status().borrow().path;
    drop(hub);
    let hub = region.run();
    eventually("the hub answers", async || region.get("/v1/totals").await.is_some()).await;
    // Something to send: its packets go to a process that does not know the connection.
    shelf.sell(10);
    client.sealed();
    eventually("the rest is acknowledged", async || shelf.is_acked()).await;
    let status = client.status().borrow().clone();
    println!("{path:?}: {:?}", status.last_error);
    // Not `timeout`, which is what a connection ends with that nobody answers on.
    assert_eq!(status.last_error.map(|failure| failure.reason).as_deref(), Some("reset"));
    client.stop().await;
    hub.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_whose_disk_fails_a_sync_ends_and_acknowledges_nothing_more() {
    let shelf = Shelf::new("store-1");
    let region = Region::new("data/hub.db", &shelf.0.lock().unwrap().shop);
    let mut hub = region.run();
    let client = region.call(&shelf, false);
    shelf.sell(10);
    client.sealed();
    eventually("the first sales are acknowledged", async || shelf.is_acked()).await;
    // From here on every sync of the hub fails as a broken disk's does.
    let pid = hub.0.id().to_string();
    let mut strace = Command::new("strace")
        .args([
            "-f",
            "-q",
            "-o",
            "/dev/null",
            "-e",
            "trace=fsync,fdatasync",
            "-e",
            "inject=fsync,fdatasync:error=EIO",
        ])
        .args(["-p", &pid])
        .stderr(Stdio::piped())
        .spawn()
        .expect("`strace` is missing\nhint: apt-get install strace");
    let attached = || fs::read_to_string(format!("/proc/{pid}/status")).unwrap().contains("TracerPid:\t0\n");
    eventually("strace holds the hub", async || !attached()).await;
    let before = shelf.0.lock().unwrap().acked;
    shelf.sell(10);
    client.sealed();
    eventually("the hub ends", async || hub.0.try_wait().unwrap().is_some()).await;
    assert_eq!(hub.0.try_wait().unwrap().and_then(|status| status.code()), Some(70));
    assert_eq!(shelf.0.lock().unwrap().acked, before);
    let _ = strace.kill();
    let _ = strace.wait();
    // The disk is well again: the next start takes up what is whole, and the store sends the rest.
    let hub = region.run();
    eventually("all is acknowledged", async || {
        client.sealed();
        shelf.is_acked()
    })
    .await;
    eventually("the hub answers", async || region.get("/v1/totals").await.is_some()).await;
    everything_is_there_once(&region, &shelf).await;
    client.stop().await;
    hub.end();
    assert!(region.ask(&["verify"]).status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_is_published_comes_into_force_and_is_told_without_a_new_connection() {
    let shelf = Shelf::new("store-1");
    let region = Region::new("data/hub.db", &shelf.0.lock().unwrap().shop);
    let hub = region.run();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = heard.clone();
    let client = region.call_with(&shelf, true, Box::new(move |said| hearing.lock().unwrap().push(said)));
    eventually("the node is connected", async || client.status().borrow().phase == client::Phase::Connected)
        .await;
    let since = client.status().borrow().since_ms;
    let file = |version: u32| {
        let text = POLICY.replace("version = 1\n", &format!("version = {version}\n"));
        let path = region.folder.path().join(format!("v{version}.toml"));
        fs::write(path.with_extension("toml.sig"), HEXLOWER.encode(&officer().sign(text.as_bytes()).0))
            .unwrap();
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (third, second) = (file(3), file(2));
    let said = region.ask(&["policy", "publish", &third]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    eventually("the node is told", async || {
        heard.lock().unwrap().iter().any(|said| {
            matches!(said, client::Heard::Delivered { message: aisle_protocol::Message::Policy(policy), .. }
                if policy.id.version == 3)
        })
    })
    .await;
    assert_eq!(client.status().borrow().since_ms, since);
    let older = region.ask(&["policy", "publish", &second]);
    assert_eq!(older.status.code(), Some(1));
    let complaint = String::from_utf8(older.stderr).unwrap();
    assert!(complaint.contains("versions only go up"), "{complaint}");
    fs::write(region.folder.path().join("v3.toml.sig"), "00".repeat(64)).unwrap();
    let unsigned = String::from_utf8(region.ask(&["policy", "publish", &third]).stderr).unwrap();
    assert!(unsigned.contains("was refused"), "{unsigned}");
    // What was sealed by the one before is still taken.
    shelf.sell(10);
    client.sealed();
    eventually("the sales are acknowledged", async || shelf.is_acked()).await;
    client.stop().await;
    hub.end();
    assert!(region.ask(&["verify"]).status.success());
}

#[test]
fn a_wrong_setting_and_a_missing_file_end_the_command_with_their_codes() {
    let shop = Outbox::new("store-1", 1);
    let region = Region::new("data/hub.db", &shop);
    let file = region.folder.path().join("hub.toml");
    let text = fs::read_to_string(&file).unwrap();
    let complaint = |text: &str| {
        fs::write(&file, text).unwrap();
        let output = region.ask(&["run"]);
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = complaint(&text.replace("region =", "regon ="));
    assert_eq!(code, 78, "{said}");
    assert!(said.contains("did you mean `region`?"), "{said}");
    fs::write(&file, &text).unwrap();
    let missing = region.ask(&["verify"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8(missing.stderr).unwrap().contains("there is no database"));
    let (code, said) = complaint(&text.replace("hub.pem", "gone.pem"));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("gone.pem` (`tls.certificate`)"), "{said}");
    fs::write(region.folder.path().join("eu.toml"), format!("{POLICY}\n# changed")).unwrap();
    let (code, said) = complaint(&text);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("eu.toml` was refused") && said.contains("hint: sign the exact bytes"), "{said}");
}
