//! How much the state keeps, and how often it is checkpointed.

use aisle_event::{Day, Timestamp};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bounds of the state. Each says what happens when it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// A checkpoint is due after so many records; it is written at the next quiet moment.
    pub checkpoint_every_records: u64,
    /// How many checkpoints are kept; the oldest goes first.
    pub checkpoints_max: usize,
    /// How many visits and sales are remembered for recommendations; the oldest goes first.
    pub history_max: u64,
    /// How many receipts can be shown again; the oldest goes first.
    pub receipts_max: u64,
    /// How many sessions may be open; the one that was touched longest ago is ended first.
    pub sessions_max: usize,
    /// A session that nobody touched for so long is over.
    pub session_ttl_ms: u64,
    /// Memory for sled's page cache, in bytes.
    pub index_cache_bytes: u64,
    /// The store's zone, in which a date on a packet is over. It has no key of its own: it is the zone of the kiosk's pages.
    #[serde(skip)]
    pub zone: TimeZone,
}

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
#[error("`{field}` is {found}, expected {expected}")]
pub struct InvalidConfig {
    /// The field.
    pub field: &'static str,
    /// What it holds.
    pub found: u64,
    /// What it may hold.
    pub expected: &'static str,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            checkpoint_every_records: 100_000,
            checkpoints_max: 2,
            history_max: 400_000,
            receipts_max: 200_000,
            sessions_max: 10_000,
            session_ttl_ms: 24 * 60 * 60 * 1000,
            index_cache_bytes: 8 << 20,
            zone: TimeZone::UTC,
        }
    }
}

impl Config {
    /// Checks that every bound leaves room for work.
    ///
    /// # Errors
    /// Names the first field that does not.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let fields = [
            ("checkpoint_every_records", self.checkpoint_every_records, 1),
            ("checkpoints_max", self.checkpoints_max as u64, 1),
            ("history_max", self.history_max, 1),
            ("receipts_max", self.receipts_max, 1),
            ("sessions_max", self.sessions_max as u64, 1),
            ("session_ttl_ms", self.session_ttl_ms, 1),
            ("index_cache_bytes", self.index_cache_bytes, 1 << 20),
        ];
        for (field, found, min) in fields {
            if found < min {
                let expected = if min == 1 { "at least 1" } else { "at least 1048576 (1 MiB)" };
                return Err(InvalidConfig { field, found, expected });
            }
        }
        Ok(())
    }

    /// The day of a time in the store's zone.
    pub(crate) fn day(&self, at: Timestamp) -> Day {
        let ahead_s = jiff::Timestamp::from_millisecond(at.0)
            .map_or(0, |instant| self.zone.to_offset(instant).seconds());
        at.saturating_add_ms(i64::from(ahead_s) * 1000).day()
    }
}
