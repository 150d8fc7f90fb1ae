//! The order of things: steps of all connections, to the journal and back.
//!
//! A read of a connection gives one batch: its records go to the journal at once, under one ticket, and the batch joins a
//! queue in the same order. The router takes batches from the front as their tickets come back and does their steps, so the
//! core sees them in the order of the journal. Nobody waits for the disk while holding anything.
//!
//! Bounds: a connection reads no further than its receive maximum; the journal's own queue bounds all connections together.
//!
//! Not here: what steps do (`core`). Guards invariant 1 (done after the commit, never before) and 8 (a journal that has
//! failed answers nobody).

use crate::{
    clock::Clock,
    core::{ConnId, Core, Refused, Step, Then},
    op::Op,
    outbox::Outbox,
};
use aisle_journal::{CommitError, Entry, Journal, SubmitError, Ticket};
use rustc_hash::FxHashMap;
use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::sync::Notify;

/// Steps that are done under one lock of the core, about; then others have their turn, and answers go out.
const STEPS_PER_LOCK: usize = 1_024;
/// How soon what the journal had no room for is handed in again.
const RETRY: Duration = Duration::from_millis(20);
/// The same after a full disk.
const RETRY_FULL: Duration = Duration::from_millis(500);
/// How often timers are looked at.
const TICK: Duration = Duration::from_millis(500);
/// How often retained messages are looked through, in ticks.
const SWEEP_TICKS: u32 = 120;

/// A connection's address in here.
#[derive(Debug, Clone)]
pub(crate) struct From {
    pub conn: ConnId,
    pub outbox: Arc<Outbox>,
}

#[derive(Debug)]
struct Batch {
    from: Option<From>,
    steps: Vec<Step>,
    ticket: Option<Ticket>,
}

#[derive(Debug)]
pub(crate) struct Sequence {
    pub(crate) journal: Journal,
    pub(crate) clock: Clock,
    core: Mutex<Core>,
    queue: Mutex<VecDeque<Batch>>,
    work: Notify,
    outboxes: Mutex<FxHashMap<ConnId, Arc<Outbox>>>,
    /// Operations of the core that the journal had no room for.
    late: Mutex<VecDeque<Op>>,
    /// The disk was full when they were handed in last.
    is_full: AtomicBool,
    /// The last record that was done; for those who wait for it to be.
    pub(crate) applied: AtomicU64,
}

/// Why steps were not taken. Nothing of them was done.
#[derive(Debug)]
pub(crate) enum NotTaken {
    /// The journal is behind; hand the steps in again.
    Busy(Vec<Step>),
    /// The journal has ended.
    Ended,
}

impl Sequence {
    pub(crate) fn new(journal: Journal, clock: Clock, core: Core) -> Self {
        Self {
            journal,
            clock,
            core: Mutex::new(core),
            queue: Mutex::default(),
            work: Notify::new(),
            outboxes: Mutex::default(),
            late: Mutex::default(),
            is_full: AtomicBool::new(false),
            applied: AtomicU64::new(0),
        }
    }

    /// The core, to look at or to ask. What is to be sent must go through [`Self::with_core`].
    pub(crate) fn core(&self) -> MutexGuard<'_, Core> {
        // A panic in here was reported; the core is consistent after each step.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the core, and hands on what comes out of it.
    pub(crate) fn with_core<T>(&self, work: impl FnOnce(&mut Core) -> T) -> T {
        let mut core = self.core();
        let value = work(&mut core);
        self.hand_on(core);
        value
    }

    pub(crate) fn add(&self, from: &From) {
        lock(&self.outboxes).insert(from.conn, from.outbox.clone());
    }

    pub(crate) fn remove(&self, conn: ConnId) {
        lock(&self.outboxes).remove(&conn);
    }

    /// Takes the steps of one read.
    pub(crate) fn submit(&self, from: Option<&From>, steps: Vec<Step>) -> Result<(), NotTaken> {
        if steps.is_empty() {
            return Ok(());
        }
        let entries: Vec<Entry> = steps
            .iter()
            .filter(|step| step.durable)
            .filter_map(|step| Some(step.op.as_ref()?.entry()))
            .collect();
        let pending = from.is_some_and(|from| from.outbox.pending.load(Ordering::Acquire) > 0);
        if entries.is_empty() && !pending {
            let conn = from.map(|from| from.conn);
            let now_ms = self.clock.now_ms();
            self.with_core(|core| steps.into_iter().for_each(|step| core.done(conn, step, None, now_ms)));
            return Ok(());
        }
        let mut queue = lock(&self.queue);
        let ticket = if entries.is_empty() {
            None
        } else {
            match self.journal.submit(entries) {
                Ok(ticket) => Some(ticket),
                Err(SubmitError::Full { .. }) => return Err(NotTaken::Busy(steps)),
                Err(error) => {
                    tracing::debug!(%error, "the journal takes nothing more");
                    return Err(NotTaken::Ended);
                }
            }
        };
        if let Some(from) = from {
            from.outbox.pending.fetch_add(1, Ordering::AcqRel);
        }
        queue.push_back(Batch { from: from.cloned(), steps, ticket });
        drop(queue);
        self.work.notify_one();
        Ok(())
    }

