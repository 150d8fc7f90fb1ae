//! Who watches that every task still runs.
//!
//! Each task has a [`Seat`] and checks in at least every [`CHECK_IN_MS`]; while it waits for a message or for the network the
//! seat does so for it, by a timer in the same task. What must end by itself (a sensor, the flash) is not waited for in that way. The
//! watchdog task looks at the seats every [`INSPECTION_MS`] and feeds the hardware only when all have checked in since; one
//! that hangs, or spins without giving up the processor, starves it, and the hardware restarts the device.

use crate::clock::Clock;
use core::{cell::Cell, convert::Infallible, future::Future, pin::pin};
use embassy_futures::select::{Either, select};
use embassy_sync::{
    blocking_mutex::{Mutex, raw::RawMutex},
    signal::Signal,
};

/// A waiting task checks in so often, all tasks at the same moment, so that the processor wakes up once.
pub const CHECK_IN_MS: u64 = 10_000;

/// The watchdog looks so often. Hardware should restart the device when it was not fed for twice this.
pub const INSPECTION_MS: u64 = 30_000;

/// A hardware watchdog, or what stands in for one.
pub trait Watchdog {
    /// All tasks run.
    fn feed(&mut self);
}

impl<W: Watchdog> Watchdog for &mut W {
    fn feed(&mut self) {
        (**self).feed();
    }
}

/// The tasks that have to check in.
#[derive(Debug, Clone, Copy)]
#[repr(u32)]
pub(crate) enum Task {
    Sample,
    Filter,
    Store,
    Forward,
    Listen,
    Presence,
    Settings,
    Commands,
}

const ALL: u32 = (1 << (Task::Commands as u32 + 1)) - 1;

/// Who has checked in since the last inspection.
#[derive(Debug)]
pub(crate) struct Attendance<M: RawMutex> {
    present: Mutex<M, Cell<u32>>,
}

impl<M: RawMutex> Attendance<M> {
    pub(crate) const fn new() -> Self {
        Self { present: Mutex::new(Cell::new(0)) }
    }

    pub(crate) fn seat<'a, C: Clock>(&'a self, task: Task, clock: &'a C) -> Seat<'a, M, C> {
        Seat { attendance: self, task, clock }
    }

    /// Whether all are there; the next inspection starts from nobody.
    fn inspect(&self) -> bool {
        self.present.lock(|present| present.replace(0)) == ALL
    }
}

/// A task's place in the attendance, and its clock.
#[derive(Debug)]
pub(crate) struct Seat<'a, M: RawMutex, C> {
    attendance: &'a Attendance<M>,
    task: Task,
    pub(crate) clock: &'a C,
}

impl<M: RawMutex, C: Clock> Seat<'_, M, C> {
    pub(crate) fn check_in(&self) {
        self.attendance.present.lock(|present| present.set(present.get() | 1 << self.task as u32));
    }

    /// Waits for something that may take any time, checking in meanwhile. The future is never dropped before it is ready.
    pub(crate) async fn waiting<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        loop {
            self.check_in();
            let next = (self.clock.uptime_ms() / CHECK_IN_MS + 1) * CHECK_IN_MS;
            if let Either::First(output) = select(&mut future, self.clock.sleep_until(next)).await {
                self.check_in();
                return output;
            }
        }
    }

    /// Sleeps until then.
    pub(crate) async fn sleep_until(&self, uptime_ms: u64) {
        self.waiting(self.clock.sleep_until(uptime_ms)).await;
    }
}

/// The watchdog's own task. Each time that it feeds the hardware, it tells who waits to hear that all is well.
pub(crate) async fn run<M: RawMutex>(
    attendance: &Attendance<M>,
    clock: &impl Clock,
    mut hardware: impl Watchdog,
    fed: &Signal<M, ()>,
) -> Infallible {
    loop {
        // Between two check-ins, so that nobody is missed who wakes up at the same moment.
        let next = (clock.uptime_ms() / INSPECTION_MS + 1) * INSPECTION_MS + CHECK_IN_MS / 2;
        clock.sleep_until(next).await;
        if attendance.inspect() {
            hardware.feed();
            fed.signal(());
        }
    }
}
