//! The tasks of a device, and what they share.
//!
//! ```text
//! sample ──readings──> filter ──records──> store ──> ring on the flash ──> forward ──> link
//!   ▲ settings           ▲ tunings                                                      │
//!   └──── settings ──────┘ <──desired── listen <────────────────────────────────────────┘
//!   ▲         │ reported ──> link         │ requests
//!   └─read now┼─────────── commands <─────┘        presence: announce and status at each connection, and what changes in them
//! ```
//! Each is a loop without an end; [`run`] joins them, and drops them all together when the device has to start again. Between
//! them are channels and signals of fixed size: when one is full, the sender waits. Nothing is spawned, nothing is allocated:
//! the future of [`run`] is the memory of the device.

mod commands;
mod filter;
mod forward;
mod listen;
mod presence;
mod sample;
mod settings;
mod store;

use crate::{
    backoff::Random,
    clock::Moment,
    device::{Board, Device, Parts},
    filter::Tuning,
    flash::storage::{Storage, StorageError},
    link::{Link, LinkDown, Message},
    record::Record,
    watchdog::{self, Attendance, Seat, Task},
};
use aisle_firmware_config::{
    fault::Fault,
    message::{Announce, Desired, Request, encode},
    setting::Settings,
    topic::{Channel as Matter, Topic},
};
use core::{
    cell::{Cell, RefCell},
    convert::Infallible,
    fmt::Write,
    future::pending,
};
use embassy_futures::{
    join::{join, join4, join5},
    select::{Either, select},
};
use embassy_sync::{blocking_mutex, channel::Channel, mutex::Mutex, signal::Signal};
use heapless::String;
use serde::Serialize;

/// Readings that wait for the filter.
const READINGS_MAX: usize = 8;
/// Samples that wait for the flash.
const RECORDS_MAX: usize = 8;
/// Requests that wait for the one before.
const REQUESTS_MAX: usize = 2;
/// The longest topic of a device, in bytes.
const TOPIC_BYTES_MAX: usize = 224;
/// The largest message of a device but its announce, in bytes.
const MESSAGE_BYTES_MAX: usize = 2048;
/// The largest announce, in bytes.
const ANNOUNCE_BYTES_MAX: usize = 4096;

/// Why a device stopped. Whoever runs it starts it again, with the same flash, unless it is [`Unfit`](Self::Unfit).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// It was told to restart.
    #[error("the device was told to restart")]
    Commanded,
    /// Its flash failed, or lost its power.
    #[error("the device's flash failed")]
    FlashFailed,
    /// It cannot run as it was put together; starting it again does not help.
    #[error("the device cannot run: {0}")]
    Unfit(Fault),
}

/// What a device has lost or refused since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Samples that the ring had no room for.
    pub(crate) lost: u32,
    /// Readings that were no number.
    pub(crate) not_finite: u32,
    /// Readings that did not come.
    pub(crate) no_reading: u32,
    /// Messages that could not be read.
    pub(crate) unreadable: u32,
}

/// What a sensor said.
#[derive(Debug, Clone, Copy)]
struct Reading {
    stream: u8,
    at: Moment,
    uptime_ms: u64,
    value: f64,
}

/// A request and the command that it names.
#[derive(Debug)]
struct Asked {
    command: String<64>,
    request: Request,
    /// When it came, by the uptime in milliseconds.
    since_ms: u64,
}

/// A task has no end.
type Never = Infallible;

/// The channels and signals of a device.
struct Wires<B: Board, const N: usize> {
    readings: Channel<B::Mutex, Reading, READINGS_MAX>,
    records: Channel<B::Mutex, Record, RECORDS_MAX>,
    stored: Signal<B::Mutex, ()>,
    /// The newest is what counts.
    desired: Signal<B::Mutex, Result<Desired, Fault>>,
    requests: Channel<B::Mutex, Asked, REQUESTS_MAX>,
    settings: Signal<B::Mutex, Settings>,
    tunings: Signal<B::Mutex, [Tuning; N]>,
    read_now: Signal<B::Mutex, ()>,
    read: Signal<B::Mutex, [Option<f64>; N]>,
    /// A connection was made, for each task that has something to say then.
    connected: Connected<B>,
    /// The watchdog was fed: all tasks have checked in.
    fed: Signal<B::Mutex, ()>,
    /// Samples were lost.
    lost: Signal<B::Mutex, ()>,
    /// What the device says about itself is another than before.
    described: Signal<B::Mutex, ()>,
    counters: blocking_mutex::Mutex<B::Mutex, Cell<Counters>>,
    ended: Signal<B::Mutex, Ended>,
}

struct Connected<B: Board> {
    presence: Signal<B::Mutex, ()>,
    settings: Signal<B::Mutex, ()>,
    forward: Signal<B::Mutex, ()>,
}

impl<B: Board, const N: usize> Wires<B, N> {
    const fn new() -> Self {
        Self {
            readings: Channel::new(),
            records: Channel::new(),
            stored: Signal::new(),
            desired: Signal::new(),
            requests: Channel::new(),
            settings: Signal::new(),
            tunings: Signal::new(),
            read_now: Signal::new(),
            read: Signal::new(),
            connected: Connected { presence: Signal::new(), settings: Signal::new(), forward: Signal::new() },
            fed: Signal::new(),
            lost: Signal::new(),
            described: Signal::new(),
            counters: blocking_mutex::Mutex::new(Cell::new(Counters {
                lost: 0,
                not_finite: 0,
                no_reading: 0,
                unreadable: 0,
            })),
            ended: Signal::new(),
        }
    }
}