    /// The router: does batches in the order in which they were taken. Ends never.
    pub(crate) async fn route(&self) {
        let mut next: Option<Batch> = None;
        loop {
            let Some(mut batch) = next.take().or_else(|| lock(&self.queue).pop_front()) else {
                self.work.notified().await;
                continue;
            };
            let outcome = match batch.ticket.take() {
                Some(ticket) => Some(ticket.await),
                None => None,
            };
            let mut core = self.core();
            let mut done = batch.steps.len();
            self.finish(&mut core, batch, outcome);
            while done < STEPS_PER_LOCK {
                let Some(mut batch) = lock(&self.queue).pop_front() else { break };
                done += batch.steps.len();
                match batch.ticket.as_mut().map(poll) {
                    Some(Poll::Pending) => {
                        next = Some(batch);
                        break;
                    }
                    Some(Poll::Ready(outcome)) => self.finish(&mut core, batch, Some(outcome)),
                    None => self.finish(&mut core, batch, None),
                }
            }
            self.hand_on(core);
        }
    }

    fn finish(
        &self,
        core: &mut Core,
        batch: Batch,
        outcome: Option<Result<aisle_journal::Committed, CommitError>>,
    ) {
        let conn = batch.from.as_ref().map(|from| from.conn);
        let now_ms = self.clock.now_ms();
        match outcome.transpose() {
            Ok(committed) => {
                let mut seq = committed.map_or(0, |committed| committed.first);
                for step in batch.steps {
                    let record = step.durable.then_some(seq);
                    seq += u64::from(step.durable);
                    core.done(conn, step, record, now_ms);
                }
                if let Some(committed) = committed {
                    self.applied.store(committed.last, Ordering::Release);
                }
            }
            Err(error) => {
                let refused = match error {
                    CommitError::NoSpace { .. } => Refused::Full,
                    CommitError::Failed(_) | CommitError::Closed => Refused::Ended,
                };
                for step in batch.steps {
                    core.failed(conn, step, refused);
                }
                let ops = core.take_submits();
                lock(&self.late).extend(ops);
                self.is_full.store(refused == Refused::Full, Ordering::Relaxed);
            }
        }
        if let Some(from) = batch.from {
            from.outbox.batch_done();
        }
    }

    /// Gives packets to their connections, still under the core's lock so that their order stays, and operations to the
    /// journal.
    fn hand_on(&self, mut core: MutexGuard<'_, Core>) {
        let outboxes = lock(&self.outboxes);
        core.take_outgoing(|conn, out| {
            if let Some(outbox) = outboxes.get(&conn) {
                outbox.push(out);
            }
        });
        drop(outboxes);
        let ops = core.take_submits();
        drop(core);
        if !ops.is_empty() {
            self.submit_ops(ops.into());
        }
    }

    pub(crate) fn submit_ops(&self, mut ops: VecDeque<Op>) {
        let mut late = lock(&self.late);
        if !late.is_empty() {
            late.append(&mut ops);
            return;
        }
        let steps =
            ops.into_iter().map(|op| Step { op: Some(op), durable: true, then: Then::Nothing }).collect();
        if let Err(NotTaken::Busy(steps)) = self.submit(None, steps) {
            late.extend(steps.into_iter().filter_map(|step| step.op));
        }
    }

    /// Hands in again what had to wait. Ends never.
    pub(crate) async fn retry(&self) {
        loop {
            let waits = !lock(&self.late).is_empty() && !self.is_full.swap(false, Ordering::Relaxed);
            tokio::time::sleep(if waits { RETRY } else { RETRY_FULL }).await;
            let ops = std::mem::take(&mut *lock(&self.late));
            if !ops.is_empty() {
                self.submit_ops(ops);
            }
        }
    }

    /// Looks at timers. Ends never.
    pub(crate) async fn tick(&self) {
        let mut ticks = 0_u32;
        loop {
            tokio::time::sleep(TICK).await;
            ticks = ticks.wrapping_add(1);
            let now_ms = self.clock.now_ms();
            self.with_core(|core| {
                core.tick(now_ms);
                if ticks.is_multiple_of(SWEEP_TICKS) {
                    core.sweep(now_ms);
                }
            });
        }
    }
}

/// Whether a ticket is back, without waiting for it.
fn poll(ticket: &mut Ticket) -> Poll<Result<aisle_journal::Committed, CommitError>> {
    Pin::new(ticket).poll(&mut Context::from_waker(Waker::noop()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
