//! Does what is to be done: the claim step by step, renewals, visits to the hub. One thread, one folder, one try at a time.
//!
//! ```text
//! unclaimed ─ claim ─> introduce ─> time ─> key ─> request ─> (approval) ─> certificate ─> settle ─> active
//!                        └── every step is kept by the keyring; a kill anywhere goes on from there ──┘
//! active ─ visit ─> time, settings, list of bans ─ due ─> next key ─> certificate ─> settle: make before break
//! ```
//!
//! A certificate is settled when the hub has taken a connection with it: only then the one before goes. Not here: what is asked ([`crate::calls`]), when ([`crate::plan`]).
//! Guards invariants 5 (nobody in the shop waits for any of this) and 6 (tries are bounded and spread).

use crate::{
    calls::{self, Asking, Believed},
    clock::Clock,
    fault::Fault,
    files::{self, Access, Lock},
    hub::{self, Hub},
    plan,
    status::{Stage, Standing, Status},
    step::Step,
};
use aisle_event::Timestamp;
use aisle_provisioning::{
    certificate::{self, Facts},
    claim::{ClaimInput, ClaimLink, HubAddress, Locator},
    code::Code,
    device::{RevocationBoard, RevocationList, revocation::What},
    entropy::SystemEntropy,
    est::Heard,
    fingerprint::Fingerprint,
    identity::{Chain, Device, Identity, Serial, Store},
    keyring::{self, Keyring, KeyringError, Offer},
    renewal,
    roots::Roots,
    time::Verdict,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};

/// How long a folder that somebody else works on is left alone before it is looked at again.
const LOCKED: Duration = Duration::from_secs(1);
/// How often the floor under the time is kept while nothing else keeps it.
const KEEP_TIME: Duration = Duration::from_secs(3_600);
/// A line that is banned is visited no more often: the ban may be lifted.
const BANNED_VISIT: Duration = Duration::from_secs(6 * 3_600);
/// Where the hub is called, and where a claim that is under way calls it. A node keeps its hub until another has taken it in.
const HUB: &str = "hub";
const CLAIMS_HUB: &str = "claim-hub";
/// The largest list of bans that is kept, in bytes.
const LIST_BYTES_MAX: u64 = 48 << 20;
/// The port that a hub gives certificates on, where nobody says another.
pub(crate) const PORT: u16 = 8_444;

/// What the node brings along.
pub struct Setup {
    /// The node's data.
    pub data: PathBuf,
    /// Which box this is; nothing when nobody knows.
    pub serial: Option<Serial>,
    /// The store that it is set up for, where somebody said so.
    pub store: Option<Store>,
    /// Where a hub is called for certificates, for a code that does not say it.
    pub hub: Option<HubAddress>,
    /// The public half of the key that receipts are signed with.
    pub receipt_key: Arc<dyn Fn() -> Result<[u8; 32], String> + Send + Sync>,
    /// The time.
    pub clock: Clock,
    /// How often the hub is visited, in milliseconds.
    pub visit_ms: u64,
}

/// What is asked of the worker.
pub(crate) enum Command {
    Claim(Box<ClaimInput>, Option<HubAddress>, oneshot::Sender<Result<(), Fault>>),
    Again,
    Device(Device, Vec<u8>, oneshot::Sender<Result<DevicePapers, Fault>>),
    BanDevice(Device, oneshot::Sender<Result<(), Fault>>),
}

/// What a device gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevicePapers {
    /// Its certificate, the issuer's behind it, in PEM.
    pub chain_pem: String,
    /// Whom it is to believe: the broker's certificate comes from there, in PEM.
    pub roots_pem: String,
}

/// How a claim went on.
enum Went {
    /// There is a certificate, and the hub takes it.
    Through,
    /// It waits for somebody; to be asked again after so many milliseconds.
    Waits(Fault),
}

/// The one who works.
pub struct Worker {
    setup: Setup,
    status: watch::Sender<Status>,
    commands: Option<mpsc::Receiver<Command>>,
    ring: Keyring,
    banned: RevocationBoard,
    entropy: SystemEntropy,
    /// The hub that has proved itself to the claim with this locator.
    introduced: Option<(Locator, Chain)>,
    settings_tag: Option<String>,
    /// Tries that failed in a row.
    failed: u32,
    lock: Option<Lock>,
}

fn draw() -> u64 {
    rand::random()
}

