//! The threads that devices live on, and the room that they need.
//!
//! A device is not `Send`, as on hardware; so each thread has an executor of its own and keeps its devices to the end.

use super::{
    Shared, SimulationError,
    life::{Being, impostor, live},
    scenario::{FaultKind, Scenario},
};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    io,
    num::NonZero,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::{runtime, sync::watch, task::LocalSet};

/// Threads at most.
const THREADS_MAX: usize = 8;
/// Files that are open beside the devices' sockets.
const FILES_BESIDE: u64 = 128;

/// Raises the limit of open files as far as it must be raised and may be.
pub(super) fn make_room(devices: u64) -> Result<(), SimulationError> {
    let limit = getrlimit(Resource::Nofile);
    let needed = devices.saturating_mul(2).min(devices + 1_000) + FILES_BESIDE;
    let Some(current) = limit.current.filter(|current| *current < needed) else { return Ok(()) };
    let raised = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
    // Where it cannot be raised it is as it was, which the next line looks at.
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum })
        .map_or(current, |()| raised);
    if raised < devices + FILES_BESIDE {
        return Err(SimulationError::OpenFiles { devices, may: raised });
    }
    Ok(())
}

pub(super) fn start(
    scenario: &Scenario,
    shared: &Arc<Shared>,
    stopping: &watch::Receiver<bool>,
) -> Result<Vec<JoinHandle<()>>, SimulationError> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX);
    let within_s = scenario.simulation.connect_within_s;
    let mut started = Vec::with_capacity(threads);
    for shard in 0..threads {
        let executor = runtime::Builder::new_current_thread().enable_all().build();
        let executor = executor.map_err(SimulationError::Thread)?;
        let (shared, mut stopping) = (Arc::clone(shared), stopping.clone());
        let run = move || {
            let local = LocalSet::new();
            populate(&local, &shared, shard, threads, within_s);
            executor.block_on(local.run_until(async {
                // When whoever could stop it is gone, it is stopped.
                drop(stopping.wait_for(|stopped| *stopped).await);
            }));
        };
        let thread = thread::Builder::new().name(format!("devices-{shard}")).spawn(run);
        started.push(thread.map_err(SimulationError::Thread)?);
    }
    Ok(started)
}

fn populate(local: &LocalSet, shared: &Arc<Shared>, shard: usize, shards: usize, within_s: f64) {
    let (devices, faults) = {
        let world = shared.world();
        (world.devices(), Arc::clone(&world.faults))
    };
    let mut rng = ChaCha8Rng::seed_from_u64(shared.seed ^ shard as u64);
    for index in (shard..devices.len()).step_by(shards) {
        let Some(plan) = devices.get(index).cloned() else { continue };
        let own = faults.of(index);
        let after = Duration::from_secs_f64(rng.random_range(0.0..=within_s));
        for window in own.iter().filter(|window| window.kind == FaultKind::TwoDevicesOneId).copied() {
            let (shared, plan) = (Arc::clone(shared), plan.clone());
            local.spawn_local(async move {
                let serial = format!("{:08x}-other", plan.index);
                let being = Being { plan: &plan, faults: Vec::new(), serial };
                impostor(&shared, &being, window).await;
            });
        }
        let shared = Arc::clone(shared);
        local.spawn_local(async move {
            let serial = format!("{:08x}", plan.index);
            let being = Being { plan: &plan, faults: own, serial };
            live(&shared, &being, after).await;
        });
    }
}

/// Waits for the threads to end, which they do at once when they are told to.
pub(super) async fn join(threads: Vec<JoinHandle<()>>) {
    let joined = tokio::task::spawn_blocking(move || {
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of simulated devices panicked");
            }
        }
    });
    if let Err(error) = joined.await {
        tracing::error!(error = %io::Error::other(error), "the threads of simulated devices were not waited for");
    }
}
