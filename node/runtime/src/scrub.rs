//! Reads the whole journal now and then, because opening reads only its last segment.
//!
//! Damage in a sealed segment is set aside, or only reported, as `journal.on_corruption` says. Damage in the segment that is being
//! written is reported; the next start deals with it.

use crate::background::{Background, Pause};
use aisle_journal::{Journal, OnCorruption, QuarantineError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{io, time::Duration};

/// How often the journal is read from its start to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// The first time, in seconds after the start; 0 switches scrubbing off.
    pub first_after_s: u64,
    /// Every time after that, in hours, at least 1.
    pub every_h: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { first_after_s: 300, every_h: 24 }
    }
}

impl Config {
    /// Says which setting leaves no room for work.
    pub(crate) fn validate(&self) -> Result<(), String> {
        if self.every_h == 0 { Err("`every_h` is 0, expected at least 1".into()) } else { Ok(()) }
    }
}

/// Starts to scrub.
pub(crate) fn start(journal: Journal, config: Config) -> io::Result<Background> {
    Background::start("aisle-scrub", move |pause| run(&journal, &config, pause))
}

fn run(journal: &Journal, config: &Config, pause: &Pause) {
    if config.first_after_s == 0 {
        return;
    }
    let mut rest = Duration::from_secs(config.first_after_s);
    while !pause.wait(rest) {
        scrub(journal);
        rest = Duration::from_secs(config.every_h.saturating_mul(3600));
    }
}

fn scrub(journal: &Journal) {
    let verified = match journal.verify() {
        Ok(verified) => verified,
        Err(error) => {
            tracing::warn!(%error, "the journal could not be read through");
            return;
        }
    };
    tracing::info!(
        records = verified.records,
        damages = verified.damages.len(),
        "the journal was read through"
    );
    for damage in &verified.damages {
        tracing::error!(%damage, "acknowledged records are damaged");
        if journal.on_corruption() == OnCorruption::Quarantine {
            match journal.quarantine(damage.seq) {
                // Setting a segment aside deals with every damage in it at once.
                Ok(_) | Err(QuarantineError::Intact { .. }) => {}
                Err(error) => tracing::error!(%error, "the damaged segment was not set aside"),
            }
        }
    }
}