fn of_ring(error: &KeyringError) -> Fault {
    let code = match error {
        KeyringError::Chain(_) | KeyringError::OtherKey | KeyringError::OtherIdentity { .. } => {
            Code::AnswerUnusable
        }
        KeyringError::RootsReplaced | KeyringError::NoRoots => Code::HubNotTrusted,
        _ => Code::DiskUnwritable,
    };
    Fault::of(code, error)
}

fn of_disk(error: &files::FileError) -> Fault {
    Fault::of(Code::DiskUnwritable, error)
}

impl Worker {
    pub(crate) fn new(
        setup: Setup,
        status: watch::Sender<Status>,
        commands: mpsc::Receiver<Command>,
        ring: Keyring,
        banned: RevocationBoard,
        lock: Option<Lock>,
    ) -> Self {
        let mut worker = Self {
            setup,
            status,
            commands: Some(commands),
            ring,
            banned,
            entropy: SystemEntropy::default(),
            introduced: None,
            settings_tag: None,
            failed: 0,
            lock,
        };
        worker.show();
        worker
    }

    fn change(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_modify(change);
    }

    /// Shows what the keyring says.
    fn show(&mut self) {
        let offer = self.ring.offers().first().map(|offer| Facts::clone(&offer.facts));
        let has_ended = offer.as_ref().is_some_and(|facts| self.has_ended(facts));
        let stage = match self.ring.stage() {
            keyring::Stage::Unclaimed => Stage::Unclaimed,
            keyring::Stage::Claimed | keyring::Stage::Certified => Stage::Claiming,
            _ if has_ended => Stage::Recovering,
            keyring::Stage::Active => Stage::Active,
            keyring::Stage::Renewing | keyring::Stage::Renewed => Stage::Renewing,
        };
        let list = self.banned.get();
        let identity = self.ring.identity().cloned();
        let own = identity.as_ref().and_then(Identity::store).cloned();
        let devices_banned = list.entries().filter(|entry| is_device_of(&entry.what, own.as_ref())).count();
        let hub = self.address(self.ring.claim()).ok().map(|hub| hub.to_string());
        let serial = self.setup.serial.as_ref().map(ToString::to_string);
        self.change(|status| {
            status.stage = stage;
            status.serial = serial;
            status.hub = hub;
            status.identity = identity.as_ref().map(ToString::to_string);
            status.store = own.map(|store| store.to_string());
            status.not_before_ms = offer.as_ref().map(|facts| facts.validity.not_before.0);
            status.not_after_ms = offer.as_ref().map(|facts| facts.validity.not_after.0);
            status.renew_at_ms = offer.as_ref().map(|facts| renewal::due_at(facts).0);
            if let Some(facts) = &offer {
                status.key = Some(facts.key.short());
            }
            status.revoked_number = list.number();
            status.devices_banned = devices_banned;
        });
    }

    fn has_ended(&self, facts: &Facts) -> bool {
        self.setup.clock.judge(facts.validity) != Verdict::Holds
    }

    /// Where certificates are asked for.
    fn address(&self, claim: Option<&ClaimInput>) -> Result<HubAddress, Fault> {
        if let Some(ClaimInput::Link(link)) = claim {
            return Ok(link.hub.clone());
        }
        let kept = |name: &str| -> Option<HubAddress> {
            let text = files::read(&self.file(name), 1_024).ok().flatten()?;
            String::from_utf8(text).ok()?.trim().parse().ok()
        };
        let of_claim = claim.and_then(|_| kept(CLAIMS_HUB));
        let none = || Fault::new(Code::HubUnnamed, "the code alone does not say it");
        of_claim.or_else(|| kept(HUB)).or_else(|| self.setup.hub.clone()).ok_or_else(none)
    }

    fn file(&self, name: &str) -> PathBuf {
        files::folder(&self.setup.data).join(name)
    }

    fn keep_hub(&self, name: &str, hub: &HubAddress) -> Result<(), Fault> {
        let text = format!("{hub}\n");
        let kept = files::settle(&self.file(name), text.as_bytes(), Access::All);
        kept.map(drop).map_err(|error| of_disk(&error))
    }

    fn now_ms() -> i64 {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
    }

