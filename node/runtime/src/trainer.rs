//! Learns in the background: a new model now and then, a small delta of what happened since, every few seconds.
//!
//! One thread at low priority. Whoever asks for recommendations meanwhile gets them from the model that is installed.
//!
//! Not here: how a model is made (`aisle-recommend`), where the visits come from (`aisle-state`).

use crate::background::{Background, Pause};
use aisle_event::Timestamp;
use aisle_recommend::{Delta, Model, Recommender, Trainer as Gatherer, Visit as Seen};
use aisle_state::{RECENT_MAX, State, StateError, Visit, VisitKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

/// How often recommendations learn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// A new model is made after so many seconds, if anything happened meanwhile.
    pub rebuild_every_s: u64,
    /// A new model is made earlier after so many visits and sales; at most 2048.
    pub rebuild_after_visits: usize,
    /// What happened since the model was made is taken in every so many seconds.
    pub delta_every_s: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { rebuild_every_s: 600, rebuild_after_visits: 1000, delta_every_s: 2 }
    }
}

impl Config {
    /// Says which setting leaves no room for work.
    pub(crate) fn validate(&self) -> Result<(), String> {
        // Beyond half of what a snapshot remembers, visits could be missed between two deltas.
        let visits_max = RECENT_MAX / 2;
        if self.rebuild_every_s == 0 || self.delta_every_s == 0 {
            return Err("`rebuild_every_s` and `delta_every_s` must be at least 1".into());
        }
        if !(1..=visits_max).contains(&self.rebuild_after_visits) {
            return Err(format!(
                "`rebuild_after_visits` is {}, expected 1 to {visits_max}",
                self.rebuild_after_visits
            ));
        }
        Ok(())
    }
}

/// Starts to learn.
pub(crate) fn start(
    state: State,
    recommender: Arc<Recommender>,
    config: Config,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
) -> io::Result<Background> {
    let learner = Learner { state, recommender, config, now };
    Background::start("aisle-trainer", move |pause| {
        // A state that stops is the supervisor's business; there is nothing left to learn from.
        if let Err(error) = learner.learn(pause) {
            tracing::warn!(%error, "recommendations no longer learn");
        }
    })
}

struct Learner {
    state: State,
    recommender: Arc<Recommender>,
    config: Config,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

/// The installed model and how far it goes.
struct Base {
    model: Arc<Model>,
    /// The last record that its visits come from.
    seq: u64,
    made: Instant,
    /// The last record in its delta.
    delta_seq: u64,
}

impl Learner {
    fn learn(&self, pause: &Pause) -> Result<(), StateError> {
        self.state.catch_up()?;
        let mut base = self.train()?;
        let interval = Duration::from_secs(self.config.delta_every_s);
        while !pause.wait(interval) {
            let shop = self.state.shop();
            let fresh: Vec<Arc<Visit>> =
                shop.recent.iter().filter(|visit| visit.seq > base.seq).cloned().collect();
            let Some(latest) = fresh.iter().map(|visit| visit.seq).max() else { continue };
            let due = base.made.elapsed() >= Duration::from_secs(self.config.rebuild_every_s);
            if due || fresh.len() >= self.config.rebuild_after_visits {
                base = self.train()?;
            } else if latest > base.delta_seq {
                self.install_delta(&base, &fresh);
                base.delta_seq = latest;
            }
        }
        Ok(())
    }

    fn train(&self) -> Result<Base, StateError> {
        let started = Instant::now();
        let seq = self.state.shop().applied;
        let mut gatherer = Gatherer::new(self.recommender.settings());
        for visit in self.state.history() {
            let visit = visit?;
            // What came in since is the delta's; nothing counts twice.
            if visit.seq <= seq {
                match visit.kind {
                    VisitKind::Browse => gatherer.browse(visit.at, &visit.items),
                    VisitKind::Sale => gatherer.sale(visit.at, &visit.items),
                }
            }
        }
        let model = self.recommender.install(gatherer.finish((self.now)()));
        let took = started.elapsed();
        self.recommender.trained(took);
        tracing::info!(size = ?model.size(), took_ms = took.as_millis() as u64, "recommendations have a new model");
        Ok(Base { model, seq, made: Instant::now(), delta_seq: seq })
    }

    fn install_delta(&self, base: &Base, fresh: &[Arc<Visit>]) {
        let of = |kind: VisitKind| {
            let visits = fresh.iter().filter(move |visit| visit.kind == kind);
            visits.map(|visit| Seen { at: visit.at, items: visit.items.as_slice() })
        };
        let (browses, sales) = (of(VisitKind::Browse), of(VisitKind::Sale));
        let delta =
            Delta::build(base.model.clone(), browses, sales, (self.now)(), self.recommender.settings());
        // Only this thread installs models, so the base is always the installed one.
        if let Err(error) = self.recommender.install_delta(delta) {
            tracing::debug!(%error, "the delta was not installed");
        }
    }
}
