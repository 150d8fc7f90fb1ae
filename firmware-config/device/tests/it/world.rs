//! A device on a bench: everything around it is in our hands.

use crate::time::Time;
use aisle_device::{
    Actions, Board, Device, Ended, Parts, Stream,
    flash::{Faulty, FlashError, Layout, MultiwriteNorFlash, NorFlash},
    link::{Link, LinkDown, Message, Received, Session},
    run,
    sensor::{NoReading, Sensor},
    watchdog::Watchdog,
};
use aisle_firmware_config::{
    fault::Fault,
    message::{Desired, Encoding, Reported, Request, Response, Sample, Status, Telemetry, decode, encode},
    setting::{Field, FieldKind, Settings, Value},
    unit::Unit,
};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embedded_storage_async::nor_flash::{ErrorType, ReadNorFlash};
use serde::de::DeserializeOwned;
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    future::{Future, pending, poll_fn},
    pin::Pin,
    rc::Rc,
    task::{Poll, Waker},
};

pub const PAGE_BYTES: usize = 4096;
pub type Chip = Faulty<8, PAGE_BYTES>;
pub const INTERVAL_MS: u64 = 10_000;
pub const MINUTE_MS: u64 = 60_000;
pub const DESIRED: &str = "aisle/v1/corner/fridge-7/config/desired";

/// A flash that stays with us while the device uses it.
#[derive(Clone, Default)]
pub struct Bench {
    pub time: Time,
    pub node: Rc<Node>,
    pub flash: Rc<RefCell<Chip>>,
    pub room: Rc<Room>,
    /// How often the watchdog was fed.
    pub fed: Rc<Cell<u32>>,
}

/// What the sensors see, and how they behave.
pub struct Room {
    /// Temperature and humidity; nothing when there is no answer.
    pub values: [Cell<Option<f64>>; 2],
    pub reads: Cell<u32>,
    /// A sensor never answers.
    pub hangs: Cell<bool>,
    pub done: RefCell<Vec<String>>,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            values: [Cell::new(Some(4.0)), Cell::new(Some(50.0))],
            reads: Cell::default(),
            hangs: Cell::default(),
            done: RefCell::default(),
        }
    }
}

/// The other end of the link.
#[derive(Default)]
pub struct Node {
    pub is_up: Cell<bool>,
    /// So many publishes from now on arrive, but the connection breaks before the acknowledgement.
    pub lost_acks: Cell<u32>,
    pub heard: RefCell<Vec<(String, Vec<u8>)>>,
    pub retained: RefCell<BTreeMap<String, Vec<u8>>>,
    is_connected: Cell<bool>,
    inbox: RefCell<VecDeque<(String, Vec<u8>)>>,
    receiver: RefCell<Option<Waker>>,
}

impl Node {
    pub fn up(&self) {
        self.is_up.set(true);
    }

    pub fn down(&self) {
        self.is_up.set(false);
        self.disconnect();
    }

    fn disconnect(&self) {
        self.is_connected.set(false);
        self.inbox.borrow_mut().clear();
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.receiver.borrow_mut().take() {
            waker.wake();
        }
    }

    pub fn send(&self, topic: &str, payload: Vec<u8>) {
        if self.is_connected.get() {
            self.inbox.borrow_mut().push_back((topic.to_owned(), payload));
            self.wake();
        }
    }

    pub fn desire(&self, version: u64, settings: Settings) {
        let payload = bytes(&Desired { version, settings });
        self.retained.borrow_mut().insert(DESIRED.to_owned(), payload.clone());
        self.send(DESIRED, payload);
    }

    /// Retained, as the node keeps requests for devices that sleep.
    pub fn request(&self, command: &str, id: &str) {
        let topic = format!("aisle/v1/corner/fridge-7/cmd/{command}/req");
        let request = Request { id: id.try_into().unwrap(), args: Settings::new(), ttl_s: 600 };
        self.retained.borrow_mut().insert(topic.clone(), bytes(&request));
        self.send(&topic, bytes(&request));
    }

