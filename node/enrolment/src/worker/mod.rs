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

mod claims;
mod visits;

pub use claims::{hub_address, with_root};
pub(crate) use visits::kept_bans;

use crate::{
    calls::{self, Believed},
    clock::Clock,
    fault::Fault,
    files::{self, Access, Lock},
    hub::Hub,
    plan,
    status::{Stage, Standing, Status},
};
use aisle_event::Timestamp;
use aisle_provisioning::{
    certificate::Facts,
    claim::{ClaimInput, HubAddress, Locator},
    code::Code,
    device::{RevocationBoard, revocation::What},
    entropy::SystemEntropy,
    identity::{Chain, Device, Identity, Serial, Store},
    keyring::{self, Keyring, KeyringError, Offer},
    renewal,
    time::Verdict,
};
use std::{path::PathBuf, sync::Arc, time::Duration};
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

/// Whether a root of signed artefacts can be trusted; else why not.
pub type IsArtefactRoot = Arc<dyn Fn(&[u8]) -> Result<(), String> + Send + Sync>;

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
    /// Whether the bytes are a root of signed artefacts that its own keys have signed; else why not. The first one that passes is kept.
    pub is_artefact_root: IsArtefactRoot,
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
}

fn later(wait_ms: u64) -> i64 {
    Worker::now_ms().saturating_add(i64::try_from(wait_ms).unwrap_or(i64::MAX))
}

fn is_device_of(what: &What, own: Option<&Store>) -> bool {
    matches!(what, What::Identity(Identity::Device { store, .. }) if Some(store) == own)
}
