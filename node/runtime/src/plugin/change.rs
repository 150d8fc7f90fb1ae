//! Installing, rolling back and removing plugins. Each is answered when it is durable and runs.
//!
//! A component is compiled and looked at before anything is written: what could not run is not installed.

use super::{
    Plugins, RecordError,
    files::FilesError,
    fold::{Installed, Known},
    live,
};
use aisle_event::{
    Name, Unknown,
    plugin::{PluginHook, PluginInstalled, PluginRemoved},
};
use aisle_fleet::Version;
use aisle_plugin_host::{Grant, InvalidManifest, LoadError, Manifest};
use std::sync::{Arc, PoisonError, atomic::Ordering};

/// Why a plugin is not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    /// The manifest is none.
    #[error("`manifest`: {0}")]
    Manifest(#[from] InvalidManifest),
    /// The manifest is another plugin's.
    #[error("the manifest is that of `{found}`, and `{expected}` is to be installed")]
    Another {
        /// Whose it is.
        found: String,
        /// Whose it was to be.
        expected: String,
    },
    /// It is too long.
    #[error(
        "`{field}` has {found} bytes; at most {bytes_max} are taken\nhint: see `plugins.{field}_bytes_max`"
    )]
    TooLong {
        /// What.
        field: &'static str,
        /// How long it is.
        found: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// It wants more than it gets.
    #[error("the store does not grant {}\nhint: see `plugins.grants`", list(grants))]
    NotGranted {
        /// What it lacks.
        grants: Vec<Grant>,
    },
    /// The component is none that could run.
    #[error("{0}")]
    Load(#[from] LoadError),
    /// There are as many as may be.
    #[error(
        "{plugins_max} plugins are installed; there is room for no more\nhint: remove one, or raise `plugins.plugins_max`"
    )]
    Full {
        /// How many may be.
        plugins_max: usize,
    },
    /// There is no room on disk.
    #[error(
        "plugins would take {bytes} bytes on disk; at most {bytes_max} may be taken\nhint: remove one, or raise `plugins.disk_bytes_max`"
    )]
    Disk {
        /// What they would take.
        bytes: u64,
        /// What they may take.
        bytes_max: u64,
    },
    /// The files cannot be written.
    #[error("{0}")]
    Files(#[from] FilesError),
    /// There is no such plugin.
    #[error("no plugin `{plugin}` is installed")]
    Unknown {
        /// Which.
        plugin: String,
    },
    /// Headquarters lets only later versions run.
    #[error(
        "`{plugin}` {version} is below {minimum}, the lowest version that headquarters lets run here\nhint: install {minimum} or a later one"
    )]
    BelowMinimum {
        /// Of which plugin.
        plugin: String,
        /// What was to run.
        version: String,
        /// The lowest that may.
        minimum: Version,
    },
    /// There is no version to go back to.
    #[error("`{plugin}` has no version before this one to go back to")]
    NoPrevious {
        /// Which.
        plugin: String,
    },
    /// It is not in the journal.
    #[error("{0}")]
    Record(#[from] RecordError),
}

/// Grants as people read them.
pub(super) fn list(grants: &[Grant]) -> String {
    let quoted: Vec<String> = grants.iter().map(|grant| format!("`{grant}`")).collect();
    quoted.join(", ")
}

impl Plugins {
    /// The longest package as JSON, in bytes.
    pub(crate) fn package_bytes_max(&self) -> usize {
        let config = &self.0.config;
        // Base64 makes four bytes of three, and JSON escapes what it must of a manifest.
        (config.component_bytes_max.div_ceil(3) * 4).saturating_add(config.manifest_bytes_max * 6 + 4096)
    }

