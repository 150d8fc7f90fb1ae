//! A bad line between two ends on this machine: [`UdpLink`] for QUIC, [`TcpLink`] for what goes over TLS.
//!
//! Both listen on the loopback interface and pass on what comes, as the [`Weather`] has it: lost, late, in another order, at a rate, or not at all.
//! The address that the far end sees can change in the middle of a connection.
//!
//! Not here: what is expected of whoever uses such a line. Guards repeatability as far as real sockets allow: which datagram is lost
//! or late comes from a seed; when the system runs a task does not.

mod tcp;
mod udp;

pub use tcp::TcpLink;
pub use udp::UdpLink;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How a line is, the same in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weather {
    /// How many of a thousand datagrams are lost. TCP loses none.
    pub loss_per_mille: u32,
    /// How long each takes, in milliseconds.
    pub delay_ms: u64,
    /// Up to so much longer, each datagram for itself, so that they overtake each other. On TCP each piece waits so much, in order.
    pub jitter_ms: u64,
    /// How many bytes a second go through; `None`: all.
    pub bytes_per_s: Option<u64>,
    /// How many bytes may wait for that; the next datagram is lost. On TCP the sender waits.
    pub queue_bytes_max: u64,
    /// Nothing goes through and nothing says so.
    pub is_blackhole: bool,
}

impl Default for Weather {
    /// A line that does nothing.
    fn default() -> Self {
        Self {
            loss_per_mille: 0,
            delay_ms: 0,
            jitter_ms: 0,
            bytes_per_s: None,
            queue_bytes_max: 256 << 10,
            is_blackhole: false,
        }
    }
}

/// What went through, in both directions together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passed {
    /// Datagrams, or pieces of a stream.
    pub parcels: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Datagrams that did not.
    pub lost: u64,
}

/// The directions of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

/// What the ends of a line share: its weather, what went through, and until when each direction is busy.
#[derive(Debug)]
struct Sky {
    weather: Weather,
    passed: Passed,
    busy_until: [Instant; 2],
    random: ChaCha8Rng,
}

#[derive(Debug, Clone)]
struct Shared(Arc<Mutex<Sky>>);

impl Shared {
    fn new(seed: u64) -> Self {
        let now = Instant::now();
        let random = ChaCha8Rng::seed_from_u64(seed);
        let sky =
            Sky { weather: Weather::default(), passed: Passed::default(), busy_until: [now; 2], random };
        Self(Arc::new(Mutex::new(sky)))
    }

    fn sky(&self) -> MutexGuard<'_, Sky> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sky {
    fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.random.random_range(0..bound) }
    }

    fn takes(&self, bytes: u64) -> Duration {
        let of = |rate: u64| Duration::from_secs_f64(bytes as f64 / rate.max(1) as f64);
        self.weather.bytes_per_s.map_or(Duration::ZERO, of)
    }

    const fn free(&self, way: Way) -> Instant {
        let [there, back] = self.busy_until;
        match way {
            Way::There => there,
            Way::Back => back,
        }
    }

    /// When a direction has room for more; now or before when it has.
    fn has_room_at(&self, way: Way) -> Instant {
        self.free(way).checked_sub(self.takes(self.weather.queue_bytes_max)).unwrap_or_else(Instant::now)
    }

    /// When so many bytes come out at the other end; `None` when they are lost.
    fn due(&mut self, way: Way, bytes: usize, may_lose: bool) -> Option<Instant> {
        let Weather { loss_per_mille, delay_ms, jitter_ms, is_blackhole, .. } = self.weather;
        let is_lost = may_lose && (is_blackhole || self.below(1_000) < u64::from(loss_per_mille));
        let now = Instant::now();
        let is_full = may_lose && self.has_room_at(way) > now;
        if is_lost || is_full {
            self.passed.lost += 1;
            return None;
        }
        let done = self.free(way).max(now) + self.takes(bytes as u64);
        let [there, back] = &mut self.busy_until;
        *(match way {
            Way::There => there,
            Way::Back => back,
        }) = done;
        self.passed.parcels += 1;
        self.passed.bytes += bytes as u64;
        Some(done + Duration::from_millis(delay_ms + self.below(jitter_ms)))
    }
}
