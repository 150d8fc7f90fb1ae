//! [`Office`]: what is answered to boxes. It knows no HTTP but the headers that it is asked with, and no socket.
//!
//! Each question is judged by the node's record in the database, at the hub's time; certificates come from the issuing authority, which is open in memory.
//! Guards: nothing of a request goes into a certificate but its key; what is asked twice is answered twice with the same.

use super::{
    answer::Refused,
    limit::Limiter,
    own::{Own, OwnError},
    passphrase::{self, PassphraseError},
    telemetry::Telemetry,
};
use crate::{
    config::{Config, Enrolment},
    database::{Asked, Database, EnrolError, KeptEnrolment},
    people::{
        People,
        audit::{By, Line},
    },
    policies::Policies,
};
use aisle_event::Timestamp;
use aisle_protocol::PolicyId;
use aisle_provisioning::{
    authority::{AuthorityFolder, FolderError, Unlocked},
    certificate::Facts,
    claim::{ClaimCode, ClaimError, introduction},
    code::Code,
    device::{RevocationBoard, RevocationList},
    disk::RealDisk,
    enrolment::{Credential, Decision, Presented},
    entropy::SystemEntropy,
    est::{self, Answer},
    identity::{Identity, Store},
    issue::{Issued, Subject},
    key::Passphrase,
    request::{KeyRules, Request},
    time::TimeStatement,
};
use aisle_residency::signing::VerifyingKey;
use data_encoding::HEXLOWER;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::json;
use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Instant,
};
use tokio::sync::watch;

/// Which time it is, for the hub.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Why nobody can enrol here.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// The passphrase.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// The authority.
    #[error(transparent)]
    Authority(#[from] FolderError),
    /// This hub's own certificate.
    #[error(transparent)]
    Own(#[from] OwnError),
    /// The work that opens a key was stopped.
    #[error("the issuing authority's key was not opened: the hub goes down")]
    Stopped,
}

/// What an office is made of.
pub struct Parts {
    /// Where it is written down what boxes get and are refused; over the database.
    pub people: People,
    /// Who may not come in.
    pub board: RevocationBoard,
    /// The policies in force.
    pub policies: watch::Receiver<Arc<Policies>>,
    /// The key that this hub's receipts of erasures are signed with.
    pub receipt_key: VerifyingKey,
    /// The time.
    pub clock: Clock,
    /// Its metrics.
    pub telemetry: Telemetry,
}

struct Inner {
    config: Enrolment,
    region: String,
    policy_keys: Vec<VerifyingKey>,
    certificate: PathBuf,
    parts: Parts,
    passphrase: Passphrase,
    unlocked: RwLock<Arc<Unlocked>>,
    own: watch::Sender<Arc<Own>>,
    limiter: Mutex<Limiter>,
    started: Instant,
}

/// Answers boxes. Cheap to clone.
#[derive(Clone)]
pub struct Office(Arc<Inner>);

impl std::fmt::Debug for Office {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Office").field("config", &self.0.config).finish_non_exhaustive()
    }
}

/// Who calls, as the connection says.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) address: SocketAddr,
    /// Its certificate with what it showed behind it; empty for a box that has none.
    pub(super) chain: Arc<[CertificateDer<'static>]>,
}

/// A request for a certificate, as it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) authorization: Option<&'a str>,
    pub(super) store: Option<&'a str>,
    pub(super) receipt_key: Option<&'a str>,
    pub(super) content_type: Option<&'a str>,
    pub(super) body: &'a [u8],
}

/// Opens the authority. The work that a guess at the passphrase costs is done beside the runtime.
async fn unlock(
    config: &Enrolment,
    passphrase: &Passphrase,
    now: Timestamp,
) -> Result<Arc<Unlocked>, OfficeError> {
    let folder = AuthorityFolder::new(Arc::new(RealDisk), &config.authority);
    let passphrase = passphrase.clone();
    let opening = tokio::task::spawn_blocking(move || folder.unlock(&passphrase, now));
    Ok(Arc::new(opening.await.map_err(|_| OfficeError::Stopped)??))
}

