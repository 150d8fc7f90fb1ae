//! The journal of a node that is down, read by others.

use super::ledger::{Id, Ledger};
use aisle_event::{Event, EventType};
use aisle_journal::{RealIo, read_only, verify};
use anyhow::{Result, ensure};
use std::{path::PathBuf, sync::Arc};

/// Reads what is new, each time from where it left off.
#[derive(Debug)]
pub(super) struct Follower {
    dir: PathBuf,
    next: u64,
}

impl Follower {
    pub(super) const fn new(dir: PathBuf) -> Self {
        Self { dir, next: 1 }
    }

    pub(super) const fn records(&self) -> u64 {
        self.next - 1
    }

    /// Notes every message in the records since the last time.
    pub(super) fn read_on(&mut self, ledger: &Ledger) -> Result<()> {
        for record in read_only(&self.dir, Arc::new(RealIo), self.next)? {
            let record = record?;
            ensure!(record.seq == self.next, "record {} follows record {}", record.seq, self.records());
            self.next += 1;
            if let Event::MqttPublished(published) = Event::decode(EventType(record.kind), &record.payload)? {
                let id = Id::read(&published.payload.0)?;
                ledger.in_journal(id)?;
            }
        }
        Ok(())
    }

    /// All of it is intact.
    pub(super) fn verify(&self) -> Result<()> {
        let verified = verify(&self.dir, &RealIo)?;
        ensure!(verified.is_intact() && verified.gaps.is_empty(), "the journal is damaged: {verified:?}");
        Ok(())
    }
}
