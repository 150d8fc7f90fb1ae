//! A chain with its authority, hubs that run, and boxes out of the carton.

use super::caller::{Caller, MODERN, Reply};
use crate::{ports::free, running::eventually};
use aisle_event::Timestamp;
use aisle_hub::{
    Config, Database,
    config::{PassphraseSource, load},
    database::AuditFilter,
    enrol::{
        ceremony::{self, Plan},
        claims::{self, Wanted},
        decide::{Decided, Verb, decide},
        now, passphrase,
    },
    people::{People, Settings, audit::Line, telemetry::Telemetry, who::Who},
    serve::Running,
};
use aisle_provisioning::{
    Chain, Fingerprint, HubName, Identity, KeyCost, Lifetimes, PrivateKey, Roots, Serial, Store,
    SystemEntropy,
    authority::{AuthorityFolder, Unlocked},
    certificate,
    claim::{ClaimCode, ClaimInput, ClaimSlip, Introduction, Nonce},
    disk::RealDisk,
    est::{self, Heard},
    issue::{Issued, Subject},
    request::{self, KeyRules, Request},
};
use aisle_residency::signing::SigningKey;
use aisle_transport::{Credentials, server::Connections};
use data_encoding::{BASE64, HEXLOWER};
use rustls_pki_types::CertificateDer;
use std::{net::SocketAddr, path::PathBuf, pin::Pin, sync::Arc};
use tempfile::TempDir;
use tokio::{
    sync::{OnceCell, oneshot},
    task::JoinHandle,
};

pub const CHAIN: &str = "shops.example";

pub struct World {
    pub folder: TempDir,
    pub config: Config,
    pub root: Fingerprint,
    database: OnceCell<Database>,
}

pub struct Hub {
    pub boxes: SocketAddr,
    pub quic: SocketAddr,
    pub tls: SocketAddr,
    pub http: SocketAddr,
    pub connections: Connections,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

/// A box: its keys are made here and stay here.
#[derive(Clone)]
pub struct Carton {
    pub serial: String,
    pub key: Arc<PrivateKey>,
    pub receipt: Arc<SigningKey>,
    pub roots: Roots,
    pub chain: Option<Vec<CertificateDer<'static>>>,
}

/// Who decides in tests.
pub fn tester() -> Who {
    Who::machine("tester", "local")
}

pub fn people_of(database: Database) -> People {
    People::new(database, "hub-1", Settings::default(), Telemetry::default())
}

pub fn line_at(action: &'static str, at: Timestamp) -> Line {
    let by = tester().by();
    let hub = "hub-1".to_owned();
    let (object, reason) = ("a test".to_owned(), String::new());
    let outcome = aisle_hub::people::audit::Outcome::Done;
    Line { at_ms: at.0, hub, by, action, object, outcome, reason, was: None, became: None }
}

pub fn line_of(action: &'static str) -> Line {
    line_at(action, now())
}

impl World {
    /// By `init`, with lines that go into `[enrolment]`.
    pub fn new(settings: &str) -> Self {
        Self::on("data/hub.db", settings)
    }

    pub fn on(database: &str, settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free().unwrap();
        let plan = Plan {
            folder: folder.path().join("hub"),
            safe: folder.path().join("safe"),
            chain: Chain::new(CHAIN).unwrap(),
            name: HubName::new("hub-1").unwrap(),
            region: crate::shop::region("eu"),
            address: format!("127.0.0.1:{port}").parse().unwrap(),
            passphrase: "file:issuing.passphrase".into(),
            root_passphrase: PassphraseSource::File(folder.path().join("root.passphrase")),
            domains: vec![],
            cost: KeyCost { log_n: 2, p: 1 },
        };
        let made = ceremony::init(&plan, now()).unwrap();
        let text = std::fs::read_to_string(&made.config).unwrap();
        let text = text.replace("0.0.0.0", "127.0.0.1").replace(
            "hub = \"hub-1\"",
            &format!(
                "hub = \"hub-1\"\ndatabase = \"{database}\"\n\
                 listen = {{ quic = \"127.0.0.1:0\", tls = \"127.0.0.1:0\", http = \"127.0.0.1:0\" }}"
            ),
        );
        let text =
            if settings.contains("approval") { text.replace("approval = \"queue\"\n", "") } else { text };
        std::fs::write(&made.config, format!("{text}look_ms = 20\n{settings}\n")).unwrap();
        let config = load(Some(&made.config)).unwrap();
        Self { folder, config, root: made.root.parse().unwrap(), database: OnceCell::new() }
    }