    /// All messages of a topic's end.
    pub fn said<T: DeserializeOwned>(&self, end: &str) -> Vec<T> {
        let heard = self.heard.borrow();
        heard
            .iter()
            .filter(|(topic, _)| topic.ends_with(end))
            .map(|(_, payload)| decode(payload).unwrap().0)
            .collect()
    }

    pub fn reported(&self) -> Reported {
        self.said("/config/reported").pop().expect("it has reported")
    }

    pub fn status(&self) -> Status {
        self.said("/status").pop().expect("it has said that it is there")
    }

    pub fn answers(&self, command: &str) -> Vec<Response> {
        self.said(&format!("/cmd/{command}/res"))
    }

    /// The temperatures as they came, each with its boot.
    pub fn temperatures(&self) -> Vec<(u32, Sample)> {
        let messages: Vec<Telemetry> = self.said("/telemetry/temperature");
        messages
            .iter()
            .flat_map(|message| message.samples.iter().map(|sample| (message.boot, *sample)))
            .collect()
    }
}

pub fn bytes<T: serde::Serialize>(message: &T) -> Vec<u8> {
    let mut buffer = vec![0; 4096];
    let length = encode(message, Encoding::Json, &mut buffer).unwrap();
    buffer.truncate(length);
    buffer
}

pub fn settings<const N: usize>(pairs: [(&str, Value); N]) -> Settings {
    let mut settings = Settings::new();
    for (name, value) in pairs {
        settings.set(name, value).unwrap();
    }
    settings
}

pub fn fields() -> [Field; 1] {
    let kind = FieldKind::Number { min: -100.0, max: 100.0 };
    [Field { name: "gain".try_into().unwrap(), kind, unit: None, default: Value::Number(1.0) }]
}

pub fn device(fields: &[Field]) -> Device<'_, 2> {
    Device {
        store: "corner",
        id: "fridge-7",
        model: "thermometer",
        serial: Some("0007"),
        firmware: None,
        encoding: Encoding::Cbor,
        streams: [
            Stream { name: "temperature", unit: Unit::Celsius, deadband: 0.0 },
            Stream { name: "humidity", unit: Unit::HumidityPercent, deadband: 1.0 },
        ],
        interval_s: 10,
        fields,
    }
}

/// A device that has power.
pub struct Powered {
    time: Time,
    life: Pin<Box<dyn Future<Output = Ended>>>,
}

impl Powered {
    /// Lets it live for so long; says how it ended, if it did.
    pub fn live(&mut self, ms: u64) -> Option<Ended> {
        let Self { time, life } = self;
        time.run_for(std::pin::pin!(life), ms)
    }
}

impl Bench {
    /// With a node that listens and a clock that is set.
    pub fn new() -> Self {
        let bench = Self::default();
        bench.node.up();
        bench.time.set_wall_ms(Some(1_800_000_000_000));
        bench
    }

    /// Bytes of the future that is a device.
    pub fn size(&self) -> usize {
        size_of_val(&run(&device(&[]), self.parts()))
    }

    fn parts(&self) -> Parts<Self, 2> {
        Parts {
            clock: self.time.clone(),
            sensors: [0, 1].map(|place| Probe { room: Rc::clone(&self.room), place, gain: 1.0 }),
            link: Wire(Rc::clone(&self.node)),
            flash: Shared(Rc::clone(&self.flash)),
            layout: Layout::new(&*self.flash.borrow(), 4).unwrap(),
            watchdog: Dog(Rc::clone(&self.fed)),
            actions: Hands(Rc::clone(&self.room)),
        }
    }

    pub fn power_on(&self) -> Powered {
        self.node.disconnect();
        self.flash.borrow_mut().power_on();
        self.time.start();
        let parts = self.parts();
        let life = async move { Box::pin(run(&device(&fields()), parts)).await };
        Powered { time: self.time.clone(), life: Box::pin(life) }
    }
}

