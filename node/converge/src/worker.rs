//! The thread that owns the machine.
//!
//! Nobody in the shop waits for it. Not here: the rules (`aisle-fleet`), the threads that have their hands on things ([`crate::hands`]), what putting in place is
//! ([`crate::applier`]).
//! Guards: an effect is carried out only after what it follows from was kept; its end is heard once, or it is asked for again after a restart.

use crate::{
    applier::{Applier, Outcome, SetsNode, never, not_now},
    driver::{Driver, DriverError},
    fleet::{Fleet, METADATA, lock, words},
    hands::{self, Task, is_change},
    play::{self, Player},
    resume::Resuming,
};
use aisle_content::Manifest;
use aisle_fleet::{
    ContentHash, Effect, Health, Input, Kind, Reason, Release, Slot, Version,
    converge::{Stage, Trouble},
    setting::Settings,
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender},
    },
    time::Duration,
};

/// How often it is looked at how what runs does, and whether contents have come.
const LOOK: Duration = Duration::from_secs(5);
/// The same while something waits that nobody tells the end of.
const LOOK_SOON: Duration = Duration::from_millis(500);
/// How long an artefact that nobody has signed waits for the metadata of its order, in milliseconds.
pub(crate) const METADATA_MS: u64 = 60_000;

/// Something for the thread.
pub(crate) enum Event {
    /// There is another order.
    Ordered,
    /// What may run has changed.
    Metadata,
    /// A content has come.
    Arrived,
    /// An effect has come to an end.
    Done(Box<Ended>),
    /// What runs was shown to whom has to see it.
    Resumed(Box<Resumed>),
    /// A candidate was played.
    Played(Box<play::Ended>),
    /// The node stops.
    Stop {
        /// It was asked to.
        ordered: bool,
    },
}

/// An effect that has come to an end.
pub(crate) struct Ended {
    pub(crate) slot: Slot,
    pub(crate) stage: Stage,
    pub(crate) hash: ContentHash,
    pub(crate) outcome: Outcome,
}

/// What came of showing what runs.
pub(crate) struct Resumed {
    pub(crate) slot: Slot,
    pub(crate) hash: ContentHash,
    pub(crate) outcome: Outcome,
}

/// The metadata that a manifest brings.
pub(crate) fn metadata_of(manifest: &Manifest) -> Option<ContentHash> {
    let item = manifest.items().iter().find(|item| item.name == METADATA)?;
    Some(ContentHash(item.content.hash.0))
}

/// Who puts things in place, and who sets the node.
pub(crate) type Hands = (Vec<Arc<dyn Applier>>, Option<Arc<dyn SetsNode>>);

pub(crate) struct Worker {
    fleet: Fleet,
    driver: Driver,
    appliers: BTreeMap<Kind, Arc<dyn Applier>>,
    sets: Option<Arc<dyn SetsNode>>,
    receiver: Receiver<Event>,
    trying: SyncSender<Task>,
    changing: SyncSender<Task>,
    player: Player,
    /// What is to be fetched, and since when.
    fetching: BTreeMap<Slot, (Release, u64)>,
    /// What was seen last, and of which artefact.
    observed: BTreeMap<Slot, (ContentHash, Health)>,
    /// What was found broken last, and of which artefact.
    broken: BTreeMap<Slot, (ContentHash, Option<String>)>,
    resuming: Resuming,
    swept: BTreeSet<ContentHash>,
    /// The highest minimums that those who put things in place were told; nothing before the first time.
    told_minimums: Option<BTreeMap<Slot, Version>>,
}

impl Worker {
    pub(crate) fn new(
        fleet: Fleet,
        driver: Driver,
        (appliers, sets): Hands,
        receiver: Receiver<Event>,
    ) -> io::Result<Self> {
        let appliers: BTreeMap<Kind, Arc<dyn Applier>> =
            appliers.into_iter().map(|applier| (applier.kind(), applier)).collect();
        let hand = |name: &str| hands::start(name, &fleet, &appliers);
        let (trying, changing) = (hand("aisle-fleet-try")?, hand("aisle-fleet-do")?);
        let player = Player::new(&fleet, &appliers)?;
        let (fetching, observed, swept) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        let (broken, resuming) = (BTreeMap::new(), Resuming::default());
        Ok(Self {
            fleet,
            driver,
            appliers,
            sets,
            receiver,
            trying,
            changing,
            player,
            fetching,
            observed,
            broken,
            resuming,
            swept,
            told_minimums: None,
        })
    }

