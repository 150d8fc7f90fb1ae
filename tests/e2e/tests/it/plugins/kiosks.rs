//! [`Kiosks`]: a steady load in an open loop. A request goes out when it is due, however long the ones before it take, and its time
//! counts from then; so a node that stands still is seen by all who would have asked meanwhile.

use crate::support::api::Api;
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::{runtime, task::JoinSet, time::sleep_until};

/// A request goes out this often.
const EVERY: Duration = Duration::from_millis(5);
/// Requests on their way at once; more means that the node has stopped to answer.
const FLYING_MAX: usize = 4_000;
/// Threads that keep the machine busy: as many as calls go round in circles at once, which are ended after a twentieth of a second.
const SPINNING: usize = 4;
/// Products that are looked at and bought.
const SKUS: [&str; 4] = ["TEA-1", "TEA-2", "JAM-1", "CUP-2"];

/// What the day is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing is wrong.
    Calm,
    /// Nothing is wrong, and the machine has as much to do as when calls go round in circles.
    Busy,
    /// Plugins do what they must not at the hook of baskets.
    Baskets,
    /// And now at the hook of lists.
    Lists,
}

const PHASES: [Phase; 4] = [Phase::Calm, Phase::Busy, Phase::Baskets, Phase::Lists];
const OVER: usize = PHASES.len();

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Product,
    List,
    Basket,
    Write,
}

/// One request and its end.
#[derive(Debug, Clone, Copy)]
struct Sample {
    phase: Phase,
    what: What,
    took: Duration,
    status: u16,
}

/// They ask until they are told to stop.
pub(super) struct Kiosks {
    phase: Arc<AtomicUsize>,
    asking: JoinHandle<Vec<Sample>>,
}

/// How all of it went.
pub(super) struct Times(Vec<Sample>);

impl Kiosks {
    /// A thread of their own: a test that is busy itself does not count as a slow node.
    pub(super) async fn open(api: &Api) -> Self {
        let mut sessions = Vec::new();
        for sku in SKUS {
            let session = api.session().await;
            api.set(&session, sku, 2).await.json(200);
            sessions.push(session);
        }
        let phase = Arc::new(AtomicUsize::new(0));
        let (api, shared) = (api.clone(), phase.clone());
        let asking = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(ask(&api, sessions.into(), &shared))
        });
        Self { phase, asking }
    }

    /// What is due from now on belongs to this.
    pub(super) fn set(&self, phase: Phase) {
        self.phase.store(phase as usize, Relaxed);
    }

    /// Has the machine compute something else for so long.
    pub(super) async fn busy_for(&self, time: Duration) {
        self.set(Phase::Busy);
        let until = Instant::now() + time;
        let spinning = [(); SPINNING].map(|()| {
            thread::spawn(move || {
                while Instant::now() < until {
                    std::hint::spin_loop();
                }
            })
        });
        sleep_until(until.into()).await;
        for thread in spinning {
            thread.join().expect("it only counts");
        }
        self.set(Phase::Calm);
    }

    /// The end of the day, when the last answer has come.
    pub(super) fn close(self) -> Times {
        self.phase.store(OVER, Relaxed);
        Times(self.asking.join().expect("the kiosks were served"))
    }
}

async fn ask(api: &Api, sessions: Arc<[String]>, phase: &AtomicUsize) -> Vec<Sample> {
    let begun = Instant::now();
    let (mut flying, mut samples) = (JoinSet::new(), Vec::new());
    for number in 0_u32.. {
        let due = begun + EVERY * number;
        sleep_until(due.into()).await;
        let Some(phase) = PHASES.get(phase.load(Relaxed)).copied() else { break };
        flying.spawn(one(api.clone(), sessions.clone(), number, phase, due));
        while let Some(sample) = flying.try_join_next() {
            samples.push(sample.expect("an answer"));
        }
        assert!(flying.len() <= FLYING_MAX, "{} requests wait for their answers", flying.len());
    }
    samples.extend(flying.join_all().await);
    samples
}

/// Of ten requests three are for a product, three for a list, three for a basket; one writes to a basket.
async fn one(api: Api, sessions: Arc<[String]>, number: u32, phase: Phase, due: Instant) -> Sample {
    let at = number as usize / 10 % SKUS.len();
    let (sku, session) = (SKUS[at], &sessions[at]);
    let basket = format!("/v1/sessions/{session}/basket");
    let (what, answer) = match number % 10 {
        0 | 3 | 6 => (What::Product, api.get(&format!("/v1/products/{sku}")).await),
        1 | 4 | 7 => (What::List, api.get("/v1/recommendations/home?count=4").await),
        2 | 5 | 8 => (What::Basket, api.get(&basket).await),
        _ => {
            let quantity = json!({ "quantity": 1 + number / 10 % 5 });
            (What::Write, api.put(&format!("{basket}/{sku}"), &quantity).await)
        }
    };
    Sample { phase, what, took: due.elapsed(), status: answer.status }
}

impl Sample {
    /// Whether a plugin was asked that does what it must not.
    fn is_harmed(&self) -> bool {
        match self.phase {
            Phase::Calm | Phase::Busy => false,
            Phase::Baskets => matches!(self.what, What::Basket | What::Write),
            Phase::Lists => self.what == What::List,
        }
    }
}

impl Times {
    /// What half of the requests took at most without bad plugins: on a calm day or with a busy machine, whichever is longer. The 99th
    /// percentile of some hundreds is what else the machine did in that moment; it is printed.
    pub(super) fn control(&self) -> Duration {
        let of = |phase| self.half(&format!("{phase:?}"), |sample| sample.phase == phase);
        of(Phase::Calm).max(of(Phase::Busy))
    }

    /// The same of those that asked no bad plugin, while there was one.
    pub(super) fn asking_nobody(&self) -> Duration {
        let is_calm = |phase| matches!(phase, Phase::Calm | Phase::Busy);
        self.half("beside bad plugins", |sample| !is_calm(sample.phase) && !sample.is_harmed())
    }

    /// The same of those that may have asked one.
    pub(super) fn asking_plugins(&self) -> Duration {
        self.half("through bad plugins", Sample::is_harmed)
    }

    /// Fails when any answer was none.
    pub(super) fn all_were_answered(&self) {
        let bad: Vec<&Sample> = self.0.iter().filter(|sample| sample.status != 200).collect();
        assert!(bad.is_empty(), "{} of {} were not answered: {:?}", bad.len(), self.0.len(), bad.first());
    }

    fn half(&self, what: &str, counts: impl Fn(&Sample) -> bool) -> Duration {
        let mut took: Vec<Duration> =
            self.0.iter().filter(|sample| counts(sample)).map(|sample| sample.took).collect();
        took.sort_unstable();
        let at = |percent: usize| {
            took.get((took.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
        };
        eprintln!(
            "{what}: {} requests, p50 {:?}, p99 {:?}, longest {:?}",
            took.len(),
            at(50),
            at(99),
            at(100)
        );
        at(50)
    }
}
