//! What calls cost and how they ended, counted for each plugin and hook; and the last calls whole, for replays.
//!
//! Not here: how they are shown (`metrics`, the admin API). Guards invariant 6: what is kept is bounded in count and bytes.

use super::ordered::is_trap;
use aisle_fleet::Health;
use aisle_plugin_host::{Call, Failure, Hook, Input, Origin, Recording};
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// How a call may end: with an answer, or by one of the names of [`aisle_plugin_host::Failure::kind`].
pub(super) const OUTCOMES: [&str; 11] = [
    "ok",
    "trap",
    "timeout",
    "out-of-fuel",
    "out-of-memory",
    "too-large",
    "input-too-large",
    "refused",
    "bad-output",
    "busy",
    "not-asked",
];
/// The shortest time that is told apart, and how many times twice as long: 25 µs to 102 ms.
const SECONDS: (f64, u16) = (0.000_025, 13);
/// The last failures of a plugin that are remembered.
const FAILURES_MAX: usize = 32;
/// Versions of a plugin whose calls are counted apart.
const VERSIONS_MAX: usize = 4;
/// The last calls that percentiles are made of.
const SAMPLE_MAX: usize = 1024;

/// What is counted of one plugin's calls for one hook.
#[derive(Debug)]
pub(super) struct HookFigures {
    outcomes: [AtomicU64; OUTCOMES.len()],
    seconds: Histogram,
    fuel: AtomicU64,
    memory_bytes: AtomicU64,
    sample: Mutex<VecDeque<(u64, u64)>>,
}

/// A failure that is remembered.
#[derive(Debug, Clone)]
pub(crate) struct Failed {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// The version.
    pub version: String,
    /// The hook.
    pub hook: Hook,
    /// In a word.
    pub kind: &'static str,
    /// In words.
    pub reason: String,
}

/// What the figures of a hook say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Summary {
    /// Calls by outcome, those that happened.
    pub outcomes: Vec<(&'static str, u64)>,
    /// All calls.
    pub calls: u64,
    /// The fuel of all of them.
    pub fuel: u64,
    /// The largest memory, in bytes.
    pub memory_bytes: u64,
    /// Half of the last calls took no longer, in microseconds.
    pub micros_p50: u64,
    /// 99 of 100 of the last calls took no longer, in microseconds.
    pub micros_p99: u64,
    /// Half of the last calls used no more fuel.
    pub fuel_p50: u64,
    /// 99 of 100 of the last calls used no more fuel.
    pub fuel_p99: u64,
}

impl Default for HookFigures {
    fn default() -> Self {
        let (shortest, count) = SECONDS;
        Self {
            outcomes: Default::default(),
            seconds: Histogram::new(exponential_buckets(shortest, 2.0, count)),
            fuel: AtomicU64::default(),
            memory_bytes: AtomicU64::default(),
            sample: Mutex::default(),
        }
    }
}

impl HookFigures {
    /// How long calls took.
    pub(super) const fn seconds(&self) -> &Histogram {
        &self.seconds
    }

    fn count(&self, call: &Call) {
        let kind = call.outcome.as_ref().map_or_else(Failure::kind, |_| "ok");
        let outcome = OUTCOMES.iter().position(|known| *known == kind).and_then(|at| self.outcomes.get(at));
        if let Some(outcome) = outcome {
            outcome.fetch_add(1, Relaxed);
        }
        self.seconds.observe(Duration::from_micros(call.micros).as_secs_f64());
        self.fuel.fetch_add(call.fuel, Relaxed);
        self.memory_bytes.fetch_max(call.memory_bytes, Relaxed);
        let mut sample = self.sample.lock().unwrap_or_else(PoisonError::into_inner);
        if sample.len() == SAMPLE_MAX {
            sample.pop_front();
        }
        sample.push_back((call.micros, call.fuel));
    }

    /// What they say now.
    pub(super) fn summary(&self) -> Summary {
        let sample: Vec<(u64, u64)> =
            self.sample.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        let sorted = |pick: fn(&(u64, u64)) -> u64| {
            let mut values: Vec<u64> = sample.iter().map(pick).collect();
            values.sort_unstable();
            values
        };
        let (micros, fuel) = (sorted(|(micros, _)| *micros), sorted(|(_, fuel)| *fuel));
        let counts = OUTCOMES.iter().zip(&self.outcomes).map(|(kind, count)| (*kind, count.load(Relaxed)));
        let outcomes: Vec<(&str, u64)> = counts.filter(|(_, count)| *count > 0).collect();
        Summary {
            calls: outcomes.iter().map(|(_, count)| count).sum(),
            outcomes,
            fuel: self.fuel.load(Relaxed),
            memory_bytes: self.memory_bytes.load(Relaxed),
            micros_p50: quantile(&micros, 50),
            micros_p99: quantile(&micros, 99),
            fuel_p50: quantile(&fuel, 50),
            fuel_p99: quantile(&fuel, 99),
        }
    }
}

