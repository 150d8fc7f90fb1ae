//! Reactions: a thread follows the journal, asks the plugins about each thing that happens, and writes what they want done.
//!
//! What one thing leads to is one batch, which also says how far was reacted to: after a crash nothing is done twice. What led to
//! nothing is noted now and then; asked again, it leads to nothing again or to what is right by then.
//!
//! Not here: what happened (`happening`), what is done about it (`action`).
//! Guards invariant 1 where plugins act: an action is in the journal before anybody sees it.

use super::{
    Plugins, RecordError,
    action::{self, Gathered},
    happening,
    live::Runner,
};
use crate::floor::Floor;
use aisle_devices::service::ControlError;
use aisle_event::{
    Day, DeviceId, Event, EventType, Money, Name, Sku, Text, Timestamp, Unknown, plugin::PluginReacted,
};
use aisle_journal::{ReadError, Tail};
use aisle_plugin_host::{
    Call, Failure, Hook, Scene,
    types::{Happening, Input, Output, ReactionInput},
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::{runtime::Handle, sync::oneshot};

/// Records that are read at once, at most.
const BATCH_RECORDS_MAX: usize = 512;
/// How long the thread waits for records before it looks at the clock.
const WAIT: Duration = Duration::from_millis(200);
/// How often it is noted how far was reacted to when nothing was done.
const NOTE_EVERY: Duration = Duration::from_secs(60);
/// Or after so many records.
const NOTE_RECORDS: u64 = 100_000;
/// Labels that are set for one happening, at most; what is beyond is counted as dropped.
const LABELS_MAX: usize = 512;
/// How often plugins and devices that are busy are asked again about one happening, all of them together, with [`WAIT`] in between:
/// sales may be waiting.
const TRIES_MAX: usize = 25;

/// The thread. It stops when this is dropped.
pub(crate) struct Reacting {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    ended: oneshot::Receiver<()>,
}

impl Reacting {
    /// Waits until the thread has ended by itself, and says so.
    pub(crate) async fn failed(&mut self) -> String {
        let _ = (&mut self.ended).await;
        "reactions of plugins have ended; the log says why".into()
    }
}

impl Drop for Reacting {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // A panic in the thread was logged where it happened.
            let _ = thread.join();
        }
    }
}

/// Starts reacting. Within a runtime.
pub(crate) fn start(plugins: &Plugins, floor: &Floor) -> std::io::Result<Reacting> {
    let stop = Arc::new(AtomicBool::new(false));
    let reactor = Reactor {
        plugins: plugins.clone(),
        floor: floor.clone(),
        runtime: Handle::current(),
        stop: stop.clone(),
        through: 0,
        day: None,
        noted: 0,
        noted_at: Instant::now(),
        asked: false,
    };
    let (running, ended) = oneshot::channel();
    let thread = std::thread::Builder::new().name("aisle-reactions".into()).spawn(move || {
        // Dropped however the thread ends, by a panic too.
        let _running: oneshot::Sender<()> = running;
        reactor.run();
    })?;
    Ok(Reacting { stop, thread: Some(thread), ended })
}

struct Reactor {
    plugins: Plugins,
    floor: Floor,
    runtime: Handle,
    stop: Arc<AtomicBool>,
    /// The last record that was looked at.
    through: u64,
    /// The last day whose begin was reacted to.
    day: Option<Day>,
    /// The last record that the journal says was reacted to.
    noted: u64,
    noted_at: Instant,
    /// A plugin was asked since then.
    asked: bool,
}

/// The node goes down, or must.
struct Stopping;

/// How often who is busy may still be asked again about one happening, whoever that is.
struct Tries<'a> {
    left: usize,
    wait: Duration,
    stop: &'a AtomicBool,
}

impl Tries<'_> {
    /// Asks, and asks again while there is no room.
    fn ask<T>(&mut self, is_busy: impl Fn(&T) -> bool, mut ask: impl FnMut() -> T) -> T {
        let mut answer = ask();
        while self.left > 0 && is_busy(&answer) && !self.stop.load(Ordering::Acquire) {
            self.left -= 1;
            std::thread::sleep(self.wait);
            answer = ask();
        }
        answer
    }
}

