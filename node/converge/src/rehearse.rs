//! What headquarters wants tried before it goes anywhere: which candidates there are, and what came of each.
//!
//! The file is `rehearsed`, replaced whole. That one is begun is durable before it is played, so that a candidate which takes the node down is left alone after a
//! few starts; what came of it is durable before it is told, so that no restart plays it again. What is asked no more is forgotten.
//!
//! Not here: playing ([`crate::play`]). Guards invariant 6: there are no more than an order may ask for.

use aisle_artefact::files::{Files, replace};
use aisle_fleet::{
    ContentHash,
    rehearsal::{CANDIDATES_MAX, Candidate, Played},
};
use serde::{Deserialize, Serialize};
use std::io;

/// The file.
const FILE: &str = "rehearsed";
/// The most bytes of it.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// How often one is begun that comes to no end.
const TRIES_MAX: u8 = 3;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    candidate: Candidate,
    /// How often it was begun.
    begun: u8,
    played: Option<Played>,
}

/// Candidates, and what came of them.
pub(crate) struct Rehearsals {
    files: Box<dyn Files>,
    entries: Vec<Entry>,
}

impl Rehearsals {
    /// Goes on from what was kept. What does not read is as good as nothing: it is played again.
    pub(crate) fn open(files: Box<dyn Files>) -> Self {
        let kept = files.read(FILE, FILE_BYTES_MAX).ok().flatten();
        let entries: Vec<Entry> =
            kept.and_then(|kept| serde_json::from_slice(&kept).ok()).unwrap_or_default();
        Self { files, entries }
    }

    /// These are asked for now, and no others.
    pub(crate) fn ask(&mut self, candidates: Vec<Candidate>) {
        let before = std::mem::take(&mut self.entries);
        let entry = |candidate: Candidate| {
            let known = before.iter().find(|entry| entry.candidate == candidate).cloned();
            known.unwrap_or(Entry { candidate, begun: 0, played: None })
        };
        self.entries = candidates.into_iter().take(CANDIDATES_MAX).map(entry).collect();
    }

    /// Those of which nothing is said yet.
    pub(crate) fn pending(&self) -> Vec<Candidate> {
        let pending = self.entries.iter().filter(|entry| entry.played.is_none());
        pending.map(|entry| entry.candidate.clone()).collect()
    }

    /// Whether a content is needed for one.
    pub(crate) fn wants(&self, hash: &ContentHash) -> bool {
        self.entries.iter().any(|entry| entry.played.is_none() && entry.candidate.release.hash == *hash)
    }

    /// What came of those that are asked for.
    pub(crate) fn played(&self) -> Vec<Played> {
        self.entries.iter().filter_map(|entry| entry.played.clone()).collect()
    }

    /// One is about to be played. False when it must not be: it was begun too often, which is said of it, or is asked for no more.
    pub(crate) fn begin(&mut self, candidate: &Candidate) -> bool {
        let Some(entry) = self.find(candidate) else { return false };
        if entry.begun >= TRIES_MAX {
            let why = format!("it was begun {TRIES_MAX} times and came to no end here");
            entry.played = Some(candidate.refused(&why));
            self.keep();
            return false;
        }
        entry.begun += 1;
        self.keep()
    }

    /// It could not be played just now. The last time that is said of it.
    pub(crate) fn failed(&mut self, candidate: &Candidate, why: &str) {
        if self.find(candidate).is_some_and(|entry| entry.begun >= TRIES_MAX) {
            self.end(candidate, candidate.refused(why));
        }
    }

    /// This came of one.
    pub(crate) fn end(&mut self, candidate: &Candidate, played: Played) {
        if let Some(entry) = self.find(candidate) {
            entry.played = Some(played);
            self.keep();
        }
    }

    fn find(&mut self, candidate: &Candidate) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.candidate == *candidate)
    }

    /// False when the disk does not take it: then nothing more is played, and that is said.
    fn keep(&mut self) -> bool {
        let bytes = serde_json::to_vec(&self.entries).unwrap_or_default();
        let kept: io::Result<()> = replace(&mut *self.files, FILE, &bytes);
        let Err(error) = kept else { return true };
        tracing::warn!(%error, "`fleet/{FILE}` cannot be written, so nothing is rehearsed");
        for entry in self.entries.iter_mut().filter(|entry| entry.played.is_none()) {
            entry.played = Some(entry.candidate.refused("the node's disk does not take what comes of it"));
        }
        false
    }
}
