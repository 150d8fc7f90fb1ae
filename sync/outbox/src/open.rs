//! Opening an outbox: each class as its last record left it, or a new epoch where that cannot be.
//!
//! What is damaged is kept beside it, never overwritten; nothing is lost by it, since the store's journal has it all.
//! Damage that is met while the outbox runs stops the reader or the projector that meets it; the next start deals with it here.

use crate::{
    config::Config,
    counting::Counting,
    epoch::Turn,
    error::{OpenError, ReadError},
    fold::{Fold, Folded, stones},
    form::{self, Counted, Past, State},
    index::{Index, place_after},
    lane::{Lane, Terms},
    log::ClassLog,
    notice::{Notice, Why},
    outbox::{Outbox, Shared},
    projector::Projector,
    telemetry::Telemetry,
};
use aisle_event::{LogClass, StoreId};
use aisle_journal::{Entry, FileError, Io, Journal};
use aisle_protocol::{Epoch, PerClass};
use aisle_residency::{
    Aggregator, Budget, Entropy, Gate, Region, SystemEntropy, TrustedPolicy, aggregate, signing::SigningKey,
    token::TokenKeys,
};
use prometheus_client::registry::Registry;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The most damaged logs of a class that are kept.
const ASIDE_MAX: u32 = 16;

/// What an outbox is opened with.
#[derive(Debug)]
pub struct Setup {
    /// Its directory; each class has one below it.
    pub dir: PathBuf,
    /// Whose events leave.
    pub store: StoreId,
    /// Where to.
    pub region: Region,
    /// What leaves.
    pub policy: TrustedPolicy,
    /// What tokens are made with.
    pub token_keys: TokenKeys,
    /// What the node signs receipts with.
    pub key: Arc<SigningKey>,
    /// What makes contributors of aggregates into numbers; a store keeps the same for ever.
    pub contributor_key: [u8; 32],
    /// The settings.
    pub config: Config,
    /// Where a class begins that has nothing: it holds what the journal has after this record. 0 is everything; what the hub has
    /// already it knows again.
    pub begin_after: u64,
    /// True when this store has never had an outbox to this region. Else, where the state of aggregates is lost, all windows that may have
    /// been told count as told.
    pub is_first: bool,
}

/// An outbox that is open.
#[derive(Debug)]
pub struct Opened {
    /// The one who writes. Before the protocol's machine is run, let it [`Projector::seal_all`].
    pub projector: Projector,
    /// One who reads.
    pub outbox: Outbox,
    /// What an operator should hear of.
    pub notices: Vec<Notice>,
}

/// Opens an outbox, making it if need be.
///
/// # Errors
/// When a setting or the policy cannot be used, when another process has it, or the disk fails.
pub fn open(
    setup: Setup,
    journal: &Journal,
    io: Arc<dyn Io>,
    metrics: &mut Registry,
) -> Result<Opened, OpenError> {
    open_with(setup, journal, io, metrics, Box::new(SystemEntropy::default()))
}

/// The same with another source of randomness for the noise of aggregates.
///
/// # Errors
/// As [`open`].
pub fn open_with(
    setup: Setup,
    journal: &Journal,
    io: Arc<dyn Io>,
    metrics: &mut Registry,
    entropy: Box<dyn Entropy + Send>,
) -> Result<Opened, OpenError> {
    let Setup { dir, store, region, policy, token_keys, key, contributor_key, config, begin_after, is_first } =
        setup;
    config.validate()?;
    let gate = Gate::new(&policy, &region, token_keys)?;
    let terms = Terms { store, region, policy: gate.policy(), key };
    // The name of a new directory is durable before anything in it is.
    io.create_dir(&dir).map_err(during("create", &dir))?;
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        io.sync_dir(parent).map_err(during("sync", parent))?;
    }
    let telemetry = Telemetry::new(metrics);
    let begin_after = begin_after.min(journal.durable());
    let opening = Opening { io: &io, config: &config, terms: &terms, journal, begin_after };
    let mut notices = Vec::new();
    let mut class =
        |class: LogClass| opening.class(class, &dir.join(format!("p{}", class.number())), &mut notices);
    let mut found = PerClass {
        sales: class(LogClass::Sales)?,
        stock: class(LogClass::Stock)?,
        telemetry: class(LogClass::Telemetry)?,
        bulk: class(LogClass::Bulk)?,
    };
    notices.iter().for_each(|notice| telemetry.tell(notice));
    let lane = &mut found.get_mut(aggregate::CLASS).lane;
    let kept = lane.state.counted.take();
    let through = kept.as_ref().map_or(lane.position, |kept| kept.through).min(journal.durable());
    let counted = opening.counted(&policy, &contributor_key, kept.as_ref());
    let is_lost = counted.is_none() || (kept.is_none() && !is_first);
    let (aggregator, budget) =
        counted.unwrap_or_else(|| (Aggregator::new(&policy, &terms.region, &contributor_key), Budget::new()));
    let mut counting = Counting::new(aggregator, budget, entropy, contributor_key, through);
    if is_lost {
        counting.forfeit(io.now_ms());
    }
    let turns = PerClass::from_fn(|class| found.get_mut(class).turn.take());
    let PerClass { sales, stock, telemetry: of_telemetry, bulk } = found;
    let lanes =
        PerClass { sales: sales.lane, stock: stock.lane, telemetry: of_telemetry.lane, bulk: bulk.lane };
    let logs = PerClass::from_fn(|class| lanes.get(class).log.clone());
    logs.iter().for_each(|(_, log)| telemetry.stands(log));
    let shared = Arc::new(Shared::new(logs, telemetry, terms.policy));
    let outbox = Outbox::new(shared.clone());
    let mut projector = Projector {
        journal: journal.clone(),
        tail: journal.tail(1),
        gate,
        terms,
        config,
        lanes,
        counting,
        shared,
        notices: Vec::new(),
        is_full: false,
        has_no_space: false,
        io,
    };
    let now_ms = projector.io.now_ms();
    if kept.is_none() || is_lost {
        let counted = projector.counted(aggregate::CLASS);
        projector.lane(aggregate::CLASS).stage_state(counted, None, now_ms);
    }
    let PerClass { sales, stock, telemetry, bulk } = turns;
    for (class, turn) in LogClass::ALL.into_iter().zip([sales, stock, telemetry, bulk]) {
        if let Some(turn) = turn
            && !projector.turn(class, turn, now_ms)?
        {
            return Err(OpenError::NoSpace { dir });
        }
    }
    if !projector.flush(aggregate::CLASS)? {
        return Err(OpenError::NoSpace { dir });
    }
    projector.keep_needed();
    notices.append(&mut projector.notices);
    Ok(Opened { projector, outbox, notices })
}

