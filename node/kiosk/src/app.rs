//! What every handler shares, and how a change becomes an answer: event, commit, snapshot, 2xx.
//!
//! Guards invariant 1: nothing here answers a write before the commit that holds it is durable.

use crate::{
    Kiosk,
    catalogue::Catalogue,
    config::Config,
    engine::Engine,
    http::{problem::Problem, telemetry::Telemetry},
    locks::Locks,
    pricing::Pricing,
};
use aisle_event::{Event, Timestamp};
use aisle_journal::{Entry, Journal};
use aisle_state::{Shop, State};
use axum::body::Bytes;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{sync::Semaphore, time::timeout};

/// How long a write waits for its effect to be visible, in milliseconds, after it is durable.
const APPLIED_WITHIN_MS: u64 = 5_000;

/// How many checkouts and ends of sessions run at once.
const FINISHING_MAX: usize = 256;

/// The kiosk. Clones share everything.
#[derive(Clone)]
pub(crate) struct App(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) state: State,
    pub(crate) journal: Journal,
    pub(crate) engine: Engine,
    pub(crate) pricing: Pricing,
    pub(crate) catalogue: Catalogue,
    pub(crate) config: Config,
    pub(crate) locks: Locks,
    pub(crate) telemetry: Telemetry,
    /// There is a staff board.
    pub(crate) has_staff: bool,
    /// The OpenAPI document, in JSON.
    pub(crate) document: Bytes,
    /// One permit for each request that is being worked on.
    pub(crate) room: Semaphore,
    /// One permit for each change that runs to its end.
    finishing: Arc<Semaphore>,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    pub(crate) fn new(kiosk: Kiosk, has_staff: bool, telemetry: Telemetry, document: Bytes) -> Self {
        Self(Arc::new(Shared {
            state: kiosk.state,
            journal: kiosk.journal,
            engine: Engine::new(kiosk.recommender, kiosk.plugins.clone()),
            pricing: Pricing::new(kiosk.plugins),
            catalogue: Catalogue::default(),
            locks: Locks::default(),
            room: Semaphore::new(kiosk.config.concurrent_requests_max),
            finishing: Arc::new(Semaphore::new(FINISHING_MAX)),
            config: kiosk.config,
            telemetry,
            has_staff,
            document,
            now: kiosk.now,
        }))
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// The shop as it is now.
    pub(crate) fn shop(&self) -> Arc<Shop> {
        self.state.shop()
    }

    /// Commits events together, waits until the snapshot shows them, and gives the last one's sequence number.
    pub(crate) async fn commit(&self, events: &[Event]) -> Result<u64, Problem> {
        let last = self.durable(events).await?;
        self.applied(last).await?;
        Ok(last)
    }

    /// Commits events together, and gives the last one's sequence number. The snapshot may not show them yet.
    pub(crate) async fn durable(&self, events: &[Event]) -> Result<u64, Problem> {
        let ticket = self.journal.submit(entries(events)).map_err(|error| submit_problem(&error))?;
        ticket.await.map(|committed| committed.last).map_err(|error| stopped(&error))
    }

    /// Waits, for a bounded time, until the snapshot holds a record.
    pub(crate) async fn applied(&self, seq: u64) -> Result<(), Problem> {
        match timeout(Duration::from_millis(APPLIED_WITHIN_MS), self.state.wait_applied(seq)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(stopped(&error)),
            Err(_) => Err(Problem::busy("it is recorded but not yet visible").retry_after_s(2)),
        }
    }

    /// Hands an observation (an impression, a view, a search) to the journal without waiting. It is given up, and
    /// counted, when the queue is full: it is worth less than the page it would delay.
    pub(crate) fn observe(&self, event: Event) {
        if self.journal.submit(entries(&[event])).is_err() {
            self.telemetry.dropped();
        }
    }

    /// Runs a change to its end even when the client goes away, so that its locks outlast its commit. At most
    /// [`FINISHING_MAX`] run at once; a further one is refused.
    pub(crate) async fn finish<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        let Ok(room) = self.finishing.clone().try_acquire_owned() else {
            return Err(Problem::busy("too many baskets are being paid; try again").retry_after_s(1));
        };
        let change = async move {
            let outcome = change.await;
            drop(room);
            outcome
        };
        match tokio::spawn(change).await {
            Ok(outcome) => outcome,
            Err(error) => {
                self.telemetry.panicked(&error.to_string());
                Err(Problem::internal("something went wrong inside; it was logged"))
            }
        }
    }

    /// Runs a read of the index, which may touch the disk, beside the runtime.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&State) -> Result<T, aisle_state::StateError> + Send + 'static,
    ) -> Result<T, Problem> {
        let state = self.state.clone();
        match tokio::task::spawn_blocking(move || read(&state)).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(stopped(&error)),
            Err(error) => {
                self.telemetry.panicked(&error.to_string());
                Err(Problem::internal("something went wrong inside; it was logged"))
            }
        }
    }
}

fn entries(events: &[Event]) -> Vec<Entry> {
    events.iter().map(|event| Entry { kind: event.kind().0, payload: event.encode() }).collect()
}

fn submit_problem(error: &aisle_journal::SubmitError) -> Problem {
    match error {
        aisle_journal::SubmitError::Full { .. } => {
            Problem::busy("more is being written than the disk takes; try again").retry_after_s(1)
        }
        other => stopped(other),
    }
}

/// The journal or the state is out of order. The shopper is not told why; the log is.
fn stopped(error: &(dyn std::error::Error + 'static)) -> Problem {
    tracing::error!(error, "a write was refused");
    Problem::stopped("the node cannot record anything at the moment; it restarts by itself").retry_after_s(10)
}
