//! The machine: from what the hub wants and what the shelf has to what is asked for, applied and reported.
//!
//! Each item goes `missing -> on the shelf -> applying -> applied`, or back with a reason and a wait that doubles. It is fetched as the shortest delta
//! against something that is there, or whole; a delta that fails is not tried again. After a restart every item whose content is there is applied
//! once more: appliers change nothing where nothing differs, so a kill at any point leaves the old version or the new one.
//!
//! Like the other machines it has neither sockets nor a clock; the disk is [`Shelf`], which may block. Not here: what applying is, what a byte may cost
//! (the line says [`Input::Held`]). Guards invariants 5, 6 and 9.

mod fetch;
mod task;

use crate::{
    manifest::{Content, Item, Manifest},
    shelf::{Good, Have, Kept, Shelf, ShelfError},
};
use aisle_protocol::{
    Hash,
    control::{Applied, ChunkWanted, Report},
    limits::TEXT_BYTES_MAX,
};
use bytes::Bytes;
use fetch::Fetch;
use std::collections::{BTreeMap, BTreeSet};
use task::{Stage, Task};

/// A kind of items that can be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// Its name: what stands before the slash of an item's name.
    pub name: String,
    /// The most bytes that such an item may have.
    pub bytes_max: u64,
}

/// A delta that fails so often in a row is given up.
const ATTEMPTS_MAX: u32 = 3;

/// What the machine goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The kinds of items that can be applied. Others are not even fetched.
    pub kinds: Vec<Kind>,
    /// The most contents that are fetched at once; the line carries eight.
    pub fetches_max: usize,
    /// The first wait after a failure, in milliseconds; it doubles.
    pub retry_ms_min: u64,
    /// The longest wait, in milliseconds.
    pub retry_ms_max: u64,
    /// A piece that has not come after so many milliseconds is asked for again.
    pub piece_timeout_ms: u64,
    /// Reports follow each other no faster than this, in milliseconds.
    pub report_gap_ms: u64,
    /// Different nodes should have different ones, so that they do not ask again all at once.
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            kinds: Vec::new(),
            fetches_max: 4,
            retry_ms_min: 5_000,
            retry_ms_max: 3_600_000,
            piece_timeout_ms: 300_000,
            report_gap_ms: 1_000,
            seed: 0,
        }
    }
}

/// Something has happened.
#[derive(Debug)]
pub enum Input {
    /// The hub wants this of the store.
    Desired(Manifest),
    /// The hub knows the node: a new connection, on which nothing is under way.
    Connected,
    /// There is no connection.
    Disconnected,
    /// A piece has come.
    Part {
        /// The content.
        hash: Hash,
        /// Where it begins.
        offset: u64,
        /// How long the hub says that the content is.
        bytes_total: u64,
        /// It.
        bytes: Bytes,
    },
    /// The hub does not give a piece of this.
    Refused {
        /// The content.
        hash: Hash,
        /// Why not.
        text: String,
    },
    /// The piece was not asked for: the line's budget is spent, or the line is needed for something else.
    Held {
        /// The content.
        hash: Hash,
        /// When to try again.
        for_ms: u64,
    },
    /// What [`Output::Apply`] wanted is done, or refused.
    Applied {
        /// The item's name.
        name: String,
        /// The content that it was applied with.
        hash: Hash,
        /// Why it was not.
        outcome: Result<(), String>,
    },
    /// A content that was applied is of no use, or is not there any more: it is looked at, fetched where it is spoilt, and applied again.
    Lost {
        /// The content.
        hash: Hash,
    },
    /// Time has passed.
    Tick,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Ask for a piece, on the stream of its content.
    Ask(ChunkWanted),
    /// Nothing more comes on the stream of this content.
    Close(Hash),
    /// Apply this; its content is on the shelf. Then say [`Input::Applied`].
    Apply(Item),
    /// Tell the hub how it stands.
    Report(Report),
    /// People should know: something of the shelf itself fails.
    Warn(String),
}

/// How an item stands, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// The version that is wanted.
    pub version: String,
    /// `missing`, `applying`, `applied` or `refused`.
    pub state: &'static str,
    /// What went wrong last.
    pub reason: Option<String>,
}