impl Office {
    /// Opens the authority and reads this hub's own certificate, which is renewed at once where it is time.
    ///
    /// # Errors
    /// When the passphrase is another, or something is missing.
    pub async fn open(config: &Config, enrolment: &Enrolment, parts: Parts) -> Result<Self, OfficeError> {
        let now = (parts.clock)();
        let passphrase = passphrase::read(&enrolment.passphrase, "passphrase of the issuing authority")?;
        let unlocked = unlock(enrolment, &passphrase, now).await?;
        let files = &config.files;
        let own = Own::read(enrolment, &files.certificate, &files.key, &unlocked.roots)?;
        let office = Self(Arc::new(Inner {
            config: enrolment.clone(),
            region: config.region.to_string(),
            policy_keys: config.policy_keys.clone(),
            certificate: files.certificate.clone(),
            limiter: Mutex::new(Limiter::new(enrolment.requests_per_second_max, enrolment.tries_max)),
            parts,
            passphrase,
            unlocked: RwLock::new(unlocked),
            own: watch::Sender::new(Arc::new(own)),
            started: Instant::now(),
        }));
        office.renew_own(&office.unlocked(), now)?;
        Ok(office)
    }

    /// Looks after what runs out: takes another issuing authority when it was rotated, and renews this hub's own certificate. True when that is a new one.
    ///
    /// # Errors
    /// When either cannot be used; what was there goes on.
    pub async fn keep(&self) -> Result<bool, OfficeError> {
        let now = self.now();
        let found = unlock(&self.0.config, &self.0.passphrase, now).await?;
        *self.0.unlocked.write().unwrap_or_else(PoisonError::into_inner) = found.clone();
        self.renew_own(&found, now)
    }

    fn renew_own(&self, unlocked: &Unlocked, now: Timestamp) -> Result<bool, OfficeError> {
        let own = self.own();
        let is_due = own.is_due(now);
        if is_due {
            let renewed = Own::certify(&self.0.config, unlocked, own.key.clone(), &self.0.certificate, now)?;
            tracing::info!(certificate = %renewed.facts.number, "this hub's certificate was renewed");
            self.0.own.send_replace(Arc::new(renewed));
        }
        self.0.parts.telemetry.ends(self.own().facts.validity.not_after.0);
        Ok(is_due)
    }

    pub(super) fn config(&self) -> &Enrolment {
        &self.0.config
    }

    pub(super) fn database(&self) -> &Database {
        self.0.parts.people.database()
    }

    pub(super) fn telemetry(&self) -> &Telemetry {
        &self.0.parts.telemetry
    }

    pub(super) fn board(&self) -> &RevocationBoard {
        &self.0.parts.board
    }

    pub(super) fn region(&self) -> &str {
        &self.0.region
    }

    pub(super) fn policy_wanted(&self) -> Option<PolicyId> {
        self.0.parts.policies.borrow().wanted
    }

    pub(super) fn policy_keys(&self) -> Vec<String> {
        self.0.policy_keys.iter().map(|key| HEXLOWER.encode(&key.0)).collect()
    }

    pub(super) fn receipt_key(&self) -> String {
        HEXLOWER.encode(&self.0.parts.receipt_key.0)
    }

    /// What this hub shows.
    #[must_use]
    pub fn own(&self) -> Arc<Own> {
        self.0.own.borrow().clone()
    }

    /// Follows what this hub shows.
    pub(super) fn follow(&self) -> watch::Receiver<Arc<Own>> {
        self.0.own.subscribe()
    }

    /// The authority, as it is open now.
    #[must_use]
    pub fn unlocked(&self) -> Arc<Unlocked> {
        self.0.unlocked.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.0.parts.clock)()
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.0.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn limited<T>(&self, ask: impl FnOnce(&mut Limiter, u64) -> T) -> T {
        let now_ms = self.elapsed_ms();
        ask(&mut self.0.limiter.lock().unwrap_or_else(PoisonError::into_inner), now_ms)
    }

