//! The fold over the entries of all erasures, and what is due.

use super::{Ask, Entry, Request, Step};
use crate::seal::{KeyId, PersonId};
use aisle_event::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// The most erasures that are remembered. Completed ones leave first, oldest first; a request beyond all open ones is not taken.
pub const ERASURES_MAX: usize = 100_000;
/// The most duties that are given at once.
const DUTIES_MAX: usize = 256;

/// How far one erasure is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What was asked.
    pub request: Request,
    /// The record that asked it.
    pub requested_seq: u64,
    /// The keys that were destroyed, once they are, and the record that says so.
    pub destroyed: Option<(Vec<KeyId>, u64)>,
    /// The last record in which something of the person lies in the clear; zero when there is none.
    pub clear_through: u64,
    /// What was derived is rewritten through this record.
    pub rewritten_through: Option<u64>,
    /// Records are trimmed through this one.
    pub trimmed_through: Option<u64>,
    /// The hubs that have erased, with their proofs.
    pub hubs: BTreeMap<String, Vec<u8>>,
    /// Our own proof.
    pub proof: Option<Vec<u8>>,
}

/// What is to be done now. Each can be done twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Duty {
    /// Destroy the person's keys, keep the ring, write [`Step::KeyDestroyed`].
    DestroyKeys {
        /// The erasure.
        erasure: String,
        /// Whose.
        person: PersonId,
    },
    /// Make index, checkpoints and models anew from the journal, write [`Step::DerivedRewritten`].
    RewriteDerived {
        /// The erasure.
        erasure: String,
        /// At least through this record.
        at_least_through: u64,
    },
    /// Wait until the journal is trimmed through this record, and write [`Step::RetentionEnded`] then; at once when it is zero. Nothing is
    /// trimmed for it: what others' records are kept for (the law, a hub that lacks them) goes first, and the person's are noise without
    /// their key. What is waited for are records from before there were seals.
    AwaitTrim {
        /// The erasure.
        erasure: String,
        /// Through which record, at least.
        through: u64,
    },
    /// Ask a hub, and ask again until its proof is there; write [`Step::HubErased`].
    AskHub {
        /// The erasure.
        erasure: String,
        /// Whom, and by which tokens.
        ask: Ask,
    },
    /// Issue the proof, write [`Step::Completed`].
    Complete {
        /// The erasure.
        erasure: String,
    },
}

/// All erasures of a store, as the journal tells them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erasures {
    all: BTreeMap<String, Progress>,
    /// By age, for forgetting.
    order: BTreeMap<u64, String>,
    ignored: u64,
}

impl Erasures {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an entry, in the journal's order. One that cannot follow what was before changes nothing and is counted.
    pub fn apply(&mut self, seq: u64, entry: &Entry) {
        let taken = match entry {
            Entry::Requested(request) => self.request(seq, request),
            Entry::Advanced { erasure, step, at } => {
                self.all.get_mut(erasure).is_some_and(|progress| progress.advance(seq, step, *at))
            }
        };
        self.ignored += u64::from(!taken);
    }

    fn request(&mut self, seq: u64, request: &Request) -> bool {
        if self.all.contains_key(&request.erasure) {
            return false;
        }
        if self.all.len() >= ERASURES_MAX {
            let done = self
                .order
                .iter()
                .find(|(_, name)| self.all.get(*name).is_some_and(|progress| progress.proof.is_some()));
            let Some(oldest) = done.map(|(seq, _)| *seq) else { return false };
            if let Some(name) = self.order.remove(&oldest) {
                self.all.remove(&name);
            }
        }
        let progress = Progress {
            request: request.clone(),
            requested_seq: seq,
            destroyed: None,
            clear_through: 0,
            rewritten_through: None,
            trimmed_through: None,
            hubs: BTreeMap::new(),
            proof: None,
        };
        self.order.insert(seq, request.erasure.clone());
        self.all.insert(request.erasure.clone(), progress);
        true
    }

