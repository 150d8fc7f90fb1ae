//! The service: what devices say over MQTT becomes events, and what people want of devices becomes messages.
//!
//! It is a client of the node's own broker with a session that is kept, so that nothing is lost while it is not there. One loop
//! takes what has come, makes one batch of events of it, and acknowledges when the batch is durable. What is decided about a
//! device comes from the register ([`crate::registry`]), a fold of the same journal; nothing else is remembered but rates and the
//! last words of devices.
//!
//! Rules that are kept here:
//! - One failing device holds up nobody: what it sends is dropped, counted, and said in the journal at most once an hour for
//!   each kind of problem.
//! - Above its rate a device loses numbers first, tags and scans after them, and never what it says of itself.
//! - What a broker had retained makes a device heard, not there: a ghost is never online for long.
//! - Settings are published with an expiry and again as long as they are wanted; what is retained of a retired device is cleared,
//!   also when it publishes again.
//!
//! Not here: payloads (`aisle-firmware-config`), sums of readings ([`crate::telemetry`]).
//! Guards invariant 1 (`run`), 6 (every bound is in [`Config`] or beside its use), and 7 (`clocks`).

mod batch;
mod bucket;
mod clocks;
mod config;
mod control;
mod describe;
mod ear;
mod error;
mod label;
mod preview;
mod profiles;
mod reconcile;
mod run;
mod settings;
mod telemetry;
mod track;

pub use config::{COMMAND_TIMEOUT_S, Config, InvalidConfig};
pub use control::{ClockOf, CommandOutcome, Control, StreamPlacement, ViewOf};
pub use error::ControlError;
pub use label::Shown;
pub use preview::{HeardDevice, HeardStream, Preview};
pub use profiles::{LoadedProfiles, ProfileDir, RefusedProfile};

use aisle_broker::Broker;
use aisle_firmware_config::profile::Profiles;
use aisle_journal::Journal;
use prometheus_client::registry::Registry;
use std::sync::{Arc, Mutex};
use tokio::{sync::watch, task::JoinHandle, time::Instant};

/// Wakes the loop when there is something to publish.
type Waker = Arc<tokio::sync::Notify>;

/// The service.
#[derive(Debug)]
pub struct Service;

/// The service's task. It ends when this is dropped.
#[derive(Debug)]
pub struct Running(JoinHandle<Failed>);

/// Why the service ended: the journal takes nothing more. The process must exit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("devices are not listened to any more: {0}")]
pub struct Failed(String);

impl Service {
    /// Starts listening, within a tokio runtime. Messages are heard at once, and looked at when `view` shows all that the journal holds
    /// then.
    ///
    /// `store` is the store's name in topics. `view` gives the register as it is now, `now` the node's clock.
    ///
    /// # Errors
    /// When a setting is refused.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is another part of the node, and there is one caller"
    )]
    pub fn start(
        broker: Broker,
        journal: Journal,
        store: &str,
        profiles: Arc<Profiles>,
        view: ViewOf,
        now: ClockOf,
        config: Config,
        registry: &mut Registry,
    ) -> Result<(Control, Running), InvalidConfig> {
        config.validate()?;
        let metrics = telemetry::Metrics::register(registry);
        let (sender, receiver) = watch::channel(Arc::clone(&profiles));
        let ear = ear::Ear::new(config.clone(), store.to_owned(), profiles, metrics.clone(), 0);
        let shared = Arc::new(control::Shared {
            journal,
            store: store.to_owned(),
            view,
            now,
            config,
            wake: Waker::default(),
            client: Mutex::default(),
            listens: watch::Sender::new(false),
            preview: Mutex::default(),
            profiles: sender,
            refused_profiles: Mutex::new(Arc::from([])),
            turn: tokio::sync::Mutex::default(),
        });
        let runner = run::Runner {
            shared: Arc::clone(&shared),
            broker,
            ear,
            metrics,
            profiles: receiver,
            started: Instant::now(),
            reconcile: reconcile::Reconcile::default(),
            asked_again: None,
            shed_before: 0,
        };
        Ok((Control(shared), Running(tokio::spawn(runner.run()))))
    }
}

impl Running {
    /// Comes back when the service has ended by itself, and says why.
    pub async fn failed(&mut self) -> Failed {
        match (&mut self.0).await {
            Ok(failed) => failed,
            Err(error) => Failed(error.to_string()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}
