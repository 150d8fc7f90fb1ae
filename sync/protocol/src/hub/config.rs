//! What an operator sets for the hub's end of a connection. Times are milliseconds.

use crate::{
    batch::PolicyId,
    control::Version,
    limits::{CREDIT_INITIAL_BATCHES, CREDIT_INITIAL_BYTES},
};

/// The hub's end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The versions it speaks.
    pub versions: Vec<Version>,
    /// The region it lies in.
    pub region: String,
    /// Its name, for people.
    pub hub: String,
    /// The policy that nodes should apply.
    pub policy_wanted: Option<PolicyId>,
    /// How much a node may have under way in each class, in bytes; at least what it may have at once. A connection holds at most four
    /// times this in memory.
    pub window_bytes: u64,
    /// The same in batches.
    pub window_batches: u64,
    /// The most batches of one transaction. What has come while one runs goes into the next.
    pub admit_batches_max: usize,
    /// How long a peer may take to say HELLO.
    pub hello_timeout_ms: u64,
    /// How long a frame may take from its first byte to its last: what a megabyte takes on a slow line.
    pub frame_timeout_ms: u64,
    /// The most questions of a node that are answered at the same time.
    pub questions_max: usize,
    /// The most control messages in a second.
    pub messages_per_s_max: u32,
    /// The most chunk streams of a connection that a question may be unfinished on at once.
    pub chunk_streams_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            versions: Version::spoken(),
            region: String::new(),
            hub: String::new(),
            policy_wanted: None,
            window_bytes: 4 << 20,
            window_batches: 256,
            admit_batches_max: 64,
            hello_timeout_ms: 10_000,
            frame_timeout_ms: 120_000,
            questions_max: 4,
            messages_per_s_max: 200,
            chunk_streams_max: 8,
        }
    }
}

impl Config {
    /// The window, never below what a node may send before it is told one.
    pub(crate) const fn window(&self) -> (u64, u64) {
        let bytes =
            if self.window_bytes < CREDIT_INITIAL_BYTES { CREDIT_INITIAL_BYTES } else { self.window_bytes };
        let batches = if self.window_batches < CREDIT_INITIAL_BATCHES {
            CREDIT_INITIAL_BATCHES
        } else {
            self.window_batches
        };
        (bytes, batches)
    }
}