/// The machine.
#[derive(Debug)]
pub struct Planner {
    config: Config,
    now_ms: u64,
    generation: Option<u64>,
    tasks: Vec<Task>,
    fetches: BTreeMap<Hash, Fetch>,
    /// Streams that are closed as soon as what is under way on them is there, and when it is waited for no more. They count as fetches.
    closing: BTreeMap<Hash, u64>,
    good: Vec<Good>,
    /// What is being applied, also when it is not wanted any more: the next one comes after it.
    applying: Option<(String, Hash)>,
    is_connected: bool,
    reported: Option<Report>,
    report_at: u64,
    draws: u64,
    outputs: Vec<Output>,
}

impl Planner {
    /// Goes on from what the shelf remembers.
    ///
    /// # Errors
    /// When the shelf cannot be read.
    pub fn open(config: Config, shelf: &mut impl Shelf) -> Result<Self, ShelfError> {
        let Kept { manifest, good } = shelf.recall()?;
        let draws = config.seed;
        let mut planner = Self {
            config,
            now_ms: 0,
            generation: None,
            tasks: Vec::new(),
            fetches: BTreeMap::new(),
            closing: BTreeMap::new(),
            good,
            applying: None,
            is_connected: false,
            reported: None,
            report_at: 0,
            draws,
            outputs: Vec::new(),
        };
        if let Some(manifest) = manifest {
            planner.want(&manifest);
        }
        Ok(planner)
    }

    /// Takes in what has happened and says what is to be done. `now_ms` only goes on.
    pub fn handle(&mut self, now_ms: u64, input: Input, shelf: &mut impl Shelf) -> Vec<Output> {
        self.now_ms = self.now_ms.max(now_ms);
        self.closing.retain(|_, until| *until > self.now_ms);
        match input {
            Input::Desired(manifest) => self.desired(&manifest, shelf),
            Input::Connected => {
                self.is_connected = true;
                self.reported = None;
                self.forget_asked();
            }
            Input::Disconnected => {
                self.is_connected = false;
                self.forget_asked();
            }
            Input::Part { hash, offset, bytes_total, bytes } => {
                self.part(&hash, offset, bytes_total, &bytes, shelf);
            }
            Input::Refused { hash, text } => {
                let reason = format!("the hub does not give {hash}: {text}");
                self.fetch_failed(&hash, &reason, false, shelf);
            }
            Input::Held { hash, for_ms } => {
                if let Some(fetch) = self.fetches.get_mut(&hash) {
                    fetch.hold(self.now_ms.saturating_add(for_ms.max(1)));
                }
            }
            Input::Applied { name, hash, outcome } => self.applied(&name, &hash, outcome, shelf),
            Input::Lost { hash } => self.lost(&hash, shelf),
            Input::Tick => {}
        }
        self.pump(shelf);
        self.ask();
        self.tell();
        std::mem::take(&mut self.outputs)
    }

    /// When to look again at the latest.
    #[must_use]
    pub fn wake_at(&self) -> u64 {
        let of_tasks = self.tasks.iter().filter_map(Task::wake_at).filter(|at| *at > self.now_ms);
        let timeout = self.config.piece_timeout_ms;
        let of_fetches = self.fetches.values().filter_map(|fetch| fetch.wake_at(timeout));
        let of_fetches = of_fetches.filter(|_| self.is_connected);
        let of_report = (self.is_connected && self.is_news()).then_some(self.report_at);
        let of_closing = self.closing.values().copied();
        of_tasks.chain(of_fetches).chain(of_report).chain(of_closing).min().unwrap_or(u64::MAX)
    }

    /// True when there is somebody to ask, as far as was heard.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// The generation that is wanted; nothing before the first.
    #[must_use]
    pub const fn generation(&self) -> Option<u64> {
        self.generation
    }

    /// How every item stands.
    #[must_use]
    pub fn standing(&self) -> Vec<Standing> {
        let standing = |task: &Task| Standing {
            name: task.item.name.clone(),
            version: task.item.version.clone(),
            state: task.stage.as_str(),
            reason: task.reason.clone(),
        };
        self.tasks.iter().map(standing).collect()
    }

    /// Takes a manifest over; what an item has come to counts on while its content stays the same.
    fn want(&mut self, manifest: &Manifest) {
        self.generation = Some(manifest.generation());
        let mut before = std::mem::take(&mut self.tasks);
        self.tasks.extend(manifest.items().iter().map(|item| {
            let same = before
                .iter()
                .position(|task| task.item.name == item.name && task.item.content.hash == item.content.hash);
            match same {
                Some(place) => Task { item: item.clone(), ..before.swap_remove(place) },
                None => Task::new(item.clone()),
            }
        }));
    }

