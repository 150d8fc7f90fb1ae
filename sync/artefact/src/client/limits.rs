//! How much a client takes in. At a bound the update ends with an error that names it, and what was known stays.

/// Bounds of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of a root.
    pub root_bytes_max: u64,
    /// The most bytes of a timestamp.
    pub timestamp_bytes_max: u64,
    /// The most bytes of a snapshot, where the timestamp does not say how many.
    pub snapshot_bytes_max: u64,
    /// The most bytes of targets, delegated or not, whatever the snapshot says.
    pub targets_bytes_max: u64,
    /// The most roots that one update goes through. The next update goes on behind them.
    pub roots_max: u64,
    /// The most delegated roles that one update or search visits.
    pub roles_max: usize,
    /// The most targets that are known in all.
    pub targets_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            root_bytes_max: 512 << 10,
            timestamp_bytes_max: 64 << 10,
            snapshot_bytes_max: 1 << 20,
            targets_bytes_max: 8 << 20,
            roots_max: 256,
            roles_max: 32,
            targets_max: 32_768,
        }
    }
}
