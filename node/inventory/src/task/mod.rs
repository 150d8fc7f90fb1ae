//! What staff are asked to do, and what became of it.
//!
//! Parts of the store say all the time what they would have done ([`Wanted`]); [`Tasks`] makes few, steady tasks of that. Two
//! wants about the same thing are one task. The most valuable come first: how sure it is, times what the kind is worth. A task that a
//! person closed stays closed: a dismissed one unless the store became much surer, a done one until what was done shows. A task that
//! nobody wants any more is closed, but only after some time, so that a number that trembles around a bound does not fill the board
//! with tasks that come and go.
//!
//! A plugin says once, when something happens, that it wants a task; what opens it then asks [`View::is_settled`] and keeps
//! [`PLUGIN_TASKS_OPEN_MAX`]. Such a task stays open until a person closes it or one that is worth more takes its place.
//!
//! Not here: why something is wanted ([`crate::position`], [`crate::cold_chain`]), pages.
//! Guards invariants 2 and 6: tasks are what events say, and there are never more than a person can look through.

mod config;
mod said;
mod snapshot;
mod view;
mod wanted;

pub use config::{Config, InvalidConfig, Worth};
pub use snapshot::SnapshotError;
pub use view::View;
pub use wanted::{About, Wanted};

use aisle_event::{
    Event, Name, Quantity, Timestamp, Unknown,
    inventory::{TaskClosed, TaskEnd, TaskKind, TaskOpened},
};
use said::Said;
use serde::{Deserialize, Serialize};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Tasks of plugins open at once, all plugins together: few enough that the store's own have room beside them.
pub const PLUGIN_TASKS_OPEN_MAX: usize = 12;

/// Events of one call.
const EVENTS_MAX: usize = 256;
/// The longest part of what a task is about that goes into its name, in bytes.
const ABOUT_BYTES_MAX: usize = 180;

/// What makes two wants one task.
type Key = (TaskKind, About);

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its name, unique in the store.
    pub name: Name,
    /// What.
    pub kind: TaskKind,
    /// What it is about.
    pub about: About,
    /// How much, where that is known.
    pub quantity: Option<Quantity>,
    /// How sure the store was that it is needed, in thousandths.
    pub confidence_permille: u16,
    /// Why, in words.
    pub why: Name,
    /// Since when.
    pub opened_at: Timestamp,
    /// How it ended.
    pub closed: Option<Closed>,
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// How.
    pub end: TaskEnd,
    /// Who; nobody when the store closed it.
    pub by: Option<Name>,
    /// When.
    pub at: Timestamp,
}

/// All tasks. A pure fold: see the module.
#[derive(Debug, Clone)]
pub struct Tasks {
    config: Config,
    known: Known,
    /// Since when nobody has wanted an open task. Not in a snapshot: after a restart the time begins anew.
    unwanted: BTreeMap<Name, Timestamp>,
}

/// What a snapshot holds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Known {
    #[serde(deserialize_with = "crate::collection::map")]
    open: imbl::OrdMap<Name, Arc<Task>>,
    #[serde(deserialize_with = "crate::collection::list")]
    closed: imbl::Vector<Arc<Task>>,
    said: Said,
    /// Tasks ever opened: what makes the next name unique.
    opened: u64,
    ignored: u64,
}