    /// Runs until it is told to stop. `effects` are those of before.
    pub(crate) fn run(mut self, effects: Vec<Effect>) {
        let mut inputs = VecDeque::new();
        self.carry_out(effects, &mut inputs);
        // A kill between keeping an order and following it leaves it kept.
        self.ordered(&mut inputs);
        inputs.push_back(Input::Tick);
        loop {
            self.observe(&mut inputs);
            self.player.look(&self.fleet.0);
            self.ask_devices();
            self.look_for_contents(&mut inputs);
            while let Some(input) = inputs.pop_front() {
                self.handle(input, &mut inputs);
            }
            self.tell_minimums();
            self.resume();
            self.sweep();
            match self.receiver.recv_timeout(self.sleep()) {
                Ok(Event::Ordered) => self.ordered(&mut inputs),
                Ok(Event::Metadata | Event::Arrived) => inputs.push_back(Input::Tick),
                Ok(Event::Done(ended)) => {
                    let Ended { slot, stage, hash, outcome } = *ended;
                    if is_change(stage) {
                        self.resuming.changed(&slot);
                    }
                    inputs.push_back(Input::Done { slot, stage, hash, outcome });
                }
                Ok(Event::Resumed(resumed)) => {
                    let Resumed { slot, hash, outcome } = *resumed;
                    self.resuming.ended(slot, hash, outcome, self.fleet.0.now().running_ms);
                }
                Ok(Event::Played(ended)) => self.player.ended(&self.fleet.0, *ended),
                Ok(Event::Stop { ordered }) => {
                    if ordered {
                        self.handle(Input::Stopping, &mut inputs);
                    }
                    return;
                }
                Err(RecvTimeoutError::Timeout) => inputs.push_back(Input::Tick),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Shows what runs to those who have to see it, the next one.
    fn resume(&mut self) {
        let now_ms = self.fleet.0.now().running_ms;
        let due = self.driver.machine().loads().find(|(slot, release)| {
            let resumes = self.appliers.get(&slot.kind()).is_some_and(|applier| applier.resumes());
            resumes && self.resuming.is_due(slot, &release.hash, now_ms)
        });
        let Some((slot, release)) = due else { return };
        let task = Task { slot: slot.clone(), stage: None, release: release.clone(), other: None };
        // Where there is too much to do it is looked for again.
        if self.changing.try_send(task).is_ok() {
            self.resuming.begun();
        }
    }

    fn sleep(&self) -> Duration {
        let shared = &self.fleet.0;
        if lock(&shared.view).held.is_some() {
            return LOOK;
        }
        let due = self.driver.machine().wake_at().saturating_sub(shared.now().running_ms);
        let is_waiting = !self.fetching.is_empty() || self.player.is_waiting();
        let is_busy = is_waiting || shared.around.busy().is_some();
        Duration::from_millis(due.max(1)).min(if is_busy { LOOK_SOON } else { LOOK })
    }

    /// What cannot be kept is told, and nothing is done meanwhile. Where there is no room it is tried again with whatever is heard next.
    fn handle(&mut self, input: Input, inputs: &mut VecDeque<Input>) {
        let shared = self.fleet.0.clone();
        let (held, effects) = match self.driver.handle(shared.now(), &shared.around(), input) {
            Ok(effects) => (None, effects),
            // It was said before.
            Err(DriverError::Broken) => return,
            Err(error) => (Some(words(&error)), Vec::new()),
        };
        let mut view = lock(&shared.view);
        let is_news = view.held != held;
        if is_news {
            match &held {
                Some(problem) => tracing::error!("{problem}"),
                None => tracing::info!("there is room again, and what is ordered is followed"),
            }
            view.held = held;
        }
        drop(view);
        if is_news {
            shared.notify();
        }
        self.carry_out(effects, inputs);
    }

    /// Those who put things in place refuse what is below a minimum, whoever asks for it.
    fn tell_minimums(&mut self) {
        let floors = self.driver.machine().floors();
        if self.told_minimums.as_ref() == Some(floors) {
            return;
        }
        for (slot, minimum) in floors {
            let is_told = self.told_minimums.as_ref().is_some_and(|told| told.get(slot) == Some(minimum));
            if let Some(applier) = self.appliers.get(&slot.kind()).filter(|_| !is_told) {
                applier.minimum(slot, minimum);
            }
        }
        lock(&self.fleet.0.view).floors.clone_from(floors);
        self.told_minimums = Some(floors.clone());
    }

    fn ordered(&self, inputs: &mut VecDeque<Input>) {
        if let Some(mine) = lock(&self.fleet.0.orders).mine() {
            inputs.push_back(Input::Desired { stamp: mine.stamp, state: Box::new(mine.state) });
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>, inputs: &mut VecDeque<Input>) {
        for effect in effects {
            match effect {
                // The driver has done it.
                Effect::Keep(_) => {}
                Effect::Fetch { slot, release } => {
                    let since = self.fleet.0.now().running_ms;
                    self.fetching.insert(slot, (release, since));
                    self.look_for_contents(inputs);
                }
                Effect::Verify { slot, release } => self.hand(slot, Stage::Verify, release, None, inputs),
                Effect::SmokeTest { slot, release } => {
                    self.hand(slot, Stage::SmokeTest, release, None, inputs);
                }
                Effect::Activate { slot, release } => {
                    tracing::info!(%slot, version = %release.version, "is put in place");
                    let before = self.runs(&slot);
                    self.hand(slot, Stage::Activate, release, before, inputs);
                }
                Effect::Revert { slot, from, to } => {
                    tracing::warn!(%slot, version = %from.version, "is taken back");
                    lock(&self.fleet.0.view).fallen += 1;
                    self.hand(slot, Stage::Revert, from, to, inputs);
                }
                Effect::Remove { slot, release } => {
                    tracing::info!(%slot, version = %release.version, "is taken away");
                    self.hand(slot, Stage::Remove, release, None, inputs);
                }
                Effect::Discard { slot, hash } => {
                    self.fetching.remove(&slot);
                    // Another slot may need the same bytes, as long as they are those.
                    let contents = &self.fleet.0.contents;
                    let is_needed = self.driver.machine().needs().contains(&hash)
                        || lock(&self.fleet.0.rehearsals).wants(&hash);
                    if !is_needed || contents.is_spoilt(&hash) {
                        self.tell(contents.remove(&hash).map_err(|error| words(&error)));
                    }
                }
                Effect::ApplySettings { hash, settings } => {
                    let outcome = self.set(&settings);
                    inputs.push_back(Input::SettingsDone { hash, outcome });
                }
                Effect::Report(report) => {
                    lock(&self.fleet.0.view).report = report;
                    self.fleet.0.notify();
                }
                Effect::Warn(text) => {
                    tracing::warn!("{text}");
                    lock(&self.fleet.0.view).refused = Some(text);
                }
            }
        }
    }

    /// Sets the node. It takes a few files, so it is done here.
    fn set(&self, settings: &Settings) -> Result<Vec<Reason>, Trouble> {
        let Some(sets) = &self.sets else {
            return Err(never("no setting of this node can be set by headquarters"));
        };
        let set = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sets.set(settings)));
        let outcome = set.unwrap_or_else(|_| Err(not_now("whoever sets the node has panicked")));
        match &outcome {
            Ok(reasons) => {
                tracing::info!(settings = settings.len(), later = reasons.len(), "the node is set");
            }
            Err(Trouble { text, .. }) => tracing::warn!("settings of the node are not taken: {text}"),
        }
        outcome
    }

    fn runs(&self, slot: &Slot) -> Option<Release> {
        self.driver.machine().loads().find(|(at, _)| *at == slot).map(|(_, release)| release.clone())
    }

    /// Gives an effect to the hand that it belongs to.
    fn hand(
        &mut self,
        slot: Slot,
        stage: Stage,
        release: Release,
        other: Option<Release>,
        inputs: &mut VecDeque<Input>,
    ) {
        let hand = if is_change(stage) { &self.changing } else { &self.trying };
        let (of, hash) = (slot.clone(), release.hash);
        let to = match stage {
            Stage::Activate => Some(hash),
            Stage::Revert => other.as_ref().map(|to| to.hash),
            _ => None,
        };
        if hand.try_send(Task { slot, stage: Some(stage), release, other }).is_ok() {
            if is_change(stage) {
                self.resuming.changes(of, to);
            }
        } else {
            let outcome = Err(not_now("there is too much to do"));
            inputs.push_back(Input::Done { slot: of, stage, hash, outcome });
        }
    }

    /// What is fetched: has it come, and would it be let in?
    fn look_for_contents(&mut self, inputs: &mut VecDeque<Input>) {
        let shared = self.fleet.0.clone();
        let now_ms = shared.now().running_ms;
        let mut missing = self.player.missing().clone();
        // What is to come back, and whose bytes were lost.
        let returning = self.driver.machine().returning().map(|release| release.hash);
        let returning: BTreeSet<ContentHash> = returning.filter(|hash| !shared.contents.has(hash)).collect();
        missing.extend(&returning);
        self.fetching.retain(|slot, (release, since)| {
            if !shared.contents.has(&release.hash) {
                missing.insert(release.hash);
                return true;
            }
            let waited_ms = now_ms.saturating_sub(*since);
            let Some(outcome) = arrived(&shared, slot, release, waited_ms) else { return true };
            let (slot, hash) = (slot.clone(), release.hash);
            inputs.push_back(Input::Done { slot, stage: Stage::Fetch, hash, outcome });
            false
        });
        let mut view = lock(&shared.view);
        let news = missing.iter().any(|hash| !view.missing.contains(hash));
        // Told again with each look: whoever fetches may have begun anew meanwhile.
        (view.missing, view.returning) = (missing, returning);
        drop(view);
        if news {
            shared.notify();
        }
    }

    /// How does what runs do?
    fn observe(&mut self, inputs: &mut VecDeque<Input>) {
        for (slot, release) in self.driver.machine().loads() {
            let applier = self.appliers.get(&slot.kind());
            let broken = applier.and_then(|it| it.broken(slot, &release.hash));
            let broken = broken.or_else(|| self.resuming.broken(slot, &release.hash));
            let is_told = self.broken.get(slot) == Some(&(release.hash, broken.clone()));
            if !is_told {
                let news =
                    broken.clone().map(|text| Input::Broke { slot: slot.clone(), hash: release.hash, text });
                inputs.extend(news);
                self.broken.insert(slot.clone(), (release.hash, broken));
            }
            let Some(health) = applier.and_then(|it| it.health(slot, &release.hash)) else { continue };
            let seen = (release.hash, health);
            // What another version did says nothing of this one, though it were the same.
            if self.observed.get(slot) == Some(&seen) {
                continue;
            }
            let (hash, health) = seen.clone();
            self.observed.insert(slot.clone(), seen);
            inputs.push_back(Input::Observed { slot: slot.clone(), hash, health });
        }
    }

    /// What became of what runs at devices? Who listens hears of what is new, and says when it is told on.
    fn ask_devices(&self) {
        let runs = self.driver.machine().loads();
        let devices = runs.filter_map(|(slot, release)| {
            let applier = self.appliers.get(&slot.kind())?;
            Some((slot.clone(), applier.devices(slot, release)?))
        });
        let devices = devices.collect();
        let mut view = lock(&self.fleet.0.view);
        let is_news = view.devices != devices;
        view.devices = devices;
        drop(view);
        if is_news {
            self.fleet.0.notify();
        }
    }

    /// Forgets contents that nobody needs any more.
    fn sweep(&mut self) {
        let mut keep = self.driver.machine().needs();
        let (_, wanted) = self.driver.machine().desired_state();
        let mine = lock(&self.fleet.0.orders).mine();
        let states = [Some(wanted), mine.as_ref().map(|mine| &mine.state)];
        let slots = states.into_iter().flatten().flat_map(|state| state.slots.values());
        keep.extend(slots.filter_map(|wanted| wanted.want.release()).map(|release| release.hash));
        let candidates = lock(&self.fleet.0.rehearsals).pending();
        keep.extend(candidates.into_iter().map(|candidate| candidate.release.hash));
        if keep != self.swept {
            let swept = self.fleet.0.contents.sweep(&keep).map_err(|error| words(&error));
            self.tell(swept);
            self.swept = keep;
        }
    }

    fn tell(&self, done: Result<(), String>) {
        if let Err(why) = done {
            tracing::warn!("a content that is of no use stays on the disk: {why}");
        }
    }
}

/// What has come: nothing while it waits for metadata, else whether the way goes on.
pub(crate) fn arrived(
    shared: &crate::fleet::Shared,
    slot: &Slot,
    release: &Release,
    waited_ms: u64,
) -> Option<Outcome> {
    let now = shared.around.trusted();
    let refused = match lock(&shared.signed).as_ref() {
        None => return Some(Err(not_now("the signed metadata cannot be used"))),
        Some(signed) => match signed.may_install(slot, release, now) {
            Ok(_) => return Some(Ok(())),
            Err(error) => error,
        },
    };
    let named = lock(&shared.orders).manifest().and_then(metadata_of);
    let is_pending = named.is_some() && lock(&shared.view).tried != named;
    match (is_pending, refused.may_change()) {
        (true, _) if waited_ms < METADATA_MS => None,
        // The verification refuses it, and gives it up.
        (false, false) => Some(Ok(())),
        _ => Some(Err(not_now(words(&refused)))),
    }
}