    fn desired(&mut self, manifest: &Manifest, shelf: &mut impl Shelf) {
        if self.generation.is_some_and(|generation| manifest.generation() <= generation) {
            return;
        }
        self.good.retain(|good| manifest.items().iter().any(|item| item.name == good.name));
        self.want(manifest);
        self.remember(shelf);
        let unwanted: Vec<Hash> = self
            .fetches
            .keys()
            .filter(|hash| !self.tasks.iter().any(|task| task.wants(hash)))
            .copied()
            .collect();
        for hash in unwanted {
            self.end_fetch(&hash);
        }
        self.sweep(shelf);
    }

    /// Other kinds can be applied from now on. What is known to be of none is looked at again.
    pub fn use_kinds(&mut self, kinds: Vec<Kind>) {
        if self.config.kinds == kinds {
            return;
        }
        self.config.kinds = kinds;
        for task in self.tasks.iter_mut().filter(|task| task.stage == Stage::Unknown) {
            (task.stage, task.reason, task.attempts, task.retry_at) = (Stage::Missing, None, 0, self.now_ms);
        }
    }

    fn lost(&mut self, hash: &Hash, shelf: &mut impl Shelf) {
        let is_of = |task: &Task| task.item.content.hash == *hash && task.stage == Stage::Applied;
        if !self.tasks.iter().any(is_of) {
            return;
        }
        // What is not what its name says goes by being read.
        match shelf.read(hash) {
            Ok(_) | Err(ShelfError::Missing { .. }) => {}
            Err(error) => self.warn(&error),
        }
        let now = self.now_ms;
        for task in self.tasks.iter_mut().filter(|task| is_of(task)) {
            (task.stage, task.attempts, task.retry_at) = (Stage::Missing, 0, now);
        }
    }

    fn remember(&mut self, shelf: &mut impl Shelf) {
        let items = self.tasks.iter().map(|task| task.item.clone()).collect();
        let manifest = self.generation.and_then(|generation| Manifest::new(generation, items).ok());
        if let Err(error) = shelf.remember(&Kept { manifest, good: self.good.clone() }) {
            self.warn(&error);
        }
    }

    fn warn(&mut self, error: &ShelfError) {
        self.outputs.push(Output::Warn(words(error)));
    }

    /// Keeps what is wanted, what it may be made from, and what ran last.
    fn sweep(&mut self, shelf: &mut impl Shelf) {
        let mut keep: BTreeSet<Hash> = self.good.iter().map(|good| good.hash).collect();
        for task in &self.tasks {
            keep.insert(task.item.content.hash);
            if !shelf.has(&task.item.content.hash) {
                keep.extend(task.sources().flat_map(|content| [Some(content.hash), content.tree]).flatten());
                keep.extend(task.item.deltas.iter().map(|delta| delta.from));
            }
        }
        if let Err(error) = shelf.sweep(&keep) {
            self.warn(&error);
        }
    }

    fn applied(&mut self, name: &str, hash: &Hash, outcome: Result<(), String>, shelf: &mut impl Shelf) {
        if self.applying.as_ref().is_some_and(|(applying, of)| applying == name && of == hash) {
            self.applying = None;
        }
        let wait = self.wait_of(name);
        let task = self.tasks.iter_mut().find(|task| {
            task.item.name == name && task.item.content.hash == *hash && task.stage == Stage::Applying
        });
        // Another version is wanted by now; it is applied over this one.
        let Some(task) = task else { return };
        match outcome {
            Ok(()) => {
                task.stage = Stage::Applied;
                task.reason = None;
                task.attempts = 0;
                let is_known = self.good.iter().any(|good| good.name == name && good.hash == *hash);
                if !is_known {
                    self.good.retain(|good| good.name != name);
                    self.good.push(Good { name: name.to_owned(), hash: *hash });
                    self.remember(shelf);
                }
            }
            Err(reason) => {
                task.fail(reason, wait);
                task.stage = Stage::Refused;
            }
        }
        self.sweep(shelf);
    }

    /// Brings every item as far as it gets without waiting for anybody.
    fn pump(&mut self, shelf: &mut impl Shelf) {
        for place in 0..self.tasks.len() {
            // Each turn either ends the item's way for now or takes one delta away.
            while self.advance(place, shelf) {}
        }
    }

