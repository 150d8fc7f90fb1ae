//! A device of the shop: what runs on it, and the simulator that runs hundreds of them.
//!
//! The core is `no_std` and without a heap. A [`Device`] says what it is, a [`Board`] of what parts it is built, and [`run`] is
//! its life: tasks that never end, in one future, whose size is all the memory it needs. It knows no executor: on hardware it is the
//! body of an embassy task with `'static` parts; on a host any executor polls it, such as tokio's `LocalSet`.
//!
//! What the core promises, whatever is cut when:
//! - a sample is sent only from the flash, and leaves it only when the node has acknowledged it; when the ring is full the oldest go
//!   first, counted and reported;
//! - settings are in force as a whole or not at all, and those with which the device does not stay up are given up after
//!   three starts;
//! - a request is done once and answered each time it comes;
//! - a task that hangs starves the watchdog.
//!
//! A host (the simulator, a test) gives each device a [`Clock`](clock::Clock), [sensors](sensor::Sensor) that look at
//! its world, a [`Link`](link::Link) over its MQTT client, and a [`Faulty`](flash::Faulty) flash that it keeps while the device
//! starts again: when [`run`] returns, or when the [`Watchdog`](watchdog::Watchdog) was not fed for twice
//! [`INSPECTION_MS`](watchdog::INSPECTION_MS). To cut its power it drops the future.
//!
//! ```
//! use aisle_device::{Board, Device, Ended, Parts, Stream, run};
//! use aisle_device::{clock::Clock, flash::{Faulty, Layout}, sensor::{NoReading, Sensor}, watchdog::Watchdog};
//! use aisle_device::link::{Link, LinkDown, Message, Received, Session};
//! use aisle_firmware_config::{message::Encoding, unit::Unit};
//! use embassy_futures::{block_on, yield_now};
//! use embassy_sync::blocking_mutex::raw::NoopRawMutex;
//! use std::{cell::Cell, time::{Instant, SystemTime}};
//!
//! struct Host(Instant);
//! impl Clock for Host {
//!     fn uptime_ms(&self) -> u64 {
//!         self.0.elapsed().as_millis() as u64
//!     }
//!     fn wall_ms(&self) -> Option<i64> {
//!         SystemTime::UNIX_EPOCH.elapsed().ok().map(|since| since.as_millis() as i64)
//!     }
//!     async fn sleep_until(&self, uptime_ms: u64) {
//!         while self.uptime_ms() < uptime_ms {
//!             yield_now().await; // On tokio: `tokio::time::sleep_until`.
//!         }
//!     }
//! }
//!
//! struct Thermometer;
//! impl Sensor for Thermometer {
//!     async fn read(&mut self) -> Result<f64, NoReading> {
//!         Ok(3.9)
//!     }
//! }
//!
//! /// A node that takes everything, and once it has a measured value asks for a restart.
//! #[derive(Default)]
//! struct Loopback { measured: Cell<u32>, asked: Cell<bool> }
//! impl Link for Loopback {
//!     async fn connect(&self, session: &Session<'_>) -> Result<(), LinkDown> {
//!         assert_eq!(session.will.topic, "aisle/v1/corner/fridge-7/status");
//!         Ok(())
//!     }
//!     async fn publish(&self, message: Message<'_>) -> Result<(), LinkDown> {
//!         self.measured.update(|count| count + u32::from(message.topic.ends_with("telemetry/temperature")));
//!         Ok(())
//!     }
//!     async fn receive<'b>(&self, buffer: &'b mut [u8]) -> Result<Received<'b>, LinkDown> {
//!         while self.measured.get() == 0 || self.asked.replace(true) {
//!             yield_now().await;
//!         }
//!         let payload = br#"{"id":"1","ttl_s":60}"#;
//!         Received::copy("aisle/v1/corner/fridge-7/cmd/restart/req", payload, buffer).ok_or(LinkDown)
//!     }
//! }
//!
//! struct Dog;
//! impl Watchdog for Dog {
//!     fn feed(&mut self) {}
//! }
//!
//! struct Fridge;
//! impl Board for Fridge {
//!     type Mutex = NoopRawMutex;
//!     type Clock = Host;
//!     type Sensor = Thermometer;
//!     type Link = Loopback;
//!     type Flash = Faulty<8, 4096>;
//!     type Watchdog = Dog;
//!     type Actions = ();
//! }
//!
//! let fridge = Device {
//!     store: "corner",
//!     id: "fridge-7",
//!     model: "thermometer",
//!     serial: None,
//!     firmware: None,
//!     encoding: Encoding::Cbor,
//!     streams: [Stream { name: "temperature", unit: Unit::Celsius, deadband: 0.1 }],
//!     interval_s: 10,
//!     fields: &[],
//! };
//! let flash = Faulty::new();
//! let parts = Parts::<Fridge, 1> {
//!     clock: Host(Instant::now()),
//!     sensors: [Thermometer],
//!     link: Loopback::default(),
//!     layout: Layout::new(&flash, Layout::SETTINGS_PAGES_MIN)?,
//!     flash,
//!     watchdog: Dog,
//!     actions: (),
//! };
//! assert_eq!(block_on(run(&fridge, parts)), Ended::Commanded);
//! # Ok::<(), aisle_device::flash::LayoutError>(())
//! ```
//!
//! Not here: what is said on the wire (`aisle-firmware-config`).
#![cfg_attr(not(any(test, feature = "floor", feature = "simulator")), no_std)]
#![allow(
    clippy::result_large_err,
    reason = "a fault with its path and reason lies in place where there is no heap"
)]
#![expect(async_fn_in_trait, reason = "a device is one future on one thread: nothing in it needs `Send`")]

mod backoff;
pub mod clock;
mod device;
mod filter;
pub mod flash;
#[cfg(feature = "floor")]
pub mod floor;
pub mod link;
mod record;
pub mod sensor;
#[cfg(feature = "simulator")]
pub mod simulator;
mod tasks;
pub mod watchdog;

pub use device::{Actions, Board, Device, Parts, Stream};
pub use tasks::{Ended, run};