impl Reactor {
    fn run(mut self) {
        let journal = self.plugins.0.store.journal.clone();
        // What plugins reacted to is known once the fold has taken in what the journal holds.
        if self.wait(journal.durable()).is_err() {
            return;
        }
        let view = self.plugins.view();
        // What happened before the first of them came is not theirs.
        let live = self.plugins.live();
        let reacting = live.chain(Hook::Reaction).iter().filter_map(|slot| view.plugins.get(&slot.id));
        let first = reacting.map(|known| known.since).min().unwrap_or_else(|| journal.durable());
        (self.through, self.day) = (view.reacted.max(first), view.day);
        self.noted = self.through;
        let mut tail = journal.tail((self.through + 1).max(journal.first()));
        while !self.stop.load(Ordering::Acquire) {
            if self.step(&mut tail).is_err() {
                break;
            }
        }
        // Whoever starts next need not ask again.
        if self.asked {
            let _ = self.note(Vec::new());
        }
    }

    fn step(&mut self, tail: &mut Tail) -> Result<(), Stopping> {
        match tail.next_batch(BATCH_RECORDS_MAX, WAIT) {
            Ok(records) => {
                for record in records {
                    if self.stop.load(Ordering::Acquire) {
                        return Err(Stopping);
                    }
                    if happening::may_be(record.kind) && self.has_plugins() {
                        // What does not decode is counted where it is followed.
                        if let Ok(event) = Event::decode(EventType(record.kind), &record.payload) {
                            self.event(record.seq, &event)?;
                        }
                    }
                    self.through = record.seq;
                }
            }
            Err(error @ (ReadError::Closed | ReadError::Stopped { .. })) => return Err(self.ends(&error)),
            // Damage is set aside and told of by those who follow the journal for the shop.
            Err(_) => {
                std::thread::sleep(WAIT);
                tail.continue_after_gap();
            }
        }
        self.day_began()?;
        let many = self.through.saturating_sub(self.noted) >= NOTE_RECORDS;
        if self.asked && (many || self.noted_at.elapsed() >= NOTE_EVERY) {
            self.note(Vec::new())?;
        }
        Ok(())
    }

    fn has_plugins(&self) -> bool {
        !self.plugins.live().chain(Hook::Reaction).is_empty()
    }

    fn event(&mut self, seq: u64, event: &Event) -> Result<(), Stopping> {
        self.wait(seq)?;
        let Some(happening) = happening::of(event, &self.floor.view().cold_chain) else { return Ok(()) };
        self.through = seq;
        self.react(seq, &happening)
    }

    fn day_began(&mut self) -> Result<(), Stopping> {
        if !self.has_plugins() {
            self.day = None;
            return Ok(());
        }
        let today = self.plugins.0.window.day(self.plugins.0.store.now());
        match self.day {
            Some(day) if day >= today => Ok(()),
            // Plugins that came today wait for tomorrow.
            None => {
                self.day = Some(today);
                self.note(Vec::new())
            }
            Some(_) => {
                self.day = Some(today);
                self.react(self.through, &Happening::DayBegan)
            }
        }
    }

