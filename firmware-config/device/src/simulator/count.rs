//! What all devices together did, counted.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters that every device's task adds to.
#[derive(Debug, Default)]
pub(super) struct Counts {
    published: AtomicU64,
    acknowledged: AtomicU64,
    refused: AtomicU64,
    received: AtomicU64,
    dropped: AtomicU64,
    connected: AtomicU64,
    reconnects: AtomicU64,
    unreachable: AtomicU64,
    restarts: AtomicU64,
    faults: AtomicU64,
}

/// How a simulation stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Simulated milliseconds since the start.
    pub simulated_ms: u64,
    /// Devices in the scenario.
    pub devices: u64,
    /// Devices that are connected now.
    pub connected: u64,
    /// Messages written to the broker.
    pub published: u64,
    /// Messages that the broker acknowledged.
    pub acknowledged: u64,
    /// Messages that the broker refused.
    pub refused: u64,
    /// Messages that came from the broker.
    pub received: u64,
    /// Messages that came and were thrown away, because the device had not taken those before.
    pub dropped: u64,
    /// Connections after the first of each device.
    pub reconnects: u64,
    /// Attempts to connect that failed.
    pub unreachable: u64,
    /// Times that a device started anew.
    pub restarts: u64,
    /// Faults that have begun.
    pub faults: u64,
}

impl Counts {
    pub(super) fn published(&self) {
        self.published.fetch_add(1, Relaxed);
    }

    pub(super) fn acknowledged(&self) {
        self.acknowledged.fetch_add(1, Relaxed);
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    pub(super) fn received(&self) {
        self.received.fetch_add(1, Relaxed);
    }

    pub(super) fn dropped(&self) {
        self.dropped.fetch_add(1, Relaxed);
    }

    /// A connection stands for as long as what comes back is kept.
    pub(super) fn connected(&self, again: bool) -> Standing<'_> {
        self.connected.fetch_add(1, Relaxed);
        self.reconnects.fetch_add(u64::from(again), Relaxed);
        Standing(self)
    }

    pub(super) fn unreachable(&self) {
        self.unreachable.fetch_add(1, Relaxed);
    }

    pub(super) fn restarted(&self) {
        self.restarts.fetch_add(1, Relaxed);
    }

    pub(super) fn fault(&self) {
        self.faults.fetch_add(1, Relaxed);
    }

    pub(super) fn read(&self, simulated_ms: u64, devices: u64) -> Progress {
        Progress {
            simulated_ms,
            devices,
            connected: self.connected.load(Relaxed),
            published: self.published.load(Relaxed),
            acknowledged: self.acknowledged.load(Relaxed),
            refused: self.refused.load(Relaxed),
            received: self.received.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            reconnects: self.reconnects.load(Relaxed),
            unreachable: self.unreachable.load(Relaxed),
            restarts: self.restarts.load(Relaxed),
            faults: self.faults.load(Relaxed),
        }
    }
}

/// A connection that stands. A device that is started anew is dropped in the middle of everything, so its end is counted by that.
pub(super) struct Standing<'a>(&'a Counts);

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        self.0.connected.fetch_sub(1, Relaxed);
    }
}