    pub fn toml(&self) -> PathBuf {
        self.folder.path().join("hub/hub.toml")
    }

    pub fn chain(&self) -> Chain {
        Chain::new(CHAIN).unwrap()
    }

    /// Opened once, as commands would.
    pub async fn database(&self) -> Database {
        let open = async || Database::open(&self.config.database, &self.config.bounds).await.unwrap();
        self.database.get_or_init(open).await.clone()
    }

    pub async fn hub(&self) -> Hub {
        Hub::start(&self.config).await
    }

    /// A second hub on the same database.
    pub async fn second(&self) -> Hub {
        let mut config = self.config.clone();
        config.hub = "hub-2".into();
        config.enrolment.as_mut().unwrap().listen.set_port(free().unwrap());
        Hub::start(&config).await
    }

    pub fn unlocked(&self) -> Unlocked {
        let own = self.config.enrolment.as_ref().unwrap();
        let passphrase = passphrase::read(&own.passphrase, "").unwrap();
        AuthorityFolder::new(Arc::new(RealDisk), &own.authority).unlock(&passphrase, now()).unwrap()
    }

    /// What an installer is handed.
    pub async fn slip(&self, store: &str, serial: Option<&str>) -> ClaimSlip {
        let wanted = Wanted {
            store: Store::new(store).unwrap(),
            serial: serial.map(|serial| Serial::new(serial).unwrap()),
            holds_ms: None,
        };
        let own = self.config.enrolment.as_ref().unwrap();
        claims::create(&people_of(self.database().await), &tester(), own, wanted, now()).await.unwrap()
    }

    pub async fn code(&self, store: &str, serial: Option<&str>) -> ClaimCode {
        self.slip(store, serial).await.link.code
    }

    pub async fn decide(&self, store: &str, node: &str, verb: Verb) -> Decided {
        let reason = aisle_event::Name::new("because of a test").unwrap();
        let people = people_of(self.database().await);
        decide(&people, &tester(), (store, node), verb, Some(reason), None, now()).await.unwrap()
    }

    pub fn carton(&self, serial: &str) -> Carton {
        Carton {
            serial: serial.to_owned(),
            key: Arc::new(PrivateKey::generate().unwrap()),
            receipt: Arc::new(SigningKey::from_seed(&[9; 32]).unwrap()),
            roots: self.unlocked().roots,
            chain: None,
        }
    }

    /// A box that is in.
    pub async fn enrolled(&self, hub: &Hub, store: &str, serial: &str) -> Carton {
        let mut carton = self.carton(serial);
        let code = self.code(store, None).await;
        let reply = carton.enroll(hub, &code).await;
        let reply = if reply.status == 202 {
            self.decide(store, serial, Verb::Approve).await;
            carton.enroll(hub, &code).await
        } else {
            reply
        };
        carton.take(&reply);
        carton
    }