/// What all tasks see.
struct Shared<'a, B: Board, const N: usize> {
    device: &'a Device<'a, N>,
    /// What it says about itself under the settings in force.
    announce: &'a blocking_mutex::Mutex<B::Mutex, RefCell<Announce>>,
    /// The number of this start.
    boot: u32,
    clock: &'a B::Clock,
    link: &'a B::Link,
    storage: &'a Mutex<B::Mutex, Storage<B::Flash>>,
    wires: &'a Wires<B, N>,
    attendance: &'a Attendance<B::Mutex>,
}

impl<'a, B: Board, const N: usize> Shared<'a, B, N> {
    fn seat(&self, task: Task) -> Seat<'a, B::Mutex, B::Clock> {
        self.attendance.seat(task, self.clock)
    }

    fn random(&self, task: Task) -> Random {
        Random::new(self.device.id, self.boot, task as u8)
    }

    /// Does something with what the device says about itself.
    fn described<R>(&self, with: impl FnOnce(&mut Announce) -> R) -> R {
        self.announce.lock(|announce| with(&mut announce.borrow_mut()))
    }

    fn counters(&self) -> Counters {
        self.wires.counters.lock(Cell::get)
    }

    fn count(&self, change: impl FnOnce(&mut Counters)) {
        self.wires.counters.lock(|counters| {
            let mut changed = counters.get();
            change(&mut changed);
            counters.set(changed);
        });
    }

    fn topic(&self, matter: Matter<'_>) -> String<TOPIC_BYTES_MAX> {
        topic(self.device, matter)
    }

    /// Publishes a message of the contract. One that does not fit into the buffer is not sent, and counts as done.
    async fn publish<T: Serialize>(
        &self,
        matter: Matter<'_>,
        message: &T,
        buffer: &mut [u8],
    ) -> Result<(), LinkDown> {
        let Ok(length) = encode(message, self.device.encoding, buffer) else { return Ok(()) };
        self.send(matter, buffer.get(..length).unwrap_or_default()).await
    }

    /// Publishes what is written already.
    async fn send(&self, matter: Matter<'_>, payload: &[u8]) -> Result<(), LinkDown> {
        let retain = matches!(matter, Matter::Announce | Matter::Status | Matter::ConfigReported);
        self.link.publish(Message { topic: &self.topic(matter), payload, retain }).await
    }

    /// Ends the device for a task that the flash has failed: without one it can promise nothing.
    async fn end(&self, failed: Result<Never, StorageError>) -> Never {
        match failed {
            Ok(never) => match never {},
            Err(error) => self.wires.ended.signal(ended(error)),
        }
        pending().await
    }
}

fn topic<const N: usize>(device: &Device<'_, N>, matter: Matter<'_>) -> String<TOPIC_BYTES_MAX> {
    let mut text = String::new();
    // Its levels are names of at most 64 bytes, so there is room.
    let _ = write!(text, "{}", Topic { store: device.store, device: device.id, channel: matter });
    text
}

fn ended(error: StorageError) -> Ended {
    match error {
        StorageError::Flash | StorageError::Corrupted => Ended::FlashFailed,
        StorageError::Room => Ended::Unfit(Fault::new("layout", error)),
    }
}

/// Runs a device until it has to start again. Dropping the future is like cutting its power.
///
/// The future is not `Send` with `NoopRawMutex`: keep a device on one thread, as hardware does.
pub async fn run<B: Board, const N: usize>(device: &Device<'_, N>, parts: Parts<B, N>) -> Ended {
    let Parts { clock, sensors, link, flash, layout, watchdog, actions } = parts;
    let mut storage = match Storage::open(flash, layout).await {
        Ok(storage) => storage,
        Err(error) => return ended(error),
    };
    let boot = match storage.count_boot().await {
        Ok(boot) => boot,
        Err(error) => return ended(error),
    };
    let announce = match device.announce(boot) {
        Ok(announce) => blocking_mutex::Mutex::new(RefCell::new(announce)),
        Err(fault) => return Ended::Unfit(fault),
    };
    let storage = Mutex::new(storage);
    let wires = Wires::<B, N>::new();
    let attendance = Attendance::new();
    let shared = Shared {
        device,
        announce: &announce,
        boot,
        clock: &clock,
        link: &link,
        storage: &storage,
        wires: &wires,
        attendance: &attendance,
    };
    let measuring = join4(
        sample::run(&shared, sensors),
        filter::run(&shared),
        async { shared.end(store::run(&shared).await).await },
        async { shared.end(forward::run(&shared).await).await },
    );
    let speaking = join5(
        listen::run(&shared),
        presence::run(&shared),
        async { shared.end(settings::run(&shared).await).await },
        async { shared.end(commands::run(&shared, actions).await).await },
        watchdog::run(&attendance, &clock, watchdog, &wires.fed),
    );
    match select(join(measuring, speaking), wires.ended.wait()).await {
        Either::First(((never, ..), _)) => match never {},
        Either::Second(ended) => ended,
    }
}
