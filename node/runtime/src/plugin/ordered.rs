//! Plugins as they are ordered by headquarters: tried beside what runs, looked after while they prove themselves, held back where the node did not come up with them.
//!
//! Not here: when (`aisle-converge`), installing (`change`). Guards invariant 4: what is tried is called by nobody but the trial.

use super::{Plugins, change::list};
use aisle_fleet::{Health, Version};
use aisle_plugin_host::{Failure, Manifest, Plugin, Replay};
use std::sync::{Arc, PoisonError};
use tokio::{runtime::Handle, task::JoinHandle};

/// Calls that a new version is tried with, the latest ones.
const TRIED_MAX: usize = 64;

impl Plugins {
    /// Tries a version: it must load, and answer the last calls of the version that runs at least as well as that did. Blocks.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(crate) fn try_out(&self, manifest: Manifest, component: &[u8]) -> Result<(), String> {
        let config = &self.0.config;
        if component.len() > config.component_bytes_max {
            let (found, most) = (component.len(), config.component_bytes_max);
            return Err(format!("its component has {found} bytes, at most {most} are taken here"));
        }
        let lacking = config.ungranted(&manifest);
        if !lacking.is_empty() {
            return Err(format!("the store does not grant {}", list(&lacking)));
        }
        let id = manifest.id.clone();
        let (hooks, settings) = (manifest.hooks.clone(), manifest.settings.clone());
        let candidate = self.beside(manifest, component)?;
        let recordings = self.0.figures.recordings(&id, None);
        let behind = recordings.len().saturating_sub(TRIED_MAX);
        let good = recordings.iter().skip(behind).filter(|call| call.failure.is_none());
        for recording in good.filter(|call| hooks.contains(&call.hook)) {
            let mut replay = Replay::new(recording);
            replay.input_mut().context_mut().settings.clone_from(&settings);
            let replayed = replay.run(&candidate);
            // One that asks other questions was answered with nothing, which says nothing of it.
            if let Err(failure) = replayed.call.outcome.as_ref()
                && failure.counts()
                && replayed.unanswered == 0
            {
                let hook = recording.hook;
                return Err(format!(
                    "a recorded call of `{hook}` that the version before answered: {failure}"
                ));
            }
        }
        Ok(())
    }

    /// A version that can be asked, and that nobody else asks.
    pub(super) fn beside(&self, manifest: Manifest, component: &[u8]) -> Result<Arc<Plugin>, String> {
        let most = self.0.config.component_bytes_max;
        if component.len() > most {
            let found = component.len();
            return Err(format!("its component has {found} bytes, at most {most} are taken here"));
        }
        self.compiled(manifest, component).map_err(|error| error.to_string())
    }

    /// How a version has done since it was put in place, or since the node started.
    pub(crate) fn health(&self, plugin: &str) -> Option<Health> {
        let view = self.view();
        let known = view.plugin(plugin)?;
        Some(self.0.figures.health(plugin, known.current.hash.as_str()))
    }

    /// What runs of a plugin: BLAKE3 of its component and of its manifest.
    pub(crate) fn runs(&self, plugin: &str) -> Option<(String, String)> {
        let view = self.view();
        let current = &view.plugin(plugin)?.current;
        Some((current.hash.to_string(), current.manifest_hash.to_string()))
    }

    /// Counts anew from here on: a version that was here before is put in place again.
    pub(crate) fn begin_anew(&self, plugin: &str) {
        self.0.figures.forget_health(plugin);
    }

    /// No version below this is installed, goes back or takes over from now on; what runs goes on. What took over so far is let go of beside this; gives
    /// the end of that.
    pub(crate) fn minimum(
        &self,
        plugin: &str,
        minimum: &Version,
        runtime: &Handle,
    ) -> Option<JoinHandle<()>> {
        let plugins = self.0.minimums.raise(plugin, minimum).then(|| self.clone())?;
        Some(runtime.spawn(async move { plugins.refresh().await }))
    }

    /// True while a basket is being paid.
    pub(crate) fn is_selling(&self) -> bool {
        self.0.selling.try_lock().is_err()
    }

    /// A component that must not be loaded: the node did not come up with it. It is called by nobody until something else is installed.
    pub(super) fn is_held(&self, plugin: &str, component: &str) -> bool {
        let held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().any(|(id, hash)| id == plugin && hash == component)
    }

    /// Whatever is installed of a plugin may be loaded again.
    pub(crate) fn let_go(&self, plugin: &str) {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner).retain(|(id, _)| id != plugin);
    }
}

/// Whether a failed call trapped, as against ended otherwise.
pub(super) const fn is_trap(failure: &Failure) -> bool {
    matches!(failure, Failure::Trap { .. })
}
