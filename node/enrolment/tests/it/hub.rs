//! A hub of a few lines: real certificates and claims, real TLS, HTTP as far as it is needed.

use super::{store, wall};
use aisle_event::Timestamp;
use aisle_provisioning::{
    Chain, Fingerprint, HubName, Identity, Kind, Lifetimes, PrivateKey, Roots, Serial, Signer, SystemEntropy,
    authority::{Charter, Issuing, NameLimits, Root},
    claim::{
        Claim, ClaimCode, ClaimInput, ClaimLink, HubAddress, Introduction, Redeemed, Redemption, introduction,
    },
    code::Code,
    device::{Entry, RevocationBoard, RevocationList, What},
    est::{self, Answer},
    issue::Subject,
    moment::to_unix,
    request::{self, KeyRules, Request},
    time::TimeStatement,
    verify::PeerVerifier,
};
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use rustls::{ServerConfig, crypto::ring, time_provider::TimeProvider, version::TLS13};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicI64, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// What a test looks at and changes.
pub(super) struct State {
    pub(super) claim: Claim,
    /// Whether boxes wait for approval.
    pub(super) queue: bool,
    /// What nodes are told at the door.
    pub(super) refusal: Option<Code>,
    pub(super) lifetimes: Lifetimes,
    pub(super) banned: RevocationList,
    /// Every request: method, path, and whether a claim's code came along.
    pub(super) asked: Vec<(String, bool)>,
    /// The keys that certificates were given for.
    pub(super) keys: Vec<Fingerprint>,
    /// The keys of the certificates that were shown for settings, in order.
    pub(super) seen: Vec<Fingerprint>,
}

/// The hub. It ends when this is dropped.
pub(super) struct Hub {
    pub(super) address: HubAddress,
    pub(super) root: Fingerprint,
    pub(super) code: ClaimCode,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    chain: Chain,
    issuing: Issuing,
    root: CertificateDer<'static>,
    own: Vec<CertificateDer<'static>>,
    own_key: PrivateKey,
    clock: Ahead,
    state: Mutex<State>,
}

/// The hub's clock: so many milliseconds ahead of this machine's.
#[derive(Debug, Clone, Default)]
struct Ahead(Arc<AtomicI64>);

impl Ahead {
    fn now(&self) -> Timestamp {
        Timestamp(wall().0 + self.0.load(Ordering::Relaxed))
    }
}

