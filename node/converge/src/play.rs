//! Plays candidates, one after the other, on a thread that nobody waits for.
//!
//! A candidate goes the way of everything that is ordered as far as its trial: its bytes have come, they are what was signed, and somebody knows its kind. It is
//! never put in place by this. Not here: what was asked and what came of it ([`crate::rehearse`]), the playing itself ([`crate::applier`]).

use crate::{
    applier::{Applier, Piece, never, not_now},
    contents::ContentsError,
    fleet::{Fleet, Shared, lock, words},
    hands::verify,
    worker::{Event, METADATA_MS, arrived},
};
use aisle_fleet::{
    ContentHash, Kind,
    converge::Trouble,
    rehearsal::{Candidate, Findings},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

/// How long one that could not be played waits, in milliseconds.
const AGAIN_MS: u64 = 5_000;

pub(crate) type Appliers = BTreeMap<Kind, Arc<dyn Applier>>;

/// A candidate that was played, or could not be.
pub(crate) type Ended = (Candidate, Result<Findings, Trouble>);

/// Gives candidates to the thread that plays them.
pub(crate) struct Player {
    hand: SyncSender<Candidate>,
    appliers: Appliers,
    is_busy: bool,
    /// Since when bytes are here that wait for something, by the running clock.
    since: BTreeMap<ContentHash, u64>,
    not_before: u64,
    /// Contents that are needed and not here.
    missing: BTreeSet<ContentHash>,
}

impl Player {
    pub(crate) fn new(fleet: &Fleet, appliers: &Appliers) -> io::Result<Self> {
        // One at a time is given away.
        let (hand, candidates) = sync_channel::<Candidate>(1);
        let (fleet, of_thread) = (fleet.clone(), appliers.clone());
        let play = move || play(&fleet, &of_thread, &candidates);
        thread::Builder::new().name("aisle-fleet-play".into()).spawn(play)?;
        let (since, missing) = (BTreeMap::new(), BTreeSet::new());
        Ok(Self { hand, appliers: appliers.clone(), is_busy: false, since, not_before: 0, missing })
    }

    /// Contents that it needs and that are not here.
    pub(crate) const fn missing(&self) -> &BTreeSet<ContentHash> {
        &self.missing
    }

    /// True while it waits for something that nobody tells the end of.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.is_busy && (!self.missing.is_empty() || !self.since.is_empty())
    }

    /// Plays what can be played by now.
    pub(crate) fn look(&mut self, shared: &Shared) {
        let pending = lock(&shared.rehearsals).pending();
        let now_ms = shared.now().running_ms;
        self.missing.clear();
        self.since.retain(|hash, _| pending.iter().any(|candidate| candidate.release.hash == *hash));
        for candidate in pending {
            let (slot, release) = (&candidate.slot, &candidate.release);
            let refused = match self.appliers.get(&slot.kind()) {
                None => Some(format!("this node cannot rehearse a `{}`", slot.kind())),
                Some(applier) if release.bytes > applier.bytes_max() => {
                    Some(format!("it has {} bytes, at most {} are taken", release.bytes, applier.bytes_max()))
                }
                Some(_) => None,
            };
            if let Some(why) = refused {
                Self::refuse(shared, &candidate, &why);
                continue;
            }
            if !shared.contents.has(&release.hash) {
                self.since.remove(&release.hash);
                self.missing.insert(release.hash);
                continue;
            }
            let since = *self.since.entry(release.hash).or_insert(now_ms);
            if self.is_busy || now_ms < self.not_before {
                continue;
            }
            let waited_ms = now_ms.saturating_sub(since);
            match arrived(shared, slot, release, waited_ms) {
                None => {}
                Some(Ok(())) => self.give(shared, candidate),
                Some(Err(_)) if waited_ms < METADATA_MS => {}
                Some(Err(trouble)) => Self::refuse(shared, &candidate, &trouble.text),
            }
        }
    }

    fn give(&mut self, shared: &Shared, candidate: Candidate) {
        if lock(&shared.rehearsals).begin(&candidate) {
            tracing::info!(slot = %candidate.slot, version = %candidate.release.version, "is rehearsed");
            self.is_busy = self.hand.try_send(candidate).is_ok();
        } else {
            shared.notify();
        }
    }

    fn refuse(shared: &Shared, candidate: &Candidate, why: &str) {
        tracing::warn!(slot = %candidate.slot, version = %candidate.release.version, "is not rehearsed: {why}");
        lock(&shared.rehearsals).end(candidate, candidate.refused(why));
        shared.notify();
    }

    /// One has come to an end.
    pub(crate) fn ended(&mut self, shared: &Shared, (candidate, outcome): Ended) {
        self.is_busy = false;
        match outcome {
            Ok(found) => {
                let Findings { calls, same, failed, .. } = &found;
                tracing::info!(slot = %candidate.slot, version = %candidate.release.version, calls, same, failed, "was rehearsed");
                lock(&shared.rehearsals).end(&candidate, candidate.played(found));
                shared.notify();
            }
            Err(Trouble { is_final: true, text }) => Self::refuse(shared, &candidate, &text),
            Err(Trouble { text, .. }) => {
                self.not_before = shared.now().running_ms.saturating_add(AGAIN_MS);
                let hash = &candidate.release.hash;
                if shared.contents.is_spoilt(hash)
                    && let Err(error) = shared.contents.remove(hash)
                {
                    tracing::warn!("a content that is of no use stays on the disk: {}", words(&error));
                }
                lock(&shared.rehearsals).failed(&candidate, &text);
                shared.notify();
            }
        }
    }
}

fn play(fleet: &Fleet, appliers: &Appliers, candidates: &Receiver<Candidate>) {
    while let Ok(candidate) = candidates.recv() {
        let tried = std::panic::AssertUnwindSafe(|| rehearse(fleet, appliers, &candidate));
        let outcome = std::panic::catch_unwind(tried)
            .unwrap_or_else(|_| Err(not_now("whoever rehearses it has panicked")));
        // Without the thread nobody wants to know.
        if fleet.0.sender.send(Event::Played(Box::new((candidate, outcome)))).is_err() {
            return;
        }
    }
}

fn rehearse(fleet: &Fleet, appliers: &Appliers, candidate: &Candidate) -> Result<Findings, Trouble> {
    let Candidate { slot, release, .. } = candidate;
    let shared = &fleet.0;
    let applier = appliers.get(&slot.kind());
    let applier = applier.ok_or_else(|| never(format!("this node cannot rehearse a `{}`", slot.kind())))?;
    let bytes = shared.contents.read(release).map_err(|error| match error {
        ContentsError::Missing { .. } => not_now("its bytes are not here any more"),
        error => not_now(words(&error)),
    })?;
    let piece = Piece { slot: slot.clone(), release: release.clone(), bytes };
    verify(shared, &piece)?;
    applier.rehearse(&piece)
}
