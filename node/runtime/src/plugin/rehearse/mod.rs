//! A candidate for a plugin's place is asked what was asked here lately, and its answers are held against those that were given.
//!
//! Blocks, on a thread of its own, and waits while a basket is paid. Not here: what is told of two answers that differ ([`differ`]), when it is asked for
//! (`aisle-converge`). Guards invariant 4: nothing that a candidate answers is done, and nothing that it keeps is kept.

mod differ;

use super::Plugins;
use aisle_fleet::rehearsal::{Difference, Findings, OF_STORE_MAX};
use aisle_plugin_host::{Manifest, Recording, Replay};
use differ::{Differs, NOT_ASKED, UNKNOWN, compare};
use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

/// The most calls that are played, the latest ones.
const CALLS_MAX: usize = 512;
/// So long calls are begun; those that are left are not played then.
const TIME_MAX: Duration = Duration::from_secs(60);
/// How often it is looked whether a basket is still being paid.
const SELLING: Duration = Duration::from_millis(20);

impl Plugins {
    /// Plays the last calls of a plugin through a candidate. Blocks.
    ///
    /// # Errors
    /// Why it cannot be asked at all, for people.
    pub(crate) fn rehearse(&self, manifest: Manifest, component: &[u8]) -> Result<Findings, String> {
        let id = manifest.id.clone();
        let (hooks, settings) = (manifest.hooks.clone(), manifest.settings.clone());
        let candidate = self.beside(manifest, component)?;
        let (mut tally, started) = (Tally::default(), Instant::now());
        for recording in self.0.figures.recordings(&id, None).iter().rev().take(CALLS_MAX) {
            while self.is_selling() && started.elapsed() < TIME_MAX {
                thread::sleep(SELLING);
            }
            if started.elapsed() >= TIME_MAX {
                break;
            }
            if !hooks.contains(&recording.hook) {
                tally.count(recording, &[NOT_ASKED], false);
                continue;
            }
            let was = match recording.outcome() {
                Ok(output) => Ok(output),
                Err(Some(failure)) if failure.counts() => Err(failure),
                // Nobody was asked then.
                Err(_) => continue,
            };
            let mut replay = Replay::new(recording);
            replay.input_mut().context_mut().settings.clone_from(&settings);
            let replayed = replay.run(&candidate);
            match replayed.call.outcome.as_ref() {
                Err(failure) if !failure.counts() => {}
                // One that asks what was not recorded was answered with nothing, which says nothing of it.
                _ if replayed.unanswered > 0 => tally.count(recording, &[UNKNOWN], false),
                outcome => tally.count(recording, &compare(was, outcome), outcome.is_err()),
            }
        }
        Ok(tally.findings())
    }
}

/// What has come of it so far. There are only so many kinds of differences as [`differ`] has names for.
#[derive(Default)]
struct Tally {
    found: Findings,
    kinds: BTreeMap<String, Difference>,
}

impl Tally {
    fn count(&mut self, recording: &Recording, differs: &[Differs], has_failed: bool) {
        self.found.calls += 1;
        self.found.same += u64::from(differs.is_empty());
        self.found.failed += u64::from(has_failed);
        for Differs { what, was, would_be } in differs {
            let what = format!("{}: {what}", recording.hook);
            let new = || Difference {
                what: what.clone(),
                was: was.to_string(),
                would_be: would_be.to_string(),
                count: 0,
            };
            self.kinds.entry(what.clone()).or_insert_with(new).count += 1;
        }
    }

    fn findings(self) -> Findings {
        let mut differences: Vec<Difference> = self.kinds.into_values().collect();
        differences.sort_by_key(|difference| std::cmp::Reverse(difference.count));
        differences.truncate(OF_STORE_MAX);
        Findings { differences, ..self.found }
    }
}