    /// Asks every plugin in order, and writes what they want done.
    fn react(&mut self, seq: u64, happening: &Happening) -> Result<(), Stopping> {
        let plugins = self.plugins.clone();
        let (now, live, view) = (plugins.0.store.now(), plugins.live(), plugins.view());
        let (shop, floor) = (plugins.0.store.state.shop(), self.floor.view());
        let scene = action::Scene {
            plugins: &view,
            shop: &shop,
            tasks: &floor.tasks,
            now,
            per_hour_max: plugins.0.config.actions_per_hour_max,
            seq,
            day: self.day.filter(|_| matches!(happening, Happening::DayBegan)),
            unit: happening::unit(happening),
        };
        let stop = self.stop.clone();
        let mut tries = Tries { left: TRIES_MAX, wait: WAIT, stop: &stop };
        let currency = plugins.0.window.currency();
        let snapshot = Arc::new(plugins.0.window.snapshot(&shop, now, currency));
        let mut gathered = Gathered::default();
        let mut kept = Vec::new();
        let asked = live.ask(Hook::Reaction, plugins.0.ticks.ms());
        // What is kept for baskets too must not change between a sale's price and its end.
        let _selling = if asked.picked.iter().any(|picked| picked.runner.keeps_of_baskets()) {
            Some(self.unless_stopping(plugins.0.selling.clone().lock_owned())?)
        } else {
            None
        };
        let view = plugins.view();
        let scene = action::Scene { plugins: &view, ..scene };
        for picked in asked.picked {
            let Ok(id) = Name::new(picked.runner.plugin.id()) else { continue };
            let Some(known) = view.plugins.get(&id).filter(|known| known.since <= seq) else { continue };
            self.asked = true;
            let context = plugins.0.window.context(now, currency);
            let mut input = ReactionInput { context, happening: happening.clone() };
            for runner in [Some(&picked.runner), picked.instead.as_ref()].into_iter().flatten() {
                input.context.settings.clone_from(&runner.plugin.manifest().settings);
                let input = Arc::new(Input::Reaction(input.clone()));
                let scene_of = Scene {
                    now: now.0,
                    seed: plugins.seed(),
                    shop: snapshot.clone(),
                    kv: known.kept.0.clone(),
                };
                let call = self.call(runner, &scene_of, &input, now, &mut tries);
                if let Ok(Output::Reaction(actions)) = &call.outcome {
                    gathered.add(&scene, &id, &runner.installed.version, actions.clone());
                    kept.extend(super::kept_events(&id, &call.writes, now));
                    break;
                }
            }
        }
        plugins.0.dropped.fetch_add(gathered.dropped, Ordering::Relaxed);
        if gathered.dropped > 0 {
            let dropped = gathered.dropped;
            tracing::warn!(
                dropped,
                "actions of plugins were not carried out: about nothing there is, or too many"
            );
        }
        let labels = gathered.labels(&shop);
        let mut events = gathered.events;
        events.extend(kept);
        if events.is_empty() && labels.is_empty() && !matches!(happening, Happening::DayBegan) {
            return Ok(());
        }
        // A label that is set twice shows the same; one that a crash left out would go on showing what is no longer so.
        self.label(labels, &mut tries);
        self.note(events)
    }

    /// Asks one version, again and again while the host has no room: what happened is told once.
    fn call(
        &self,
        runner: &Runner,
        scene: &Scene,
        input: &Arc<Input>,
        now: Timestamp,
        tries: &mut Tries<'_>,
    ) -> Arc<Call> {
        let is_busy = |call: &Arc<Call>| matches!(call.outcome, Err(Failure::Busy { .. }));
        let call = tries.ask(is_busy, || self.plugins.call(runner, scene, input, now));
        if is_busy(&call) {
            let plugin = runner.plugin.id();
            tracing::warn!(plugin, "there was no room to ask a plugin about something that happened");
        }
        call
    }

    /// Writes events together with how far was reacted to, and waits until everybody sees them.
    fn note(&mut self, mut events: Vec<Event>) -> Result<(), Stopping> {
        let at = self.plugins.0.store.now();
        let reacted = PluginReacted { through: self.through, day: self.day, at, unknown: Unknown::default() };
        events.push(reacted.into());
        let last = loop {
            match self.runtime.block_on(self.plugins.record(&events)) {
                Ok(committed) => break committed.last,
                Err(RecordError::Busy) if !self.stop.load(Ordering::Acquire) => {
                    std::thread::sleep(WAIT);
                }
                // What does not fit into the journal never will; what comes after it must not wait for it.
                Err(error @ RecordError::TooLong) if events.len() > 1 => {
                    tracing::error!(%error, "what plugins want done is not done");
                    self.plugins.0.dropped.fetch_add(events.len() as u64 - 1, Ordering::Relaxed);
                    events.drain(..events.len() - 1);
                }
                Err(error) => {
                    // What was asked for is not written, so nothing may say that it was reacted to.
                    self.asked = false;
                    return Err(self.ends(&error));
                }
            }
        };
        (self.noted, self.noted_at, self.asked) = (self.through, Instant::now(), false);
        // Which tasks are open is known at the floor; what happened next must not open them again.
        self.shown(last)
    }

