//! From what is installed to what runs: files are read, compiled, and put into the chains as a whole.
//!
//! Compiling is done beside those who are served. What cannot be loaded is left out, and said to be.

use super::{
    Plugins,
    change::list,
    config::COMPONENT_CEILING,
    fold::{Installed, Known},
    live::{self, LeftOut, Live, Runner, Slot},
};
use aisle_event::Name;
use aisle_plugin_host::{LoadError, LoadedFrom, Manifest, Plugin};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, atomic::Ordering},
};

impl Plugins {
    /// Follows what is installed.
    pub(super) async fn keep_current(self) {
        let mut changes = self.0.follower.changes();
        loop {
            if !live::is_current(&self.live(), &self.view()) {
                let _changing = self.0.changing.lock().await;
                // Whoever installed it may have loaded it meanwhile.
                if !live::is_current(&self.live(), &self.view()) {
                    self.reload().await;
                }
            }
            if changes.changed().await.is_err() {
                // The node goes down.
                return std::future::pending().await;
            }
        }
    }

    /// Puts a place for each plugin into the chains before any is loaded, so that those that deny do so from the start.
    pub(super) fn expect(&self) {
        let view = self.view();
        let slots = view.plugins.iter().map(|(id, known)| {
            let (current, denies) = (Err(LeftOut::NotYet), known.current.denies.clone());
            (id.clone(), Arc::new(Slot { id: id.clone(), denies, current, previous: None }))
        });
        self.0.live.store(Arc::new(Live::of(0, slots.collect())));
    }

    /// Makes what is installed run.
    pub(super) async fn refresh(&self) {
        let _changing = self.0.changing.lock().await;
        self.reload().await;
    }

    /// Waits until everything that is installed by now runs, or was found unable to.
    pub(super) async fn is_refreshed(&self) {
        let installed = self.view().installed;
        // The sender lives as long as this does.
        let _ = self.0.current.subscribe().wait_for(|current| *current >= installed).await;
    }

    /// The same, for who holds `changing`.
    pub(super) async fn reload(&self) {
        let plugins = self.clone();
        let reloaded = tokio::task::spawn_blocking(move || plugins.reload_now()).await;
        if let Err(error) = reloaded {
            tracing::error!(%error, "plugins could not be loaded");
        }
    }

    fn reload_now(&self) {
        let (view, before) = (self.view(), self.live());
        let mut slots = BTreeMap::new();
        for (id, known) in &view.plugins {
            let current = self.loaded(&before, id, known, &known.current).map_err(|reason| {
                let version = &known.current.version;
                tracing::error!(plugin = %id, %version, reason, "a plugin is left out: it cannot be loaded");
                LeftOut::Cannot(reason)
            });
            let previous = self.0.minimums.stand_in(id.as_str(), known).and_then(|previous| {
                self.loaded(&before, id, known, previous)
                    .map_err(|reason| {
                        let version = &previous.version;
                        tracing::warn!(plugin = %id, %version, reason, "the version before cannot be loaded");
                    })
                    .ok()
            });
            let slot = Slot { id: id.clone(), denies: known.current.denies.clone(), current, previous };
            slots.insert(id.clone(), Arc::new(slot));
        }
        for id in before.slots.keys().filter(|id| !slots.contains_key(*id)) {
            self.0.figures.forget(id.as_str());
        }
        self.0.live.store(Arc::new(Live::of(view.installed, slots)));
        self.0.current.send_replace(view.installed);
        let kept = view.plugins.iter().flat_map(|(id, known)| {
            let versions = [Some(&known.current), known.previous.as_ref()];
            versions.into_iter().flatten().map(|installed| (id.as_str(), installed))
        });
        match self.0.files.sweep(kept) {
            Ok(bytes) => self.0.disk_bytes.store(bytes, Ordering::Relaxed),
            Err(error) => tracing::warn!(%error, "old versions of plugins could not be removed"),
        }
    }

    /// A version that runs already, or is loaded now.
    fn loaded(
        &self,
        before: &Live,
        id: &Name,
        known: &Known,
        installed: &Installed,
    ) -> Result<Arc<Runner>, String> {
        if let Some(runner) = before.loaded(id, installed) {
            return Ok(runner);
        }
        let plugin = self.plugin(id, installed)?;
        Ok(Arc::new(Runner::new(plugin, installed.clone(), known, self.0.ticks.ms())))
    }

    fn plugin(&self, id: &Name, installed: &Installed) -> Result<Arc<Plugin>, String> {
        if self.is_held(id.as_str(), installed.hash.as_str()) {
            return Err(
                "the node did not come up with it; headquarters is told, and what ran before comes back"
                    .into(),
            );
        }
        // One that the configuration would not let in any more runs on.
        let bounds = (aisle_plugin_host::MANIFEST_BYTES_MAX, COMPONENT_CEILING);
        let version = self.0.files.read(id.as_str(), installed, bounds).map_err(|error| error.to_string())?;
        let manifest = Manifest::parse(&version.manifest).map_err(|error| error.to_string())?;
        if manifest.id != id.as_str() {
            return Err(format!("its manifest is that of `{}`", manifest.id));
        }
        let lacking = self.0.config.ungranted(&manifest);
        if !lacking.is_empty() {
            return Err(format!("the store does not grant {}", list(&lacking)));
        }
        let fresh = self.0.fresh.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(fresh) =
            fresh.filter(|it| it.hash() == installed.hash.as_str() && *it.manifest() == manifest)
        {
            return Ok(fresh);
        }
        self.compiled(manifest, &version.component).map_err(|error| error.to_string())
    }

    /// Makes a plugin of a component.
    pub(super) fn compiled(&self, manifest: Manifest, component: &[u8]) -> Result<Arc<Plugin>, LoadError> {
        let plugin = self.0.host.load(manifest, component)?;
        if let LoadedFrom::Recompiled { reason } | LoadedFrom::NotKept { reason } = plugin.loaded_from() {
            tracing::warn!(
                plugin = plugin.id(),
                reason,
                "a plugin was compiled because its native code could not be kept"
            );
        }
        Ok(plugin)
    }
}