impl TimeProvider for Ahead {
    fn current_time(&self) -> Option<UnixTime> {
        Some(to_unix(self.now()))
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Hub {
    pub(super) async fn start() -> Self {
        let mut entropy = SystemEntropy::default();
        let chain = Chain::new("shops.example").unwrap();
        let limits = NameLimits::private(&chain);
        let charter = Charter { chain: chain.clone(), limits, lifetimes: Lifetimes::default() };
        let root = Root::create(&charter, wall(), &mut entropy).unwrap();
        let issuing = root.certify(&charter, wall(), &mut entropy).unwrap();
        let own_key = PrivateKey::generate().unwrap();
        let identity = Identity::hub(chain.clone(), HubName::new("hub-1").unwrap());
        let csr = request::make(&own_key, "hub-1", Some(&identity)).unwrap();
        let csr = Request::read(&csr, KeyRules::OWN).unwrap();
        let names = [ServerName::from(IpAddr::from([127, 0, 0, 1]))];
        let subject = Subject { identity: &identity, key: &csr.key, names: &names };
        let own = issuing.issue(subject, &Lifetimes::default(), wall(), &mut entropy).unwrap().chain;
        let (claim, code) = Claim::draw(store(), None, wall(), 3_600_000, &mut entropy).unwrap();
        let roots = Roots::new(vec![root.certificate().clone()]).unwrap();
        let verifier =
            PeerVerifier::new(&roots, chain.clone(), vec![Kind::Node], Arc::new(RevocationBoard::default()));
        let clock = Ahead::default();
        let mut config =
            ServerConfig::builder_with_details(Arc::new(ring::default_provider()), Arc::new(clock.clone()))
                .with_protocol_versions(&[&TLS13])
                .unwrap()
                .with_client_cert_verifier(Arc::new(verifier.recovering().optional()))
                .with_single_cert(own.clone(), own_key.to_der())
                .unwrap();
        config.send_tls13_tickets = 0;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string().parse().unwrap();
        let state = State {
            claim,
            queue: false,
            refusal: None,
            lifetimes: Lifetimes::default(),
            banned: RevocationList::default(),
            asked: Vec::new(),
            keys: Vec::new(),
            seen: Vec::new(),
        };
        let fingerprint = root.facts().key;
        let shared = Arc::new(Shared {
            chain,
            issuing,
            root: root.certificate().clone(),
            own,
            own_key,
            clock,
            state: Mutex::new(state),
        });
        let (acceptor, serving) = (TlsAcceptor::from(Arc::new(config)), shared.clone());
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, shared) = (acceptor.clone(), serving.clone());
                tokio::spawn(async move { shared.serve(acceptor, socket).await });
            }
        });
        Self { address, root: fingerprint, code, shared, task }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    /// Sets the hub's clock ahead.
    pub(super) fn set_ahead_ms(&self, ms: i64) {
        self.shared.clock.0.store(ms, Ordering::Relaxed);
    }

    /// The claim as its QR code says it.
    pub(super) fn link(&self) -> ClaimInput {
        let (code, hub, root) = (self.code.clone(), self.address.clone(), self.root);
        ClaimInput::Link(ClaimLink { code, hub, root })
    }

    /// Bans a device of the store, on the list that nodes get next.
    pub(super) fn ban_device(&self, device: &str) {
        let device = aisle_provisioning::Device::new(device).unwrap();
        let what = What::Identity(Identity::device(self.shared.chain.clone(), store(), device));
        let entry = Entry { what, since: wall(), until: None };
        let mut state = self.state();
        state.banned = state.banned.with([entry], &[], wall()).unwrap();
    }

    /// A device's certificate, in DER.
    pub(super) fn device_certificate(&self, device: &str) -> CertificateDer<'static> {
        let device = aisle_provisioning::Device::new(device).unwrap();
        let identity = Identity::device(self.shared.chain.clone(), store(), device);
        let key = PrivateKey::generate().unwrap();
        let csr = request::make(&key, identity.last(), None).unwrap();
        self.shared.certify(&csr, &identity, KeyRules::DEVICE).remove(0)
    }
}

fn answer(status: u16, headers: &[(&str, String)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

fn of(given: &Answer, more: Option<(&str, String)>) -> Vec<u8> {
    let mut headers = vec![("content-type", given.content_type.to_owned())];
    headers.extend(given.headers.iter().map(|(name, value)| (*name, value.clone())));
    headers.extend(more);
    answer(given.status, &headers, &given.body)
}

/// A request as far as it is looked at.
struct Asked {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    async fn read(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<Self> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            bytes.push(stream.read_u8().await.ok()?);
        }
        let text = String::from_utf8(bytes).ok()?;
        let mut lines = text.lines();
        let line = lines.next()?.to_owned();
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        let headers: Vec<_> = lines.filter_map(header).collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap_or(0));
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        Some(Self { line, headers, body })
    }
}

impl Shared {
    async fn serve(&self, acceptor: TlsAcceptor, socket: TcpStream) {
        let Ok(mut stream) = acceptor.accept(socket).await else { return };
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first).cloned();
        let shown = shown.map(|shown| aisle_provisioning::Facts::read(&shown).unwrap());
        while let Some(asked) = Asked::read(&mut stream).await {
            let said = self.say(&asked, shown.as_ref());
            if stream.write_all(&said).await.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn certify(&self, csr: &[u8], identity: &Identity, rules: KeyRules) -> Vec<CertificateDer<'static>> {
        let csr = Request::read(csr, rules).unwrap();
        csr.is_for(identity).unwrap();
        let lifetimes = self.state.lock().unwrap().lifetimes;
        let now = self.now();
        let subject = Subject { identity, key: &csr.key, names: &[] };
        self.issuing.issue(subject, &lifetimes, now, &mut SystemEntropy::default()).unwrap().chain
    }