impl Tasks {
    /// There are none yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config, known: Known::default(), unwanted: BTreeMap::new() }
    }

    /// Takes the next event of the journal. Never fails: what contradicts what is known is counted.
    pub fn apply(&mut self, _seq: u64, event: &Event) {
        match event {
            Event::TaskOpened(event) => self.opened(event),
            Event::TaskClosed(event) => self.closed(event),
            _ => {}
        }
    }

    fn opened(&mut self, event: &TaskOpened) {
        self.known.opened += 1;
        let about = match (&event.sku, &event.unit, &event.device) {
            (Some(sku), ..) => About::Sku(sku.clone()),
            (None, Some(unit), _) => About::Unit(unit.clone()),
            (None, None, Some(device)) => About::Device(device.clone()),
            (None, None, None) => {
                self.known.ignored += 1;
                return;
            }
        };
        // `due_with` keeps one bound, what opens tasks for plugins another; what somebody wrote by hand must keep one too.
        if self.known.open.contains_key(&event.task)
            || self.known.open.len() >= self.config.open_max.max(1) * 2
        {
            self.known.ignored += 1;
            return;
        }
        let task = Task {
            name: event.task.clone(),
            kind: event.kind,
            about,
            quantity: event.quantity,
            confidence_permille: event.confidence_permille.min(1000),
            why: event.why.clone(),
            opened_at: event.at,
            closed: None,
        };
        self.known.open.insert(event.task.clone(), Arc::new(task));
    }

    fn closed(&mut self, event: &TaskClosed) {
        let Some(mut task) = self.known.open.remove(&event.task) else {
            self.known.ignored += 1;
            return;
        };
        self.unwanted.remove(&event.task);
        let key = (task.kind, task.about.clone());
        self.known.said.closed(key, event, task.confidence_permille, self.config.remembered_max);
        Arc::make_mut(&mut task).closed = Some(Closed { end: event.end, by: event.by.clone(), at: event.at });
        self.known.closed.push_back(task);
        while self.known.closed.len() > self.config.closed_max {
            self.known.closed.pop_front();
        }
    }

    /// Tasks to open and to close, now that this is wanted; at most 256 events. Call it again when they have come back. It remembers
    /// since when a task has not been wanted, which is no part of the state: nothing but the time of a closing hangs on it.
    #[must_use]
    pub fn due_with(&mut self, now: Timestamp, wanted: Vec<Wanted>) -> Vec<Event> {
        let mut best: BTreeMap<Key, Wanted> = BTreeMap::new();
        for mut want in wanted {
            want.confidence_permille = want.confidence_permille.min(1000);
            let key = (want.kind, want.about.clone());
            if best.get(&key).is_none_or(|known| known.confidence_permille < want.confidence_permille) {
                best.insert(key, want);
            }
        }
        let mut events = Vec::new();
        let obsolete = self.obsolete(now, &best);
        let mut open: BTreeMap<&Name, &Task> = self
            .known
            .open
            .iter()
            .filter(|(name, _)| !obsolete.contains(*name))
            .map(|(name, task)| (name, task.as_ref()))
            .collect();
        events.extend(obsolete.iter().take(EVENTS_MAX).map(|name| closed_event(name, now)));

        let asked: BTreeSet<Key> =
            self.known.open.values().map(|task| (task.kind, task.about.clone())).collect();
        let mut new: Vec<&Wanted> = best
            .iter()
            .filter(|(key, want)| {
                !asked.contains(*key)
                    && want.confidence_permille >= self.config.confidence_min_permille
                    && !self.known.said.holds(key, want.confidence_permille, now, self.config.rest())
            })
            .map(|(_, want)| want)
            .collect();
        new.sort_by_cached_key(|want| {
            (Reverse(self.worth(want.kind, want.confidence_permille)), want.kind, want.about.clone())
        });
        let mut added = 0;
        for want in new {
            if events.len() + 2 > EVENTS_MAX {
                break;
            }
            if open.len() + added >= self.config.open_max {
                let worth = |task: &Task| self.worth(task.kind, task.confidence_permille);
                let least = open.values().min_by_key(|task| (worth(task), Reverse(&task.name))).copied();
                let Some(least) =
                    least.filter(|task| worth(task) * 2 <= self.worth(want.kind, want.confidence_permille))
                else {
                    break;
                };
                open.remove(&least.name);
                events.push(closed_event(&least.name, now));
            }
            added += 1;
            events.extend(self.opened_event(want, added as u64, now));
        }
        events
    }

    /// Open tasks that nobody has wanted for long enough; takes note of those that nobody wants now. A plugin says once what it
    /// wants, so that its silence means nothing.
    fn obsolete(&mut self, now: Timestamp, wanted: &BTreeMap<Key, Wanted>) -> BTreeSet<Name> {
        let mut obsolete = BTreeSet::new();
        for (name, task) in self.known.open.iter().filter(|(_, task)| task.kind != TaskKind::Plugin) {
            if wanted.contains_key(&(task.kind, task.about.clone())) {
                self.unwanted.remove(name);
                continue;
            }
            let since = self.unwanted.entry(name.clone()).or_insert(now);
            // A clock that went back must not keep a task open for years.
            *since = (*since).min(now);
            let unwanted = now.ms_since(*since) >= u64::from(self.config.unwanted_s) * 1000;
            if unwanted && has_passed(task.opened_at, now, self.config.open_min_s) {
                obsolete.insert(name.clone());
            }
        }
        obsolete
    }

    fn worth(&self, kind: TaskKind, confidence_permille: u16) -> u32 {
        u32::from(self.config.worth.of(kind)) * u32::from(confidence_permille)
    }

    fn opened_event(&self, want: &Wanted, nth: u64, now: Timestamp) -> Option<Event> {
        let mut event = TaskOpened {
            task: name(want.kind, &want.about, self.known.opened.saturating_add(nth))?,
            kind: want.kind,
            sku: None,
            unit: None,
            device: None,
            quantity: want.quantity,
            confidence_permille: want.confidence_permille,
            why: want.why.clone(),
            at: now,
            unknown: Unknown::default(),
        };
        match &want.about {
            About::Sku(sku) => event.sku = Some(sku.clone()),
            About::Unit(unit) => event.unit = Some(unit.clone()),
            About::Device(device) => event.device = Some(device.clone()),
        }
        Some(event.into())
    }
}

/// A time lies so many seconds back, or so far ahead that the clock must have gone back.
fn has_passed(since: Timestamp, now: Timestamp, seconds: u32) -> bool {
    now.0.abs_diff(since.0) >= u64::from(seconds) * 1000
}

fn closed_event(task: &Name, now: Timestamp) -> Event {
    TaskClosed { task: task.clone(), end: TaskEnd::Obsolete, by: None, at: now, unknown: Unknown::default() }
        .into()
}

/// The name of a task: what, about what, and which in the order of opening.
fn name(kind: TaskKind, about: &About, number: u64) -> Option<Name> {
    let text = about.as_str();
    let end = text.floor_char_boundary(ABOUT_BYTES_MAX.min(text.len()));
    Name::new(format!("{kind}:{}:{number}", text.get(..end)?)).ok()
}
