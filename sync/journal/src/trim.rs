//! Trimming: removing whole segments from the front. The next segment's header anchors the chain.

use crate::{
    io::{FileError, during},
    journal::Shared,
    segment, telemetry,
};

/// What trimming did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trimmed {
    /// How many segments were removed.
    pub segments: u64,
    /// The first sequence number that is left.
    pub first: u64,
}

/// Why trimming stopped. What was removed before stays removed.
#[derive(Debug, thiserror::Error)]
pub enum TrimError {
    /// The machine refused something.
    #[error(transparent)]
    File(#[from] FileError),
}

pub(crate) fn trim(shared: &Shared, below: u64) -> Result<Trimmed, TrimError> {
    // A segment ends where the next one starts, so the last one is never named here.
    let firsts = shared.segments.all();
    let ends = firsts.iter().skip(1);
    let doomed: Vec<u64> =
        firsts.iter().zip(ends).take_while(|(_, end)| **end <= below).map(|(first, _)| *first).collect();
    for first in &doomed {
        // From the list first: a reader that finds it gone then knows why.
        let segments = shared.segments.remove(*first);
        let path = shared.dir.join(segment::file_name(*first));
        shared.io.remove(&path).map_err(during("remove", &path))?;
        shared.io.sync_dir(&shared.dir).map_err(during("sync", &shared.dir))?;
        let event = telemetry::TrimmedFront { segments, first: shared.segments.first() };
        event.emit(&shared.metrics);
    }
    Ok(Trimmed { segments: doomed.len() as u64, first: shared.segments.first() })
}
