//! A simulation that runs beside a measurement.

use super::broker::{Broker, STORE};
use aisle_device::simulator::{Scenario, SimHandle, Simulation, Summary, Target};
use anyhow::{Result, bail, ensure};
use std::{
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Where everything random comes from.
pub(super) const SEED: u64 = 20_261_121;
/// How long all devices may take to connect.
const CONNECTING_MAX: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(50);

/// Devices that live in this process until this is stopped.
pub(super) struct Devices {
    pub(super) handle: SimHandle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<Summary>>>,
}

impl Devices {
    /// Lets them loose on a broker and waits until all are connected.
    pub(super) fn start(scenario: Scenario, broker: &Broker) -> Result<Self> {
        let target = Target {
            host: broker.address.ip().to_string(),
            port: broker.address.port(),
            store: STORE.into(),
            user: None,
            password: None,
        };
        let simulation = Simulation::new(scenario, SEED, target);
        let handle = simulation.handle();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let stopped = async {
                // That whoever could stop it is gone stops it too.
                let _ = stopped.await;
            };
            Ok(runtime.block_on(simulation.run(stopped))?)
        });
        let devices = Self { handle, stop: Some(stop), thread: Some(thread) };
        let deadline = Instant::now() + CONNECTING_MAX;
        loop {
            let progress = devices.handle.progress();
            if progress.connected >= progress.devices {
                return Ok(devices);
            }
            let ended = devices.thread.as_ref().is_none_or(JoinHandle::is_finished);
            ensure!(!ended, "the simulation ended early: {:?}", devices.stop());
            ensure!(Instant::now() < deadline, "not all devices connected: {progress:?}");
            thread::sleep(POLL);
        }
    }

    /// Stops them as a power cut does.
    pub(super) fn stop(mut self) -> Result<Summary> {
        drop(self.stop.take());
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(summary)) => summary,
            _ => bail!("the simulation panicked"),
        }
    }
}
