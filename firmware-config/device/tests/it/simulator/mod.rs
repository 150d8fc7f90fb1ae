//! Simulated devices against a real broker, and scenarios.

mod broker;
mod devices;
mod faults;
mod load;
mod scenarios;
mod truth;

use aisle_device::simulator::{Progress, Scenario, SimHandle, Simulation, Summary, Target};
use std::thread::JoinHandle;
use tokio::{runtime, sync::oneshot};

pub const SEED: u64 = 20_261_121;

/// A simulation that runs beside the test.
pub struct Running {
    pub handle: SimHandle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Summary>>,
}

impl Running {
    pub fn start(scenario: &str, port: u16) -> Self {
        Self::start_with(Scenario::parse(scenario).unwrap(), port)
    }

    pub fn start_with(scenario: Scenario, port: u16) -> Self {
        println!("seed {SEED}");
        let simulation = Simulation::new(scenario, SEED, target(port));
        let handle = simulation.handle();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let executor = runtime::Builder::new_current_thread().enable_all().build().unwrap();
            executor
                .block_on(simulation.run(async {
                    let _ = stopped.await;
                }))
                .unwrap()
        });
        Self { handle, stop: Some(stop), thread: Some(thread) }
    }

    pub fn stop(mut self) -> Progress {
        self.end().unwrap().progress
    }

    fn end(&mut self) -> Option<Summary> {
        drop(self.stop.take());
        Some(self.thread.take()?.join().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
        }
    }
}

pub fn target(port: u16) -> Target {
    Target { host: "127.0.0.1".into(), port, store: "s1".into(), user: None, password: None }
}
