//! The thread that runs a projector beside the node.
//!
//! Its time is the wall clock at its start, and from there a clock that only goes on: a leap of the wall clock seals nothing early and
//! holds nothing back.

use crate::{error::StepError, notice::Notice, outbox::Outbox, projector::Projector};
use aisle_journal::ReadError;
use aisle_residency::{Gate, GateError, Region, TrustedPolicy, token::TokenKeys};
use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long the thread waits for records before it looks whether something else is to be done.
const WAIT: Duration = Duration::from_millis(100);
/// How long it waits for room on the disk.
const NO_SPACE_WAIT: Duration = Duration::from_secs(1);

/// A projector on its thread. Dropping it ends the thread.
#[derive(Debug)]
pub struct Driver {
    orders: Arc<Orders>,
    region: Region,
    thread: Option<JoinHandle<Result<(), StepError>>>,
}

/// Tells a projector's thread which policy to follow. When the thread has ended nobody listens.
#[derive(Debug, Clone)]
pub struct Follower {
    orders: Arc<Orders>,
    region: Region,
}

#[derive(Debug, Default)]
struct Orders {
    stop: AtomicBool,
    policy: Mutex<Option<(TrustedPolicy, TokenKeys)>>,
}

/// Why a projector's thread ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// It could go no further.
    #[error(transparent)]
    Step(#[from] StepError),
    /// There is a mistake in this program; the log says where.
    #[error("the outbox's thread has panicked")]
    Panicked,
}

impl Outbox {
    /// Runs a projector on a thread of its own until it is stopped, the journal is closed, or it can go no further. `tell` hears every
    /// notice, on that thread.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn spawn(projector: Projector, tell: impl FnMut(&Notice) + Send + 'static) -> io::Result<Driver> {
        let orders = Arc::new(Orders::default());
        let region = projector.terms.region.clone();
        let of_thread = orders.clone();
        let thread = thread::Builder::new()
            .name("aisle-outbox".into())
            .spawn(move || run(projector, &of_thread, tell))?;
        Ok(Driver { orders, region, thread: Some(thread) })
    }
}

impl Driver {
    /// Follows another policy as soon as may be. That policies only go up is the caller's to see to ([`TrustedPolicy::after`]).
    ///
    /// # Errors
    /// When there is no gate to this outbox's region by it, or a key is missing. The policy in force stays then.
    pub fn follow(&self, policy: TrustedPolicy, keys: TokenKeys) -> Result<(), GateError> {
        self.follower().follow(policy, keys)
    }

    /// Who may tell it as well.
    #[must_use]
    pub fn follower(&self) -> Follower {
        Follower { orders: self.orders.clone(), region: self.region.clone() }
    }

    /// True until the thread has ended.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Ends the thread after its step. What gathers is not lost: a start takes it from the journal again.
    ///
    /// # Errors
    /// Why the thread had ended before.
    pub fn stop(mut self) -> Result<(), DriverError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), DriverError> {
        self.orders.stop.store(true, Ordering::Release);
        let Some(thread) = self.thread.take() else { return Ok(()) };
        thread.thread().unpark();
        Ok(thread.join().map_err(|_| DriverError::Panicked)??)
    }
}

impl Follower {
    /// As [`Driver::follow`].
    ///
    /// # Errors
    /// As [`Driver::follow`].
    pub fn follow(&self, policy: TrustedPolicy, keys: TokenKeys) -> Result<(), GateError> {
        Gate::new(&policy, &self.region, keys.clone())?;
        *self.orders.policy.lock().unwrap_or_else(PoisonError::into_inner) = Some((policy, keys));
        Ok(())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Why it ended was logged.
        let _ = self.end();
    }
}

fn run(mut projector: Projector, orders: &Orders, mut tell: impl FnMut(&Notice)) -> Result<(), StepError> {
    let (started, wall_ms) = (Instant::now(), projector.io.now_ms());
    let now = || wall_ms.saturating_add(u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
    while !orders.stop.load(Ordering::Acquire) {
        let now_ms = now();
        let policy = orders.policy.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let stepped = policy.map_or(Ok(true), |(policy, keys)| {
            let is_done = policy.id() == projector.policy() || projector.follow(&policy, keys, now_ms)?;
            if is_done {
                let mut order = orders.policy.lock().unwrap_or_else(PoisonError::into_inner);
                *order = order.take().filter(|(next, _)| next.id() != policy.id());
            }
            Ok(is_done)
        });
        match stepped.and_then(|_| projector.step(now_ms, WAIT)) {
            Ok(stepped) => {
                stepped.notices.iter().for_each(&mut tell);
                if stepped.no_space {
                    thread::park_timeout(NO_SPACE_WAIT);
                }
            }
            // The node goes down in order.
            Err(StepError::Journal(ReadError::Closed)) => return Ok(()),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the outbox has stopped");
                return Err(error);
            }
        }
    }
    projector.rest(now())
}
