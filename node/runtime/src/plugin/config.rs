//! What can be set of plugins.

use aisle_plugin_host::{Grant, Manifest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The most that `plugins_max` may be: what the host's pool of memory is laid out for.
const PLUGINS_CEILING: usize = 256;
/// The most that `component_bytes_max` may be.
pub(super) const COMPONENT_CEILING: usize = 64 << 20;

/// Plugins: how many, how large, and how much of what they did is kept.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Plugins that are installed at the same time, at most.
    pub plugins_max: usize,
    /// The longest component that is taken, in bytes.
    pub component_bytes_max: usize,
    /// The longest `plugin.toml` that is taken, in bytes.
    pub manifest_bytes_max: usize,
    /// Bytes of all installed plugins on disk, previous versions included.
    pub disk_bytes_max: u64,
    /// Calls that are kept whole for each hook of a plugin, so that they can be replayed.
    pub recordings_max: usize,
    /// Bytes of all calls that are kept whole, in memory; the oldest go first.
    pub recordings_bytes_max: usize,
    /// What a plugin may have done by reactions within an hour; what is beyond is dropped and counted.
    pub actions_per_hour_max: u32,
    /// How long an alert of a plugin stands on the staff board, in seconds.
    pub alert_s: u32,
    /// What this store grants to plugins: some of `log`, `clock`, `random`, `catalog`, `stock`, `kv`. A plugin that wants more is neither installed nor loaded. Left out,
    /// everything is granted.
    pub grants: Option<BTreeSet<String>>,
}

/// A setting that cannot be.
#[derive(Debug)]
pub(crate) struct InvalidConfig {
    /// Which.
    pub field: &'static str,
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: &'static str,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            plugins_max: 32,
            component_bytes_max: 8 << 20,
            manifest_bytes_max: 64 << 10,
            disk_bytes_max: 256 << 20,
            recordings_max: 512,
            recordings_bytes_max: 16 << 20,
            actions_per_hour_max: 1000,
            alert_s: 4 * 3600,
            grants: None,
        }
    }
}

impl Config {
    /// What the store grants; everything where it says nothing.
    pub(crate) fn granted(&self) -> Option<BTreeSet<Grant>> {
        let grants = self.grants.as_ref()?;
        Some(Grant::ALL.into_iter().filter(|grant| grants.contains(grant.as_str())).collect())
    }

    /// What a plugin wants and the store does not grant.
    pub(super) fn ungranted(&self, manifest: &Manifest) -> Vec<Grant> {
        let granted = self.granted();
        let is_lacking = |grant: &&Grant| granted.as_ref().is_some_and(|granted| !granted.contains(*grant));
        manifest.grants.iter().filter(is_lacking).copied().collect()
    }

    /// Refuses what cannot be.
    pub(crate) fn validate(&self) -> Result<(), InvalidConfig> {
        let refuse =
            |field, found: usize, expected| Err(InvalidConfig { field, found: found.to_string(), expected });
        let unknown = |grant: &&String| !Grant::ALL.iter().any(|known| known.as_str() == grant.as_str());
        if let Some(found) = self.grants.iter().flatten().find(unknown) {
            let (field, found) = ("grants", format!("with `{found}`"));
            let expected = "some of log, clock, random, catalog, stock, kv";
            return Err(InvalidConfig { field, found, expected });
        }
        if !(1..=PLUGINS_CEILING).contains(&self.plugins_max) {
            return refuse("plugins_max", self.plugins_max, "from 1 to 256");
        }
        if !(1024..=COMPONENT_CEILING).contains(&self.component_bytes_max) {
            return refuse("component_bytes_max", self.component_bytes_max, "from 1024 to 67108864");
        }
        if !(256..=(1 << 20)).contains(&self.manifest_bytes_max) {
            return refuse("manifest_bytes_max", self.manifest_bytes_max, "from 256 to 1048576");
        }
        let one = (self.component_bytes_max + self.manifest_bytes_max) as u64;
        if self.disk_bytes_max < 2 * one {
            let (field, found) = ("disk_bytes_max", self.disk_bytes_max.to_string());
            let expected = "room for two of the longest components";
            return Err(InvalidConfig { field, found, expected });
        }
        if self.recordings_max > 100_000 {
            return refuse("recordings_max", self.recordings_max, "at most 100000");
        }
        if !(1..=ACTIONS_KEPT as u32).contains(&self.actions_per_hour_max) {
            return refuse("actions_per_hour_max", self.actions_per_hour_max as usize, "from 1 to 4096");
        }
        Ok(())
    }
}

/// Actions of one plugin that the node remembers; an hour's must fit.
pub(super) const ACTIONS_KEPT: usize = 4096;
