//! Writing a generated shop into the journal of a store that has none yet.

use super::Shop;
use aisle_event::Event;
use aisle_journal::{AppendError, Config, Entry, Journal, OpenError, RealIo};
use prometheus_client::registry::Registry;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Events appended together; a commit holds about 100 kB of them.
const BATCH_EVENTS: usize = 1_000;

/// Why a generated shop was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The journal does not open.
    #[error("cannot open the journal in `{path}`")]
    Open {
        /// Its directory.
        path: PathBuf,
        /// Why.
        source: OpenError,
    },
    /// There is trade in it already, which generated trade must not mix with.
    #[error("the journal in `{path}` already holds {records} records; hint: give an empty directory")]
    NotEmpty {
        /// Its directory.
        path: PathBuf,
        /// How many records it holds.
        records: u64,
    },
    /// A batch was not committed.
    #[error("cannot append to the journal in `{path}` after {events} events")]
    Append {
        /// Its directory.
        path: PathBuf,
        /// How many events were committed before.
        events: u64,
        /// Why.
        source: AppendError,
    },
}

/// How far the writing has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Days of trade that are generated.
    pub days_done: u32,
    /// Days of trade in all.
    pub days: u32,
    /// Events that are committed.
    pub events: u64,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// How many events.
    pub events: u64,
    /// How many of them are sales.
    pub sales: u64,
    /// How many of them are kiosk sessions.
    pub sessions: u64,
}

/// Appends a whole generated shop to the journal in `data/journal`, calling `progress` after each commit.
///
/// # Errors
/// When the journal does not open, is not empty, or does not commit.
pub fn write(data: &Path, shop: Shop, mut progress: impl FnMut(Progress)) -> Result<Written, WriteError> {
    let path = data.join("journal");
    let (journal, _) = Journal::open(&path, Config::default(), Arc::new(RealIo), &mut Registry::default())
        .map_err(|source| WriteError::Open { path: path.clone(), source })?;
    if journal.durable() > 0 {
        return Err(WriteError::NotEmpty { path, records: journal.durable() });
    }
    let written = append(&journal, shop, &mut progress);
    journal.close();
    written.map_err(|(events, source)| WriteError::Append { path, events, source })
}

fn append(
    journal: &Journal,
    mut shop: Shop,
    progress: &mut impl FnMut(Progress),
) -> Result<Written, (u64, AppendError)> {
    let days = shop.plan().days;
    let mut written = Written { events: 0, sales: 0, sessions: 0 };
    loop {
        let batch: Vec<Event> = shop.by_ref().take(BATCH_EVENTS).collect();
        if batch.is_empty() {
            return Ok(written);
        }
        let entries =
            batch.iter().map(|event| Entry { kind: event.kind().0, payload: event.encode() }).collect();
        journal.append(entries).map_err(|source| (written.events, source))?;
        for event in &batch {
            written.events += 1;
            written.sales += u64::from(matches!(event, Event::SaleRecorded(_)));
            written.sessions += u64::from(matches!(event, Event::SessionStarted(_)));
        }
        progress(Progress { days_done: shop.days_done(), days, events: written.events });
    }
}
