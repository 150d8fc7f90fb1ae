//! Scales under shelves, which say what they weigh by the device contract: QoS 1, on a schedule that waits for nobody.
//!
//! Every message carries the time at which it was due, so whoever shows a time shows which messages it has; and once more in
//! microseconds, which only a subscriber of ours reads. All times are counted from when a message was due.

use super::broker::{Broker, STORE};
use aisle_harness::mqtt::raw::{Connect, Publish, RawClient, Stream, Version, frame, write};
use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::{JoinSet, LocalSet},
};

/// Products, each with a shelf.
pub(super) const SHELVES: usize = 100;
/// Scales under each.
pub(super) const SCALES_EACH: usize = 5;
/// Messages of all scales together in a second.
pub(super) const PER_SECOND: u32 = 2_000;
pub(super) const UNIT_WEIGHT_G: f64 = 250.0;
pub(super) const STREAM: &str = "weight";
/// Pieces over each scale at the start.
const PIECES: i64 = 4;
/// Every so manieth message of a scale, a piece was taken or brought before it.
const STEP_EVERY: u32 = 200;
/// The longest time that is told from a longer one: a minute.
const LATENCY_NS_MAX: u64 = 60_000_000_000;
const INPUT_BYTES: usize = 4 << 10;

/// The name of a scale.
pub(super) fn scale(number: usize) -> String {
    format!("scale-{number:03}")
}

/// The product on the shelf that a scale is under.
pub(super) fn sku(scale: usize) -> String {
    format!("item-{:03}", scale % SHELVES)
}

/// Nanoseconds.
pub(super) type Times = Histogram<u64>;

pub(super) fn times() -> Result<Times> {
    Ok(Histogram::new_with_bounds(1_000, LATENCY_NS_MAX, 3)?)
}

/// A quantile in seconds.
pub(super) fn quantile_s(times: &Times, share: f64) -> f64 {
    times.value_at_quantile(share) as f64 / 1e9
}

/// A message that is not shown yet.
#[derive(Debug, Clone, Copy)]
struct Sent {
    at_ms: i64,
    due: Instant,
    /// A step is believed when the next message confirms it; how long that takes is no matter of speed.
    is_step: bool,
    counts: bool,
}

/// What generator and watchers share.
#[derive(Debug)]
pub(super) struct Floor {
    started: Instant,
    /// By shelf, in the order of their times.
    waiting: Vec<Mutex<VecDeque<Sent>>>,
    counting: AtomicBool,
    ending: AtomicBool,
    pub(super) published: AtomicU64,
    acknowledged: Mutex<Times>,
    shown: Mutex<Times>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Floor {
    pub(super) fn new() -> Result<Arc<Self>> {
        Ok(Arc::new(Self {
            started: Instant::now(),
            waiting: (0..SHELVES).map(|_| Mutex::default()).collect(),
            counting: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            published: AtomicU64::new(0),
            acknowledged: Mutex::new(times()?),
            shown: Mutex::new(times()?),
        }))
    }

    /// From now on messages count.
    pub(super) fn count(&self) {
        self.counting.store(true, Relaxed);
    }

    /// Nothing new is sent.
    pub(super) fn end(&self) {
        self.counting.store(false, Relaxed);
        self.ending.store(true, Relaxed);
    }

    /// All messages of a shelf up to a time are shown now.
    pub(super) fn shown_up_to(&self, shelf: usize, at_ms: i64) {
        let now = Instant::now();
        let Some(waiting) = self.waiting.get(shelf) else { return };
        let mut waiting = lock(waiting);
        while let Some(sent) = waiting.front().filter(|sent| sent.at_ms <= at_ms).copied() {
            waiting.pop_front();
            if sent.counts && !sent.is_step {
                let took = now.saturating_duration_since(sent.due).as_nanos() as u64;
                lock(&self.shown).saturating_record(took);
            }
        }
    }

    /// Messages that are not shown yet, without those that nothing confirms any more.
    pub(super) fn missing(&self) -> usize {
        self.waiting.iter().map(|waiting| lock(waiting).iter().filter(|sent| !sent.is_step).count()).sum()
    }

    /// A message reached a subscriber.
    pub(super) fn delivered(&self, due: Instant) {
        if self.counting.load(Relaxed) {
            lock(&self.shown).saturating_record(due.elapsed().as_nanos() as u64);
        }
    }

    /// How long acknowledgements took, and how long it took until messages were shown or delivered.
    pub(super) fn results(&self) -> (Times, Times) {
        (lock(&self.acknowledged).clone(), lock(&self.shown).clone())
    }

    /// Publishes until [`Self::end`]. Blocks.
    pub(super) fn publish(self: &Arc<Self>, broker: &Broker, watched: bool) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        LocalSet::new().block_on(&runtime, self.publish_here(broker, watched))
    }