    /// Sets the labels of products. What a label is to show is the register's from then on, whenever the label takes it.
    fn label(&self, labels: Vec<(Sku, Text, Money)>, tries: &mut Tries<'_>) {
        let mut left = LABELS_MAX;
        for (sku, text, price) in labels {
            let devices = self.floor.labels_of(&sku);
            if devices.is_empty() {
                self.plugins.0.unlabelled.fetch_add(1, Ordering::Relaxed);
            }
            for device in devices {
                if left == 0 {
                    tracing::warn!(%device, %sku, "a label is not set: too many for one happening");
                    self.plugins.0.dropped.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                left -= 1;
                if let Err(error) = self.set_label(&device, (&sku, price, text.as_str()), tries) {
                    tracing::warn!(%device, %sku, %error, "a label does not take what a plugin wants shown");
                    self.plugins.0.dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    fn set_label(
        &self,
        device: &DeviceId,
        (sku, price, text): (&Sku, Money, &str),
        tries: &mut Tries<'_>,
    ) -> Result<(), ControlError> {
        let is_busy = |set: &Result<(), ControlError>| {
            matches!(set, Err(ControlError::Busy { .. } | ControlError::NotRecorded(_)))
        };
        tries.ask(is_busy, || self.runtime.block_on(self.floor.set_label(device, sku, price, text)))
    }

    /// Waits until shop, floor and plugins show a record, and what was installed before it happened can be asked about it.
    fn wait(&self, seq: u64) -> Result<(), Stopping> {
        self.shown(seq)?;
        self.unless_stopping(self.plugins.is_refreshed())
    }

    /// Waits until shop, floor and plugins show a record.
    fn shown(&self, seq: u64) -> Result<(), Stopping> {
        let shown = async {
            self.plugins.0.store.state.wait_applied(seq).await.map_err(|error| self.ends(&error))?;
            self.floor.wait_applied(seq).await.map_err(|error| self.ends(&error))?;
            self.plugins.0.follower.wait_applied(seq).await.map_err(|error| self.ends(&error))
        };
        self.unless_stopping(shown)?
    }

    /// Says why the thread ends, unless it was told to.
    fn ends(&self, reason: &dyn fmt::Display) -> Stopping {
        if !self.stop.load(Ordering::Acquire) {
            tracing::error!(%reason, "plugins are asked no more about what happens");
        }
        Stopping
    }

    fn unless_stopping<T>(&self, wanted: impl Future<Output = T>) -> Result<T, Stopping> {
        let stopping = async {
            while !self.stop.load(Ordering::Acquire) {
                tokio::time::sleep(WAIT).await;
            }
        };
        self.runtime.block_on(async {
            tokio::select! {
                wanted = wanted => Ok(wanted),
                () = stopping => Err(Stopping),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{AtomicBool, Duration, Ordering, Tries};

    /// How often somebody is asked who is busy for so many times.
    fn asked(tries: &mut Tries<'_>, busy: usize) -> usize {
        let mut asked = 0;
        tries.ask(
            |nth: &usize| *nth <= busy,
            || {
                asked += 1;
                asked
            },
        )
    }

    #[test]
    fn all_who_are_busy_share_what_is_left_of_one_happening() {
        let stop = AtomicBool::new(false);
        let mut tries = Tries { left: 3, wait: Duration::ZERO, stop: &stop };
        assert_eq!(asked(&mut tries, 0), 1, "who is not busy is asked once");
        assert_eq!(asked(&mut tries, 2), 3, "two of three");
        assert_eq!(asked(&mut tries, 9), 2, "one is left");
        assert_eq!(asked(&mut tries, 9), 1, "and then none");
    }

    #[test]
    fn nobody_is_asked_again_once_the_node_stops() {
        let stop = AtomicBool::new(true);
        let mut tries = Tries { left: 3, wait: Duration::ZERO, stop: &stop };
        assert_eq!(asked(&mut tries, 9), 1);
        stop.store(false, Ordering::Release);
        assert_eq!(asked(&mut tries, 1), 2);
    }
}
