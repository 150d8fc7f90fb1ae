//! [`HubDesk`]: answers what connections ask, out of the database.
//!
//! Lives here: what `aisle_transport::Desk` asks for, over [`Database`]. Not here: sockets, the protocol, SQL. Guards invariant 1 (an
//! admission is answered after its commit) and 6: how much is unpacked at once has a bound, and who comes on top waits.

use crate::{
    content::Contents,
    database::{Admission, Contact, Database, DatabaseError, EnrolError, NotTaken, RegisteredNode},
    enrol::warden::Sessions,
    gate::ReceiptGate,
    people::{
        People, Settings,
        audit::{By, Line},
        telemetry::Telemetry as Counted,
    },
    policies::Policies,
    telemetry::Telemetry,
};
use aisle_event::Timestamp;
use aisle_fleet::NodeSays;
use aisle_protocol::{
    Batch, LogId, Point, PolicyId, Version,
    control::{ChunkPart, ChunkWanted, Cursor, Desired, Erase, Erased, Hello, Octets, Policy, Report},
    hub::{Alert, Decision},
};
use aisle_provisioning::{
    certificate::Facts,
    device::{RevocationBoard, Revocations as _},
    enrolment::{self, Presented},
};
use aisle_residency::{Region, erasure::Proof, seal::PersonId, signing::SigningKey};
use aisle_transport::{
    Path,
    desk::{
        Busy, CHUNK_BYTES_MAX, Desk, ERRANDS_MAX, Errand, Meeting, NoChunk, NotAdmitted, Parting, Peer,
        Relayed, Turned,
    },
};
use bytes::{BufMut, BytesMut};
use std::{net::SocketAddr, sync::Arc};
use tokio::sync::{Semaphore, watch};

/// What a desk needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// The region that the hub lies in.
    pub region: Region,
    /// The hub's name.
    pub hub: String,
    /// The trust domain of the certificates of its stores; any, where there is none.
    pub chain: Option<String>,
    /// The most admissions whose batches are unpacked at once.
    pub checks_together_max: usize,
    /// When a node that was told "not now" should come again, in milliseconds.
    pub retry_after_ms: u64,
    /// What its receipts of erasures are signed with.
    pub receipt_key: Arc<SigningKey>,
}

/// The longest token that somebody is named by.
pub const TOKEN_BYTES_MAX: usize = 128;
/// The most tokens of one person.
const TOKENS_MAX: usize = 64;

/// Answers what connections ask.
#[derive(Debug, Clone)]
pub struct HubDesk {
    config: Arc<Config>,
    database: Database,
    policies: watch::Receiver<Arc<Policies>>,
    contents: Contents,
    checks: Arc<Semaphore>,
    telemetry: Telemetry,
    sessions: Sessions,
    board: RevocationBoard,
    people: People,
}

impl HubDesk {
    /// A desk over a database.
    #[must_use]
    pub fn new(
        config: Config,
        database: Database,
        policies: watch::Receiver<Arc<Policies>>,
        contents: Contents,
        telemetry: Telemetry,
    ) -> Self {
        let checks = Arc::new(Semaphore::new(config.checks_together_max.max(1)));
        let (sessions, board) = (Sessions::default(), RevocationBoard::default());
        let people = People::new(database.clone(), &config.hub, Settings::default(), Counted::default());
        let config = Arc::new(config);
        Self { config, database, policies, contents, checks, telemetry, sessions, board, people }
    }

    /// The same, which writes down and counts whom it turns away together with everybody else who is refused.
    #[must_use]
    pub fn with_people(self, people: People) -> Self {
        Self { people, ..self }
    }

    /// A row of the audit log about what a node, or whoever has its certificate, does here.
    fn line(&self, peer: &Peer, action: &'static str) -> Line {
        let identity = peer.identity.to_string();
        // A relay speaks for many stores, and is one.
        let id = peer.relayed.as_ref().map_or_else(|| identity.clone(), |relayed| relayed.relay.clone());
        let address = peer.address.ip().to_canonical().to_string();
        let by = By { name: id.clone(), id, way: "certificate", address };
        self.people.line(by, action, &identity, Database::now_ms())
    }