    /// What a hub has counted under a name and these labels.
    pub async fn counted(&self, hub: &Hub, name: &str, labels: &str) -> u64 {
        let token = std::fs::read_to_string(&self.config.files.token).unwrap();
        let asked = reqwest::Client::new().get(format!("http://{}/metrics", hub.http));
        let text = asked.bearer_auth(token.trim()).send().await.unwrap().text().await.unwrap();
        let line = format!("{name}_total{{{labels}}} ");
        text.lines().find_map(|found| found.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
    }

    /// How many refusals of an action stand in the audit log with these words.
    pub async fn written(&self, action: &str, words: &str) -> usize {
        let filter = AuditFilter {
            action: action.to_owned(),
            outcome: "refused".to_owned(),
            ..AuditFilter::default()
        };
        let rows = self.database().await.audit_rows(&filter, u64::MAX, 1_000).await.unwrap();
        rows.iter().filter(|row| row.reason.contains(words) && row.address == "127.0.0.1").count()
    }

    /// Does something that a hub refuses, and holds it to counting it once, as this metric, and to writing it down once.
    pub async fn noted<T>(
        &self,
        hub: &Hub,
        (metric, labels): (&str, &str),
        (action, words): (&str, &str),
        attack: impl Future<Output = T>,
    ) -> T {
        let before = (self.counted(hub, metric, labels).await, self.written(action, words).await);
        let answer = attack.await;
        eventually(&format!("{metric}{{{labels}}} and {action} {words}"), async || {
            let after = (self.counted(hub, metric, labels).await, self.written(action, words).await);
            assert!(after.0 <= before.0 + 1 && after.1 <= before.1 + 1, "{before:?} {after:?}");
            after == (before.0 + 1, before.1 + 1)
        })
        .await;
        answer
    }

    /// The same of a request at the port for boxes that is answered with a code.
    pub fn refused<'w, T>(
        &'w self,
        hub: &'w Hub,
        code: &'w str,
        attack: impl Future<Output = T> + 'w,
    ) -> Pin<Box<dyn Future<Output = T> + 'w>> {
        Box::pin(async move {
            let metric = ("aisle_hub_enrolment_answers", format!("outcome=\"{code}\""));
            self.noted(hub, (metric.0, &metric.1), ("certificate.ask", code), attack).await
        })
    }

    /// The same of a caller who never gets to ask.
    pub fn turned_away<'w, T>(
        &'w self,
        hub: &'w Hub,
        reason: &'w str,
        attack: impl Future<Output = T> + 'w,
    ) -> Pin<Box<dyn Future<Output = T> + 'w>> {
        Box::pin(async move {
            let labels = format!("port=\"enrolment\",reason=\"{reason}\"");
            let metric = ("aisle_hub_callers_refused", labels.as_str());
            self.noted(hub, metric, ("enrolment.call", reason), attack).await
        })
    }

    /// A certificate from this hub's authority, of another time.
    pub fn issue(&self, identity: &Identity, key: &PrivateKey, at: Timestamp) -> Issued {
        self.issue_by(&self.unlocked(), identity, key, at)
    }

    /// The same from an authority that is open already.
    pub fn issue_by(
        &self,
        unlocked: &Unlocked,
        identity: &Identity,
        key: &PrivateKey,
        at: Timestamp,
    ) -> Issued {
        let der = request::make(key, identity.last(), Some(identity)).unwrap();
        let request = Request::read(&der, KeyRules::OWN).unwrap();
        let subject = Subject { identity, key: &request.key, names: &[] };
        unlocked.issuing.issue(subject, &Lifetimes::default(), at, &mut SystemEntropy::default()).unwrap()
    }
}

impl Hub {
    pub async fn start(config: &Config) -> Self {
        let running = Running::start(config).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let (boxes, quic, tls, http, connections) = (
            running.enrolment_address().unwrap(),
            running.quic_address().unwrap(),
            running.tls_address().unwrap(),
            running.http_address(),
            running.connections(),
        );
        let task = tokio::spawn(async move {
            let until = async {
                let _ = stopped.await;
            };
            running.until(until).await.unwrap();
        });
        Self { boxes, quic, tls, http, connections, stop: Some(stop), task: Some(task) }
    }

    pub async fn end(mut self) {
        drop(self.stop.take());
        self.task.take().unwrap().await.unwrap();
    }

    pub fn stranger(&self, roots: &Roots) -> Caller {
        Caller {
            hub: self.boxes,
            chain: Chain::new(CHAIN).unwrap(),
            roots: Some(roots.clone()),
            shows: None,
            versions: MODERN,
        }
    }
}

pub fn request_body(der: &[u8]) -> Vec<u8> {
    BASE64.encode(der).into_bytes()
}

