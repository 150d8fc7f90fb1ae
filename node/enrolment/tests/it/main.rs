//! The node's side of enrolment against a hub over real TLS: the hub's answers are made by the crate that the real hub makes them by.
//!
//! Not here: the real hub, which the whole node is tested with (`tests/e2e`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test says what it expects by failing"
)]

mod claims;
mod hub;
mod visits;

use aisle_enrolment::{BUILT, Clock, Enrolment, Setup, Stage, Status, Worker, files, open};
use aisle_event::Timestamp;
use aisle_provisioning::{
    claim::HubAddress,
    identity::{Serial, Store},
};
use std::{path::Path, sync::Arc, thread::JoinHandle, time::Duration};
use tokio::sync::watch;

/// How long anything may take that comes about by itself.
const PATIENCE: Duration = Duration::from_secs(30);
const STORE: &str = "berlin-12";
const SERIAL: &str = "box-1";

/// What the clock of the box shows.
fn wall() -> Timestamp {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(now.as_millis()).unwrap())
}

fn setup(data: &Path, hub: Option<HubAddress>) -> Setup {
    Setup {
        data: data.into(),
        serial: Serial::new(SERIAL).ok(),
        store: None,
        hub,
        receipt_key: Arc::new(|| Ok([7; 32])),
        is_artefact_root: Arc::new(|_| Ok(())),
        clock: Clock::open(&files::folder(data), BUILT, Arc::new(wall)),
        visit_ms: 200,
    }
}

/// A box that works on its thread until this is dropped.
struct Running {
    enrolment: Enrolment,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start(setup: Setup) -> Self {
        let (enrolment, worker) = open(setup).unwrap();
        let (stop, stopping) = watch::channel(false);
        let thread = Some(worker.start(stopping).unwrap());
        Self { enrolment, stop, thread }
    }

    async fn until(&self, what: &str, is: impl Fn(&Status) -> bool) -> Status {
        let mut status = self.enrolment.watch();
        let found = tokio::time::timeout(PATIENCE, status.wait_for(|status| is(status))).await;
        match found {
            Ok(Ok(status)) => status.clone(),
            _ => panic!("{what} did not come about: {:#?}", self.enrolment.status()),
        }
    }

    async fn active(&self) -> Status {
        self.until("an active node", |status| status.stage == Stage::Active && status.claimed > 0).await
    }

    /// Stops it and waits for its end, without keeping the runtime from working.
    async fn end(mut self) {
        self.stop.send_replace(true);
        let thread = self.thread.take().unwrap();
        tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// A box that has not begun to work.
fn at_rest(data: &Path, hub: Option<HubAddress>) -> (Enrolment, Worker) {
    open(setup(data, hub)).unwrap()
}

fn store() -> Store {
    Store::new(STORE).unwrap()
}
