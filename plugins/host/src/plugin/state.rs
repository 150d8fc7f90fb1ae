//! What a call's imports answer from, and what they note.

use super::budget::Budget;
use crate::{
    bindings::aisle::plugin as wit,
    call::{Asked, Bytes, KvWrite, Level, LogLine, Scene, Shop},
    kv::{KvStore, Overlay},
    manifest::{Grant, Limits},
    types::{KvRefusal, Position, Product},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};
use wasmtime::{
    Engine, Result,
    component::{HasSelf, Linker},
};

/// How many products one question gives at most.
const OF_CATEGORY_MAX: u32 = 100;

/// Everything that belongs to one call.
pub(crate) struct State {
    pub(crate) budget: Budget,
    pub(crate) limits: Limits,
    pub(crate) asked: Vec<Asked>,
    pub(crate) log: Vec<LogLine>,
    pub(crate) log_lines_cut: u32,
    pub(crate) kv: Overlay,
    answers: Answers,
    now: i64,
    random: u64,
    host_calls: u32,
    host_bytes: usize,
    log_bytes: usize,
}

/// Where answers come from.
pub(crate) enum Answers {
    /// From the shop.
    Live { shop: Arc<dyn Shop>, kv: Arc<KvStore> },
    /// From a recording.
    Recorded(Recorded),
}

/// The answers of a recording, by question.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorded {
    products: BTreeMap<String, Option<Product>>,
    categories: BTreeMap<(String, u32), Vec<Product>>,
    positions: BTreeMap<String, Option<Position>>,
    kept: BTreeMap<String, Option<Bytes>>,
    full: BTreeSet<(String, u32)>,
    /// Questions that were not recorded.
    unanswered: u32,
}

/// A bound that a call ran into; it ends the call.
#[derive(Debug)]
pub(crate) struct Exceeded {
    pub(crate) what: &'static str,
    pub(crate) max: u64,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: more than {}", self.what, self.max)
    }
}

impl std::error::Error for Exceeded {}

impl Answers {
    pub(crate) fn live(scene: &Scene) -> Self {
        Self::Live { shop: scene.shop.clone(), kv: scene.kv.clone() }
    }

    pub(crate) const fn unanswered(&self) -> u32 {
        match self {
            Self::Live { .. } => 0,
            Self::Recorded(recorded) => recorded.unanswered,
        }
    }
}

impl Recorded {
    pub(crate) fn new(asked: &[Asked]) -> Self {
        let mut recorded = Self::default();
        for one in asked.iter().cloned() {
            match one {
                Asked::Product { sku, answer } => drop(recorded.products.insert(sku, answer)),
                Asked::OfCategory { category, limit, answer } => {
                    recorded.categories.insert((category, limit), answer);
                }
                Asked::Stock { sku, answer } => drop(recorded.positions.insert(sku, answer)),
                Asked::Kept { key, answer } => drop(recorded.kept.insert(key, answer)),
                Asked::Full { key, attempt } => drop(recorded.full.insert((key, attempt))),
            }
        }
        recorded
    }

    fn answer<T: Default>(unanswered: &mut u32, recorded: Option<T>) -> T {
        recorded.unwrap_or_else(|| {
            *unanswered = unanswered.saturating_add(1);
            T::default()
        })
    }
}

impl State {
    pub(crate) fn new(answers: Answers, limits: Limits, now: i64, seed: u64) -> Self {
        Self {
            budget: Budget::new(limits.memory_bytes_max as usize),
            limits,
            asked: Vec::new(),
            log: Vec::new(),
            log_lines_cut: 0,
            kv: Overlay::default(),
            answers,
            now,
            random: seed,
            host_calls: 0,
            host_bytes: 0,
            log_bytes: 0,
        }
    }

    pub(crate) const fn unanswered(&self) -> u32 {
        self.answers.unanswered()
    }

    /// One more call of the host.
    fn count(&mut self) -> Result<()> {
        self.host_calls += 1;
        if self.host_calls > self.limits.host_calls_max {
            return Err(Exceeded { what: "host calls", max: self.limits.host_calls_max.into() }.into());
        }
        Ok(())
    }

    /// Notes a question with its answer; also the one that is too much, so that a replay comes to the same end.
    fn note(&mut self, asked: Asked) -> Result<()> {
        self.host_bytes = self.host_bytes.saturating_add(asked.bytes());
        self.asked.push(asked);
        if self.host_bytes > self.limits.host_bytes_max as usize {
            return Err(Exceeded { what: "host bytes", max: self.limits.host_bytes_max.into() }.into());
        }
        Ok(())
    }

    /// A product of the catalogue.
    pub(crate) fn product(&mut self, sku: String) -> Result<Option<Product>> {
        let answer = match &mut self.answers {
            Answers::Live { shop, .. } => shop.product(&sku),
            Answers::Recorded(recorded) => {
                Recorded::answer(&mut recorded.unanswered, recorded.products.get(&sku).cloned())
            }
        };
        self.note(Asked::Product { sku, answer: answer.clone() })?;
        Ok(answer)
    }

