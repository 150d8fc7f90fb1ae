//! Hundreds of devices in one process, over real MQTT, from a scenario and a seed.
//!
//! ```text
//! scenario ─> world: the floor, faults, truth ──> truth file, happenings
//!               │ what sensors make of it
//!               ▼
//!   life: board (the firmware's core) or talker (everybody else) ─> wire ─> mqtt ─> broker
//! ```
//! Each device is one future on one of a few threads: a device of the contract runs the very tasks that run on hardware. Time is real
//! time multiplied by a speed.
//!
//! Not here: the node. It is told nothing but what devices publish; what tills, deliveries and counts would tell it comes
//! out of [`SimHandle::happenings`], and whoever runs both tells it. TLS is not spoken: the simulator is for a broker on the same
//! machine.

mod board;
mod contract;
mod count;
mod flash;
mod handle;
mod life;
mod mqtt;
mod phrase;
mod scenario;
mod shard;
mod signal;
mod talker;
mod time;
mod truth;
mod wire;
mod world;

pub use count::Progress;
pub use handle::{SimHandle, SimulatedDevice, Watched};
pub use scenario::{
    BUILTIN, Builtin, DEVICES_MAX, DeviceGroup, Encoding, FAULTS_MAX, FaultConfig, FaultKind, Model,
    MqttConfig, SCENARIO_BYTES_MAX, Scenario, ScenarioError, SimulationConfig, builtin,
};

use count::Counts;
use scenario::milliseconds;
use std::{
    collections::BTreeSet,
    future::Future,
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use time::SimTime;
use tokio::sync::watch;
use world::World;

/// The floor moves on so often, in real time.
const TICK: Duration = Duration::from_millis(50);
/// The truth reaches its file at least so often, in real time.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// A truth without devices ends after so much simulated time when the scenario does not say.
const TRUTH_S: f64 = 3_600.0;

/// Which broker the devices connect to, and as whose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The host's name or address.
    pub host: String,
    /// The port of plain MQTT.
    pub port: u16,
    /// The store whose devices they are: the second level of their topics.
    pub store: String,
    /// The user instead of the scenario's; `%device%` stands for the id of a device.
    pub user: Option<String>,
    /// The password instead of the scenario's.
    pub password: Option<String>,
}

/// Why a simulation cannot run, or ended.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The truth cannot be written.
    #[error("the truth cannot be written")]
    Truth(#[source] io::Error),
    /// A thread or what it needs cannot be had.
    #[error("a thread for the devices cannot be started")]
    Thread(#[source] io::Error),
    /// Every device needs a socket.
    #[error(
        "{devices} devices need as many open files, and this process may have {may}\nhint: raise `ulimit -n`"
    )]
    OpenFiles {
        /// How many devices there are.
        devices: u64,
        /// How many files may be open.
        may: u64,
    },
}

/// What a simulation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// How it stood when it was stopped.
    pub progress: Progress,
    /// When it started, in milliseconds since 1970: the zero of the truth's `at_ms`, which counts simulated time.
    pub started_ms: i64,
}

/// What all devices share.
struct Shared {
    seed: u64,
    target: Target,
    mqtt: MqttConfig,
    time: SimTime,
    counts: Counts,
    device_count: u64,
    world: Mutex<World>,
    /// Devices that somebody took off their network, by their numbers in the scenario.
    unplugged: watch::Sender<BTreeSet<usize>>,
}

impl Shared {
    /// Only ever held for a moment, and never across an await.
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn progress(&self) -> Progress {
        self.counts.read(self.time.now_ms(), self.device_count)
    }
}

type Report = (Duration, Box<dyn FnMut(Progress) + Send>);

/// A simulation that can be run.
pub struct Simulation {
    scenario: Scenario,
    shared: Arc<Shared>,
    report: Option<Report>,
}