    /// Installs a version of a plugin, in the place of any other. One that runs already stays as it is.
    pub(crate) async fn install(
        &self,
        plugin: &str,
        manifest: String,
        component: Vec<u8>,
        by: Option<Name>,
    ) -> Result<Arc<Known>, ChangeError> {
        let config = &self.0.config;
        too_long("manifest", manifest.len(), config.manifest_bytes_max)?;
        too_long("component", component.len(), config.component_bytes_max)?;
        let parsed = Manifest::parse(&manifest)?;
        if parsed.id != plugin {
            return Err(ChangeError::Another { found: parsed.id, expected: plugin.into() });
        }
        let grants = config.ungranted(&parsed);
        if !grants.is_empty() {
            return Err(ChangeError::NotGranted { grants });
        }
        let (version, denies) = (parsed.version.to_string(), denies(&parsed));
        self.at_least(plugin, &version)?;
        let name = |text: &str| Name::new(text).map_err(|_| FilesError::Name { name: text.into() });
        let (plugin, version) = (name(plugin)?, name(&version)?);
        let _changing = self.0.changing.lock().await;
        let known = self.view();
        if !known.plugins.contains_key(&plugin) && known.plugins.len() >= config.plugins_max {
            return Err(ChangeError::Full { plugins_max: config.plugins_max });
        }
        let bytes = self.0.disk_bytes.load(Ordering::Relaxed) + (manifest.len() + component.len()) as u64;
        if bytes > config.disk_bytes_max {
            return Err(ChangeError::Disk { bytes, bytes_max: config.disk_bytes_max });
        }
        let digests = {
            let (plugins, plugin, version) = (self.clone(), plugin.clone(), version.clone());
            let written = tokio::task::spawn_blocking(move || {
                let fresh = plugins.compiled(parsed, &component)?;
                *plugins.0.fresh.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
                let files = &plugins.0.files;
                Ok(files.write(plugin.as_str(), version.as_str(), &manifest, &component)?)
            });
            written.await.unwrap_or(Err(ChangeError::Record(RecordError::Stopped)))?
        };
        let (hash, manifest_hash) = (name(&digests.component)?, name(&digests.manifest)?);
        let at = self.0.store.now();
        let new = Installed { version, hash, manifest_hash, seq: 0, at, by, denies };
        let runs = known.plugins.get(&plugin).is_some_and(|known| known.current.stands_as(&new));
        // What runs already and could not be loaded before is loaded again.
        let is_whole = self.live().slots.get(&plugin).is_some_and(|slot| slot.current.is_ok());
        if !runs {
            if let Err(error) = self.write(&plugin, new).await {
                // What nobody will name is swept.
                self.reload().await;
                return Err(error);
            }
        } else if !is_whole {
            self.reload().await;
        }
        self.known(plugin.as_str())
    }

    /// Lets the version before run again.
    pub(crate) async fn roll_back(&self, plugin: &str, by: Option<Name>) -> Result<Arc<Known>, ChangeError> {
        let _changing = self.0.changing.lock().await;
        let known = self.known(plugin)?;
        let previous = known.previous.clone();
        let previous = previous.ok_or_else(|| ChangeError::NoPrevious { plugin: plugin.into() })?;
        self.at_least(plugin, previous.version.as_str())?;
        let plugin = self.view().plugins.get_key_value(plugin).map(|(id, _)| id.clone());
        let plugin = plugin.ok_or_else(|| ChangeError::Unknown { plugin: String::new() })?;
        self.write(&plugin, Installed { at: self.0.store.now(), by, ..previous }).await?;
        self.known(plugin.as_str())
    }

    /// Removes a plugin and all that it kept.
    pub(crate) async fn remove(&self, plugin: &str, by: Option<Name>) -> Result<(), ChangeError> {
        let _changing = self.0.changing.lock().await;
        let known = self.view();
        let found = known.plugins.get_key_value(plugin);
        let (plugin, _) = found.ok_or_else(|| ChangeError::Unknown { plugin: plugin.into() })?;
        let (plugin, at, unknown) = (plugin.clone(), self.0.store.now(), Unknown::default());
        self.record(&[PluginRemoved { plugin, at, by, unknown }.into()]).await?;
        self.reload().await;
        Ok(())
    }

    /// Nobody brings in what is below the minimum of headquarters.
    fn at_least(&self, plugin: &str, version: &str) -> Result<(), ChangeError> {
        match self.0.minimums.above(plugin, version) {
            None => Ok(()),
            Some(minimum) => {
                Err(ChangeError::BelowMinimum { plugin: plugin.into(), version: version.into(), minimum })
            }
        }
    }

    async fn write(&self, plugin: &Name, new: Installed) -> Result<(), ChangeError> {
        let event = PluginInstalled {
            plugin: plugin.clone(),
            version: new.version,
            hash: new.hash,
            at: new.at,
            by: new.by,
            manifest_hash: new.manifest_hash,
            denies: new.denies,
            unknown: Unknown::default(),
        };
        self.record(&[event.into()]).await?;
        self.reload().await;
        Ok(())
    }

    fn known(&self, plugin: &str) -> Result<Arc<Known>, ChangeError> {
        self.view().plugin(plugin).cloned().ok_or_else(|| ChangeError::Unknown { plugin: plugin.into() })
    }
}

/// The hooks without whose answer nothing is to be sold.
fn denies(manifest: &Manifest) -> Vec<PluginHook> {
    let hooks = manifest.hooks.iter().filter(|hook| live::denies(manifest, **hook));
    hooks.map(|hook| live::event_hook(*hook)).collect()
}

fn too_long(field: &'static str, found: usize, bytes_max: usize) -> Result<(), ChangeError> {
    if found > bytes_max { Err(ChangeError::TooLong { field, found, bytes_max }) } else { Ok(()) }
}
