//! What an operator can set. Each bound says what happens when it is reached.

use aisle_journal::OnCorruption;
use aisle_protocol::{PerClass, limits::BATCH_EVENTS_MAX};

/// The longest payload of one event that can leave, in bytes: so much fits a batch however badly it packs.
pub(crate) const EVENT_BYTES_MAX: usize = 512 << 10;
/// The most bytes of records that wait for one append.
pub(crate) const STAGED_BYTES_MAX: usize = 8 << 20;

/// The settings of an outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// A batch with so many events is sealed; 1 to 10,000.
    pub events_max: usize,
    /// A batch whose payloads have so many bytes is sealed, before packing; 1 to 512 KiB.
    pub bytes_max: usize,
    /// A batch whose first event has waited so long is sealed, by class.
    pub age_ms_max: PerClass<u64>,
    /// After so many records of the journal of which a class sent nothing, that is made durable.
    pub quiet_records_max: u64,
    /// And after so long.
    pub quiet_ms_max: u64,
    /// Acknowledged batches are kept for so long, for a hub that is restored from a backup; what is older comes from the journal.
    pub keep_ms: u64,
    /// And no more of them than so many bytes in each class.
    pub keep_bytes_max: u64,
    /// What all batches may take on disk. Beyond it acknowledged ones go first, then the older half of what waits in bulk, in telemetry, in
    /// stock; never sales.
    pub disk_bytes_max: u64,
    /// The size of the files that a class is made of; trimming frees whole ones.
    pub segment_bytes: u64,
    /// The most places of batches that are kept in memory for each class; beyond it neighbours share one, and finding a batch reads more.
    pub places_max: usize,
    /// The most records that one step takes from the journal.
    pub step_records_max: usize,
    /// A window of an aggregate is told so long after its end; what comes later is left out.
    pub aggregate_lag_ms: u64,
    /// After so many records of the journal what was counted for aggregates is made durable; a start counts the rest again.
    pub snapshot_records_max: u64,
}

impl Default for Config {
    fn default() -> Self {
        const DAY_MS: u64 = 24 * 60 * 60 * 1000;
        Self {
            events_max: 100,
            bytes_max: 256 << 10,
            age_ms_max: PerClass { sales: 2_000, stock: 10_000, telemetry: 30_000, bulk: 60_000 },
            quiet_records_max: 4_096,
            quiet_ms_max: 60_000,
            keep_ms: 7 * DAY_MS,
            keep_bytes_max: 256 << 20,
            disk_bytes_max: 4 << 30,
            segment_bytes: 4 << 20,
            places_max: 16_384,
            step_records_max: 512,
            aggregate_lag_ms: 60 * 60 * 1000,
            snapshot_records_max: 100_000,
        }
    }
}

/// Why settings were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` is {found}, expected {expected}")]
pub struct InvalidConfig {
    /// The setting.
    pub field: &'static str,
    /// What it is.
    pub found: String,
    /// What it may be.
    pub expected: &'static str,
}

impl Config {
    /// Checks that every setting leaves room for work.
    ///
    /// # Errors
    /// Names the first that does not.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let refuse =
            |field, found: u64, expected| Err(InvalidConfig { field, found: found.to_string(), expected });
        if !(1..=BATCH_EVENTS_MAX).contains(&self.events_max) {
            return refuse("events_max", self.events_max as u64, "1 to 10000");
        }
        if !(1..=EVENT_BYTES_MAX).contains(&self.bytes_max) {
            return refuse("bytes_max", self.bytes_max as u64, "1 to 524288");
        }
        if self.quiet_records_max == 0 {
            return refuse("quiet_records_max", 0, "at least 1");
        }
        if self.disk_bytes_max < 4 * self.segment_bytes {
            return refuse("disk_bytes_max", self.disk_bytes_max, "at least four times `segment_bytes`");
        }
        if self.places_max < 16 {
            return refuse("places_max", self.places_max as u64, "at least 16");
        }
        if !(1..=65_536).contains(&self.step_records_max) {
            return refuse("step_records_max", self.step_records_max as u64, "1 to 65536");
        }
        if self.snapshot_records_max == 0 {
            return refuse("snapshot_records_max", 0, "at least 1");
        }
        Ok(())
    }

    /// The journal that a class is kept in.
    pub(crate) const fn of_journal(&self) -> aisle_journal::Config {
        aisle_journal::Config {
            segment_bytes: self.segment_bytes,
            // A state with many contributors is one record, and goes into one append with what was told.
            queue_bytes_max: 256 << 20,
            record_bytes_max: 128 << 20,
            // What is damaged is set aside as a whole: the store's journal has it all.
            on_corruption: OnCorruption::Refuse,
        }
    }
}