    /// True when there is more to do for the item at once.
    fn advance(&mut self, place: usize, shelf: &mut impl Shelf) -> bool {
        let attempts = self.tasks.get(place).map_or(0, |task| task.attempts);
        let wait = self.wait(attempts);
        let now = self.now_ms;
        let Some(task) = self.tasks.get_mut(place) else { return false };
        if matches!(task.stage, Stage::Applied | Stage::Applying | Stage::Unknown) || task.retry_at > now {
            return false;
        }
        let (kind, bytes) = (task.item.kind(), task.item.content.bytes);
        let known = self.config.kinds.iter().find(|known| known.name == kind);
        let refused = match known {
            None => Some(format!("this node does not know what a `{kind}` is")),
            Some(Kind { bytes_max, .. }) if bytes > *bytes_max => {
                Some(format!("a `{kind}` of {bytes} bytes is too long: at most {bytes_max} are taken"))
            }
            Some(_) => None,
        };
        if refused.is_some() {
            task.stage = Stage::Unknown;
            task.reason = refused;
            return false;
        }
        if shelf.has(&task.item.content.hash) {
            // One at a time: what is applied may take all the machine has.
            if self.applying.is_none() {
                task.stage = Stage::Applying;
                self.applying = Some((task.item.name.clone(), task.item.content.hash));
                self.outputs.push(Output::Apply(task.item.clone()));
            }
            return false;
        }
        task.stage = Stage::Missing;
        let source = task.source(shelf);
        match source {
            Some(delta) if shelf.has(&delta.content.hash) => {
                let to = task.item.content;
                if let Err(error) = shelf.unfold(&delta.from, &delta.content.hash, &to) {
                    if error.is_of_bytes() || matches!(error, ShelfError::Missing { .. }) {
                        task.bad.insert(delta.content.hash);
                        task.reason = Some(words(&error));
                    } else {
                        task.fail(words(&error), wait.saturating_add(now));
                        return false;
                    }
                }
                true
            }
            Some(delta) => self.fetch(place, delta.content, wait, shelf),
            None => {
                let content = task.item.content;
                self.fetch(place, content, wait, shelf)
            }
        }
    }

    /// Begins to fetch a content for an item, its tree first. True when that is there by now.
    fn fetch(&mut self, place: usize, content: Content, wait: u64, shelf: &mut impl Shelf) -> bool {
        let content = match content.tree_content() {
            Some(tree) if !shelf.has(&tree.hash) => tree,
            _ => content,
        };
        let is_closing = self.closing.contains_key(&content.hash);
        let open = self.fetches.len() + self.closing.len() - usize::from(is_closing);
        if self.fetches.contains_key(&content.hash) || open >= self.config.fetches_max {
            return false;
        }
        let mut begun = shelf.begin(&content);
        if matches!(begun, Err(ShelfError::Full { .. } | ShelfError::NoRoom { .. })) {
            // What was begun on a way that led nowhere goes first.
            self.sweep(shelf);
            begun = shelf.begin(&content);
        }
        match begun {
            Ok(Have::Whole) => true,
            Ok(Have::Until(at)) => {
                self.closing.remove(&content.hash);
                self.fetches.insert(content.hash, Fetch::new(content, at));
                false
            }
            Err(error) => {
                let retry_at = self.now_ms.saturating_add(wait);
                let Some(task) = self.tasks.get_mut(place) else { return false };
                let is_delta = task.item.deltas.iter().any(|delta| delta.content.hash == content.hash);
                if is_delta {
                    // The way without it is still open.
                    task.bad.insert(content.hash);
                    task.reason = Some(words(&error));
                    return true;
                }
                task.fail(words(&error), retry_at);
                false
            }
        }
    }

    fn part(&mut self, hash: &Hash, offset: u64, bytes_total: u64, piece: &[u8], shelf: &mut impl Shelf) {
        if self.closing.remove(hash).is_some() {
            self.outputs.push(Output::Close(*hash));
            return;
        }
        let Some(fetch) = self.fetches.get_mut(hash) else { return };
        // One that was asked for again may come twice.
        if offset != fetch.at {
            return;
        }
        fetch.arrived();
        let content = fetch.content;
        if bytes_total != content.bytes {
            let reason =
                format!("the hub says that {hash} has {bytes_total} bytes, the manifest {}", content.bytes);
            return self.fetch_failed(hash, &reason, true, shelf);
        }
        match shelf.put(&content, offset, piece) {
            Ok(Have::Until(at)) => {
                fetch.at = at;
                // What goes on is no failure any more.
                for task in self.tasks.iter_mut().filter(|task| task.wants(hash)) {
                    (task.attempts, task.reason) = (0, None);
                }
            }
            Ok(Have::Whole) => self.end_fetch(hash),
            Err(error) => {
                let is_of_bytes = error.is_of_bytes();
                self.fetch_failed(hash, &words(&error), is_of_bytes, shelf);
            }
        }
    }