/// The value that so many of a hundred do not exceed; the values are sorted.
fn quantile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

/// All figures, and the last calls.
#[derive(Debug)]
pub(super) struct Figures {
    hooks: RwLock<BTreeMap<(String, Hook), Arc<HookFigures>>>,
    failures: Mutex<BTreeMap<String, VecDeque<Failed>>>,
    /// How each version of a plugin has done, by its component; those of a plugin are at most [`VERSIONS_MAX`].
    health: Mutex<BTreeMap<String, VecDeque<(String, Health)>>>,
    ring: Mutex<Ring>,
    calls_max: usize,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Ring {
    calls: BTreeMap<(String, Hook), VecDeque<Kept>>,
    bytes: usize,
    next: u64,
}

/// A call with all that it followed from. Its record is made when somebody asks for it, and not for each call.
#[derive(Debug, Clone)]
pub(super) struct Whole {
    /// Who was asked.
    pub(super) origin: Arc<Origin>,
    /// When, in milliseconds since 1970.
    pub(super) at: i64,
    /// What `random` followed from.
    pub(super) seed: u64,
    /// What was asked.
    pub(super) input: Arc<Input>,
    /// What came of it.
    pub(super) call: Arc<Call>,
}

impl Whole {
    fn recording(&self) -> Recording {
        Recording::of(&self.origin, self.at, self.seed, &self.input, &self.call)
    }
}

#[derive(Debug)]
struct Kept {
    number: u64,
    bytes: usize,
    whole: Whole,
}

impl Figures {
    pub(super) fn new(calls_max: usize, bytes_max: usize) -> Self {
        let (hooks, failures, ring) = (RwLock::default(), Mutex::default(), Mutex::default());
        Self { hooks, failures, health: Mutex::default(), ring, calls_max, bytes_max }
    }

    /// Those of a plugin and hook; they outlive its versions.
    pub(super) fn of(&self, plugin: &str, hook: Hook) -> Arc<HookFigures> {
        let key = (plugin.to_owned(), hook);
        if let Some(known) = self.hooks.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        self.hooks.write().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone()
    }

    /// All there are.
    pub(super) fn all(&self) -> Vec<((String, Hook), Arc<HookFigures>)> {
        let hooks = self.hooks.read().unwrap_or_else(PoisonError::into_inner);
        hooks.iter().map(|(key, figures)| (key.clone(), figures.clone())).collect()
    }

    /// Counts a call, and keeps it whole.
    pub(super) fn note(&self, whole: Whole) {
        let (plugin, hook) = (whole.origin.stamp.id.as_str(), whole.input.hook());
        self.of(plugin, hook).count(&whole.call);
        self.count_health(&whole);
        if let Err(failure) = &whole.call.outcome {
            let failed = Failed {
                at: whole.at,
                version: whole.origin.stamp.version.to_string(),
                hook,
                kind: failure.kind(),
                reason: failure.to_string(),
            };
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            let failures = failures.entry(plugin.to_owned()).or_default();
            failures.push_back(failed);
            while failures.len() > FAILURES_MAX {
                failures.pop_front();
            }
        }
        if self.calls_max > 0 {
            self.keep(whole);
        }
    }

    fn count_health(&self, whole: &Whole) {
        let call = &whole.call;
        if call.outcome.as_ref().is_err_and(|failure| !failure.counts()) {
            return;
        }
        let (plugin, component) = (whole.origin.stamp.id.as_str(), whole.origin.hash.as_str());
        let mut all = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(plugin) {
            all.insert(plugin.to_owned(), VecDeque::new());
        }
        let Some(versions) = all.get_mut(plugin) else { return };
        if !versions.iter().any(|(of, _)| of == component) {
            versions.push_back((component.to_owned(), Health::default()));
            if versions.len() > VERSIONS_MAX {
                versions.pop_front();
            }
        }
        let Some((_, health)) = versions.iter_mut().find(|(of, _)| of == component) else { return };
        health.calls += 1;
        health.traps += u64::from(call.outcome.as_ref().is_err_and(is_trap));
        health.errors += u64::from(call.outcome.as_ref().is_err_and(|failure| !is_trap(failure)));
        health.fuel = health.fuel.saturating_add(call.fuel);
        health.took.add(call.micros);
    }

    /// How a version has done since it was counted anew.
    pub(super) fn health(&self, plugin: &str, component: &str) -> Health {
        let all = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let versions = all.get(plugin).into_iter().flatten();
        versions
            .into_iter()
            .find(|(of, _)| of == component)
            .map(|(_, health)| health.clone())
            .unwrap_or_default()
    }

    /// Counts the versions of a plugin anew.
    pub(super) fn forget_health(&self, plugin: &str) {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).remove(plugin);
    }