    /// Works until the node stops.
    pub async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        let Some(mut commands) = self.commands.take() else { return };
        let mut due = Instant::now();
        let mut keep_time = Instant::now() + KEEP_TIME;
        let mut is_open = true;
        loop {
            let is_idle = self.is_waiting_for_nobody();
            let next = async {
                if is_idle {
                    std::future::pending::<()>().await;
                }
                sleep_until(due).await;
            };
            let command = tokio::select! {
                // An error means that the node is as good as gone.
                _ = stopping.wait_for(|stopping| *stopping) => break,
                // A person is not kept waiting for a hub that does not answer. What is on the disk is whole at any point.
                command = commands.recv(), if is_open => command,
                () = sleep_until(keep_time) => {
                    keep_time = Instant::now() + KEEP_TIME;
                    if let Err(error) = self.setup.clock.keep() {
                        tracing::warn!(%error, "the time that is known is not kept");
                    }
                    continue;
                }
                wait = async { next.await; self.work().await } => {
                    due = Instant::now() + wait;
                    continue;
                }
            };
            match command {
                Some(command) => {
                    if self.obey(command).await {
                        due = Instant::now();
                    }
                }
                None => is_open = false,
            }
        }
        // What is known is kept; where it is not, the last one that was kept is a floor too.
        let _ = self.setup.clock.keep();
    }

    /// Works on a claim until it is through, or nothing but a person helps: for a command on a box whose node does not run.
    ///
    /// # Errors
    /// With what is in the way.
    pub async fn claim_to_the_end(
        mut self,
        claim: Option<ClaimInput>,
        hub: Option<HubAddress>,
    ) -> Result<(), Fault> {
        if let Some(claim) = claim {
            self.take_claim(claim, hub.as_ref())?;
        } else if self.is_waiting_for_nobody() {
            return Err(Fault::new(Code::CodeIncomplete, "there is no claim to go on with"));
        }
        loop {
            let wait = self.work().await;
            let (stage, passing) = {
                let status = self.status.borrow();
                (status.stage, status.fault.as_ref().is_none_or(|fault| fault.passing))
            };
            match stage {
                Stage::Claiming | Stage::Unclaimed | Stage::Recovering if passing => {
                    tokio::time::sleep(wait).await;
                }
                Stage::Active | Stage::Renewing if passing => return Ok(()),
                _ => return Err(self.last_fault()),
            }
        }
    }

    fn last_fault(&self) -> Fault {
        let status = self.status.borrow();
        let fault = status.fault.as_ref();
        let code = fault.and_then(|fault| fault.code.parse().ok()).unwrap_or(Code::NotInThisState);
        Fault::new(code, fault.map(|fault| fault.detail.clone()).unwrap_or_default())
    }

    /// Nothing is under way and nothing is to be kept up.
    fn is_waiting_for_nobody(&self) -> bool {
        let is_stuck = self.status.borrow().stage == Stage::Claiming
            && self.status.borrow().fault.as_ref().is_some_and(|fault| !fault.passing);
        is_stuck || self.ring.stage() == keyring::Stage::Unclaimed
    }

    /// Takes a command. True when there is something to be done at once.
    async fn obey(&mut self, command: Command) -> bool {
        match command {
            Command::Claim(claim, hub, answer) => {
                let taken = self.take_claim(*claim, hub.as_ref());
                let is_taken = taken.is_ok();
                // Whoever asked may have gone.
                let _ = answer.send(taken);
                is_taken
            }
            Command::Again => {
                self.change(|status| status.fault = None);
                self.failed = 0;
                true
            }
            Command::Device(device, csr, answer) => {
                let _ = answer.send(self.device(&device, &csr).await);
                false
            }
            Command::BanDevice(device, answer) => {
                let banned = self.ban_device(&device).await;
                let done = banned.is_ok();
                let _ = answer.send(banned);
                // The list that says so is fetched at once.
                done
            }
        }
    }

    fn has_folder(&mut self) -> Result<bool, Fault> {
        if self.lock.is_none() {
            self.lock = Lock::take(&self.setup.data).map_err(|error| of_disk(&error))?;
            if self.lock.is_some() {
                // Whoever had it may have changed it.
                let folder = files::folder(&self.setup.data);
                let opened = Keyring::open(Arc::new(aisle_provisioning::disk::RealDisk), &folder, None);
                self.ring = opened.map_err(|error| of_ring(&error))?;
            }
        }
        Ok(self.lock.is_some())
    }

    fn take_claim(&mut self, claim: ClaimInput, hub: Option<&HubAddress>) -> Result<(), Fault> {
        if !self.has_folder()? {
            return Err(Fault::new(Code::NotInThisState, "another process is claiming this box"));
        }
        match hub {
            Some(hub) => self.keep_hub(CLAIMS_HUB, hub)?,
            // One of an earlier claim is not meant.
            None => self.forget_claims_hub(),
        }
        self.address(Some(&claim))?;
        self.serial()?;
        self.ring.set_claim(claim).map_err(|error| of_ring(&error))?;
        (self.introduced, self.failed) = (None, 0);
        self.change(Status::begin);
        Ok(())
    }

    /// Where a file stays that cannot be removed, the next claim writes over it.
    fn forget_claims_hub(&self) {
        let _ = std::fs::remove_file(self.file(CLAIMS_HUB));
    }

    fn serial(&self) -> Result<Serial, Fault> {
        let unknown = || Fault::new(Code::SerialUnknown, "neither the board nor the system has one");
        self.setup.serial.clone().ok_or_else(unknown)
    }

    /// Does what is next; how long until there is something to do again.
    async fn work(&mut self) -> Duration {
        match self.has_folder() {
            Ok(true) => {}
            Ok(false) => return LOCKED,
            Err(fault) => return self.wait_after(&fault),
        }
        if self.ring.claim().is_some() || self.ring.stage() == keyring::Stage::Certified {
            return self.work_on_claim().await;
        }
        match self.visit().await {
            Ok(()) => {
                self.failed = 0;
                self.change(|status| {
                    (status.fault, status.next_try_ms) = (None, None);
                    status.standing = Standing::Good;
                });
                self.show();
                Duration::from_millis(plan::visit_wait_ms(self.setup.visit_ms, draw()))
            }
            Err(fault) => self.wait_after(&fault),
        }
    }

    async fn work_on_claim(&mut self) -> Duration {
        if self.status.borrow().steps.is_empty() {
            self.change(Status::begin);
        }
        match self.claim().await {
            Ok(Went::Through) => {
                self.failed = 0;
                self.show();
                self.change(|status| {
                    (status.fault, status.next_try_ms) = (None, None);
                    status.standing = Standing::Good;
                    status.done(Step::Sync, None);
                    status.claimed += 1;
                });
                tracing::info!("the claim is through; this box is a node of its chain");
                Duration::from_millis(plan::visit_wait_ms(self.setup.visit_ms, draw()))
            }
            Ok(Went::Waits(fault)) => {
                let wait = plan::claim_wait_ms(0, draw(), fault.retry_after_ms.or(Some(30_000)));
                self.change(|status| status.failed(&fault, Some(later(wait))));
                Duration::from_millis(wait)
            }
            Err(fault) if fault.code.is_passing() => {
                let wait = plan::claim_wait_ms(self.failed, draw(), fault.retry_after_ms);
                self.failed = self.failed.saturating_add(1);
                tracing::warn!(code = %fault.code, "the claim does not go on: {fault}");
                self.change(|status| status.failed(&fault, Some(later(wait))));
                Duration::from_millis(wait)
            }
            Err(fault) => {
                tracing::error!(code = %fault.code, "the claim ended: {fault}");
                self.give_up(&fault);
                self.show();
                self.change(|status| status.failed(&fault, None));
                Duration::from_millis(plan::visit_wait_ms(self.setup.visit_ms, draw()))
            }
        }
    }

    /// A claim that a hub refused for good is of no use any more. What stands between may be seen to, and the claim goes on.
    fn give_up(&mut self, fault: &Fault) {
        let is_refused = match fault.code {
            Code::ClaimNeeded | Code::AnswerUnusable => false,
            code => matches!(code.number() / 100, 2 | 4 | 5),
        };
        // A node that goes on with the certificate that it has needs no key for another one.
        let is_left_over = is_refused && self.ring.stage() == keyring::Stage::Renewing;
        if (is_left_over || matches!(fault.code, Code::KeyRefused | Code::KeyUnproved))
            && let Err(error) = self.ring.discard_next()
        {
            tracing::warn!(%error, "a key that was refused is still there");
        }
        if is_refused && let Err(error) = self.ring.discard_claim() {
            tracing::warn!(%error, "a claim that was refused is still there");
        }
    }

    /// How long to wait after a visit that failed, with what it says of this node's standing.
    fn wait_after(&mut self, fault: &Fault) -> Duration {
        let standing = match fault.code {
            Code::Suspended => Some(Standing::Suspended),
            Code::Banned => Some(Standing::Banned),
            Code::CertificateReplaced | Code::NodeUnknown => Some(Standing::Unknown),
            _ => None,
        };
        let draw = draw();
        let asked = fault.retry_after_ms.unwrap_or(0);
        let wait = match standing {
            Some(Standing::Banned) => Duration::from_secs(BANNED_VISIT.as_secs() + draw % 3_600),
            _ => Duration::from_millis(renewal::retry_after_ms(self.failed, draw, asked)),
        };
        self.failed = self.failed.saturating_add(1);
        self.show();
        let is_news =
            self.status.borrow().fault.as_ref().is_none_or(|last| last.code != fault.code.to_string());
        if is_news {
            tracing::warn!(code = %fault.code, "the hub was not visited; the shop goes on: {fault}");
        }
        self.change(|status| {
            status.standing = standing.unwrap_or(status.standing);
            let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            status.failed(fault, Some(later(wait)));
        });
        wait
    }

    fn chain(&self) -> Result<Chain, Fault> {
        let identity = self.ring.identity().map(|identity| identity.chain().clone());
        let introduced = || self.introduced.as_ref().map(|(_, chain)| chain.clone());
        identity
            .or_else(introduced)
            .ok_or_else(|| Fault::new(Code::HubNotTrusted, "no hub has proved itself yet"))
    }

    async fn connect(
        &self,
        address: &HubAddress,
        chain: &Chain,
        shows: Option<&Offer>,
    ) -> Result<Hub, Fault> {
        let roots = self.ring.roots().ok_or_else(|| of_ring(&KeyringError::NoRoots))?;
        let floor = self.setup.clock.floor();
        calls::connect(address, Believed { roots, chain, floor: &floor, banned: &self.banned }, shows).await
    }

    async fn hear_time(&mut self, hub: &mut Hub, chain: &Chain) -> Result<Timestamp, Fault> {
        let floor = self.setup.clock.floor();
        let roots = self.ring.roots().ok_or_else(|| of_ring(&KeyringError::NoRoots))?;
        let believed = Believed { roots, chain, floor: &floor, banned: &self.banned };
        let at = calls::time(hub, believed, &mut self.entropy).await?;
        self.setup.clock.hear(at).map_err(|error| of_disk(&error))?;
        self.change(|status| status.hub_time_ms = Some(at.0));
        Ok(at)
    }

    /// The claim, from where it is to where it gets.
    async fn claim(&mut self) -> Result<Went, Fault> {
        if self.ring.stage() == keyring::Stage::Certified {
            return self.settle().await.map(|()| Went::Through);
        }
        let Some(claim) = self.ring.claim().cloned() else { return Ok(Went::Through) };
        let serial = self.serial()?;
        let address = self.address(Some(&claim))?;
        self.change(|status| status.doing(Step::Network, None));
        if !hub::has_network() && !hub::is_here(&address) {
            return Err(Fault::new(Code::NoNetwork, "no address but the machine's own"));
        }
        let chain = self.introduce(&address, &claim).await?;
        self.change(|status| status.doing(Step::Clock, None));
        let mut hub = self.connect(&address, &chain, None).await?;
        let at = self.hear_time(&mut hub, &chain).await?;
        self.change(|status| {
            status.done(Step::Clock, Some(shown_time(at)));
            status.doing(Step::Key, None);
        });
        let key = self.ring.prepare(&mut self.entropy).map_err(|error| of_ring(&error))?;
        self.change(|status| {
            status.key = Some(key.fingerprint().short());
            status.done(Step::Key, Some(key.fingerprint().short()));
            status.doing(Step::Request, None);
        });
        let receipt_key = (self.setup.receipt_key)();
        let receipt_key = receipt_key.map_err(|reason| Fault::new(Code::DiskUnwritable, reason))?;
        let store = self.setup.store.as_ref();
        let asking = Asking { claim: &claim, serial: &serial, store, receipt_key };
        match calls::enrol(&mut hub, &asking, &key).await? {
            Heard::Wait { code, retry_after_s } => {
                let waits = Fault::new(code.unwrap_or(Code::WaitsForApproval), "");
                self.change(|status| {
                    status.done(Step::Request, Some(format!("as box {serial}")));
                    status.doing(Step::Approval, None);
                });
                Ok(Went::Waits(waits.not_before(Some(u64::from(retry_after_s) * 1_000))))
            }
            Heard::Refused { code, text } => Err(Fault::new(code.unwrap_or(Code::NoHub), text)),
            Heard::Issued(issued) => {
                self.change(|status| status.doing(Step::Certificate, None));
                let facts = self.ring.certify(issued).map_err(|error| of_ring(&error))?;
                self.is_of_this_store(&facts)?;
                self.settle().await.map(|()| Went::Through)
            }
        }
    }

    fn is_of_this_store(&self, facts: &Facts) -> Result<(), Fault> {
        let found = facts.identity.as_ref().and_then(Identity::store);
        match (&self.setup.store, found) {
            (Some(expected), Some(found)) if expected != found => Err(Fault::new(
                Code::ClaimOfOtherStore,
                format!("the certificate is for store `{found}`, and `store.id` is `{expected}`"),
            )),
            _ => Ok(()),
        }
    }

    /// Finds out that this is the claim's hub, once for each claim and start.
    async fn introduce(&mut self, address: &HubAddress, claim: &ClaimInput) -> Result<Chain, Fault> {
        let locator = claim.code().locator();
        if let Some((known, chain)) = &self.introduced
            && *known == locator
        {
            return Ok(chain.clone());
        }
        self.change(|status| {
            status.done(Step::Network, None);
            status.doing(Step::Hub, Some(address.to_string()));
        });
        let status = self.status.clone();
        let reached = move || status.send_modify(|status| status.doing(Step::Root, None));
        let (roots, chain) = calls::introduce(address, claim, &mut self.entropy, reached).await?;
        let shown = roots.facts().first().map(|root| root.key.short());
        self.trust(roots)?;
        self.change(|status| status.done(Step::Root, shown));
        self.introduced = Some((locator, chain.clone()));
        Ok(chain)
    }

    /// Believes new roots, and the old ones beside them as long as the certificate of the old ones is in use.
    fn trust(&mut self, roots: Roots) -> Result<(), Fault> {
        let is_known = |known: &Roots, root: &Fingerprint| known.have(root);
        let together = match self.ring.roots().filter(|_| self.ring.identity().is_some()) {
            Some(known) if roots.facts().iter().all(|root| is_known(known, &root.key)) => return Ok(()),
            Some(known) => {
                let old = known.certificates().iter().zip(known.facts());
                let old = old.filter(|(_, facts)| !roots.have(&facts.key)).map(|(root, _)| root.clone());
                let all = roots.certificates().iter().cloned().chain(old).collect();
                Roots::new(all).map_err(|error| Fault::of(Code::HubNotTrusted, &error))?
            }
            None => roots,
        };
        self.ring.trust(together).map_err(|error| of_ring(&error))
    }

    /// Shows the newest certificate to the hub. When it was taken, the one before goes, and the rest of the node gets what it needs.
    async fn settle(&mut self) -> Result<(), Fault> {
        let Some(offer) = self.ring.offers().first().map(|offer| Offer::clone(offer)) else { return Ok(()) };
        self.is_of_this_store(&offer.facts)?;
        let (address, chain) = (self.address(self.ring.claim())?, self.own_chain(&offer)?);
        self.change(|status| {
            if status.stage == Stage::Claiming {
                status.doing(Step::Certificate, None);
            }
        });
        let mut hub = self.connect(&address, &chain, Some(&offer)).await?;
        let settings = calls::settings(&mut hub, None).await?;
        // Before the claim goes, which may be all that says it.
        self.keep_hub(HUB, &address)?;
        self.ring.accepted(offer.generation).map_err(|error| of_ring(&error))?;
        self.forget_claims_hub();
        self.change(|status| {
            if status.stage == Stage::Claiming {
                let name = offer.facts.identity.as_ref().map(ToString::to_string);
                status.done(Step::Certificate, name);
                status.doing(Step::Sync, None);
            }
        });
        self.export()?;
        if let Some((settings, _)) = settings {
            // The next visit asks for them again, and for the list of bans.
            settings.keep(&self.setup.data).map_err(|error| of_disk(&error))?;
        }
        self.visited();
        self.show();
        Ok(())
    }

    fn own_chain(&self, offer: &Offer) -> Result<Chain, Fault> {
        match &offer.facts.identity {
            Some(identity) => Ok(identity.chain().clone()),
            None => self.chain(),
        }
    }

    /// Puts the certificate in use where the line to the hub and the broker read it: the key first, so that who reads between the two
    /// finds a pair that does not fit, and looks again.
    fn export(&self) -> Result<(), Fault> {
        let Some(offer) = self.ring.offers().last().copied() else { return Ok(()) };
        let data = &self.setup.data;
        let write = || {
            let key = offer.key.to_pem();
            files::settle(&files::private_key(data), key.as_bytes(), Access::Owner)?;
            let chain = certificate::to_pem(&offer.chain);
            files::settle(&files::certificate(data), chain.as_bytes(), Access::All)
        };
        write().map(drop).map_err(|error| of_disk(&error))
    }

    fn visited(&self) {
        let at = self.setup.clock.guess().0;
        self.change(|status| status.visited_ms = Some(at));
    }

    /// A visit of a node that has a certificate.
    async fn visit(&mut self) -> Result<(), Fault> {
        // A kill may have come between the keyring and the copies.
        self.export()?;
        if self.ring.stage() == keyring::Stage::Renewed {
            self.settle_or_fall_back().await?;
        }
        let Some(offer) = self.ring.offers().last().map(|offer| Offer::clone(offer)) else { return Ok(()) };
        let (address, chain) = (self.address(None)?, self.own_chain(&offer)?);
        let mut hub = self.connect(&address, &chain, Some(&offer)).await?;
        self.hear_time(&mut hub, &chain).await?;
        let is_due = plan::is_due(
            &offer.facts,
            self.setup.clock.guess(),
            self.setup.clock.judge(offer.facts.validity),
        );
        if is_due {
            self.renew(&mut hub, &offer).await?;
            // What follows is asked with the new one.
            hub = self.connect(&address, &chain, self.ring.offers().last().copied()).await?;
        }
        if let Some((settings, tag)) = calls::settings(&mut hub, self.settings_tag.as_deref()).await? {
            settings.keep(&self.setup.data).map_err(|error| of_disk(&error))?;
            if settings.revoked_number > self.banned.get().number() {
                self.fetch_bans(&mut hub, &chain).await?;
            }
            // Last: what was not done is told again with the next visit.
            self.settings_tag = tag;
        }
        self.visited();
        Ok(())
    }

    /// A new certificate that the hub does not take leaves the one in use.
    async fn settle_or_fall_back(&mut self) -> Result<(), Fault> {
        match self.settle().await {
            Err(fault) if matches!(fault.code, Code::NodeUnknown | Code::AnswerUnusable) => {
                tracing::warn!(code = %fault.code, "the next certificate is not taken; it is asked for anew");
                self.ring.discard_next().map_err(|error| of_ring(&error))
            }
            settled => settled,
        }
    }

    async fn renew(&mut self, hub: &mut Hub, offer: &Offer) -> Result<(), Fault> {
        let key = self.ring.prepare(&mut self.entropy).map_err(|error| of_ring(&error))?;
        self.show();
        let receipt_key = (self.setup.receipt_key)();
        let receipt_key = receipt_key.map_err(|reason| Fault::new(Code::DiskUnwritable, reason))?;
        match calls::renew(hub, offer, &key, receipt_key).await? {
            Heard::Issued(issued) => {
                self.ring.certify(issued).map_err(|error| of_ring(&error))?;
                self.settle().await?;
                tracing::info!("the certificate is renewed, and the hub takes the new one");
                Ok(())
            }
            Heard::Wait { code, retry_after_s } => {
                let fault = Fault::new(code.unwrap_or(Code::CannotIssue), "the renewal waits");
                Err(fault.not_before(Some(u64::from(retry_after_s) * 1_000)))
            }
            Heard::Refused { code, text } => Err(Fault::new(code.unwrap_or(Code::NoHub), text)),
        }
    }

    /// Fetches the list of who may not come in, keeps it, and lets it count.
    async fn fetch_bans(&mut self, hub: &mut Hub, chain: &Chain) -> Result<(), Fault> {
        let Some(store) = self.ring.identity().and_then(Identity::store).cloned() else { return Ok(()) };
        let floor = self.setup.clock.floor();
        let roots = self.ring.roots().ok_or_else(|| of_ring(&KeyringError::NoRoots))?;
        let believed = Believed { roots, chain, floor: &floor, banned: &self.banned };
        let (list, _) = calls::revoked(hub, &store, believed).await?;
        if list.number() == self.banned.get().number() {
            return Ok(());
        }
        let list = list.for_store(&store);
        let kept = files::replace(&bans_file(&self.setup.data), &list.encode(), Access::Owner);
        kept.map_err(|error| of_disk(&error))?;
        // There is one worker, so nobody has put a newer one there.
        let _ = self.banned.set(list);
        self.show();
        Ok(())
    }

    async fn as_node(&self) -> Result<(Hub, Chain), Fault> {
        let offer = self.ring.offers().last().map(|offer| Offer::clone(offer));
        let offer =
            offer.ok_or_else(|| Fault::new(Code::NotInThisState, "this box has no certificate yet"))?;
        let chain = self.own_chain(&offer)?;
        let hub = self.connect(&self.address(None)?, &chain, Some(&offer)).await?;
        Ok((hub, chain))
    }

    async fn device(&mut self, device: &Device, csr: &[u8]) -> Result<DevicePapers, Fault> {
        let (mut hub, _) = self.as_node().await?;
        let chain = calls::device(&mut hub, device.as_str(), csr).await?;
        let roots = self.ring.roots().ok_or_else(|| of_ring(&KeyringError::NoRoots))?;
        let verified = roots.verify(&chain, self.setup.clock.guess());
        let facts = verified.map_err(|error| Fault::of(Code::AnswerUnusable, &error))?;
        let named =
            matches!(&facts.identity, Some(Identity::Device { device: found, .. }) if found == device);
        if !named {
            return Err(Fault::new(Code::AnswerUnusable, "the certificate that came is for another device"));
        }
        Ok(DevicePapers { chain_pem: certificate::to_pem(&chain), roots_pem: roots.to_pem() })
    }

    async fn ban_device(&mut self, device: &Device) -> Result<(), Fault> {
        let (mut hub, _) = self.as_node().await?;
        calls::ban_device(&mut hub, device.as_str()).await
    }
}