    /// A content is there, or nobody wants it any more.
    fn end_fetch(&mut self, hash: &Hash) {
        let Some(fetch) = self.fetches.remove(hash) else { return };
        if fetch.is_asked() {
            self.closing.insert(*hash, self.now_ms.saturating_add(self.config.piece_timeout_ms));
        } else if self.is_connected {
            self.outputs.push(Output::Close(*hash));
        }
    }

    /// A piece was refused, or is not what it should be. Its place goes to another content meanwhile. A delta that lies, or is refused again and
    /// again, is never asked for any more.
    fn fetch_failed(&mut self, hash: &Hash, reason: &str, is_lie: bool, shelf: &mut impl Shelf) {
        if self.closing.remove(hash).is_some() {
            self.outputs.push(Output::Close(*hash));
            return;
        }
        let Some(fetch) = self.fetches.get_mut(hash) else { return };
        fetch.arrived();
        self.end_fetch(hash);
        shelf.leave(hash);
        let now = self.now_ms;
        let attempts = self.tasks.iter().filter(|task| task.wants(hash)).map(|task| task.attempts).max();
        let retry_at = now.saturating_add(self.wait(attempts.unwrap_or(0)));
        for task in self.tasks.iter_mut().filter(|task| task.wants(hash)) {
            task.fail(reason.to_owned(), retry_at);
            if (is_lie || task.attempts >= ATTEMPTS_MAX) && task.give_up(hash) {
                (task.attempts, task.retry_at) = (0, now);
            }
        }
    }

    fn forget_asked(&mut self) {
        self.closing.clear();
        self.fetches.values_mut().for_each(Fetch::forget);
    }

    fn ask(&mut self) {
        if !self.is_connected {
            return;
        }
        let (now, timeout) = (self.now_ms, self.config.piece_timeout_ms);
        let asks = self.fetches.values_mut().filter_map(|fetch| fetch.ask(now, timeout));
        self.outputs.extend(asks.map(Output::Ask));
    }

    /// What there is to report: items without a verdict are left out.
    fn report(&self) -> Option<Report> {
        let applied = |task: &Task| {
            let is_applied = task.stage == Stage::Applied;
            let reason = task.reason.as_deref().filter(|_| !is_applied).map(short);
            (is_applied || reason.is_some()).then(|| Applied {
                name: task.item.name.clone(),
                version: task.item.version.clone(),
                hash: task.item.content.hash,
                ok: is_applied,
                reason,
            })
        };
        let applied = self.tasks.iter().filter_map(applied).collect();
        self.generation.map(|generation| Report { generation, applied, node: None })
    }

    fn is_news(&self) -> bool {
        let report = self.report();
        report.is_some() && report != self.reported
    }

    fn tell(&mut self) {
        if !self.is_connected || self.now_ms < self.report_at || !self.is_news() {
            return;
        }
        if let Some(report) = self.report() {
            self.report_at = self.now_ms.saturating_add(self.config.report_gap_ms);
            self.reported = Some(report.clone());
            self.outputs.push(Output::Report(report));
        }
    }

    fn wait_of(&mut self, name: &str) -> u64 {
        let attempts = self.tasks.iter().find(|task| task.item.name == name).map_or(0, |task| task.attempts);
        self.now_ms.saturating_add(self.wait(attempts))
    }

    /// A wait after so many failures: it doubles, and half of it is drawn, so that stores do not come back together.
    fn wait(&mut self, attempts: u32) -> u64 {
        let Config { retry_ms_min, retry_ms_max, .. } = self.config;
        let bound = retry_ms_min.saturating_mul(1 << attempts.min(32)).min(retry_ms_max).max(1);
        // SplitMix64 (Steele et al. 2014).
        self.draws = self.draws.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.draws;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bound / 2 + (z ^ (z >> 31)) % (bound / 2 + 1)
    }
}

/// An error with its causes on one line.
fn words(error: &ShelfError) -> String {
    let (mut text, mut source) = (error.to_string(), std::error::Error::source(error));
    while let Some(cause) = source {
        let (said, hint) = text.split_once("\nhint: ").map_or((text.as_str(), None), |(a, b)| (a, Some(b)));
        let hint = hint.map_or_else(String::new, |hint| format!("\nhint: {hint}"));
        text = format!("{said}: {cause}{hint}");
        source = cause.source();
    }
    text
}

/// As long as a text of a message may be.
fn short(text: &str) -> String {
    let mut text = text.to_owned();
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    text
}