    /// Counts a request.
    pub(super) async fn let_ask(&self, caller: &Caller) -> Result<(), Refused> {
        match self.limited(|limiter, now_ms| limiter.request(caller.address.ip(), now_ms)) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.told(caller, &who(caller), error.into()).await),
        }
    }

    /// A row of the audit log.
    pub(super) fn line(&self, by: By, action: &'static str, object: &str, now: Timestamp) -> Line {
        self.0.parts.people.line(by, action, object, now.0)
    }

    /// All authorities that are believed: roots and those that issue.
    fn authorities(&self) -> Vec<CertificateDer<'static>> {
        let unlocked = self.unlocked();
        unlocked.between.iter().chain(unlocked.roots.certificates()).cloned().collect()
    }

    /// The authorities; with the proof that this hub knows a claim, for a box that asks for it.
    pub(super) async fn cacerts(
        &self,
        caller: &Caller,
        ask: Option<&str>,
    ) -> Result<(Answer, Option<String>), Refused> {
        let answer = Answer::authorities(&self.authorities());
        let Some((locator, nonce)) = ask.and_then(introduction::read_ask) else { return Ok((answer, None)) };
        let may_try = self.limited(|limiter, now_ms| limiter.may_try(caller.address.ip(), &locator, now_ms));
        if let Err(error) = may_try {
            return Err(self.told(caller, locator.as_str(), error.into()).await);
        }
        let Some(kept) = self.database().claim(&locator).await? else {
            self.limited(|limiter, now_ms| limiter.was_wrong(caller.address.ip(), None, now_ms));
            // The authorities are for everybody; that there is no such claim the box finds out by itself.
            let unknown = Refused::new(Code::ClaimUnknown, "asked whether this hub knows a claim");
            self.told(caller, locator.as_str(), unknown).await;
            return Ok((answer, None));
        };
        let proof = introduction::Introduction::prove(&kept.claim, &nonce, &answer.body);
        Ok((answer, Some(proof.to_header())))
    }

    /// A box with a claim.
    pub(super) async fn enroll(&self, caller: &Caller, wanted: Wanted<'_>) -> Result<Answer, Refused> {
        let code = wanted.authorization.and_then(est::read_basic);
        let code: ClaimCode = match code {
            Some(Ok(code)) => code,
            Some(Err(error)) => {
                // Two characters of a code only check it: who guesses is mostly noticed here.
                self.limited(|limiter, now_ms| limiter.was_wrong(caller.address.ip(), None, now_ms));
                let answer = Refused::new(error.code(), "the claim code in the request cannot be one");
                return Err(self.told(caller, "", answer).await);
            }
            None => {
                let words = "a box without a certificate needs a claim, as the password of HTTP Basic";
                return Err(self.told(caller, "", Refused::new(Code::ClaimNeeded, words)).await);
            }
        };
        let locator = code.locator();
        let address = caller.address.ip();
        let may_try = self.limited(|limiter, now_ms| limiter.may_try(address, &locator, now_ms));
        if let Err(error) = may_try {
            return Err(self.told(caller, locator.as_str(), error.into()).await);
        }
        let (refused, is_guess) = match self.redeem(caller, &code, wanted).await {
            Ok(answer) => return Ok(answer),
            Err(refused) => refused,
        };
        if is_guess {
            self.limited(|limiter, now_ms| limiter.was_wrong(address, Some(&locator), now_ms));
        }
        Err(self.told(caller, locator.as_str(), refused).await)
    }

    /// The answer, or the refusal and whether it was perhaps a guess at a claim.
    async fn redeem(
        &self,
        caller: &Caller,
        code: &ClaimCode,
        wanted: Wanted<'_>,
    ) -> Result<Answer, (Refused, bool)> {
        let plain = |refused: Refused| (refused, false);
        let der = est::read_request(wanted.content_type, wanted.body).map_err(|error| plain(error.into()))?;
        let request = Request::read(&der, KeyRules::OWN).map_err(|error| plain(error.into()))?;
        let serial = match request.identity.as_ref() {
            Some(Identity::Node { serial, .. }) if request.name.is_none() => serial.clone(),
            _ => request.serial().map_err(|error| plain(error.into()))?,
        };
        let receipt_key = receipt_key(wanted.receipt_key).map_err(plain)?;
        let store = wanted.store.map(Store::new).transpose();
        let store = store.map_err(|error| plain(Refused::new(Code::RequestMalformed, error.to_string())))?;
        let asked = Asked {
            chain: &self.0.config.chain,
            code,
            serial: &serial,
            store: store.as_ref(),
            identity: request.identity.as_ref(),
            key: request.fingerprint(),
            receipt_key: receipt_key.as_ref(),
            address: &caller.address.ip().to_string(),
            is_automatic: self.0.config.is_automatic,
        };
        let now = self.now();
        let line = self.line(by(caller, "claim"), "claim.use", code.locator().as_str(), now);
        let kept = match self.database().enrol(&asked, &line).await {
            Ok(kept) => kept,
            Err(error) => {
                // Whoever knows a code that was used or is over has not guessed.
                let is_guess = matches!(error, EnrolError::Claim(ClaimError::Unknown));
                return Err((error.into(), is_guess));
            }
        };
        let given = match kept.enrolment.at_first(&request.fingerprint()) {
            Decision::Allow | Decision::Recover { .. } => self.give(caller, &kept, &request, None, now).await,
            Decision::Wait(code) => {
                let words = format!("the key {} waits to be approved", kept.enrolment.claimed_key.short());
                Err(Refused::new(code, words))
            }
            Decision::Refuse(refusal) => Err(refusal.into()),
        };
        given.map_err(plain)
    }

    /// A node with a certificate, which may have run out.
    pub(super) async fn reenroll(&self, caller: &Caller, wanted: Wanted<'_>) -> Result<Answer, Refused> {
        match self.renew(caller, wanted).await {
            Ok(answer) => Ok(answer),
            Err(refused) => Err(self.told(caller, &who(caller), refused).await),
        }
    }

    async fn renew(&self, caller: &Caller, wanted: Wanted<'_>) -> Result<Answer, Refused> {
        let (facts, kept) = self.caller(caller).await?;
        let der = est::read_request(wanted.content_type, wanted.body)?;
        let request = Request::read(&der, KeyRules::OWN)?;
        request.is_for(&kept.enrolment.identity)?;
        let now = self.now();
        let is_revoked = self.is_revoked(&facts).await?;
        match kept.enrolment.at_renewal(Presented { facts: &facts, is_revoked }, now) {
            Decision::Allow => {}
            Decision::Recover { expired_ms } => {
                tracing::info!(node = %kept.enrolment.identity, expired_ms, "a node comes back whose certificate has run out");
            }
            Decision::Wait(code) => return Err(Refused::new(code, code.words())),
            Decision::Refuse(refusal) => return Err(refusal.into()),
        }
        // What it shows is seen: one that was issued before this one is not good any more.
        self.seen(&facts, &kept, caller, now).await?;
        let receipt_key = receipt_key(wanted.receipt_key)?;
        self.give(caller, &kept, &request, receipt_key_of(&kept, receipt_key), now).await
    }

    /// The certificate for a request that was allowed: the one that this key has already, or a new one.
    async fn give(
        &self,
        caller: &Caller,
        kept: &KeptEnrolment,
        request: &Request,
        receipt_key: Option<VerifyingKey>,
        now: Timestamp,
    ) -> Result<Answer, Refused> {
        let identity = &kept.enrolment.identity;
        if let Some(chain) = self.given_before(kept, request, now).await? {
            return Ok(Answer::issued(&chain));
        }
        let unlocked = self.unlocked();
        let names = local_name(identity).into_iter().filter(|name| unlocked.issuing.limits().allow(name));
        let names: Vec<_> = names.collect();
        let subject = Subject { identity, key: &request.key, names: &names };
        let issued =
            unlocked.issuing.issue(subject, &self.0.config.lifetimes, now, &mut SystemEntropy::default())?;
        let line = self.issues(caller, identity, &issued, now);
        self.database().keep_issued(identity, &issued, receipt_key.as_ref(), &line).await?;
        self.telemetry().issued();
        Ok(Answer::issued(&issued.chain))
    }

    /// The row about a certificate that a box gets.
    pub(super) fn issues(
        &self,
        caller: &Caller,
        identity: &Identity,
        issued: &Issued,
        now: Timestamp,
    ) -> Line {
        let by = by(caller, if caller.chain.is_empty() { "claim" } else { "certificate" });
        let facts = &issued.facts;
        let became = json!({
            "certificate": facts.number.to_string(),
            "key": facts.key.short(),
            "not_after_ms": facts.validity.not_after.0,
        });
        self.line(by, "certificate.issue", &identity.to_string(), now).became(became)
    }

    /// The certificate that a key was given already, while half of its life is left: the answer was perhaps lost.
    async fn given_before(
        &self,
        kept: &KeptEnrolment,
        request: &Request,
        now: Timestamp,
    ) -> Result<Option<Vec<CertificateDer<'static>>>, Refused> {
        let is_fresh = |known: &&Credential| {
            let left = known.validity.not_after.ms_since(now);
            known.key == request.fingerprint() && left > known.validity.ms() / 2
        };
        let known = kept.enrolment.next.iter().chain(&kept.enrolment.current).find(is_fresh);
        let Some(known) = known else { return Ok(None) };
        let Some(der) = self.database().issued(&known.number).await? else { return Ok(None) };
        let between = self.unlocked().between.clone();
        Ok(Some(std::iter::once(CertificateDer::from(der)).chain(between).collect()))
    }

    /// The list of who may not come in, as it is in the database now. It is read whole only when it has changed.
    async fn list(&self) -> Result<Arc<RevocationList>, Refused> {
        let board = self.board();
        if self.database().revocation_number().await? != board.get().number() {
            // False when another look was faster; then that is the newer one.
            let _ = board.set(self.database().revocations().await?);
        }
        Ok(board.get())
    }

    async fn is_revoked(&self, facts: &Facts) -> Result<bool, Refused> {
        use aisle_provisioning::device::Revocations as _;
        Ok(self.list().await?.refuses(facts, &[]))
    }

    /// The node that calls, by the certificate that it shows, and its record.
    async fn caller(&self, caller: &Caller) -> Result<(Facts, KeptEnrolment), Refused> {
        let needed = || Refused::new(Code::ClaimNeeded, "this wants the certificate of a node");
        let leaf = caller.chain.first().ok_or_else(needed)?;
        // The connection has verified it; here it is read again.
        let facts = Facts::read(leaf).map_err(|_| needed())?;
        let Some(Identity::Node { chain, store, serial }) = &facts.identity else { return Err(needed()) };
        if *chain != self.0.config.chain {
            return Err(Refused::new(
                Code::NameForeign,
                format!("this hub does not serve the chain `{chain}`"),
            ));
        }
        let kept = self.database().enrolment(store.as_str(), serial.as_str()).await?;
        let unknown =
            || Refused::new(Code::NodeUnknown, format!("this hub has no record of `{store}/{serial}`"));
        let kept = kept.ok_or_else(unknown)?;
        Ok((facts, kept))
    }

    /// A node that may come in with the certificate that it shows. From now on that one is in use.
    pub(super) async fn node(&self, caller: &Caller) -> Result<KeptEnrolment, Refused> {
        match self.admitted(caller).await {
            Ok(kept) => Ok(kept),
            Err(refused) => Err(self.told(caller, &who(caller), refused).await),
        }
    }

    async fn admitted(&self, caller: &Caller) -> Result<KeptEnrolment, Refused> {
        let (facts, kept) = self.caller(caller).await?;
        let now = self.now();
        let is_revoked = self.is_revoked(&facts).await?;
        kept.enrolment.admit(Presented { facts: &facts, is_revoked }, now)?;
        self.seen(&facts, &kept, caller, now).await?;
        Ok(kept)
    }

    async fn seen(
        &self,
        facts: &Facts,
        kept: &KeptEnrolment,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let is_current = kept.enrolment.current.as_ref().is_some_and(|known| known.number == facts.number);
        let der = caller.chain.first().map(AsRef::as_ref).unwrap_or_default();
        if !is_current {
            let identity = &kept.enrolment.identity;
            let line = self.line(by(caller, "certificate"), "certificate.prove", &identity.to_string(), now);
            self.database().prove(identity, facts, der, &line).await?;
        }
        Ok(())
    }

    /// The time, signed, with what it was asked with.
    pub(super) fn time(&self, nonce: Option<[u8; 32]>) -> Result<Vec<u8>, Refused> {
        let statement = TimeStatement { at: self.now(), nonce };
        statement.sign(self.own().signer()).map_err(|error| {
            tracing::error!(%error, "the time cannot be signed");
            Refused::new(Code::CannotIssue, "the hub's key cannot sign")
        })
    }

    /// Who may not come in, signed, for one store: the one that is named, or that of the node that asks. The banned nodes and devices of all stores together are
    /// nobody's business.
    pub(super) async fn revoked(&self, caller: &Caller, store: Option<Store>) -> Result<Vec<u8>, Refused> {
        let own = || {
            let leaf = caller.chain.first()?;
            Facts::read(leaf).ok()?.identity?.store().cloned()
        };
        let Some(store) = store.or_else(own) else {
            let words = "`store` is missing: a box without a certificate names its store";
            return Err(self.told(caller, "", Refused::new(Code::RequestMalformed, words)).await);
        };
        let list = self.list().await?.as_ref().clone().for_store(&store);
        list.sign(self.own().signer()).map_err(|error| {
            tracing::error!(%error, "the list cannot be signed");
            Refused::new(Code::CannotIssue, "the hub's key cannot sign")
        })
    }

    /// Counts a refusal and writes it down. Who comes again and again is written down a few times only.
    pub(super) async fn told(&self, caller: &Caller, object: &str, refused: Refused) -> Refused {
        self.telemetry().refused(refused.code);
        // Whoever waits for approval is in the queue, and asks every few seconds.
        if refused.code != Code::WaitsForApproval {
            let way = if caller.chain.is_empty() { "claim" } else { "certificate" };
            let line = self.line(by(caller, way), "certificate.ask", object, self.now());
            let reason = format!("{}: {}", refused.code, refused.detail);
            self.written(line, reason).await;
        }
        refused
    }

    /// Writes down a caller who never got to ask: too many at once, or TLS that could not agree.
    pub(super) async fn turned_away(&self, address: SocketAddr, reason: &'static str, detail: &str) {
        let caller = Caller { address, chain: Arc::new([]) };
        let line = self.line(by(&caller, "tls"), "enrolment.call", "", self.now());
        self.written(line, format!("{reason}: {detail}")).await;
    }

    async fn written(&self, line: Line, reason: String) {
        if let Err(error) = self.0.parts.people.refused(line, reason).await {
            tracing::error!(%error, "a refusal is not in the audit log");
        }
    }
}

