//! Who may come in at all, and how much work may go into finding out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may come in, and how much work may go into finding out.
#[derive(Debug, Clone)]
pub struct AccessConfig {
    /// What clients without credentials may do. Absent: they are not let in.
    pub anonymous: Option<Anonymous>,
    /// Passwords that are checked at the same time, each on a thread of its own with 7 MiB of memory. 0: one for every two cores.
    pub password_checks_max: usize,
    /// Clients that wait for their password to be checked. Beyond them a client is told that the server is busy.
    pub password_checks_waiting_max: usize,
    /// Verified pairs of device and password that are remembered, so that they come in again without a check.
    pub passwords_remembered_max: usize,
    /// Devices whose wrong passwords are counted.
    pub failures_remembered_max: usize,
    /// Wrong passwords in a row after which a device has to wait, twice as long each time.
    pub failures_free: u32,
    /// The longest such wait.
    pub failure_wait_max_ms: u64,
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self {
            anonymous: None,
            password_checks_max: 0,
            password_checks_waiting_max: 2_048,
            passwords_remembered_max: 8_192,
            failures_remembered_max: 4_096,
            failures_free: 5,
            failure_wait_max_ms: 60_000,
        }
    }
}

impl AccessConfig {
    /// How many passwords are checked at the same time on this machine.
    pub(crate) fn password_checks(&self) -> usize {
        match self.password_checks_max {
            0 => std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1)),
            checks => checks,
        }
    }
}

/// What clients without credentials may do.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Anonymous {
    /// Patterns of the topics that they may publish to; `%device%` stands for their client id.
    pub publish: Vec<String>,
    /// Patterns of the topics that they may subscribe to; `%device%` stands for their client id.
    pub subscribe: Vec<String>,
}
