//! A candidate for a plugin's place is asked what was asked here lately, and its answers are held against those that were given.
//!
//! Blocks, on a thread of its own, and waits while a basket is paid. Not here: what is told of two answers that differ ([`differ`]) and of many ([`tally`]), when it is asked for
//! (`aisle-converge`). Guards invariant 4: nothing that a candidate answers is done, and nothing that it keeps is kept.

mod differ;
mod tally;

use super::Plugins;
use aisle_converge::applier::{never, not_now};
use aisle_fleet::{converge::Trouble, rehearsal::Findings};
use aisle_plugin_host::{Manifest, Replay};
use differ::{NOT_ASKED, UNKNOWN, compare};
use std::{
    thread,
    time::{Duration, Instant},
};
use tally::Tally;

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
    /// Why it cannot be asked at all, or not now, for people.
    pub(crate) fn rehearse(&self, manifest: Manifest, component: &[u8]) -> Result<Findings, Trouble> {
        let id = manifest.id.clone();
        let (hooks, settings) = (manifest.hooks.clone(), manifest.settings.clone());
        let candidate = self.beside(manifest, component).map_err(never)?;
        let (mut tally, mut is_cut_off, started) = (Tally::default(), false, Instant::now());
        for recording in self.0.figures.recordings(&id, None).iter().rev().take(CALLS_MAX) {
            while self.is_selling() && started.elapsed() < TIME_MAX {
                thread::sleep(SELLING);
            }
            if started.elapsed() >= TIME_MAX {
                is_cut_off = true;
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
        ended(tally, is_cut_off)
    }
}

/// # Errors
/// When the time was over before anything was played: that says nothing of the candidate, and not that nothing is recorded.
fn ended(tally: Tally, is_cut_off: bool) -> Result<Findings, Trouble> {
    if is_cut_off && tally.found.calls == 0 {
        let s = TIME_MAX.as_secs();
        return Err(not_now(format!(
            "no recorded call could be played within {s} s: baskets were being paid"
        )));
    }
    Ok(tally.findings())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_that_no_call_came_to_in_time_is_tried_again_and_not_taken_for_one_without_recordings() {
        let trouble = ended(Tally::default(), true).unwrap_err();
        assert!(!trouble.is_final && trouble.text.contains("being paid"), "{trouble:?}");
        assert_eq!(ended(Tally::default(), false), Ok(Findings::default()), "nothing is recorded");
        let mut some = Tally::default();
        some.found.calls = 3;
        assert_eq!(ended(some, true).map(|found| found.calls), Ok(3), "the others are not played then");
    }
}