impl Carton {
    pub fn identity(&self, store: &str) -> Identity {
        let store = Store::new(store).unwrap();
        Identity::node(Chain::new(CHAIN).unwrap(), store, Serial::new(&self.serial).unwrap())
    }

    pub fn caller(&self, hub: &Hub) -> Caller {
        let shows = self.chain.clone().map(|chain| (chain, self.key.clone()));
        Caller { shows, ..hub.stranger(&self.roots) }
    }

    pub fn receipt_key(&self) -> String {
        HEXLOWER.encode(&self.receipt.verifying_key().0)
    }

    /// The first contact: over a connection that it does not trust, whom to believe from now on.
    pub async fn introduced(&self, hub: &Hub, claim: &ClaimInput) -> Option<Roots> {
        let nonce = Nonce::draw(&mut SystemEntropy::default()).unwrap();
        let caller = Caller { roots: None, ..hub.stranger(&self.roots) };
        let ask = nonce.ask(claim.code());
        let reply =
            caller.ask("GET", "/.well-known/est/cacerts", &[("aisle-claim", &ask)], b"").await.unwrap();
        assert_eq!(reply.status, 200);
        let proof = reply.header("aisle-introduction").map(|proof| proof.parse().unwrap());
        Introduction::accept(claim, &nonce, &reply.body, proof.as_ref()).ok()
    }

    pub async fn enroll(&self, hub: &Hub, code: &ClaimCode) -> Reply {
        let der = request::make(&self.key, &self.serial, None).unwrap();
        self.enroll_with(hub, code, &der, &[]).await
    }

    pub async fn enroll_with(&self, hub: &Hub, code: &ClaimCode, der: &[u8], more: &[(&str, &str)]) -> Reply {
        let (basic, receipt) = (est::basic(code), self.receipt_key());
        let mut headers = vec![
            ("authorization", basic.as_str()),
            ("aisle-receipt-key", &receipt),
            ("content-type", est::PKCS10),
        ];
        headers.extend(more);
        let caller = hub.stranger(&self.roots);
        caller.ask("POST", "/.well-known/est/simpleenroll", &headers, &request_body(der)).await.unwrap()
    }

    /// Asks for a certificate of a new key, with the one that it has. Gives what it would be with it.
    pub async fn renew(&self, hub: &Hub, store: &str) -> Result<Self, Reply> {
        let next = Self { key: Arc::new(PrivateKey::generate().unwrap()), ..self.clone() };
        let der = request::make(&next.key, &self.serial, Some(&self.identity(store))).unwrap();
        let reply = self.reenroll(hub, &der).await;
        if reply.status != 200 {
            return Err(reply);
        }
        let mut next = next;
        next.take(&reply);
        Ok(next)
    }

    pub async fn reenroll(&self, hub: &Hub, der: &[u8]) -> Reply {
        let headers = [("content-type", est::PKCS10)];
        let path = "/.well-known/est/simplereenroll";
        self.caller(hub).ask("POST", path, &headers, &request_body(der)).await.unwrap()
    }

    pub async fn settings(&self, hub: &Hub) -> Reply {
        self.caller(hub).ask("GET", "/v1/enrol/settings", &[], b"").await.unwrap()
    }

    /// Takes the certificate that came, when it is for this key and comes from the roots.
    pub fn take(&mut self, reply: &Reply) {
        let heard =
            Heard::read(reply.status, reply.header("retry-after"), &reply.body, &self.key.fingerprint());
        let Ok(Heard::Issued(chain)) = heard else {
            panic!("{} {}", reply.status, String::from_utf8_lossy(&reply.body))
        };
        self.roots.verify(&chain, now()).unwrap();
        self.chain = Some(chain);
    }

    /// What the sync's client calls with.
    pub fn credentials(&self) -> Credentials {
        let chain = certificate::to_pem(self.chain.as_ref().unwrap());
        let (key, roots) = (self.key.to_pem(), self.roots.to_pem());
        Credentials::from_pem(chain.as_bytes(), key.as_bytes(), roots.as_bytes()).unwrap()
    }
}