/// A class as it was found.
#[derive(Debug)]
struct Found {
    lane: Lane,
    /// The epoch has to end before anything else.
    turn: Option<Turn>,
}

/// What is the same for all classes.
struct Opening<'a> {
    io: &'a Arc<dyn Io>,
    config: &'a Config,
    terms: &'a Terms,
    journal: &'a Journal,
    begin_after: u64,
}

/// What an epoch begins with that follows nothing, or something that was damaged.
struct Begin {
    why: Why,
    after: u64,
    past: Vec<Past>,
}

impl Opening<'_> {
    /// Opens a class. What is damaged is set aside once.
    fn class(&self, class: LogClass, dir: &Path, notices: &mut Vec<Notice>) -> Result<Found, OpenError> {
        let new = Begin { why: Why::New, after: self.begin_after, past: Vec::new() };
        let begin = match self.open(class, dir)? {
            Ok(journal) if journal.durable() == 0 => return self.begin(class, dir, journal, new, notices),
            Ok(journal) => match self.fold(class, dir, journal)? {
                Ok(found) => return Ok(found),
                Err((reason, past)) => self.set_aside(dir, reason, past)?,
            },
            Err(reason) => self.set_aside(dir, reason, None)?,
        };
        match self.open(class, dir)? {
            Ok(journal) => self.begin(class, dir, journal, begin, notices),
            Err(_) => Err(OpenError::Aside { dir: dir.into() }),
        }
    }

    /// The journal of a class; a reason when what is there is damaged.
    fn open(&self, class: LogClass, dir: &Path) -> Result<Result<Journal, String>, OpenError> {
        use aisle_journal::OpenError as Refused;
        // Its metrics would have the names of those of the store's journal.
        let mut unseen = Registry::default();
        match Journal::open(dir, self.config.of_journal(), self.io.clone(), &mut unseen) {
            Ok((journal, _)) => Ok(Ok(journal)),
            Err(error @ (Refused::Corrupt { .. } | Refused::Missing { .. } | Refused::Foreign { .. })) => {
                Ok(Err(error.to_string()))
            }
            Err(source) => Err(OpenError::Class { class, source }),
        }
    }

    /// Reads a class back. Where it is damaged: what is wrong, and what could be read before.
    fn fold(
        &self,
        class: LogClass,
        dir: &Path,
        journal: Journal,
    ) -> Result<Result<Found, (String, Option<Folded>)>, OpenError> {
        let mut fold = Fold::new(&self.terms.store, class, self.config.places_max);
        let reason = match fold.read(&journal) {
            Ok(()) => None,
            Err(ReadError::Journal(aisle_journal::ReadError::File(error))) => return Err(error.into()),
            Err(error) => Some(error.to_string()),
        };
        let Some(Folded { state, index }) = fold.finish() else {
            return Ok(Err((reason.unwrap_or_else(|| "there is no state in it".into()), None)));
        };
        if let Some(reason) = reason {
            return Ok(Err((reason, Some(Folded { state, index }))));
        }
        let turn = self.turn(&state, &index);
        let log = Arc::new(ClassLog::new(class, journal, index));
        let mut state = state;
        if turn.as_ref().is_some_and(|turn| turn.why == Why::OtherJournal) {
            state.journal = self.journal.id();
            state.begun = self.begin_after;
            state.stones.clear();
            for past in &mut state.past {
                past.begun = self.begin_after;
                past.stones.clear();
            }
            if let Some(counted) = &mut state.counted {
                counted.through = self.begin_after;
            }
        }
        Ok(match Lane::resume(log, state, self.terms, self.io.now_ms()) {
            Ok(lane) => Ok(Found { lane, turn }),
            Err(error) => Err((format!("its receipt in `{}` does not decode: {error}", dir.display()), None)),
        })
    }

    /// How the running epoch has to end, when the store's journal is not the one that it was made from.
    fn turn(&self, state: &State, index: &Index) -> Option<Turn> {
        let durable = self.journal.durable();
        let (after, why) = if state.journal != self.journal.id() {
            (self.begin_after, Why::OtherJournal)
        } else if state.cursor > durable {
            let places = stones(&state.stones, index);
            let place = place_after(state.begun, &places, index.acked.seq);
            (place.min(durable), Why::JournalBehind { cursor: state.cursor, durable })
        } else {
            return None;
        };
        Some(Turn { epoch: state.epoch, end: index.acked, after, carry_after: index.acked.seq, why })
    }

    /// Begins a class that has nothing.
    fn begin(
        &self,
        class: LogClass,
        dir: &Path,
        journal: Journal,
        begin: Begin,
        notices: &mut Vec<Notice>,
    ) -> Result<Found, OpenError> {
        let Begin { why, after, past } = begin;
        let epoch = self.io.entropy().map(Epoch).map_err(during("draw an epoch for", dir))?;
        let log = self.terms.log(class, epoch);
        let state = State {
            epoch,
            journal: self.journal.id(),
            begun: after,
            last: log.start(),
            cursor: after,
            receipt: None,
            draft: None,
            policy: self.terms.policy,
            acked: log.start(),
            past,
            stones: Vec::new(),
            counted: None,
        };
        let entry = Entry { kind: form::STATE, payload: form::encode(&state) };
        journal.append(vec![entry]).map_err(|source| OpenError::Append { class, source })?;
        let mut index = Index::new(log.clone(), self.config.places_max);
        index.begin(log, &state.past);
        let log = Arc::new(ClassLog::new(class, journal, index));
        let lane = Lane::resume(log, state, self.terms, self.io.now_ms())
            .map_err(|_| OpenError::Aside { dir: dir.into() })?;
        notices.push(Notice::Begun { class, epoch, after, why });
        Ok(Found { lane, turn: None })
    }

    /// Moves the files of a class to where they are kept. The epoch that follows begins behind what the hub is known to have, as far as
    /// that could be read.
    fn set_aside(&self, dir: &Path, reason: String, folded: Option<Folded>) -> Result<Begin, OpenError> {
        let aside = (1..=ASIDE_MAX).map(|nth| {
            let mut name = dir.as_os_str().to_owned();
            name.push(format!(".aside-{nth}"));
            PathBuf::from(name)
        });
        let is_free = |aside: &PathBuf| matches!(self.io.list(aside), Err(error) if error.kind() == io::ErrorKind::NotFound);
        let aside = aside.into_iter().find(is_free).ok_or_else(|| OpenError::Aside { dir: dir.into() })?;
        self.io.create_dir(&aside).map_err(during("create", &aside))?;
        for name in self.io.list(dir).map_err(during("list", dir))? {
            self.io.rename(&dir.join(&name), &aside.join(&name)).map_err(during("move", &dir.join(&name)))?;
        }
        for dir in [Some(aside.as_path()), Some(dir), dir.parent()].into_iter().flatten() {
            self.io.sync_dir(dir).map_err(during("sync", dir))?;
        }
        let why = Why::Damaged { aside, reason };
        let known = folded.filter(|folded| folded.state.journal == self.journal.id());
        Ok(match known {
            None => Begin { why, after: self.begin_after, past: Vec::new() },
            Some(Folded { state, index }) => {
                let stones = stones(&state.stones, &index);
                let after = place_after(state.begun, &stones, index.acked.seq).min(self.journal.durable());
                let mut past = state.past;
                past.push(Past { epoch: state.epoch, end: index.acked, begun: state.begun, stones });
                Begin { why, after, past }
            }
        })
    }

    /// What was counted for aggregates; from nothing when there is none.
    fn counted(
        &self,
        policy: &TrustedPolicy,
        contributor_key: &[u8; 32],
        counted: Option<&Counted>,
    ) -> Option<(Aggregator, Budget)> {
        let region = &self.terms.region;
        match counted {
            None => Some((Aggregator::new(policy, region, contributor_key), Budget::new())),
            Some(counted) => Some((
                Aggregator::resume(policy, region, contributor_key, &counted.aggregator).ok()?,
                Budget::decode(&counted.budget).ok()?,
            )),
        }
    }
}

fn during(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    move |source| FileError { action, path: path.to_path_buf(), source }
}
