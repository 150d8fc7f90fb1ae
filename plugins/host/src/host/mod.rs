//! The sandbox: one engine, the threads it needs, and how a component becomes a plugin.
//!
//! Which plugins there are, which version is asked and what follows from a failure is the node's business.

mod cache;
mod compiler;
mod config;
mod engine;
mod gate;
mod load;
mod ticker;
mod weigh;

pub use config::{HostConfig, HostError};
#[cfg(feature = "bare")]
pub(crate) use engine::settings as engine_settings;
pub use load::LoadError;

use crate::{manifest::Manifest, plugin::Plugin};
use cache::Cache;
use compiler::Compiler;
pub(crate) use gate::{Gate, Place};
use std::sync::Arc;
use ticker::Ticker;
use wasmtime::Engine;

/// The sandbox. Plugins go on working when it is dropped; only loading needs it.
pub struct Host {
    config: HostConfig,
    compiler: Compiler,
    cache: Option<Cache>,
    shared: Arc<Shared>,
}

/// What calls need.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) gate: Gate,
    pub(crate) tick_ms: u32,
    pub(crate) ticker: Ticker,
}

impl Host {
    /// Starts the engine and its threads.
    ///
    /// # Errors
    /// When a setting cannot be, there is not enough address space, a thread cannot be started, or the cache's folder cannot be
    /// made or is open to others.
    pub fn new(config: HostConfig) -> Result<Self, HostError> {
        config.validate()?;
        let engine = engine::engine(&config)?;
        let cache = config.cache_dir.as_deref().map(|dir| Cache::open(dir, config.cache_bytes_max, &engine));
        Ok(Self {
            compiler: Compiler::start(&engine, config.compile_queue_max, config.compile_niceness)?,
            cache: cache.transpose()?,
            shared: Arc::new(Shared {
                gate: Gate::new(config.calls_max),
                tick_ms: config.epoch_tick_ms,
                ticker: Ticker::start(&engine, config.epoch_tick_ms)?,
                engine,
            }),
            config,
        })
    }

    /// What it was made with.
    #[must_use]
    pub const fn config(&self) -> &HostConfig {
        &self.config
    }

    /// Makes a plugin of a component. Blocks until it is compiled, on a thread of low priority, or read from the cache; so this is
    /// not for a thread that serves anybody.
    ///
    /// # Errors
    /// When the component is not one, wants what was not granted, lacks a hook of its manifest, or is larger than it may be.
    pub fn load(&self, manifest: Manifest, component: &[u8]) -> Result<Arc<Plugin>, LoadError> {
        load::load(self, manifest, component)
    }
}
