//! What one call of a plugin may use, and the ceilings that a host sets to it.

use serde::{Deserialize, Serialize};

/// Bounds of one call. What happens at each is said beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Instructions, roughly; a call that runs out fails as out of fuel.
    pub fuel_max: u64,
    /// Time by the clock on the wall, in milliseconds; a call that takes longer fails as a timeout.
    pub time_ms_max: u32,
    /// All memories and tables together, in bytes; growing beyond is refused to the plugin, and what follows from that fails as
    /// out of memory.
    pub memory_bytes_max: u32,
    /// The input, in bytes as it is laid out; a larger one is not given to the plugin and fails as too large.
    pub input_bytes_max: u32,
    /// The answer and every argument of a host call, in bytes; more fails as too large.
    pub output_bytes_max: u32,
    /// Items of the answer; more fail as too large.
    pub output_items_max: u32,
    /// Log text of one call, in bytes; what is beyond is cut and counted.
    pub log_bytes_max: u32,
    /// Log lines of one call; further ones are dropped and counted.
    pub log_lines_max: u32,
    /// Calls of the host, of any kind; one more ends the call as too large.
    pub host_calls_max: u32,
    /// What is asked of catalogue, stock and kv with what they answer, in bytes; more ends the call as too large.
    pub host_bytes_max: u32,
    /// Writes to kv; a further one is refused to the plugin as `full`.
    pub kv_writes_max: u32,
}

/// A basket of a hundred lines with all that belongs to it is some twenty kilobytes and takes about a million units of fuel.
impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel_max: 20_000_000,
            time_ms_max: 50,
            memory_bytes_max: 16 << 20,
            input_bytes_max: 1 << 20,
            output_bytes_max: 1 << 20,
            output_items_max: 1000,
            log_bytes_max: 16 << 10,
            log_lines_max: 100,
            host_calls_max: 10_000,
            host_bytes_max: 4 << 20,
            kv_writes_max: 64,
        }
    }
}

impl Limits {
    /// The highest that any host takes: what HQ's heaviest plugin may want, and no more than a shop's computer can bear.
    pub const CEILING: Self = Self {
        fuel_max: 10_000_000_000,
        time_ms_max: 5_000,
        memory_bytes_max: 64 << 20,
        input_bytes_max: 16 << 20,
        output_bytes_max: 16 << 20,
        output_items_max: 10_000,
        log_bytes_max: 1 << 20,
        log_lines_max: 10_000,
        host_calls_max: 1_000_000,
        host_bytes_max: 64 << 20,
        kv_writes_max: 1_000,
    };

    /// The names in `[limits]` with their values.
    #[must_use]
    pub fn named(&self) -> [(&'static str, u64); 11] {
        [
            ("fuel_max", self.fuel_max),
            ("time_ms_max", self.time_ms_max.into()),
            ("memory_bytes_max", self.memory_bytes_max.into()),
            ("input_bytes_max", self.input_bytes_max.into()),
            ("output_bytes_max", self.output_bytes_max.into()),
            ("output_items_max", self.output_items_max.into()),
            ("log_bytes_max", self.log_bytes_max.into()),
            ("log_lines_max", self.log_lines_max.into()),
            ("host_calls_max", self.host_calls_max.into()),
            ("host_bytes_max", self.host_bytes_max.into()),
            ("kv_writes_max", self.kv_writes_max.into()),
        ]
    }

    /// The first that is above its ceiling: its name, its value, the ceiling.
    #[must_use]
    pub fn above(&self, ceiling: &Self) -> Option<(&'static str, u64, u64)> {
        self.named()
            .into_iter()
            .zip(ceiling.named())
            .find(|((_, value), (_, max))| value > max)
            .map(|((name, value), (_, max))| (name, value, max))
    }

    /// Sets the one of this name. The value has been held to the ceilings.
    pub(super) fn set(&mut self, name: &str, value: u64) -> bool {
        let small = u32::try_from(value).unwrap_or(u32::MAX);
        match name {
            "fuel_max" => self.fuel_max = value,
            "time_ms_max" => self.time_ms_max = small,
            "memory_bytes_max" => self.memory_bytes_max = small,
            "input_bytes_max" => self.input_bytes_max = small,
            "output_bytes_max" => self.output_bytes_max = small,
            "output_items_max" => self.output_items_max = small,
            "log_bytes_max" => self.log_bytes_max = small,
            "log_lines_max" => self.log_lines_max = small,
            "host_calls_max" => self.host_calls_max = small,
            "host_bytes_max" => self.host_bytes_max = small,
            "kv_writes_max" => self.kv_writes_max = small,
            _ => return false,
        }
        true
    }
}