    fn keep(&self, whole: Whole) {
        let bytes = whole.input.bytes() + whole.call.bytes();
        let key = (whole.origin.stamp.id.clone(), whole.input.hook());
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let number = ring.next;
        ring.next += 1;
        ring.bytes += bytes;
        let calls = ring.calls.entry(key).or_default();
        calls.push_back(Kept { number, bytes, whole });
        if calls.len() > self.calls_max {
            let gone = calls.pop_front().map_or(0, |kept| kept.bytes);
            ring.bytes -= gone;
        }
        while ring.bytes > self.bytes_max {
            let oldest =
                ring.calls.values_mut().min_by_key(|calls| calls.front().map_or(u64::MAX, |it| it.number));
            let Some(gone) = oldest.and_then(VecDeque::pop_front) else { return };
            ring.bytes -= gone.bytes;
        }
    }

    /// The last calls of a plugin, oldest first.
    pub(super) fn recordings(&self, plugin: &str, hook: Option<Hook>) -> Vec<Recording> {
        let mut found: Vec<(u64, Whole)> = {
            let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
            let of =
                ring.calls.iter().filter(|((of, at), _)| of == plugin && hook.is_none_or(|hook| hook == *at));
            of.flat_map(|(_, calls)| calls).map(|kept| (kept.number, kept.whole.clone())).collect()
        };
        found.sort_unstable_by_key(|(number, _)| *number);
        found.iter().map(|(_, whole)| whole.recording()).collect()
    }

    /// The last failures of a plugin, the latest last.
    pub(super) fn failures(&self, plugin: &str) -> Vec<Failed> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.get(plugin).map(|all| all.iter().cloned().collect()).unwrap_or_default()
    }

    /// How many calls are kept whole, and their bytes.
    pub(super) fn kept(&self) -> (usize, usize) {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        (ring.calls.values().map(VecDeque::len).sum(), ring.bytes)
    }

    /// Forgets a plugin that was removed.
    pub(super) fn forget(&self, plugin: &str) {
        self.hooks.write().unwrap_or_else(PoisonError::into_inner).retain(|(of, _), _| of != plugin);
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(plugin);
        self.forget_health(plugin);
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.calls.retain(|(of, _), _| of != plugin);
        ring.bytes = ring.calls.values().flatten().map(|kept| kept.bytes).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_plugin_host::{
        Stamp,
        types::{self, Happening, RankingInput, ReactionInput, Slot},
    };

    fn call(plugin: &str, hook: Hook, seed: u64) -> Whole {
        let context = types::Context {
            store: "store-1".into(),
            currency: "GBP".into(),
            now: 0,
            minute_of_day: 0,
            weekday: 1,
            day: 0,
            settings: Vec::new(),
        };
        let input = match hook {
            Hook::Ranking => Input::Ranking(RankingInput {
                context,
                slot: Slot::Home,
                subject: None,
                basket: Vec::new(),
                candidates: Vec::new(),
                count: 1,
            }),
            _ => Input::Reaction(ReactionInput { context, happening: Happening::DayBegan }),
        };
        let stamp = Stamp { id: plugin.into(), version: "1.0.0".parse().unwrap() };
        let call = Call {
            outcome: Err(Failure::NotAsked { hook }),
            fuel: 0,
            micros: 0,
            memory_bytes: 0,
            host_calls: Vec::new(),
            writes: Vec::new(),
            log: Vec::new(),
            log_lines_cut: 0,
        };
        let origin = Arc::new(Origin { stamp, hash: String::new() });
        Whole { origin, at: 0, seed, input: Arc::new(input), call: Arc::new(call) }
    }

    #[test]
    fn whole_calls_are_bounded_in_count_and_in_bytes_and_the_oldest_go_first() {
        let one = call("a", Hook::Reaction, 0);
        let figures = Figures::new(3, 4 * (one.input.bytes() + one.call.bytes()));
        for seed in 0..5 {
            figures.keep(call("a", Hook::Reaction, seed));
        }
        let seeds = |hook| figures.recordings("a", hook).iter().map(|call| call.seed).collect::<Vec<_>>();
        assert_eq!(seeds(None), [2, 3, 4]);
        figures.keep(call("a", Hook::Ranking, 5));
        figures.keep(call("a", Hook::Ranking, 6));
        assert_eq!((seeds(None), seeds(Some(Hook::Reaction))), (vec![3, 4, 5, 6], vec![3, 4]));
        figures.forget("a");
        assert_eq!(figures.kept(), (0, 0));
    }

    #[test]
    fn a_quantile_is_a_value_that_occurred() {
        assert_eq!(quantile(&[], 50), 0);
        assert_eq!(quantile(&[7], 99), 7);
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!((quantile(&hundred, 50), quantile(&hundred, 99)), (50, 99));
    }
}
