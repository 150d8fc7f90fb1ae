//! The clock that ends calls: an operating system's thread, so that no busy runtime holds it up.
//!
//! While calls are made it ticks; when there has been none for a second it sleeps, so that an idle store's computer does not wake a
//! thousand times a second. Guards invariant 4: a call under way always sees ticks.

use super::HostError;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    thread::{Builder, JoinHandle, park, sleep},
    time::Duration,
};
use wasmtime::Engine;

const NAME: &str = "plugin-ticker";
/// It goes on for so long after the last call, in milliseconds.
const LINGER_MS: u32 = 1000;

#[derive(Default)]
struct State {
    /// Calls under way.
    calls: AtomicU32,
    asleep: AtomicBool,
    stopped: AtomicBool,
}

/// The running thread; it ends with this.
pub(crate) struct Ticker {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

/// A call under way: while one of these is held, there are ticks.
pub(crate) struct Ticking<'a>(&'a State);

impl Ticker {
    pub(crate) fn start(engine: &Engine, tick_ms: u32) -> Result<Self, HostError> {
        let state = Arc::new(State::default());
        let (shared, engine) = (state.clone(), engine.weak());
        let run = move || {
            let mut idle_ms = 0;
            while !shared.stopped.load(SeqCst) {
                if shared.calls.load(SeqCst) > 0 {
                    idle_ms = 0;
                } else if idle_ms < LINGER_MS {
                    idle_ms = idle_ms.saturating_add(tick_ms);
                } else {
                    shared.rest();
                    idle_ms = 0;
                }
                sleep(Duration::from_millis(tick_ms.into()));
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
            }
        };
        let thread = Builder::new()
            .name(NAME.into())
            .spawn(run)
            .map_err(|source| HostError::Thread { name: NAME, source })?;
        Ok(Self { state, thread: Some(thread) })
    }

    /// Has it tick until what is returned is dropped.
    pub(crate) fn ticking(&self) -> Ticking<'_> {
        self.state.calls.fetch_add(1, SeqCst);
        if self.state.asleep.swap(false, SeqCst)
            && let Some(thread) = &self.thread
        {
            thread.thread().unpark();
        }
        Ticking(&self.state)
    }
}

impl State {
    /// Sleeps until there is a call. Whoever adds a call looks at `asleep` afterwards, and here `calls` is looked at after it was
    /// set; so one of the two sees the other.
    fn rest(&self) {
        self.asleep.store(true, SeqCst);
        while self.asleep.load(SeqCst) && self.calls.load(SeqCst) == 0 && !self.stopped.load(SeqCst) {
            park();
        }
        self.asleep.store(false, SeqCst);
    }
}

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.state.stopped.store(true, SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It sleeps for a tick at most; a panic in it was told where it happened.
            let _ = thread.join();
        }
    }
}
