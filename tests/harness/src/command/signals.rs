//! The word to stop: Ctrl-C, SIGTERM, or the end of the time that was given.

use anyhow::{Context, Result};
use std::time::Duration;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::sleep,
};

/// Listens from the moment it is made; a signal that came in between is not lost.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn listen() -> Result<Self> {
        let on = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self { interrupt: on(SignalKind::interrupt())?, terminate: on(SignalKind::terminate())? })
    }

    /// Waits for a signal.
    pub(crate) async fn stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Waits for a signal or the end of the time, whichever comes first; `true` for a signal.
    pub(crate) async fn stop_within(&mut self, limit: Duration) -> bool {
        tokio::select! {
            () = self.stop() => true,
            () = sleep(limit) => false,
        }
    }
}