impl Simulation {
    /// Everything in place, nothing connected. A scenario that was changed after [`Scenario::parse`] is to be checked again
    /// ([`Scenario::validate`]).
    #[must_use]
    pub fn new(scenario: Scenario, seed: u64, target: Target) -> Self {
        let shared = Shared {
            seed,
            target,
            mqtt: scenario.mqtt.clone(),
            time: SimTime::new(scenario.simulation.speed),
            counts: Counts::default(),
            device_count: u64::from(scenario.device_count()),
            world: Mutex::new(World::new(&scenario, seed)),
            unplugged: watch::Sender::default(),
        };
        Self { scenario, shared: Arc::new(shared), report: None }
    }

    /// Writes down what truly is, as JSON lines (see the module `truth`).
    ///
    /// # Errors
    /// When its beginning cannot be written.
    pub fn with_truth(self, out: Box<dyn Write + Send>) -> Result<Self, SimulationError> {
        let told = self.shared.world().tell(out, &self.scenario, self.shared.seed);
        told.map_err(SimulationError::Truth)?;
        Ok(self)
    }

    /// Calls back so often, in real time, while it runs.
    #[must_use]
    pub fn on_progress(mut self, every: Duration, report: impl FnMut(Progress) + Send + 'static) -> Self {
        self.report = Some((every, Box::new(report)));
        self
    }

    /// A way to look at it and to interfere, before and while it runs.
    #[must_use]
    pub fn handle(&self) -> SimHandle {
        SimHandle::new(Arc::clone(&self.shared))
    }

    /// Runs until `stop` comes back or the scenario's time is over. Devices then vanish without a word, as in a power cut. To be called on a
    /// tokio runtime with time; the devices live on threads of their own.
    ///
    /// # Errors
    /// When it cannot start, or the truth cannot be written.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<Summary, SimulationError> {
        shard::make_room(self.shared.device_count)?;
        let started_ms = time::unix_ms();
        self.shared.time.start();
        let (stopped, stopping) = watch::channel(false);
        let threads = shard::start(&self.scenario, &self.shared, &stopping)?;
        let ended = tokio::select! {
            ended = self.tick() => ended,
            () = stop => Ok(()),
        };
        let progress = self.shared.progress();
        // Threads that have ended by themselves do not listen any more.
        let _ = stopped.send(true);
        shard::join(threads).await;
        ended.map_err(SimulationError::Truth)?;
        self.shared.world().flush().map_err(SimulationError::Truth)?;
        Ok(Summary { progress, started_ms })
    }

    /// Lets the floor live. Comes back when the scenario's time is over.
    async fn tick(&mut self) -> io::Result<()> {
        let end_ms = self.scenario.simulation.duration_s.map_or(u64::MAX, milliseconds);
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut flushed = Instant::now();
        let mut reported = Instant::now();
        loop {
            ticks.tick().await;
            let now_ms = self.shared.time.now_ms().min(end_ms);
            self.shared.world().advance_to(now_ms, &self.shared.counts)?;
            if flushed.elapsed() >= FLUSH_EVERY {
                flushed = Instant::now();
                self.shared.world().flush()?;
            }
            if let Some((every, report)) = &mut self.report
                && reported.elapsed() >= *every
            {
                reported = Instant::now();
                report(self.shared.progress());
            }
            if now_ms >= end_ms {
                return Ok(());
            }
        }
    }
}

/// Writes the truth of a scenario without any device: what a simulation of it would write, when nobody interferes. For the
/// scenario's duration, or an hour.
///
/// # Errors
/// When it cannot be written.
pub fn write_truth(
    scenario: &Scenario,
    seed: u64,
    out: Box<dyn Write + Send>,
) -> Result<(), SimulationError> {
    let mut world = World::new(scenario, seed);
    world.tell(out, scenario, seed).map_err(SimulationError::Truth)?;
    let end_ms = milliseconds(scenario.simulation.duration_s.unwrap_or(TRUTH_S));
    world.advance_to(end_ms, &Counts::default()).map_err(SimulationError::Truth)?;
    world.flush().map_err(SimulationError::Truth)
}
