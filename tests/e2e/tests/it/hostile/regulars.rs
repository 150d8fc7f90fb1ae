//! [`Regulars`]: clients that behave. A sensor that publishes with QoS 1, a screen that subscribes, a kiosk that reads a
//! product and writes to a basket; one after the other and without a break.
//!
//! Guards: each message comes once and in order, each write is there at the end, no request fails.

use crate::support::api::Api;
use aisle_harness::mqtt::raw::{Connect, Packet, Publish, RawClient, Version};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::{runtime, time::sleep};

/// Rounds of each before the attack.
const CALM_ROUNDS: usize = 40;
const PAUSE: Duration = Duration::from_millis(3);
const PATIENCE: Duration = Duration::from_secs(20);
const TOPIC: &str = "regular/reading";
const SKU: &str = "TEA-1";

/// How one kind of work went.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) what: &'static str,
    /// The 99th percentile before the attack.
    pub(super) before: Duration,
    /// The same from then on.
    pub(super) during: Duration,
}

/// How long each round took, and whether the attack had begun.
type Rounds = Vec<(Phase, Duration)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Calm,
    Attack,
    Over,
}

/// What the threads tell each other.
#[derive(Debug, Default)]
struct Board {
    phase: AtomicUsize,
    messages: AtomicUsize,
    writes: AtomicUsize,
}

impl Board {
    fn phase(&self) -> Phase {
        match self.phase.load(Relaxed) {
            0 => Phase::Calm,
            1 => Phase::Attack,
            _ => Phase::Over,
        }
    }
}

/// They work until they are told to stop.
pub(super) struct Regulars {
    board: Arc<Board>,
    devices: JoinHandle<Rounds>,
    kiosk: JoinHandle<(Rounds, Rounds)>,
}

impl Regulars {
    /// Threads of their own: an attacker that is busy itself does not count as a slow node.
    pub(super) fn start(address: SocketAddr, url: &str) -> Self {
        let board = Arc::new(Board::default());
        let shared = board.clone();
        let devices = thread::spawn(move || block_on(devices(address, &shared)));
        let (shared, api) = (board.clone(), Api::new(url));
        let kiosk = thread::spawn(move || block_on(kiosk(&api, &shared)));
        Self { board, devices, kiosk }
    }

    /// Waits until they know their pace; from then on everything counts as during the attack.
    pub(super) async fn calm(&self) {
        let all = [&self.board.messages, &self.board.writes];
        while all.iter().any(|rounds| rounds.load(Relaxed) < CALM_ROUNDS) {
            assert!(!self.devices.is_finished() && !self.kiosk.is_finished(), "the regulars could not work");
            sleep(PAUSE).await;
        }
        self.board.phase.store(1, Relaxed);
    }

    /// Ends their day; fails when one of them was harmed.
    pub(super) fn stop(self) -> [Report; 3] {
        self.board.phase.store(2, Relaxed);
        let messages = self.devices.join().expect("sensor and screen were served");
        let (reads, writes) = self.kiosk.join().expect("the kiosk was served");
        [report("messages", &messages), report("reads", &reads), report("writes", &writes)]
    }
}

fn report(what: &'static str, all: &Rounds) -> Report {
    let of = |is_calm: bool| {
        let rounds = all.iter().filter(|(phase, _)| (*phase == Phase::Calm) == is_calm);
        rounds.map(|(_, took)| *took).collect::<Vec<_>>()
    };
    Report { what, before: p99(of(true)), during: p99(of(false)) }
}

fn p99(mut sorted: Vec<Duration>) -> Duration {
    sorted.sort_unstable();
    sorted.get((sorted.len() * 99).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

/// Each message is acknowledged and heard before the next.
async fn devices(address: SocketAddr, board: &Board) -> Rounds {
    let mut screen = connect(address, "regular-screen").await;
    screen.subscribe(TOPIC, 1).await.expect("it may subscribe");
    let mut sensor = connect(address, "regular-sensor").await;
    let mut times = Vec::new();
    while board.phase() != Phase::Over {
        let phase = board.phase();
        let number = times.len();
        let packet_id = (number % 60_000) as u16 + 1;
        let payload = number.to_string().into();
        let begun = Instant::now();
        let reading = Publish { topic: TOPIC.into(), payload, qos: 1, packet_id, ..Publish::default() };
        sensor.publish(&reading).await.expect("it is connected");
        let answer = sensor.recv_packet(PATIENCE).await.expect("an answer comes");
        assert_eq!(answer, Packet::Puback { packet_id, reason: 0 });
        let heard = screen.recv_publish(PATIENCE).await.expect("the message comes");
        assert_eq!(heard.payload, reading.payload, "each comes once and in order");
        times.push((phase, begun.elapsed()));
        board.messages.store(times.len(), Relaxed);
        sleep(PAUSE).await;
    }
    times
}

async fn connect(address: SocketAddr, client: &str) -> RawClient {
    RawClient::connect(address, &Connect::kept(Version::V5, client)).await.expect("it may come in").0
}

/// Reads a product and puts more of it into its basket, which holds what was written last.
async fn kiosk(api: &Api, board: &Board) -> (Rounds, Rounds) {
    let session = api.session().await;
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    let mut quantity = 0;
    while board.phase() != Phase::Over {
        let phase = board.phase();
        let begun = Instant::now();
        assert_eq!(api.get(&format!("/v1/products/{SKU}")).await.status, 200);
        reads.push((phase, begun.elapsed()));
        quantity = quantity % 50 + 1;
        let begun = Instant::now();
        let written = api.set(&session, SKU, quantity).await;
        assert!(written.status < 300, "{written:#?}");
        writes.push((phase, begun.elapsed()));
        board.writes.store(writes.len(), Relaxed);
        sleep(PAUSE).await;
    }
    assert!((api.held(&session, SKU).await - quantity as f64).abs() < f64::EPSILON);
    (reads, writes)
}