impl Board for Bench {
    type Mutex = NoopRawMutex;
    type Clock = Time;
    type Sensor = Probe;
    type Link = Wire;
    type Flash = Shared;
    type Watchdog = Dog;
    type Actions = Hands;
}

pub struct Probe {
    room: Rc<Room>,
    place: usize,
    gain: f64,
}

impl Sensor for Probe {
    async fn read(&mut self) -> Result<f64, NoReading> {
        self.room.reads.update(|reads| reads + 1);
        // Its software does not survive this: the kind of setting that no schema keeps out.
        if self.room.hangs.get() || self.gain == 13.0 {
            pending::<()>().await;
        }
        self.room.values[self.place].get().map(|value| value * self.gain).ok_or(NoReading)
    }

    fn configure(&mut self, settings: &Settings) {
        self.gain = settings.get("gain").and_then(Value::number).unwrap();
    }
}

pub struct Dog(Rc<Cell<u32>>);

impl Watchdog for Dog {
    fn feed(&mut self) {
        self.0.update(|fed| fed + 1);
    }
}

pub struct Hands(Rc<Room>);

impl Actions for Hands {
    async fn perform(&mut self, command: &str, _: &Settings) -> Option<Result<Settings, Fault>> {
        (command == "beep").then(|| {
            self.0.done.borrow_mut().push(command.to_owned());
            Ok(Settings::new())
        })
    }
}

pub struct Wire(Rc<Node>);

impl Link for Wire {
    async fn connect(&self, session: &Session<'_>) -> Result<(), LinkDown> {
        if !self.0.is_up.get() {
            return Err(LinkDown);
        }
        assert_eq!(session.filters, [DESIRED, "aisle/v1/corner/fridge-7/cmd/+/req"]);
        self.0.is_connected.set(true);
        self.0.inbox.borrow_mut().extend(self.0.retained.borrow().clone());
        Ok(())
    }

    async fn publish(&self, message: Message<'_>) -> Result<(), LinkDown> {
        if !self.0.is_connected.get() {
            return Err(LinkDown);
        }
        self.0.heard.borrow_mut().push((message.topic.to_owned(), message.payload.to_vec()));
        if self.0.lost_acks.get() > 0 {
            self.0.lost_acks.update(|left| left - 1);
            self.0.disconnect();
            return Err(LinkDown);
        }
        Ok(())
    }

    async fn receive<'b>(&self, buffer: &'b mut [u8]) -> Result<Received<'b>, LinkDown> {
        let next = poll_fn(|context| {
            if !self.0.is_connected.get() {
                return Poll::Ready(Err(LinkDown));
            }
            let Some(message) = self.0.inbox.borrow_mut().pop_front() else {
                *self.0.receiver.borrow_mut() = Some(context.waker().clone());
                return Poll::Pending;
            };
            Poll::Ready(Ok(message))
        });
        let (topic, payload) = next.await?;
        Received::copy(&topic, &payload, buffer).ok_or(LinkDown)
    }
}

pub struct Shared(Rc<RefCell<Chip>>);

impl ErrorType for Shared {
    type Error = FlashError;
}

impl ReadNorFlash for Shared {
    const READ_SIZE: usize = Chip::READ_SIZE;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        self.0.borrow_mut().read(offset, bytes).await
    }

    fn capacity(&self) -> usize {
        self.0.borrow().capacity()
    }
}

impl NorFlash for Shared {
    const WRITE_SIZE: usize = Chip::WRITE_SIZE;
    const ERASE_SIZE: usize = Chip::ERASE_SIZE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        self.0.borrow_mut().erase(from, to).await
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        self.0.borrow_mut().write(offset, bytes).await
    }
}

impl MultiwriteNorFlash for Shared {}