    /// What is due. `now` is a time that does not leap: what the law wants kept must not go because a clock was wrong.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Vec<Duty> {
        let open = self
            .order
            .values()
            .filter_map(|name| self.all.get(name))
            .filter(|progress| progress.proof.is_none());
        open.flat_map(|progress| progress.due(now)).take(DUTIES_MAX).collect()
    }

    /// Every key that was destroyed: for [`crate::seal::KeyRing::bury`] after a start.
    pub fn destroyed_keys(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.all
            .values()
            .filter_map(|progress| progress.destroyed.as_ref())
            .flat_map(|(keys, _)| keys.iter().copied())
    }

    /// How far an erasure is.
    #[must_use]
    pub fn progress(&self, erasure: &str) -> Option<&Progress> {
        self.all.get(erasure)
    }

    /// All, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Progress> {
        self.order.values().filter_map(|name| self.all.get(name))
    }

    /// Entries that could not follow what was before.
    #[must_use]
    pub const fn ignored(&self) -> u64 {
        self.ignored
    }
}

impl Progress {
    fn advance(&mut self, seq: u64, step: &Step, at: Timestamp) -> bool {
        if self.proof.is_some() {
            return false;
        }
        let Some((_, destroyed_seq)) = self.destroyed else {
            let Step::KeyDestroyed { keys, clear_through } = step else { return false };
            self.destroyed = Some((keys.clone(), seq));
            self.clear_through = *clear_through;
            return true;
        };
        match step {
            // A second time, after a crash in between: the keys of both.
            Step::KeyDestroyed { keys, clear_through } => {
                self.clear_through = self.clear_through.max(*clear_through);
                let known: BTreeSet<KeyId> =
                    self.destroyed.iter().flat_map(|(keys, _)| keys.iter().copied()).collect();
                let all = known.into_iter().chain(keys.iter().copied()).collect::<BTreeSet<_>>();
                self.destroyed = Some((all.into_iter().collect(), destroyed_seq));
            }
            Step::DerivedRewritten { through } if *through >= destroyed_seq => {
                self.rewritten_through = Some(*through);
            }
            Step::RetentionEnded { through }
                if self.rewritten_through.is_some()
                    && *through >= self.clear_through
                    && self.request.retain_until.is_none_or(|until| at >= until) =>
            {
                self.trimmed_through = Some(*through);
            }
            Step::HubAsked { region } => return self.is_asked(region),
            Step::HubErased { region, proof } if self.is_asked(region) => {
                self.hubs.entry(region.clone()).or_insert_with(|| proof.clone());
            }
            Step::Completed { proof } if self.is_ready() => self.proof = Some(proof.clone()),
            _ => return false,
        }
        true
    }

    fn is_asked(&self, region: &str) -> bool {
        self.request.asks.iter().any(|ask| ask.region == region)
    }

    fn hubs_missing(&self) -> impl Iterator<Item = &Ask> {
        self.request.asks.iter().filter(|ask| !self.hubs.contains_key(&ask.region))
    }

    /// True when only the proof is missing.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.destroyed.is_some() && self.trimmed_through.is_some() && self.hubs_missing().next().is_none()
    }

    fn due(&self, now: Timestamp) -> Vec<Duty> {
        let erasure = || self.request.erasure.clone();
        let Some((_, destroyed_seq)) = self.destroyed else {
            return vec![Duty::DestroyKeys { erasure: erasure(), person: self.request.person }];
        };
        if self.is_ready() {
            return vec![Duty::Complete { erasure: erasure() }];
        }
        let mut due: Vec<Duty> =
            self.hubs_missing().map(|ask| Duty::AskHub { erasure: erasure(), ask: ask.clone() }).collect();
        let retained = self.request.retain_until.is_some_and(|until| now < until);
        if self.rewritten_through.is_none() {
            due.push(Duty::RewriteDerived { erasure: erasure(), at_least_through: destroyed_seq });
        } else if self.trimmed_through.is_none() && !retained {
            due.push(Duty::AwaitTrim { erasure: erasure(), through: self.clear_through });
        }
        due
    }
}