    fn signer(&self) -> Signer<'_> {
        Signer { chain: &self.own, key: &self.own_key }
    }

    fn say(&self, asked: &Asked, shown: Option<&aisle_provisioning::Facts>) -> Vec<u8> {
        let mut words = asked.line.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let with_code = asked.header("authorization").is_some();
        self.state.lock().unwrap().asked.push((format!("{method} {path}"), with_code));
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let node = shown.and_then(|facts| facts.identity.clone());
        match path {
            "/.well-known/est/cacerts" => {
                let given = Answer::authorities(&[self.root.clone(), self.issuing.certificate().clone()]);
                let ask = asked.header(introduction::ASK_HEADER).and_then(introduction::read_ask);
                let state = self.state.lock().unwrap();
                let proof = ask.filter(|(locator, _)| *locator == state.claim.locator).map(|(_, nonce)| {
                    let proof = Introduction::prove(&state.claim, &nonce, &given.body);
                    (introduction::ANSWER_HEADER, proof.to_header())
                });
                of(&given, proof)
            }
            "/v1/enrol/time" => {
                let nonce =
                    HEXLOWER_PERMISSIVE.decode(query.trim_start_matches("nonce=").as_bytes()).unwrap();
                let statement = TimeStatement { at: self.now(), nonce: Some(nonce.try_into().unwrap()) };
                let signed = BASE64.encode(&statement.sign(self.signer()).unwrap());
                answer(200, &[], format!("{{\"statement\":\"{signed}\"}}").as_bytes())
            }
            "/v1/enrol/revoked" => {
                let signed = self.state.lock().unwrap().banned.sign(self.signer()).unwrap();
                answer(200, &[], BASE64.encode(&signed).as_bytes())
            }
            "/.well-known/est/simpleenroll" => self.enrol(asked),
            "/.well-known/est/simplereenroll" => {
                let csr = est::read_request(asked.header("content-type"), &asked.body).unwrap();
                let chain = self.certify(&csr, &node.unwrap(), KeyRules::OWN);
                self.note(&chain);
                of(&Answer::issued(&chain), None)
            }
            "/v1/enrol/settings" => self.settings(shown),
            _ => of(&Answer::refused(Code::RequestMalformed, Some(path)), None),
        }
    }

    fn note(&self, chain: &[CertificateDer<'_>]) {
        let key = aisle_provisioning::Facts::read(&chain[0]).unwrap().key;
        self.state.lock().unwrap().keys.push(key);
    }

    fn enrol(&self, asked: &Asked) -> Vec<u8> {
        let Some(Ok(code)) = asked.header("authorization").and_then(est::read_basic) else {
            return of(&Answer::refused(Code::ClaimNeeded, None), None);
        };
        let csr = est::read_request(asked.header("content-type"), &asked.body).unwrap();
        let read = Request::read(&csr, KeyRules::OWN).unwrap();
        let serial: Serial = read.serial().unwrap();
        let shown = Redemption { code: &code, store: None, serial: &serial, key: read.fingerprint() };
        {
            let mut state = self.state.lock().unwrap();
            match state.claim.redeem(&shown, wall()) {
                Ok(Redeemed::First(claim)) => state.claim = *claim,
                Ok(Redeemed::Again) => {}
                Err(error) => {
                    let body =
                        format!("{{\"code\":\"{}\",\"detail\":\"{}\"}}", error.code(), "said by a test");
                    return answer(error.code().status(), &[], body.as_bytes());
                }
            }
            if state.queue {
                return of(&Answer::wait(Code::WaitsForApproval, 1), None);
            }
        }
        let chain = self.certify(&csr, &Identity::node(self.chain.clone(), store(), serial), KeyRules::OWN);
        self.note(&chain);
        of(&Answer::issued(&chain), None)
    }

    fn settings(&self, shown: Option<&aisle_provisioning::Facts>) -> Vec<u8> {
        let mut state = self.state.lock().unwrap();
        let Some(facts) = shown else { return of(&Answer::refused(Code::ClaimNeeded, None), None) };
        if let Some(code) = state.refusal {
            return of(&Answer::refused(code, Some("a test wants it")), None);
        }
        if facts.validity.not_after < self.now() {
            return of(&Answer::refused(Code::CertificateExpired, None), None);
        }
        state.seen.push(facts.key);
        let body = format!(
            "{{\"chain\":\"{}\",\"store\":\"{}\",\"serial\":\"box-1\",\"region\":\"eu\",\"hubs\":[],\"policy_keys\":[],\
             \"hub_receipt_keys\":[],\"policy\":null,\"revoked_number\":{}}}",
            self.chain,
            store(),
            state.banned.number()
        );
        answer(200, &[("etag", format!("\"{}\"", state.banned.number()))], body.as_bytes())
    }
}
