//! The relay of one store, for as long as there is something to relay and no other hub has the lease.

use super::{
    Parts,
    lane::{Lane, LaneError, Step},
    shelf::{Shelf, UNACKNOWLEDGED_MAX},
};
use crate::database::relay::Lease;
use aisle_protocol::{
    Epoch, LogClass, LogId, PerClass,
    node::{self, Budgets},
};
use aisle_residency::Gate;
use aisle_transport::client::{self, Client, Heard, NoBudgetStore, NoLoad, Phase, StartError};
use prometheus_client::registry::Registry;
use ring::rand::{SecureRandom as _, SystemRandom};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// A store that has nothing more for so long makes room for another.
const IDLE: Duration = Duration::from_secs(5);
/// The most bytes of a problem that is told.
const PROBLEM_CHARS_MAX: usize = 300;

/// Why the relay of a store ended before its time.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error(transparent)]
    Lane(#[from] LaneError),
    #[error("the line to the hub above cannot be begun")]
    Line(#[from] StartError),
}

impl From<crate::database::DatabaseError> for SessionError {
    fn from(error: crate::database::DatabaseError) -> Self {
        Self::Lane(error.into())
    }
}

/// What stands in the way, as the line hears it.
type Heeded = Arc<Mutex<Option<String>>>;

pub(super) struct Session {
    parts: Arc<Parts>,
    lease: Lease,
    lanes: Vec<Lane>,
    shelf: Shelf,
    client: Client,
    heeded: Heeded,
    /// By the policy that it follows.
    gate: Result<Gate, String>,
    confirmed: Instant,
    problem: String,
}

fn epoch() -> Result<Epoch, LaneError> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| LaneError::Randomness)?;
    Ok(Epoch(bytes))
}

impl Session {
    /// Reads how far the relay of a store is, and opens the line. `None` when another hub has the lease by now.
    pub(super) async fn open(
        parts: Arc<Parts>,
        lease: Lease,
        store_region: &str,
    ) -> Result<Option<Self>, SessionError> {
        let (shelf, mut lanes) = (Shelf::default(), Vec::new());
        for class in LogClass::ALL {
            let start = |epoch| LogId { store: lease.store.clone(), class, epoch }.start();
            let row =
                parts.database.relay_lane(&lease, class, epoch()?, start, parts.config.lease_ms).await?;
            let Some(mut row) = row else { return Ok(None) };
            shelf.show(&row);
            row.pending.clear();
            lanes.push(Lane { row });
        }
        let gate = parts.gate(&lease.store);
        let mut node = node::Config::new(lease.store.clone(), parts.name.node());
        node.region = store_region.to_owned();
        node.link = parts.config.link;
        node.policy = gate.as_ref().map(Gate::policy).unwrap_or_default();
        let mut config = client::Config::new(parts.config.hubs.clone(), parts.credentials.clone());
        let unbounded = PerClass::default();
        config.budgets = Budgets { metered: unbounded, lte: unbounded, fibre: unbounded };
        let heeded = Heeded::default();
        let hearing = heeded.clone();
        let line = client::Parts {
            outbox: shelf.clone(),
            budgets: Box::new(NoBudgetStore),
            load: Arc::new(NoLoad),
            listener: Box::new(move |heard| heed(&hearing, heard)),
        };
        let seed = epoch()?.0.first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
        // The metrics of many lines would have one name.
        let client = Client::start(config, node, seed, line, &mut Registry::default())?;
        parts.telemetry.began(&lease.store);
        let confirmed = Instant::now();
        Ok(Some(Self { parts, lease, lanes, shelf, client, heeded, gate, confirmed, problem: String::new() }))
    }

    /// Relays until there is nothing more, the lease is gone, or the hub goes down.
    pub(super) async fn run(mut self, mut down: watch::Receiver<bool>) -> Result<(), SessionError> {
        let ended = self.go_on(&mut down).await;
        let Self { parts, lease, client, .. } = self;
        client.stop().await;
        parts.telemetry.ended(&lease.store);
        // Without it another hub waits until the lease is over.
        let released = parts.database.relay_release(&lease).await;
        ended.and(released.map_err(Into::into))
    }

    async fn go_on(&mut self, down: &mut watch::Receiver<bool>) -> Result<(), SessionError> {
        let mut moved = Instant::now();
        let mut policies = self.parts.policies.clone();
        loop {
            if !self.hear().await? {
                return Ok(());
            }
            match self.seal().await? {
                None => return Ok(()),
                Some(true) => moved = Instant::now(),
                Some(false) => {}
            }
            if !self.confirm().await? {
                return Ok(());
            }
            let is_empty = LogClass::ALL.into_iter().all(|class| self.shelf.waiting(class) == 0);
            if is_empty && moved.elapsed() > IDLE {
                return Ok(());
            }
            tokio::select! {
                () = self.shelf.told() => {}
                () = tokio::time::sleep(self.parts.config.every) => {}
                Ok(()) = policies.changed() => {
                    self.gate = self.parts.gate(&self.lease.store);
                    if let Ok(gate) = &self.gate {
                        // Too much waits: it is said with the next connection.
                        let _ = self.client.policy(gate.policy());
                    }
                }
                () = super::went_down(down) => return Ok(()),
            }
        }
    }