    /// Writes down whom the hub turns away. Who comes again and again is written down a few times only.
    async fn note_turned(&self, peer: &Peer, why: &str) {
        if let Err(error) = self.people.refused(self.line(peer, "sync.connect"), why).await {
            tracing::error!(%error, "it is not in the audit log that a node was turned away");
        }
    }

    /// The nodes that are connected, with their certificates.
    #[must_use]
    pub fn sessions(&self) -> Sessions {
        self.sessions.clone()
    }

    /// The list of who may not come in. Whoever looks after it puts newer ones there.
    #[must_use]
    pub fn board(&self) -> RevocationBoard {
        self.board.clone()
    }

    /// May a node that enrolled come in with the certificate that it shows? One that was made known by hand has no record, and its certificate is its own affair.
    async fn meet_enrolled(&self, peer: &Peer) -> Result<(), Turned> {
        let busy = |error: DatabaseError| self.busy("meet", error);
        let (store, node) = (peer.store().as_str(), peer.identity.node.as_str());
        let Some(kept) = self.database.enrolment(store, node).await.map_err(busy)? else { return Ok(()) };
        let unreadable =
            |_| Turned::Refused(format!("the certificate of `{}` is none of a node", peer.identity));
        let facts = Facts::read(&peer.leaf).map_err(unreadable)?;
        let is_revoked = self.board.refuses(&facts, &[]);
        let now = Timestamp(Database::now_ms());
        let admitted = kept.enrolment.admit(Presented { facts: &facts, is_revoked }, now);
        match admitted.map_err(|refusal| Turned::Refused(format!("`{}`: {refusal}", peer.identity)))? {
            enrolment::Admission::Welcome => Ok(()),
            enrolment::Admission::Proved | enrolment::Admission::Adopt(_) => {
                let identity = &kept.enrolment.identity;
                let line = Line { object: identity.to_string(), ..self.line(peer, "certificate.prove") };
                let proved = self.database.prove(identity, &facts, &peer.leaf, &line).await;
                proved.map_err(|error| match error {
                    EnrolError::Database(error) => busy(error).into(),
                    error => Turned::Refused(error.to_string()),
                })
            }
        }
    }

    fn busy(&self, what: &'static str, error: impl std::fmt::Display) -> Busy {
        self.telemetry.busy(what);
        Busy::new(self.config.retry_after_ms, error)
    }

    /// The gate for a store, with the key of the node that is there first.
    async fn gate(&self, peer: &Peer) -> Result<ReceiptGate, DatabaseError> {
        let mut nodes = self.database.registered(peer.store()).await?;
        nodes.sort_by_key(|node| node.node != peer.identity.node);
        let keys = nodes.into_iter().map(|node| node.receipt_key).collect();
        let verifier = self.policies.borrow().verifier.clone();
        Ok(ReceiptGate::new(self.config.region.clone(), verifier, keys))
    }

    /// Whether a node follows a later policy of this hub than every store is told of.
    fn is_ahead(&self, follows: PolicyId, wanted: PolicyId) -> bool {
        follows.version > wanted.version && self.policies.borrow().has(follows)
    }

    fn policy_wanted(&self) -> Option<PolicyId> {
        self.policies.borrow().wanted
    }