fn later(wait_ms: u64) -> i64 {
    Worker::now_ms().saturating_add(i64::try_from(wait_ms).unwrap_or(i64::MAX))
}

fn is_device_of(what: &What, own: Option<&Store>) -> bool {
    matches!(what, What::Identity(Identity::Device { store, .. }) if Some(store) == own)
}

/// A time for people, in UTC, to the minute.
fn shown_time(at: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(at.0);
    time.map_or_else(|_| format!("{} ms", at.0), |time| time.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// Where the list of who may not come in is kept.
pub(crate) fn bans_file(data: &Path) -> PathBuf {
    files::folder(data).join("revoked")
}

/// The list that was kept; none where there is none that can be read, since the next visit fetches one.
pub(crate) fn kept_bans(data: &Path) -> RevocationList {
    let bytes = files::read(&bans_file(data), LIST_BYTES_MAX).ok().flatten();
    bytes.and_then(|bytes| RevocationList::decode(&bytes).ok()).unwrap_or_default()
}

/// A link of a code, where the root's fingerprint and the hub are known besides.
#[must_use]
pub fn with_root(code: ClaimInput, hub: Option<&HubAddress>, root: Option<Fingerprint>) -> ClaimInput {
    match (code, hub, root) {
        (ClaimInput::Code(code), Some(hub), Some(root)) => {
            ClaimInput::Link(ClaimLink { code, hub: hub.clone(), root })
        }
        (code, ..) => code,
    }
}

/// An address of a hub as people write it: with or without `https://`, with or without a port.
///
/// # Errors
/// When it is none.
pub fn hub_address(text: &str) -> Result<HubAddress, Fault> {
    let wrong = |text: &str| Fault::new(Code::HubUnnamed, format!("`{text}` is no address of a hub"));
    let plain = text.trim().trim_start_matches("https://").trim_end_matches('/');
    let parsed = plain.parse::<HubAddress>();
    parsed.or_else(|_| format!("{plain}:{PORT}").parse()).map_err(|_| wrong(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_is_named_with_and_without_its_port() {
        for text in ["hub.example", "https://hub.example/", "hub.example:8444"] {
            assert_eq!(hub_address(text).unwrap().to_string(), "hub.example:8444", "{text}");
        }
        assert_eq!(hub_address("10.1.2.3:9").unwrap().to_string(), "10.1.2.3:9");
        assert_eq!(hub_address("no hub at all").unwrap_err().code, Code::HubUnnamed);
    }
}
