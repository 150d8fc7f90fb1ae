//! A store with devices: broker, journal, register and service in one process, as the node runs them.

use crate::{eventually, store::Store};
use aisle_broker::packet::{MessageProperties, QoS};
use aisle_devices::{
    registry::{self, DeviceView, Devices, DevicesView},
    service::{Config, Control, Running, Service, ViewOf},
};
use aisle_event::{Event, EventType, Timestamp, device::Reading};
use aisle_firmware_config::profile::Profiles;
use aisle_journal::{Entry, Journal};
use bytes::Bytes;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    thread,
    time::Duration,
};

pub const T0: i64 = 1_800_000_000_000;

pub struct Shop {
    pub store: Store,
    pub control: Control,
    pub running: Running,
    pub registry: Registry,
    pub clock: Arc<AtomicI64>,
    /// The register shows nothing yet.
    pub is_behind: Arc<AtomicBool>,
    follower: Follower,
    /// Held by whatever is left of the service.
    held: Weak<dyn Fn() -> Arc<DevicesView> + Send + Sync>,
}

/// What the node's composite does: applies the journal, shows the view, writes what is due.
struct Follower {
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Seen {
    view: Arc<DevicesView>,
    events: Vec<Event>,
}

impl Follower {
    fn start(journal: &Journal, clock: Arc<AtomicI64>) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let (mine, stopped, journal) = (seen.clone(), stop.clone(), journal.clone());
        let thread = thread::spawn(move || {
            let mut devices = Devices::new(registry::Config::default());
            let mut tail = journal.tail(1);
            while !stopped.load(Ordering::SeqCst) {
                let Ok(records) = tail.next_batch(4096, Duration::from_millis(20)) else { return };
                let mut events = Vec::new();
                for record in &records {
                    let event = Event::decode(EventType(record.kind), &record.payload).expect("an event");
                    devices.apply(record.seq, &event);
                    events.push(event);
                }
                let is_caught_up = devices.view().applied >= journal.durable();
                {
                    let mut seen = mine.lock().unwrap();
                    seen.view = Arc::new(devices.view());
                    seen.events.extend(events);
                }
                let due = devices.due(Timestamp(clock.load(Ordering::SeqCst)));
                if is_caught_up && !due.is_empty() {
                    let entries: Vec<Entry> =
                        due.iter().map(|it| Entry { kind: it.kind().0, payload: it.encode() }).collect();
                    let Ok(committed) = journal.append(entries) else { return };
                    // Not asked again before all of it has come back.
                    while devices.view().applied < committed.last {
                        let Ok(records) = tail.next_batch(4096, Duration::from_millis(20)) else { return };
                        for record in &records {
                            let event =
                                Event::decode(EventType(record.kind), &record.payload).expect("an event");
                            devices.apply(record.seq, &event);
                            mine.lock().unwrap().events.push(event);
                        }
                    }
                    mine.lock().unwrap().view = Arc::new(devices.view());
                }
            }
        });
        Self { seen, stop, thread: Some(thread) }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("follows to the end");
        }
    }
}

impl Shop {
    pub async fn open() -> Self {
        Self::with(Config::default()).await
    }

    pub async fn with(config: Config) -> Self {
        Self::on(Store::open().await, config, Arc::new(AtomicI64::new(T0)))
    }

    pub fn on(store: Store, config: Config, clock: Arc<AtomicI64>) -> Self {
        Self::start(store, config, clock, false)
    }

    /// With a register that is still being read, until `is_behind` says otherwise.
    pub async fn behind() -> Self {
        Self::start(Store::open().await, Config::default(), Arc::new(AtomicI64::new(T0)), true)
    }

    fn start(store: Store, config: Config, clock: Arc<AtomicI64>, is_behind: bool) -> Self {
        let follower = Follower::start(&store.journal, clock.clone());
        let (seen, time) = (follower.seen.clone(), clock.clone());
        let is_behind = Arc::new(AtomicBool::new(is_behind));
        let nothing_yet = is_behind.clone();
        let view = move || {
            if nothing_yet.load(Ordering::SeqCst) {
                Arc::default()
            } else {
                seen.lock().unwrap().view.clone()
            }
        };
        let view: ViewOf = Arc::new(view);
        let held = Arc::downgrade(&view);
        let mut registry = Registry::default();
        let (control, running) = Service::start(
            store.broker.clone(),
            store.journal.clone(),
            "leeds",
            Arc::new(Profiles::builtin()),
            view,
            Arc::new(move || Timestamp(time.load(Ordering::SeqCst))),
            config,
            &mut registry,
        )
        .expect("a service");
        Self { store, control, running, registry, clock, is_behind, follower, held }
    }

