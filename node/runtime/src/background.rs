//! A thread for work that can wait: low priority, woken now and then, stopped when it is told to.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{Builder, JoinHandle},
    time::Duration,
};

/// The niceness of such a thread: kiosks come first.
const NICENESS: i32 = 10;

/// The running thread.
pub(crate) struct Background {
    pause: Arc<Pause>,
    thread: JoinHandle<()>,
}

/// How the thread waits.
#[derive(Default)]
pub(crate) struct Pause {
    stopped: Mutex<bool>,
    wake: Condvar,
}

impl Pause {
    /// Waits for so long. True when it is time to stop.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.wake.wait_timeout_while(stopped, time, |stopped| !*stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Background {
    /// Starts a thread.
    pub(crate) fn start(name: &str, work: impl FnOnce(&Pause) + Send + 'static) -> io::Result<Self> {
        let pause = Arc::new(Pause::default());
        let waits = pause.clone();
        let thread = Builder::new().name(name.into()).spawn(move || {
            // On Linux this is the priority of the thread alone.
            if let Err(error) = rustix::process::nice(NICENESS) {
                tracing::debug!(%error, "background work runs at normal priority");
            }
            work(&waits);
        })?;
        Ok(Self { pause, thread })
    }

    /// Stops the thread and waits for it; what is under way is finished first.
    pub(crate) fn stop(self) {
        *self.pause.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.pause.wake.notify_all();
        // A panic in the thread was logged where it happened, and nobody waits for what it did.
        let _ = self.thread.join();
    }
}