    /// May this relay speak for the store that it names? If so, its key is one of the store's.
    async fn meet_relay(&self, peer: &Peer, relayed: &Relayed) -> Result<(), Turned> {
        let busy = |error: DatabaseError| self.busy("meet", error);
        let Relayed { relay, region } = relayed;
        let known = self.database.relays().await.map_err(busy)?;
        let Some(known) = known.into_iter().find(|known| known.relay == *relay) else {
            return Err(Turned::Refused(format!("this hub does not know the relay `{relay}`")));
        };
        if known.is_banned {
            return Err(Turned::Refused(format!("the relay `{relay}` is banned")));
        }
        let may = |region: &str| known.regions.iter().any(|allowed| allowed.as_str() == region);
        // Once it has come, a store stays where it lies: no other relay can take it over by what it says.
        let there = self.database.store(peer.store()).await.map_err(busy)?;
        let there = there.map_or_else(|| region.clone(), |store| store.region);
        if let Some(region) = [region, &there].into_iter().find(|region| !may(region)) {
            let store = peer.store();
            let text = format!("the relay `{relay}` may not speak for `{store}`, which lies in `{region}`");
            return Err(Turned::Refused(text));
        }
        let node = RegisteredNode {
            store: peer.store().clone(),
            node: peer.identity.node.clone(),
            receipt_key: known.receipt_key,
            is_banned: false,
        };
        let nodes = self.database.registered(peer.store()).await.map_err(busy)?;
        if !nodes.contains(&node) {
            self.database.register(&node).await.map_err(busy)?;
        }
        Ok(())
    }

    /// May this peer come?
    async fn met(&self, peer: &Peer) -> Result<Meeting, Turned> {
        let identity = &peer.identity;
        if self.config.chain.as_ref().is_some_and(|chain| *chain != identity.chain) {
            return Err(Turned::Refused(format!("this hub does not serve the chain `{}`", identity.chain)));
        }
        if let Some(relayed) = &peer.relayed {
            self.meet_relay(peer, relayed).await?;
        }
        let nodes = self.database.registered(&identity.store).await;
        let nodes = nodes.map_err(|error| self.busy("meet", error))?;
        match nodes.iter().find(|node| node.node == identity.node) {
            None => Err(Turned::Refused(format!("this hub does not know `{identity}`"))),
            Some(node) if node.is_banned => {
                let state = self.database.node_state(identity.store.as_str(), &identity.node).await;
                let state = state.map_err(|error| self.busy("meet", error))?.unwrap_or_default();
                Err(Turned::Refused(format!("`{identity}` is {state}")))
            }
            Some(_) => {
                if peer.relayed.is_none() {
                    self.meet_enrolled(peer).await?;
                }
                Ok(Meeting { policy_wanted: self.policy_wanted() })
            }
        }
    }
}

impl Desk for HubDesk {
    async fn meet(&self, peer: &Peer) -> Result<Meeting, Turned> {
        let met = self.met(peer).await;
        if let Err(Turned::Refused(why)) = &met {
            self.note_turned(peer, why).await;
        }
        met
    }

    async fn resume(&self, _: &Peer, logs: &[LogId]) -> Result<Vec<Cursor>, Busy> {
        self.database.resume(logs).await.map_err(|error| self.busy("resume", error))
    }

    async fn locate(&self, _: &Peer, log: &LogId, points: &[Point]) -> Result<Option<u64>, Busy> {
        self.database.locate(log, points).await.map_err(|error| self.busy("locate", error))
    }

    async fn admit(&self, peer: &Peer, log: &LogId, batches: Vec<Batch>) -> Result<Decision, NotAdmitted> {
        let bytes = batches.iter().fold(0_u64, |sum, batch| sum.saturating_add(batch.bytes().len() as u64));
        let permit = self.checks.acquire().await.map_err(|error| self.busy("admit", error))?;
        let checking = tokio::task::spawn_blocking(move || aisle_protocol::hub::check(batches));
        let checked = checking.await.map_err(|error| self.busy("admit", error))?;
        drop(permit);
        let batches = Arc::new(checked.map_err(|error| NotAdmitted::Broken(error.to_string()))?);
        let gate = self.gate(peer).await.map_err(|error| self.busy("admit", error))?;
        let started = std::time::Instant::now();
        let admission = Admission { log: log.clone(), batches: batches.clone(), gate: Arc::new(gate) };
        match self.database.admit(admission).await {
            Ok(decision) => {
                self.telemetry.admitted(log, &batches, bytes, started.elapsed());
                Ok(decision)
            }
            Err(NotTaken::Conflict) => {
                self.telemetry.conflict();
                Err(Busy::new(self.config.retry_after_ms, NotTaken::Conflict).into())
            }
            Err(error) => Err(self.busy("admit", error).into()),
        }
    }