/// A box, for the audit log.
pub(super) fn by(caller: &Caller, way: &'static str) -> By {
    let address = caller.address.ip().to_canonical().to_string();
    let named = who(caller);
    By { id: named.clone(), name: named, way, address }
}

/// Whom a caller's certificate names, for the log.
pub(super) fn who(caller: &Caller) -> String {
    let facts = caller.chain.first().and_then(|leaf| Facts::read(leaf).ok());
    facts.and_then(|facts| facts.identity).map(|identity| identity.to_string()).unwrap_or_default()
}

/// The name that devices in the store's network call a node by.
fn local_name(identity: &Identity) -> Option<ServerName<'static>> {
    ServerName::try_from(format!("{}.local", identity.last().to_ascii_lowercase())).ok()
}

/// The key in the header. A first request without one is of a stranger's client, which signs no receipts.
fn receipt_key(header: Option<&str>) -> Result<Option<VerifyingKey>, Refused> {
    let Some(text) = header else { return Ok(None) };
    let key = data_encoding::HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).ok();
    let key = key.and_then(|key| <[u8; 32]>::try_from(key).ok());
    let wrong = || Refused::new(Code::RequestMalformed, "`Aisle-Receipt-Key` is not 64 hexadecimal digits");
    key.map(|key| Some(VerifyingKey(key))).ok_or_else(wrong)
}

/// Where a node has no other key for receipts, it keeps the one that it has.
fn receipt_key_of(kept: &KeptEnrolment, new: Option<VerifyingKey>) -> Option<VerifyingKey> {
    new.filter(|new| *new != kept.receipt_key)
}
