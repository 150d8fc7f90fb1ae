//! A loaded plugin: its component in native code, and what its manifest says of it.
//!
//! It does not change and does not remember: each call has a fresh instance, so calls know nothing of each other. Versions are swapped
//! by putting another `Arc<Plugin>` in the place of this one; calls under way keep theirs.

mod budget;
mod exports;
mod run;
mod state;

pub(crate) use exports::Exports;
pub(crate) use state::{Recorded, linker};

use crate::{
    call::{Call, Origin, Scene, Stamp},
    hook::Hook,
    host::{Gate, Shared},
    manifest::Manifest,
    types::Input,
};
use serde::Serialize;
use state::State;
use std::{fmt, sync::Arc};
use wasmtime::component::InstancePre;

/// A plugin that can be called, by any number of threads.
pub struct Plugin {
    shared: Arc<Shared>,
    /// Half of the places for calls: however slow this plugin is, others are still asked.
    gate: Gate,
    manifest: Manifest,
    origin: Arc<Origin>,
    instance: InstancePre<State>,
    exports: Exports,
    loaded_from: LoadedFrom,
    load_micros: u64,
}

/// Where a plugin's native code came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum LoadedFrom {
    /// From the cache.
    Cache,
    /// It was compiled.
    Compiled,
    /// It was compiled because what the cache had was no good.
    Recompiled {
        /// What was wrong with it.
        reason: String,
    },
    /// It was compiled, and could not be kept for the next start.
    NotKept {
        /// Why not.
        reason: String,
    },
}

impl Plugin {
    pub(crate) fn new(
        shared: Arc<Shared>,
        manifest: Manifest,
        hash: String,
        instance: InstancePre<State>,
        exports: Exports,
        loaded_from: LoadedFrom,
        load_micros: u64,
    ) -> Self {
        let gate = Gate::new(shared.gate.max().div_ceil(2));
        let stamp = Stamp { id: manifest.id.clone(), version: manifest.version.clone() };
        let origin = Arc::new(Origin { stamp, hash });
        Self { shared, gate, manifest, origin, instance, exports, loaded_from, load_micros }
    }

    /// Its name in the shop.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.manifest.id
    }

    /// Which version this is.
    #[must_use]
    pub const fn version(&self) -> &semver::Version {
        &self.manifest.version
    }

    /// BLAKE3 of the component, in hex.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.origin.hash
    }

    /// What its `plugin.toml` says.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// At which hooks it is asked.
    #[must_use]
    pub fn hooks(&self) -> &[Hook] {
        &self.manifest.hooks
    }

    /// Its name and version.
    #[must_use]
    pub fn stamp(&self) -> &Stamp {
        &self.origin.stamp
    }

    /// What a record of its calls says of it. It outlives the plugin.
    #[must_use]
    pub const fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    /// Where its native code came from.
    #[must_use]
    pub const fn loaded_from(&self) -> &LoadedFrom {
        &self.loaded_from
    }

    /// How long loading took, in microseconds, waiting for the compiler included.
    #[must_use]
    pub const fn load_micros(&self) -> u64 {
        self.load_micros
    }

    /// Asks the plugin. A fresh instance answers, within the limits of its manifest; whatever it does, what comes back is a [`Call`].
    /// Blocks for as long as the call takes, which is at most `time_ms_max` and a tick, and as long again when the host is busy.
    #[must_use]
    pub fn call(&self, scene: &Scene, input: &Input) -> Call {
        run::call(self, state::Answers::live(scene), scene.now, scene.seed, input).0
    }

    /// Asks the plugin with recorded answers in place of a shop. Also returns how many questions had no recorded answer.
    pub(crate) fn call_recorded(&self, answers: Recorded, now: i64, seed: u64, input: &Input) -> (Call, u32) {
        run::call(self, state::Answers::Recorded(answers), now, seed, input)
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("origin", &self.origin).finish_non_exhaustive()
    }
}