    /// What was kept under a key before the call.
    fn kept(&mut self, key: &str) -> Result<Option<Bytes>> {
        let answer = match &mut self.answers {
            Answers::Live { kv, .. } => kv.get(key).map(|value| Bytes(value.to_vec())),
            Answers::Recorded(recorded) => {
                Recorded::answer(&mut recorded.unanswered, recorded.kept.get(key).cloned())
            }
        };
        if self.kv.first_read(key) {
            self.note(Asked::Kept { key: key.into(), answer: answer.clone() })?;
        }
        Ok(answer)
    }
}

impl wit::log::Host for State {
    fn write(&mut self, level: Level, text: String) -> Result<()> {
        self.count()?;
        let room = (self.limits.log_bytes_max as usize).saturating_sub(self.log_bytes);
        if self.log.len() >= self.limits.log_lines_max as usize || room == 0 {
            self.log_lines_cut += 1;
            return Ok(());
        }
        let kept = text.get(..text.floor_char_boundary(room)).unwrap_or_default();
        self.log_lines_cut += u32::from(kept.len() < text.len());
        self.log_bytes += kept.len();
        // A line is a line: nothing in it moves a terminal's cursor or begins another record.
        let text = kept.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        self.log.push(LogLine { level, text });
        Ok(())
    }
}

impl wit::clock::Host for State {
    fn now(&mut self) -> Result<i64> {
        self.count()?;
        Ok(self.now)
    }
}

impl wit::random::Host for State {
    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn next(&mut self) -> Result<u64> {
        self.count()?;
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(mixed ^ (mixed >> 31))
    }
}

impl wit::catalog::Host for State {
    fn find(&mut self, sku: String) -> Result<Option<Product>> {
        self.count()?;
        self.product(sku)
    }

    fn of_category(&mut self, category: String, limit: u32) -> Result<Vec<Product>> {
        self.count()?;
        let limit = limit.min(OF_CATEGORY_MAX);
        let answer = match &mut self.answers {
            Answers::Live { shop, .. } => {
                let mut products = shop.of_category(&category, limit);
                products.truncate(limit as usize);
                products
            }
            Answers::Recorded(recorded) => {
                let found = recorded.categories.get(&(category.clone(), limit)).cloned();
                Recorded::answer(&mut recorded.unanswered, found)
            }
        };
        self.note(Asked::OfCategory { category, limit, answer: answer.clone() })?;
        Ok(answer)
    }
}

impl wit::stock::Host for State {
    fn of(&mut self, sku: String) -> Result<Option<Position>> {
        self.count()?;
        let answer = match &mut self.answers {
            Answers::Live { shop, .. } => shop.stock(&sku),
            Answers::Recorded(recorded) => {
                Recorded::answer(&mut recorded.unanswered, recorded.positions.get(&sku).copied())
            }
        };
        self.note(Asked::Stock { sku, answer })?;
        Ok(answer)
    }
}

impl wit::kv::Host for State {
    fn get(&mut self, key: String) -> Result<Option<Vec<u8>>> {
        self.count()?;
        if let Some(own) = self.kv.own(&key) {
            return Ok(own.clone().map(|value| value.0));
        }
        Ok(self.kept(&key)?.map(|value| value.0))
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> Result<std::result::Result<(), KvRefusal>> {
        self.count()?;
        let write = KvWrite { key, value: Some(Bytes(value)) };
        if let Err(refusal) = Overlay::check_size(&write) {
            return Ok(Err(refusal));
        }
        if self.kv.len() >= self.limits.kv_writes_max as usize {
            return Ok(Err(KvRefusal::Full));
        }
        let attempt = self.kv.attempt(&write.key);
        let fits = match &self.answers {
            Answers::Live { kv, .. } => self.kv.check(kv, &write).is_ok(),
            Answers::Recorded(recorded) => !recorded.full.contains(&(write.key.clone(), attempt)),
        };
        if !fits {
            self.note(Asked::Full { key: write.key, attempt })?;
            return Ok(Err(KvRefusal::Full));
        }
        self.kv.write(write);
        Ok(Ok(()))
    }

    fn delete(&mut self, key: String) -> Result<bool> {
        self.count()?;
        let there = match self.kv.own(&key) {
            Some(own) => own.is_some(),
            None => self.kept(&key)?.is_some(),
        };
        // A call that has written as often as it may keeps what it cannot forget; it is told so.
        if !there || self.kv.len() >= self.limits.kv_writes_max as usize {
            return Ok(false);
        }
        self.kv.write(KvWrite { key, value: None });
        Ok(true)
    }
}

/// Links what is granted, and nothing else.
pub(crate) fn linker(engine: &Engine, grants: &BTreeSet<Grant>) -> Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    for grant in grants {
        match grant {
            Grant::Log => wit::log::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state),
            Grant::Clock => wit::clock::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state),
            Grant::Random => wit::random::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state),
            Grant::Catalog => wit::catalog::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state),
            Grant::Stock => wit::stock::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state),
            Grant::Kv => wit::kv::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state),
        }?;
    }
    Ok(linker)
}