    async fn welcomed(&self, peer: &Peer, hello: &Hello, version: Version) -> Result<Vec<Errand>, Busy> {
        let contact = Contact {
            node: &peer.identity.node,
            hello,
            path: peer.path.as_str(),
            address: &peer.address.to_string(),
            hub: &self.config.hub,
        };
        self.sessions.enter(peer, Facts::read(&peer.leaf).ok().map(Arc::new));
        let noted = self.database.contact(peer.store(), &contact).await;
        noted.map_err(|error| self.busy("welcome", error))?;
        tracing::info!(store = %peer.store(), node = peer.identity.node, %version, "welcome");
        let wanted = self.policy_wanted().filter(|wanted| *wanted != hello.policy);
        // A rollout has brought it a later one, which it would not leave for this one.
        let wanted = wanted.filter(|wanted| !self.is_ahead(hello.policy, *wanted));
        let erasures_max = u32::try_from(ERRANDS_MAX.saturating_sub(2)).unwrap_or(u32::MAX);
        let found = self.database.errands(peer.store(), wanted, erasures_max).await;
        let found = found.map_err(|error| self.busy("welcome", error))?;
        let mut errands = Vec::new();
        if let (Some(id), Some((document, signature))) = (wanted, found.policy) {
            errands.push(Errand::Policy(Policy { id, document: sealed(&document, &signature) }));
        }
        for (id, subject) in found.erasures {
            errands.push(Errand::Erase(Erase { id, subject: Octets(subject.into()) }));
        }
        if let Some((generation, manifest)) = found.desired {
            let generation = generation.cast_unsigned();
            errands.push(Errand::Desired(Desired { generation, manifest: Octets(manifest.into()) }));
        }
        Ok(errands)
    }

    async fn chunk(&self, _: &Peer, wanted: ChunkWanted) -> Result<ChunkPart, NoChunk> {
        let busy = |error: &dyn std::fmt::Display| NoChunk::Busy(self.busy("chunk", error));
        let total = match self.database.content_bytes(&wanted.hash).await {
            Ok(Some(total)) => total,
            Ok(None) => return Err(NoChunk::Unknown(format!("no content has the hash {}", wanted.hash))),
            Err(error) => return Err(busy(&error)),
        };
        let most = wanted.bytes_max.min(CHUNK_BYTES_MAX as u64);
        let offset = wanted.offset.min(total);
        let end = offset.saturating_add(most).min(total);
        let bytes = self.contents.read(&wanted.hash, offset..end).await.map_err(|error| busy(&error))?;
        Ok(ChunkPart { hash: wanted.hash, offset, bytes_total: total, bytes: Octets(bytes) })
    }

    async fn report(&self, peer: &Peer, report: Report) -> Result<(), Busy> {
        if let Some(Err(error)) = report.node.as_ref().map(|said| NodeSays::decode(&said.0)) {
            self.telemetry.report_refused(&error);
        }
        let kept = self.database.report(peer.store(), &peer.identity.node, &report).await;
        kept.map_err(|error| self.busy("report", error))
    }

