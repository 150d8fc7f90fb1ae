//! Runs a shop's plugins.
//!
//! A plugin is a WebAssembly component built against `plugins/wit`, with a `plugin.toml` beside it. [`Host::load`] makes a [`Plugin`] of
//! the two; [`Plugin::call`] asks it. Each call has a fresh instance, with fuel, time, memory, input, output and questions bounded, and gives
//! a [`Call`] whatever the plugin does.
//!
//! Beside that lies what a store does with plugins and needs no sandbox for: [`chain`] prices a basket through all of them, [`Breaker`]
//! says when to stop asking one, [`KvStore`] keeps what a plugin wants kept, [`Recording`] and [`Replay`] have a call again, [`Case`] is an
//! author's example.
//!
//! Not here: which plugins are installed, the journal, metrics, files. This crate alone names `wasmtime`. Guards invariant 4: a plugin
//! cannot harm the store.

mod bindings;
mod breaker;
mod call;
mod case;
pub mod chain;
mod check;
mod hook;
mod host;
mod kv;
mod manifest;
mod plain;
mod plugin;
mod recording;
mod replay;
pub mod types;

pub use breaker::{Breaker, BreakerConfig, Change, Permit};
pub use call::{Asked, Bytes, Call, EmptyShop, Failure, KvWrite, Level, LogLine, Origin, Scene, Shop, Stamp};
pub use case::{CASE_BYTES_MAX, Case, CaseResult, CaseShop, Expected, InvalidCase, differences};
pub use check::{
    LABEL_LENGTH_MAX, PACKS_MAX, POINTS_MAX, PRICE_MAX, REASON_LENGTH_MAX, SUPPRESS_S_MAX,
    output as check_output,
};
pub use hook::{Hook, UnknownHook};
pub use host::{Host, HostConfig, HostError, LoadError};
pub use kv::{InvalidKvSnapshot, KEY_BYTES_MAX, KvLimits, KvStore, VALUE_BYTES_MAX};
pub use manifest::{Grant, InvalidManifest, Limits, MANIFEST_BYTES_MAX, Manifest, OnFailure, SETTINGS_MAX};
pub use plugin::{LoadedFrom, Plugin};
pub use recording::{InvalidRecording, RECORDING_BYTES_MAX, Recording, input_hash};
pub use replay::{Replay, Replayed};
pub use types::{Input, Output};

/// The JSON of an input, an output or anything made of them, with the names of the WIT: `line-discount`, `each`.
#[must_use]
pub fn to_json<T: serde::Serialize>(value: &T) -> serde_json::Value {
    plain::to_value(value)
}

/// How the sandbox sets wasmtime up, for who measures calls beside wasmtime alone.
#[cfg(feature = "bare")]
#[must_use]
pub fn engine_settings(config: &HostConfig) -> wasmtime::Config {
    host::engine_settings(config)
}