    /// Notes what the hub above has said. False when the lease is gone.
    async fn hear(&mut self) -> Result<bool, SessionError> {
        let parts = self.parts.clone();
        for lane in &mut self.lanes {
            let class = lane.row.class;
            let news = self.shelf.news(class);
            if let Some((through, gone)) = news.acked {
                let noted =
                    parts.database.relay_acked(&self.lease, class, through, gone, parts.config.lease_ms);
                if !noted.await? {
                    return Ok(false);
                }
                self.confirmed = Instant::now();
                parts.telemetry.acknowledged(class, through.seq.saturating_sub(lane.row.acked.seq));
                lane.row.acked = through;
            }
            let Some(renew) = news.renew else { continue };
            if !lane.turn(renew, epoch()?, &parts.terms(&self.lease)).await? {
                return Ok(false);
            }
            parts.telemetry.turned(&self.lease.store, class, renew.1);
            let start = |epoch| LogId { store: self.lease.store.clone(), class, epoch }.start();
            let row = parts.database.relay_lane(&self.lease, class, epoch()?, start, parts.config.lease_ms);
            let Some(mut row) = row.await? else { return Ok(false) };
            self.shelf.show(&row);
            row.pending.clear();
            lane.row = row;
            self.client.sealed();
        }
        Ok(true)
    }

    /// Seals what is new, as far as there is room for it. `None` when the lease is gone; true when something was gone through.
    async fn seal(&mut self) -> Result<Option<bool>, SessionError> {
        let Ok(gate) = &self.gate else { return Ok(Some(false)) };
        let parts = self.parts.clone();
        let logs = parts.database.logs(&self.lease.store).await?;
        let mut has_moved = false;
        for lane in &mut self.lanes {
            let class = lane.row.class;
            while self.shelf.waiting(class) < UNACKNOWLEDGED_MAX {
                match lane.step(gate, &logs, &parts.terms(&self.lease)).await? {
                    Step::Idle => break,
                    Step::Lost => return Ok(None),
                    Step::Moved { events, withheld, batch } => {
                        tracing::trace!(store = %self.lease.store, %class, events, withheld, "gone through");
                        has_moved = true;
                        self.confirmed = Instant::now();
                        let sealed = batch.as_ref().map_or(0, |sealed| u64::from(sealed.1.header().count));
                        parts.telemetry.moved(class, sealed, withheld);
                        if let Some(sealed) = batch {
                            let (number, batch) = *sealed;
                            self.shelf.push(class, number, batch);
                            self.client.sealed();
                        }
                    }
                }
            }
        }
        Ok(Some(has_moved))
    }

    /// Confirms the lease when it is time, and says what stands in the way. False when it is gone.
    async fn confirm(&mut self) -> Result<bool, SessionError> {
        let problem = self.stands_in_the_way();
        let lease_ms = self.parts.config.lease_ms;
        if problem == self.problem && self.confirmed.elapsed() < Duration::from_millis(lease_ms / 3) {
            return Ok(true);
        }
        let held = self.parts.database.relay_hold(&self.lease, lease_ms, &problem).await?;
        if !problem.is_empty() && problem != self.problem {
            tracing::warn!(store = %self.lease.store, "the relay does not go on: {problem}");
        }
        (self.confirmed, self.problem) = (Instant::now(), problem);
        Ok(held)
    }

    fn stands_in_the_way(&self) -> String {
        let heeded = self.heeded.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let status = self.client.status();
        let status = status.borrow();
        let line = (status.phase != Phase::Connected).then_some(status.last_error.as_ref()).flatten();
        let text = match (&self.gate, heeded, line) {
            (Err(problem), ..) => problem.clone(),
            (Ok(_), Some(problem), _) => problem,
            (Ok(_), None, Some(failure)) => failure.text.clone(),
            (Ok(_), None, None) => String::new(),
        };
        text.chars().take(PROBLEM_CHARS_MAX).collect()
    }
}

/// Keeps what the hub above refuses. What it wants this hub to do it has to say to who runs this hub.
fn heed(heeded: &Heeded, heard: Heard) {
    let problem = match heard {
        Heard::Welcomed(_) => None,
        Heard::Alert(node::Alert::Refused { class, code, text }) => {
            let of = class.map(|class| format!("{class}: ")).unwrap_or_default();
            Some(format!("{of}{text} ({code})"))
        }
        Heard::Alert(alert) => {
            tracing::info!(?alert, "the line of a relay");
            return;
        }
        Heard::Path { .. } | Heard::Delivered { .. } | Heard::Held { .. } | Heard::Untold(_) => return,
    };
    *heeded.lock().unwrap_or_else(PoisonError::into_inner) = problem;
}
