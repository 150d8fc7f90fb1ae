//! How a box becomes the node of its store and stays it: the claim step by step, renewals, the hub's time, bans, the first page.
//!
//! ```text
//! installer ─ code ─> page | command ─> Enrolment ─ command ─> Worker (its own thread) ──HTTPS──> hub, the enrolment listener
//!                        ^──────── Status ─────────────┘            └─> DATA/identity: keys, roots, settings, time, bans
//! ```
//!
//! Lives here: what is asked of the hub and when, in which order, what is shown of it. Not here: what certificates, claims and lists are
//! (`aisle-provisioning`), what the line to the hub does with them (`aisle-transport`), wiring (`aisle-node`).
//! Guards invariants 5 (nothing in the shop waits for any of this) and 7 (no clock that lies keeps a store from its hub).

mod calls;
pub mod clock;
pub mod fault;
pub mod files;
mod hub;
pub mod page;
mod plan;
pub mod serial;
pub mod settings;
pub mod status;
pub mod step;
mod tls;
pub mod worker;

pub use clock::Clock;
pub use fault::{Fault, FaultReport};
pub use settings::LineSettings;
pub use status::{Stage, Standing, Status};
pub use worker::{DevicePapers, IsArtefactRoot, Setup, Worker, hub_address, with_root};

use aisle_event::Timestamp;
use aisle_provisioning::{
    certificate::Facts,
    claim::{ClaimInput, HubAddress},
    code::Code,
    device::{RevocationBoard, Revocations as _},
    disk::RealDisk,
    identity::{Device, Identity},
    keyring::{Keyring, KeyringError},
};
use std::{path::Path, sync::Arc, thread};
use tokio::sync::{mpsc, oneshot, watch};
use worker::Command;

/// Commands that wait; a further one is refused.
const COMMANDS_MAX: usize = 8;

/// Why the identity cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder.
    #[error("the folder of the identity cannot be used")]
    File(#[from] files::FileError),
    /// What is in it.
    #[error(
        "the node's own keys cannot be used\nhint: put `identity` back from a backup, or ask headquarters for a new claim and remove the folder"
    )]
    Keyring(#[source] Box<KeyringError>),
}

impl From<KeyringError> for OpenError {
    fn from(error: KeyringError) -> Self {
        Self::Keyring(Box::new(error))
    }
}

/// The enrolment of a running node. Clones are one.
#[derive(Clone)]
pub struct Enrolment {
    status: watch::Receiver<Status>,
    commands: mpsc::Sender<Command>,
    clock: Clock,
    banned: RevocationBoard,
}

/// Opens what the folder holds: the handle for the rest of the node, and the one who works.
///
/// # Errors
/// When keys that are there cannot be read. Nothing is written over then.
pub fn open(setup: Setup) -> Result<(Enrolment, Worker), OpenError> {
    let folder = files::folder(&setup.data);
    let lock = files::Lock::take(&setup.data)?;
    let ring = Keyring::open(Arc::new(RealDisk), &folder, None)?;
    let banned = RevocationBoard::new(worker::kept_bans(&setup.data));
    let (sender, status) = watch::channel(Status::default());
    let (commands, inbox) = mpsc::channel(COMMANDS_MAX);
    let clock = setup.clock.clone();
    let worker = Worker::new(setup, sender, inbox, ring, banned.clone(), lock);
    Ok((Enrolment { status, commands, clock, banned }, worker))
}

/// Who this node is by the files alone, beside a node that runs or without one; nothing for a box that is not claimed.
///
/// # Errors
/// When the certificate is there and cannot be read.
pub fn identity_on_disk(data: &Path) -> Result<Option<Facts>, OpenError> {
    let path = files::certificate(data);
    let Some(pem) = files::read(&path, 1 << 20)? else { return Ok(None) };
    let unusable = |source| KeyringError::Certificate { path: path.clone(), source };
    let chain = aisle_provisioning::certificate::from_pem(&pem).map_err(unusable)?;
    let Some(own) = chain.first() else { return Ok(None) };
    Ok(Some(Facts::read(own).map_err(unusable)?))
}

impl Worker {
    /// Works on a thread of its own, within the runtime that this is called in, until `stopping` turns true.
    ///
    /// # Errors
    /// When there is no thread.
    pub fn start(self, stopping: watch::Receiver<bool>) -> std::io::Result<thread::JoinHandle<()>> {
        let runtime = tokio::runtime::Handle::current();
        thread::Builder::new()
            .name("aisle-identity".into())
            .spawn(move || runtime.block_on(self.run(stopping)))
    }
}

impl Enrolment {
    /// How the node stands now.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// The same, now and whenever it changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// The time as the node knows it.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Whether a certificate that came through TLS was taken back.
    #[must_use]
    pub fn is_banned(&self, certificate: &[u8]) -> bool {
        Facts::read(certificate).is_ok_and(|facts| self.banned.refuses(&facts, &[]))
    }

    /// The devices of a store that may not come in.
    #[must_use]
    pub fn banned_devices(&self) -> Vec<String> {
        use aisle_provisioning::device::revocation::What;
        let of = |what| match what {
            What::Identity(Identity::Device { device, .. }) => Some(device.to_string()),
            _ => None,
        };
        self.banned.get().entries().filter_map(|entry| of(entry.what)).collect()
    }

    async fn command<T>(
        &self,
        make: impl FnOnce(oneshot::Sender<Result<T, Fault>>) -> Command,
    ) -> Result<T, Fault> {
        let (sender, answer) = oneshot::channel();
        let busy =
            || Fault::new(Code::NotInThisState, "the box is busy with another claim; try again in a minute");
        self.commands.try_send(make(sender)).map_err(|_| busy())?;
        answer.await.map_err(|_| busy())?
    }

    /// Takes a claim. It is kept when this returns; how it goes on, the status says.
    ///
    /// # Errors
    /// When nobody has said where the hub is, or the box does not know itself, or its disk takes nothing.
    pub async fn claim(&self, claim: ClaimInput, hub: Option<HubAddress>) -> Result<(), Fault> {
        self.command(|answer| Command::Claim(Box::new(claim), hub, answer)).await
    }

    /// Goes on with a claim that stopped, now.
    ///
    /// # Errors
    /// When the worker is busy.
    pub fn again(&self) -> Result<(), Fault> {
        let busy = |_| Fault::new(Code::NotInThisState, "the box is busy; try again in a minute");
        self.commands.try_send(Command::Again).map_err(busy)
    }

    /// A certificate for a device of this store, for its request in DER.
    ///
    /// # Errors
    /// When the hub is not reached, or says no.
    pub async fn device(&self, device: Device, csr: Vec<u8>) -> Result<DevicePapers, Fault> {
        self.command(|answer| Command::Device(device, csr, answer)).await
    }

    /// Takes a device's certificates back.
    ///
    /// # Errors
    /// When the hub is not reached, or says no.
    pub async fn ban_device(&self, device: Device) -> Result<(), Fault> {
        self.command(|answer| Command::BanDevice(device, answer)).await
    }

    /// What staff should see, with what to do; whether it is urgent.
    #[must_use]
    pub fn alert(&self) -> Option<(bool, String)> {
        self.status.borrow().alert(self.clock.guess().0)
    }
}

/// A time that has been when this was written: what a box knows that has heard nothing yet.
pub const BUILT: Timestamp = Timestamp(1_795_219_200_000);