    async fn publish_here(self: &Arc<Self>, broker: &Broker, watched: bool) -> Result<()> {
        let mut streams = Vec::new();
        let scales = SHELVES * SCALES_EACH;
        for number in 0..scales {
            let connect = Connect::clean(Version::V311, scale(number));
            let (client, _) = RawClient::connect(broker.address, &connect).await?;
            let Stream::Tcp(stream) = client.into_stream() else { bail!("scales speak plain TCP") };
            stream.set_nodelay(true)?;
            streams.push(stream);
        }
        let every = Duration::from_secs(1) * scales as u32 / PER_SECOND;
        let (started, mut tasks) = (Instant::now(), JoinSet::new());
        for (number, stream) in streams.into_iter().enumerate() {
            let first = started + every.mul_f64(number as f64 / scales as f64);
            tasks.spawn_local(self.clone().speak(number, stream, first, every, watched));
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok(())
    }

    async fn speak(
        self: Arc<Self>,
        number: usize,
        stream: TcpStream,
        first: Instant,
        every: Duration,
        watched: bool,
    ) -> Result<()> {
        let (reader, mut writer) = stream.into_split();
        let unanswered = Arc::new(Mutex::new(VecDeque::new()));
        let listening = tokio::task::spawn_local(self.clone().listen(reader, unanswered.clone()));
        let spoken = self.say(number, &mut writer, &unanswered, first, every, watched).await;
        // Every message is answered, or the connection is broken.
        let deadline = Instant::now() + Duration::from_secs(10);
        while !lock(&unanswered).is_empty() && !listening.is_finished() {
            ensure!(Instant::now() < deadline, "{} was not answered", scale(number));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        listening.abort();
        spoken
    }

    async fn say(
        &self,
        number: usize,
        writer: &mut OwnedWriteHalf,
        unanswered: &Mutex<VecDeque<Instant>>,
        first: Instant,
        every: Duration,
        watched: bool,
    ) -> Result<()> {
        let (topic, shelf) =
            (format!("aisle/v1/{STORE}/{}/telemetry/{STREAM}", scale(number)), number % SHELVES);
        let (mut pieces, mut bytes) = (PIECES, Vec::new());
        let mut due = first;
        for n in 1_u32.. {
            tokio::time::sleep_until(due.into()).await;
            if self.ending.load(Relaxed) {
                return Ok(());
            }
            // Spread, so that scales do not all step at once.
            let is_step = (n + number as u32).is_multiple_of(STEP_EVERY);
            if is_step {
                pieces = if pieces == PIECES { PIECES - 1 } else { PIECES };
            }
            // Half a gram about what it is: what a scale is wont to show.
            let grams = pieces as f64 * UNIT_WEIGHT_G + f64::from(n % 3) * 0.5 - 0.5;
            let late = due.elapsed();
            let at_ms = unix_ms(late)?;
            let due_us = due.saturating_duration_since(self.started).as_micros();
            let payload = format!(
                "{{\"boot\":1,\"unit\":\"gram\",\"samples\":[{{\"n\":{n},\"at_ms\":{at_ms},\"v\":{grams:.1}}}],\"due_us\":{due_us}}}"
            );
            let packet_id = (n % 60_000) as u16 + 1;
            let publish = Publish {
                topic: topic.clone(),
                payload: payload.into(),
                qos: 1,
                packet_id,
                ..Publish::default()
            };
            bytes.clear();
            write::publish(&mut bytes, Version::V311, &publish);
            lock(unanswered).push_back(due);
            if watched {
                let sent = Sent { at_ms, due, is_step, counts: self.counting.load(Relaxed) };
                if let Some(waiting) = self.waiting.get(shelf) {
                    lock(waiting).push_back(sent);
                }
            }
            writer.write_all(&bytes).await?;
            if self.counting.load(Relaxed) {
                self.published.fetch_add(1, Relaxed);
            }
            due += every;
        }
        Ok(())
    }

    async fn listen(
        self: Arc<Self>,
        mut reader: OwnedReadHalf,
        unanswered: Arc<Mutex<VecDeque<Instant>>>,
    ) -> Result<()> {
        let (mut input, mut filled) = (vec![0; INPUT_BYTES], 0);
        loop {
            let read = reader.read(input.get_mut(filled..).unwrap_or_default()).await?;
            ensure!(read > 0, "the broker closed a connection");
            filled += read;
            let mut taken = 0;
            while let Some(packet) = frame(input.get(taken..filled).unwrap_or_default())? {
                taken += packet.bytes;
                ensure!(packet.first == 0x40, "a packet {:#04x} came to a scale", packet.first);
                let due = lock(&unanswered).pop_front().context("an answer to what was not sent")?;
                if self.counting.load(Relaxed) {
                    lock(&self.acknowledged).saturating_record(due.elapsed().as_nanos() as u64);
                }
            }
            input.copy_within(taken..filled, 0);
            filled -= taken;
        }
    }
}

/// Milliseconds since 1970, so long ago.
fn unix_ms(ago: Duration) -> Result<i64> {
    Ok((SystemTime::now() - ago).duration_since(UNIX_EPOCH)?.as_millis() as i64)
}

/// Takes every message of the scales from a broker and tells when it came, until [`Floor::end`]. Blocks.
pub(super) fn subscribe(floor: &Floor, broker: &Broker) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut client, _) =
            RawClient::connect(broker.address, &Connect::clean(Version::V311, "subscriber")).await?;
        client.subscribe(&format!("aisle/v1/{STORE}/+/telemetry/{STREAM}"), 1).await?;
        while !floor.ending.load(Relaxed) {
            // Within this something comes as long as scales speak.
            let Ok(message) = client.recv_publish(Duration::from_secs(1)).await else { continue };
            let text = std::str::from_utf8(&message.payload).unwrap_or_default();
            let due_us =
                text.rsplit_once("\"due_us\":").and_then(|(_, us)| us.trim_end_matches('}').parse().ok());
            let due_us = due_us.context("a message of somebody else came")?;
            floor.delivered(floor.started + Duration::from_micros(due_us));
        }
        Ok(())
    })
}