    async fn erase(&self, peer: &Peer, erase: Erase) -> Result<Option<Erased>, Busy> {
        let store = peer.store();
        let tokens = tokens(&erase.subject.0);
        if tokens.is_empty() {
            tracing::warn!(%store, id = %erase.id, "a store asks to forget somebody whom it names by no token");
            return Ok(None);
        }
        let requested_at = Database::now_ms();
        let noted = self.database.request_erasure(store, &erase.id, &erase.subject.0).await;
        noted.map_err(|error| self.busy("erase", error))?;
        let mut events = 0_u64;
        for token in tokens {
            let taken = self.database.erase_token(store, token).await;
            events = events.saturating_add(taken.map_err(|error| self.busy("erase", error))?);
        }
        let proof = Proof {
            erasure: erase.id.to_string(),
            by: self.config.region.to_string(),
            person: PersonId([0; 16]),
            keys: Vec::new(),
            through: 0,
            rows: events,
            requested_at: Timestamp(requested_at),
            completed_at: Timestamp(Database::now_ms()),
            hubs: Vec::new(),
        };
        let receipt = proof.sign(&self.config.receipt_key);
        let noted = self.database.note_erased(store, &erase.id, events, Some(&receipt)).await;
        noted.map_err(|error| self.busy("erase", error))?;
        // The store knows already, and keeps its own receipt: it is not asked in turn.
        let closed = self.database.erased(store, &erase.id, &[]).await;
        closed.map_err(|error| self.busy("erase", error))?;
        Ok(Some(Erased { id: erase.id, receipt: Octets(receipt.into()) }))
    }

    async fn erased(&self, peer: &Peer, erased: Erased) -> Result<(), Busy> {
        // What the store had sealed before it forgot the person may have come since the hub itself looked.
        let subject = self.database.erasure_subject(peer.store(), &erased.id).await;
        let subject = subject.map_err(|error| self.busy("erased", error))?.unwrap_or_default();
        if let Some(token) = String::from_utf8(subject).ok().filter(|token| !token.is_empty()) {
            let taken = self.database.erase_token(peer.store(), &token).await;
            let taken = taken.map_err(|error| self.busy("erased", error))?;
            let noted = self.database.note_erased(peer.store(), &erased.id, taken, None).await;
            noted.map_err(|error| self.busy("erased", error))?;
        }
        let kept = self.database.erased(peer.store(), &erased.id, &erased.receipt.0).await;
        if !kept.map_err(|error| self.busy("erased", error))? {
            tracing::warn!(store = %peer.store(), id = %erased.id, "a receipt for an erasure that nobody asked for");
        }
        Ok(())
    }

    async fn alert(&self, peer: &Peer, alert: &Alert) {
        self.telemetry.alert(peer.store(), alert);
    }

    async fn turned_away(&self, address: SocketAddr, path: Path, reason: &'static str, text: &str) {
        let address = address.ip().to_canonical().to_string();
        let by = By { id: String::new(), name: String::new(), way: "tls", address };
        let line = self.people.line(by, "sync.connect", path.as_str(), Database::now_ms());
        if let Err(error) = self.people.refused(line, format!("{reason}: {text}")).await {
            tracing::error!(%error, "it is not in the audit log that a caller was turned away");
        }
    }

    async fn parted(&self, peer: &Peer, how: Parting) {
        tracing::info!(store = %peer.store(), node = peer.identity.node, how = how.as_str(), "parted");
        self.sessions.leave(peer);
        if how == Parting::Replaced {
            return;
        }
        if let Err(error) = self.database.parted(peer.store(), &peer.identity.node, &self.config.hub).await {
            tracing::warn!(%error, store = %peer.store(), "it was not noted that a node went");
        }
    }
}

/// The tokens that a store names somebody by, one on a line; none when they are not that.
fn tokens(subject: &[u8]) -> Vec<&str> {
    let lines: Vec<&str> =
        std::str::from_utf8(subject).map(|text| text.lines().collect()).unwrap_or_default();
    let is_one = |token: &&str| !token.is_empty() && token.len() <= TOKEN_BYTES_MAX;
    if lines.len() <= TOKENS_MAX && lines.iter().all(is_one) { lines } else { Vec::new() }
}

/// A policy as nodes get it: 64 bytes of signature, then the document.
pub(crate) fn sealed(document: &[u8], signature: &[u8]) -> Octets {
    let mut out = BytesMut::with_capacity(document.len().saturating_add(signature.len()));
    out.put_slice(signature);
    out.put_slice(document);
    Octets(out.freeze())
}
