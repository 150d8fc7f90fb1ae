//! What an operator can set about the sandbox.

use crate::manifest::Limits;
use std::path::PathBuf;

/// Settings of a host. Each bound says what happens when it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostConfig {
    /// Where native code is kept between starts. Whoever can write there can make the node run anything, so it belongs to the
    /// node's user alone. Nothing is kept without.
    pub cache_dir: Option<PathBuf>,
    /// How much native code is kept, in bytes; the oldest files go first.
    pub cache_bytes_max: u64,
    /// The largest component, in bytes; a larger one is refused.
    pub component_bytes_max: usize,
    /// How many calls are made at once, half of them by one plugin; a further one waits as long as its plugin's time limit, then fails as busy.
    pub calls_max: u32,
    /// What limits may be at most; a manifest that asks for more is refused.
    pub ceilings: Limits,
    /// How long one tick of the clock that ends calls is, in milliseconds. Time limits are kept to about this.
    pub epoch_tick_ms: u32,
    /// How much stack a call may use, in bytes, on the stack of the thread that makes it. What overflows it traps.
    pub stack_bytes_max: usize,
    /// How many components wait for their compilation; a further one is refused.
    pub compile_queue_max: usize,
    /// The niceness of the thread that compiles: 0 where somebody waits for it, up to 19 where others are to be served first.
    pub compile_niceness: u8,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            cache_dir: None,
            cache_bytes_max: 256 << 20,
            component_bytes_max: 16 << 20,
            calls_max: 32,
            ceilings: Limits::CEILING,
            epoch_tick_ms: 1,
            stack_bytes_max: 256 << 10,
            compile_queue_max: 64,
            compile_niceness: 15,
        }
    }
}

/// Why a host cannot be.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A setting leaves no room for work.
    #[error("`{field}` is {found}, expected {expected}")]
    Config {
        /// Which.
        field: String,
        /// What it is.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// The engine refuses.
    #[error(
        "cannot make an engine for plugins: {reason}\nhint: a smaller `calls_max` needs less address space"
    )]
    Engine {
        /// Its words.
        reason: String,
    },
    /// A thread cannot be started.
    #[error("cannot start the thread `{name}`")]
    Thread {
        /// Which.
        name: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// The folder of the cache cannot be made, or others may write there.
    #[error("cannot use `{path}` for compiled plugins")]
    Cache {
        /// Which folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl HostConfig {
    /// Checks that every setting leaves room for work.
    ///
    /// # Errors
    /// Names the first that does not.
    pub fn validate(&self) -> Result<(), HostError> {
        let refuse = |field: &str, found: String, expected: &str| {
            Err(HostError::Config { field: field.into(), found, expected: expected.into() })
        };
        if !(1..=1024).contains(&self.calls_max) {
            return refuse("calls_max", self.calls_max.to_string(), "1 to 1024");
        }
        if !(1..=1000).contains(&self.epoch_tick_ms) {
            return refuse("epoch_tick_ms", self.epoch_tick_ms.to_string(), "1 to 1000");
        }
        if !((64 << 10)..=(1 << 20)).contains(&self.stack_bytes_max) {
            return refuse("stack_bytes_max", self.stack_bytes_max.to_string(), "65536 to 1048576");
        }
        if self.component_bytes_max < 1024 {
            return refuse("component_bytes_max", self.component_bytes_max.to_string(), "at least 1024");
        }
        if self.compile_queue_max == 0 {
            return refuse("compile_queue_max", "0".into(), "at least 1");
        }
        if self.compile_niceness > 19 {
            return refuse("compile_niceness", self.compile_niceness.to_string(), "0 to 19");
        }
        if let Some((name, found, max)) = self.ceilings.above(&Limits::CEILING) {
            return refuse(&format!("ceilings.{name}"), found.to_string(), &format!("at most {max}"));
        }
        Ok(())
    }
}