    /// The service is killed, and another one started.
    pub async fn without_service(self) -> (Store, Arc<AtomicI64>) {
        let Self { store, running, follower, clock, control, held, .. } = self;
        drop((running, control, follower));
        // A process that is killed writes nothing afterwards; a task that is aborted goes on to where it waits next.
        eventually(|| held.strong_count(), |left| *left == 0).await;
        // What it handed to the journal is durable before whoever comes next looks, as it is when a process is killed with it.
        let retain = true;
        store.publish_with("between/two", "-", QoS::AtLeastOnce, retain, MessageProperties::default()).await;
        (store, clock)
    }

    pub fn view(&self) -> Arc<DevicesView> {
        self.follower.seen.lock().unwrap().view.clone()
    }

    pub fn device(&self, device: &str) -> Option<Arc<DeviceView>> {
        self.view().get(device).cloned()
    }

    pub fn events(&self) -> Vec<Event> {
        self.follower.seen.lock().unwrap().events.clone()
    }

    pub fn readings(&self) -> Vec<Reading> {
        let of = |event| match event {
            Event::ReadingsTaken(taken) => taken.readings,
            _ => Vec::new(),
        };
        self.events().into_iter().flat_map(of).collect()
    }

    pub fn faults(&self) -> Vec<(String, String, String)> {
        let of = |event| match event {
            Event::DeviceFaulted(it) => {
                Some((it.device.to_string(), it.problem.to_string(), it.detail.to_string()))
            }
            _ => None,
        };
        self.events().into_iter().filter_map(of).collect()
    }

    pub async fn until(&self, device: &str, is_so: impl Fn(&DeviceView) -> bool) -> Arc<DeviceView> {
        let seen = eventually(|| self.device(device), |seen| seen.as_ref().is_some_and(|it| is_so(it))).await;
        seen.expect("is known")
    }

    pub async fn until_readings(&self, count: usize) -> Vec<Reading> {
        // What was counted says why, when they do not come.
        let look = || (self.readings(), self.metrics());
        eventually(look, |(readings, _)| readings.len() >= count).await.0
    }

    pub async fn says(&self, device: &str, channel: &str, retain: bool, payload: &Value) {
        self.says_bytes(device, channel, retain, payload.to_string()).await;
    }

    pub async fn says_bytes(&self, device: &str, channel: &str, retain: bool, payload: impl Into<Bytes>) {
        let topic = format!("aisle/v1/leeds/{device}/{channel}");
        self.store
            .publish_bytes(&topic, payload.into(), QoS::AtLeastOnce, retain, MessageProperties::default())
            .await;
    }

    pub async fn announces(&self, device: &str) {
        self.says(device, "announce", true, &announce("thermo", "s1", 1)).await;
    }

    /// A device that was announced and approved.
    pub async fn has(&self, device: &str) {
        self.announces(device).await;
        self.until(device, |_| true).await;
        self.control.approve(device, Some("mo"), &[]).await.expect("approved");
    }

    pub async fn measures(&self, device: &str, boot: u32, n: u32, celsius: f64) {
        let payload = telemetry(boot, &[(n, None, celsius)]);
        self.says(device, "telemetry/temperature", false, &payload).await;
    }

    pub fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).expect("encoded");
        text
    }
}

pub fn announce(model: &str, serial: &str, boots: u32) -> Value {
    json!({
        "contract": 1,
        "model": model,
        "serial": serial,
        "boots": boots,
        "streams": [
            {"name": "temperature", "kind": "number", "unit": "celsius", "interval_s": 60},
            {"name": "weight", "kind": "number", "unit": "gram", "interval_s": 60},
            {"name": "zone", "kind": "tags"},
            {"name": "scanner", "kind": "code"},
        ],
        "settings": [
            {"name": "interval_s", "kind": {"integer": {"min": 5, "max": 3600}}, "default": 60},
            {"name": "limit", "kind": {"number": {"min": -30.0, "max": 80.0}}, "default": 5.0},
            {"name": "led", "kind": "bool", "default": true},
        ],
    })
}

pub fn telemetry(boot: u32, samples: &[(u32, Option<i64>, f64)]) -> Value {
    let sample = |(n, at_ms, v): &(u32, Option<i64>, f64)| match at_ms {
        Some(at_ms) => json!({"n": n, "at_ms": at_ms, "v": v}),
        None => json!({"n": n, "v": v}),
    };
    json!({"boot": boot, "unit": "celsius", "samples": samples.iter().map(sample).collect::<Vec<_>>()})
}
